/* SPDX-License-Identifier: Apache-2.0 */
/* MP3 is read to its end, whatever its header says or does not say, and a part of one is never
 * taken for the whole. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sndfile.h>

#include "base/file.h"
#include "base/text.h"
#include "corpus/audio.h"

/* The file names and numbers of samples that ffmpeg and mpg123 agree on. */
static const struct {
	const char *name;
	int64_t n;
	int32_t rate_hz;
} shared[] = {
	{"vbr_noxing.mp3", 95616, 44100},
	{"h_sp_sil_noxing.mp3", 271872, 44100},
	{"h_sil_sp_noxing.mp3", 271872, 44100},
	{"cbr.mp3", 95616, 44100},
	{"m_22050_64.mp3", 48384, 22050},
	{"vbr.mp3", 93459, 44100},
};

static void check_length(fv_ctx *ctx, const char *path, int64_t n, int32_t rate_hz)
{
	core_wave wave;
	double seconds;
	test_ok(ctx, core_audio_read(ctx, path, 0, 0, &wave));
	assert_int_equal(wave.n, n);
	assert_int_equal(wave.rate_hz, rate_hz);
	core_wave_free(&wave);
	test_ok(ctx, core_audio_seconds(ctx, path, &seconds));
	test_close(seconds, (double)n / rate_hz, 1e-15);
}

static void check_refused(fv_ctx *ctx, const char *path, const char *reason)
{
	core_wave wave;
	double seconds;
	const char *message = core_format(ctx, "%s: %s", path, reason);
	test_fails(ctx, core_audio_read(ctx, path, 0, 0, &wave), FV_DATA, message);
	assert_null(wave.sample);
	test_fails(ctx, core_audio_seconds(ctx, path, &seconds), FV_DATA, message);
}

static void real_files_are_whole(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
		check_length(ctx, test_shared(core_format(ctx, "cases/audio/%s", shared[i].name)),
			shared[i].n, shared[i].rate_hz);
	check_refused(ctx, test_shared("cases/audio/vbr_xing_trunc.mp3"),
		"damaged or cut short: 42624 of 95616 samples");
	core_ctx_free(ctx);
}

/* Noise that becomes quieter, so that frames of variable rate differ in size. */
static char *write_mp3(
	fv_ctx *ctx, const char *path, int32_t rate_hz, int channels, int mode, size_t *size)
{
	enum { FRAMES = 20000 };
	SF_INFO info = {.samplerate = rate_hz,
		.channels = channels,
		.format = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
	if (!sf_format_check(&info))
		skip();
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);
	assert_non_null(file);
	sf_command(file, SFC_SET_BITRATE_MODE, &mode, sizeof mode);
	float *x = calloc((size_t)FRAMES * (size_t)channels, sizeof *x);
	assert_non_null(x);
	uint32_t noise = 1;
	for (int i = 0; i < FRAMES * channels; i++) {
		noise = noise * 1664525u + 1013904223u;
		x[i] = ((float)(noise >> 8) / (1 << 24) - 0.5f) * expf(-8.0f * (float)i / FRAMES);
	}
	assert_int_equal(sf_writef_float(file, x, FRAMES), FRAMES);
	sf_close(file);
	free(x);
	char *data;
	test_ok(ctx, core_file_read(ctx, path, 0, &data, size));
	return data;
}

/* Bytes of the first frame of layer III. */
static size_t measure_frame(const char *data)
{
	static const int bitrates[2][15] = {
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}};
	static const int rates[] = {44100, 48000, 32000};
	const unsigned char *p = (const unsigned char *)data;
	int version = (p[1] >> 3) & 3; /* 3: MPEG-1, 2: MPEG-2, 0: 2.5 */
	int rate = rates[(p[2] >> 2) & 3] / (version == 3 ? 1 : version == 2 ? 2 : 4);
	int bytes = (version == 3 ? 144000 : 72000) * bitrates[version != 3][p[2] >> 4] / rate;
	return (size_t)bytes + ((p[2] >> 1) & 1);
}

/* Samples of all frames, of a stream without the frame that states the length. */
static int64_t count_samples(const char *data, size_t size)
{
	int64_t n = 0;
	for (size_t at = 0; at < size; at += measure_frame(data + at))
		n += ((unsigned char)data[at + 1] >> 3 & 3) == 3 ? 1152 : 576;
	return n;
}

static const struct {
	int32_t rate_hz;
	int channels, mode;
} streams[] = {{8000, 1, SF_BITRATE_MODE_VARIABLE}, {11025, 2, SF_BITRATE_MODE_AVERAGE},
	{16000, 1, SF_BITRATE_MODE_CONSTANT}, {22050, 2, SF_BITRATE_MODE_VARIABLE},
	{24000, 1, SF_BITRATE_MODE_VARIABLE}, {32000, 1, SF_BITRATE_MODE_AVERAGE},
	{44100, 2, SF_BITRATE_MODE_VARIABLE}, {48000, 1, SF_BITRATE_MODE_VARIABLE}};

/* With the facts in the first frame the delay of the encoder is trimmed, without them nothing. */
static void streams_without_facts_are_whole(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("mp3"), "x.mp3");
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		size_t size;
		char *data = write_mp3(
			ctx, path, streams[i].rate_hz, streams[i].channels, streams[i].mode, &size);
		bool facts = streams[i].mode != SF_BITRATE_MODE_CONSTANT;
		if (facts)
			check_length(ctx, path, 20000, streams[i].rate_hz);
		size_t first = facts ? measure_frame(data) : 0;
		int64_t n = count_samples(data + first, size - first);
		test_ok(ctx, core_file_write(ctx, path, data + first, size - first));
		check_length(ctx, path, n, streams[i].rate_hz);
		assert_true(n > 20000 && n < 20000 + 4 * 1152);
	}
	core_ctx_free(ctx);
}

struct bench {
	fv_ctx *ctx;
	const char *path;
	char *facts, *plain; /* a stream with the facts, and without them */
	size_t facts_size, plain_size;
	int64_t plain_n; /* its samples */
	core_text file;
};

static struct bench make_bench(void)
{
	struct bench b = {.ctx = test_ctx()};
	b.path = core_path_join(b.ctx, test_folder("mp3"), "x.mp3");
	b.facts = write_mp3(b.ctx, b.path, 44100, 1, SF_BITRATE_MODE_VARIABLE, &b.facts_size);
	size_t first = measure_frame(b.facts);
	b.plain = b.facts + first;
	b.plain_size = b.facts_size - first;
	b.plain_n = count_samples(b.plain, b.plain_size);
	return b;
}

static void append(struct bench *b, const void *bytes, size_t size)
{
	size_t n = b->file.size;
	for (size_t i = 0; i < size; i++)
		core_text_add(&b->file, "x");
	assert_false(b->file.failed);
	memcpy(b->file.data + n, bytes, size);
}

static void append_plain(struct bench *b)
{
	append(b, b->plain, b->plain_size);
}

/* Writes what was appended and starts anew. */
static void finish_file(struct bench *b)
{
	test_ok(b->ctx, core_file_write(b->ctx, b->path, b->file.data, b->file.size));
	core_text_free(&b->file);
}

static void tags_are_skipped(void **state)
{
	(void)state;
	struct bench b = make_bench();
	static char zeros[70000];
	char id3v1[128] = "TAGa title", id3v2[10] = "ID3\4\0\0\0\4\11\20"; /* 66704 bytes */
	char ape[32] = "APETAGEX\xd0\7\0\0 \0\0\0";
	append(&b, id3v2, 10);
	append(&b, zeros, 4 * 16384 + 9 * 128 + 16);
	append_plain(&b);
	append(&b, id3v1, 128);
	finish_file(&b);
	check_length(b.ctx, b.path, b.plain_n, 44100);
	append(&b, zeros, 777);
	append_plain(&b);
	append(&b, ape, 32);
	append(&b, id3v1, 128);
	finish_file(&b);
	check_length(b.ctx, b.path, b.plain_n, 44100);
	append(&b, "not of the stream at all", 24);
	append_plain(&b);
	append(&b, zeros, 3000);
	finish_file(&b);
	check_length(b.ctx, b.path, b.plain_n, 44100);
	append_plain(&b);
	append(&b, "short remark", 12);
	finish_file(&b);
	check_length(b.ctx, b.path, b.plain_n, 44100);
	core_ctx_free(b.ctx);
}

/* Files that were joined: each part is decoded with its own facts. */
static void joined_files_are_whole(void **state)
{
	(void)state;
	struct bench b = make_bench();
	char id3v1[128] = "TAGa title";
	append(&b, b.facts, b.facts_size);
	append(&b, id3v1, 128);
	append(&b, b.facts, b.facts_size);
	finish_file(&b);
	check_length(b.ctx, b.path, 40000, 44100);
	append_plain(&b);
	append_plain(&b);
	finish_file(&b);
	check_length(b.ctx, b.path, 2 * b.plain_n, 44100);
	append(&b, b.facts, b.facts_size);
	append_plain(&b);
	finish_file(&b);
	check_length(b.ctx, b.path, 2 * b.plain_n, 44100);
	size_t size;
	const char *other = core_path_join(b.ctx, test_folder("mp3"), "y.mp3");
	char *slow = write_mp3(b.ctx, other, 16000, 1, SF_BITRATE_MODE_CONSTANT, &size);
	append_plain(&b);
	append(&b, slow, size);
	finish_file(&b);
	check_refused(b.ctx, b.path,
		core_format(b.ctx,
			"changes at byte %zu from 44100 Hz and 1 channel to 16000 Hz and 1 channel",
			b.plain_size));
	core_ctx_free(b.ctx);
}

static void parts_are_refused(void **state)
{
	(void)state;
	struct bench b = make_bench();
	append(&b, b.plain, b.plain_size - 20);
	finish_file(&b);
	check_refused(b.ctx, b.path, "cut short: ");
	append(&b, b.facts, b.facts_size - 20);
	finish_file(&b);
	check_refused(b.ctx, b.path,
		core_format(b.ctx, "damaged or cut short: %lld of %lld samples",
			(long long)b.plain_n - 1152, (long long)b.plain_n));
	size_t frame = measure_frame(b.plain);
	append(&b, b.plain, frame);
	append(&b, b.plain + 2 * frame - 50, b.plain_size - 2 * frame + 50);
	finish_file(&b);
	check_refused(b.ctx, b.path, "damaged: ");
	append(&b, b.plain, 1500);
	append(&b, b.plain + 1550, b.plain_size - 1550);
	finish_file(&b);
	check_refused(b.ctx, b.path, "damaged: ");
	append_plain(&b);
	for (int i = 0; i < 500; i++)
		append(&b, "no frame. ", 10);
	finish_file(&b);
	check_refused(b.ctx, b.path, "damaged or cut short: the last 5000 bytes, from byte ");
	append(&b, "Entry not found", 15);
	finish_file(&b);
	check_refused(b.ctx, b.path, "no recording but text: 'Entry not found'");
	append(&b, "\1\2\3\4\5\6\7\10\11", 9);
	finish_file(&b);
	check_refused(b.ctx, b.path, "no frames of MP3 are in it");
	core_ctx_free(b.ctx);
}

/* A cut or a segment gives the same samples as the whole. */
static void parts_equal_the_whole(void **state)
{
	(void)state;
	struct bench b = make_bench();
	append_plain(&b);
	finish_file(&b);
	core_wave whole, part;
	test_ok(b.ctx, core_audio_read(b.ctx, b.path, 0, 0, &whole));
	test_ok(b.ctx, core_audio_read(b.ctx, b.path, 0, 0.25, &part));
	assert_int_equal(part.n, 11025);
	assert_memory_equal(part.sample, whole.sample, 11025 * sizeof(float));
	core_wave_free(&part);
	core_segment segment = {.start = 0.1, .end = 0.3};
	test_ok(b.ctx, core_audio_read_segment(b.ctx, b.path, &segment, 0, 0, &part));
	assert_int_equal(part.n, 8820);
	assert_memory_equal(part.sample, whole.sample + 4410, 8820 * sizeof(float));
	core_wave_free(&part);
	core_wave_free(&whole);
	core_ctx_free(b.ctx);
}

/* Puts the facts in front of the plain stream in another form: a header of its own, or a changed one. */
static void check_facts(struct bench *b, const char *frame, size_t size, int64_t n)
{
	append(b, frame, size);
	append_plain(b);
	finish_file(b);
	check_length(b->ctx, b->path, n, 44100);
}

/* Fraunhofer's encoders state the length in a frame that libmpg123 would decode. */
static void vbri_is_no_sound(void **state)
{
	(void)state;
	struct bench b = make_bench();
	size_t size = measure_frame(b.facts);
	uint32_t frames = (uint32_t)(b.plain_n / 1152);
	char *frame = core_alloc(b.ctx, size, 1);
	memcpy(frame, b.facts, 4);
	memcpy(frame + 36, "VBRI\0\1", 6);
	for (int i = 0; i < 4; i++)
		frame[50 + i] = (char)(frames >> (24 - 8 * i) & 0xff);
	check_facts(&b, frame, size, b.plain_n);
	frame[53]++; /* counts itself */
	check_facts(&b, frame, size, b.plain_n);
	append(&b, frame, size);
	append(&b, b.plain, measure_frame(b.plain));
	finish_file(&b);
	check_refused(b.ctx, b.path, "damaged or cut short: 1152 of ");
	core_ctx_free(b.ctx);
}

/* Without a delay that the header states nothing is trimmed; a padding shorter than the delay of the
 * decoder does not lengthen the recording. */
static void stated_delay_is_trimmed(void **state)
{
	(void)state;
	struct bench b = make_bench();
	size_t size = measure_frame(b.facts);
	char *frame = core_alloc(b.ctx, size, 1);
	memcpy(frame, b.facts, size);
	char *lame = memmem(frame, size, "LAME", 4);
	assert_non_null(lame);
	memset(lame, 0, 24);
	check_facts(&b, frame, size, b.plain_n);
	memcpy(lame, "LAME", 4);
	check_facts(&b, frame, size, b.plain_n);
	memcpy(lame + 21, "\x24\0\x64", 3); /* 576 samples, and 100 */
	check_facts(&b, frame, size, b.plain_n - 576 - 529);
	memcpy(lame + 21, "\x24\x03\xe8", 3); /* 576, and 1000 */
	check_facts(&b, frame, size, b.plain_n - 576 - 1000);
	core_ctx_free(b.ctx);
}

/* libsndfile would read such a file up to a length that it guesses. */
static void mp3_in_wave_is_whole(void **state)
{
	(void)state;
	struct bench b = make_bench();
	char header[58] =
		"RIFF\0\0\0\0WAVEfmt \x1e\0\0\0\x55\0\1\0\x44\xac\0\0\0\x40\0\0\1\0\0\0\x0c";
	memcpy(header + 50, "data", 4);
	for (int i = 0; i < 4; i++) {
		header[4 + i] = (char)((b.plain_size + 50) >> 8 * i & 0xff);
		header[54 + i] = (char)(b.plain_size >> 8 * i & 0xff);
	}
	check_facts(&b, header, sizeof header, b.plain_n);
	append(&b, header, sizeof header);
	append(&b, b.plain, b.plain_size / 2);
	finish_file(&b);
	check_refused(b.ctx, b.path,
		core_format(b.ctx, "damaged or cut short: %zu of %zu bytes of samples",
			b.plain_size / 2, b.plain_size));
	memset(header + 54, 0xff, 4);
	check_facts(&b, header, sizeof header, b.plain_n);
	core_ctx_free(b.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_files_are_whole),
		cmocka_unit_test(streams_without_facts_are_whole),
		cmocka_unit_test(tags_are_skipped),
		cmocka_unit_test(joined_files_are_whole),
		cmocka_unit_test(parts_are_refused),
		cmocka_unit_test(parts_equal_the_whole),
		cmocka_unit_test(vbri_is_no_sound),
		cmocka_unit_test(stated_delay_is_trimmed),
		cmocka_unit_test(mp3_in_wave_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
