/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is that cannot be read, in words that say what to do, and files of which libsndfile
 * would read a part without a word. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sndfile.h>

#include "base/file.h"
#include "corpus/audio.h"

static void check_refused(fv_ctx *ctx, const char *path, const char *reason)
{
	core_wave wave;
	double seconds;
	const char *message = core_format(ctx, "%s: %s", path, reason);
	test_fails(ctx, core_audio_read(ctx, path, 16000, 0, &wave), FV_DATA, message);
	assert_null(wave.sample);
	fv_status status = core_audio_seconds(ctx, path, &seconds);
	if (status)
		test_fails(ctx, status, FV_DATA, message);
	else
		assert_true(seconds >= 0 && seconds <= 0); /* a header of 0 samples is sound */
}

static const char *const convert = "convert it, for example with ffmpeg -i IN OUT.wav";

static void other_files_are_named(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("kinds");
	static const struct {
		const char *name, *bytes;
		size_t size;
		const char *reason;
	} files[] = {
		{"a.wav",
			"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c9"
			"43f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
			0, "a Git LFS pointer, whose file was not downloaded: run git lfs pull"},
		{"b.wav", "<!DOCTYPE html><html><body>404</body></html>", 0,
			"no recording but an HTML page"},
		{"c.wav", "Entry not found", 0, "no recording but text: 'Entry not found'"},
		{"d.flac", "a recording of a video", 0,
			"no recording but text: 'a recording of a video'"},
		{"e.wav", "\x1f\x8b\x08\0\0\0\0\0\0\0", 10, "no recording but a gzip archive"},
		{"f.wav",
			"\0\0\0\x20"
			"ftypisom\0\0\2\0isomiso2avc1mp41",
			32, "an MP4 video (MPEG-4), which is not read: "},
		{"g.mp3",
			"\0\0\0\x20"
			"ftypM4A \0\0\2\0M4A mp42isom\0\0\0\0",
			32, "an M4A recording (MPEG-4 audio), which is not read: "},
		{"h.mp3", "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c", 16,
			"a Windows Media file (wma, wmv), which is not read: "},
		{"i.ogg", "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webmB\x87\x81\4", 0,
			"a WebM video, which is not read: "},
		{"j.wav", "\xff\xfeH\0e\0l\0l\0o\0", 12, "no recording but text in UTF-16"},
		{"k.wav", "\1\2\3\4\5\6\7\10\11\12\13\14", 12,
			"no recording of any kind that is read"},
		{"l.flac", "fLaC\0\0", 6, "a FLAC recording that is damaged, or coded in a way "},
		{"m.wav", "RIFF\x24\0\0\0WAVE", 12,
			"a WAVE recording, but its header ends before the description of the "
			"samples: "},
		{"n.wav", "", 0, "empty file"},
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const char *path = core_path_join(ctx, dir, files[i].name);
		size_t size = files[i].size ? files[i].size : strlen(files[i].bytes);
		test_ok(ctx, core_file_write(ctx, path, files[i].bytes, size));
		check_refused(ctx, path, files[i].reason);
	}
	core_ctx_free(ctx);
}

static void given_files_are_named(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	check_refused(ctx, test_shared("cases/audio/lfs_pointer.wav"),
		"a Git LFS pointer, whose file was not downloaded: run git lfs pull");
	check_refused(ctx, test_shared("cases/audio/unclosed.wav"),
		"its header says 0 samples, and 67816 bytes follow: ");
	core_ctx_free(ctx);
}

enum { FRAMES = 20000, RATE = 16000, HEADER = 44 };

/* Writes noise and reads the file back. */
static char *write_noise(fv_ctx *ctx, const char *path, int format, size_t *size)
{
	SF_INFO info = {.samplerate = RATE, .channels = 1, .format = format};
	short x[FRAMES];
	uint32_t noise = 1;
	for (int i = 0; i < FRAMES; i++) {
		noise = noise * 1664525u + 1013904223u;
		x[i] = (short)(noise >> 17);
	}
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);
	assert_non_null(file);
	assert_int_equal(sf_writef_short(file, x, FRAMES), FRAMES);
	sf_close(file);
	char *data;
	test_ok(ctx, core_file_read(ctx, path, 0, &data, size));
	return data;
}

static void set_size(char *at, uint32_t size)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(size >> 8 * i & 0xff);
}

static void check_whole(fv_ctx *ctx, const char *path)
{
	core_wave wave;
	test_ok(ctx, core_audio_read(ctx, path, 0, 0, &wave));
	assert_int_equal(wave.n, FRAMES);
	core_wave_free(&wave);
}

/* A chunk that says that it reaches past the samples; libsndfile looks for them inside it. */
static void chunks_of_wave_are_checked(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("kinds"), "list.wav");
	size_t size;
	char *data = write_noise(ctx, path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, &size);
	char *listed = core_alloc(ctx, size + 16, 1);
	memcpy(listed, data, 36);
	memcpy(listed + 36, "LIST\4\0\0\0INFO", 12);
	memcpy(listed + 48, data + 36, size - 36);
	test_ok(ctx, core_file_write(ctx, path, listed, size + 12));
	check_whole(ctx, path);
	set_size(listed + 40, (uint32_t)size);
	test_ok(ctx, core_file_write(ctx, path, listed, size + 12));
	check_refused(ctx, path,
		"damaged: a chunk in front of its samples says that it is longer than the file");
	/* a first chunk of samples of one sample, and a second one; libsndfile reads the second */
	data = write_noise(ctx, path, SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG, &size);
	memcpy(listed, data, 36);
	memcpy(listed + 36, "data\0\0\0\2\0\1", 10);
	memcpy(listed + 46, data + 36, size - 36);
	memset(listed + size + 10, 0, 6); /* with more bytes behind it */
	test_ok(ctx, core_file_write(ctx, path, listed, size + 16));
	check_refused(ctx, path,
		"a WAVE recording, but it has a second chunk of samples, from byte 46 on");
	core_ctx_free(ctx);
}

static void headers_of_wave_are_checked(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("kinds"), "x.wav");
	size_t size;
	char *data = write_noise(ctx, path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, &size);
	assert_int_equal(size, HEADER + 2 * FRAMES);
	static const uint32_t endless[] = {0xffffffff, 0x7fffffff, 0x7ffff000, 0xffffff00};
	for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) {
		set_size(data + 4, endless[i]);
		set_size(data + 40, endless[i]);
		test_ok(ctx, core_file_write(ctx, path, data, size));
		check_whole(ctx, path);
	}
	for (uint32_t riff = 0; riff <= 36; riff += 36) {
		set_size(data + 4, riff);
		set_size(data + 40, 0);
		test_ok(ctx, core_file_write(ctx, path, data, size));
		check_refused(ctx, path, "its header says 0 samples, and 40000 bytes follow: ");
	}
	test_ok(ctx, core_file_write(ctx, path, data, HEADER));
	check_refused(ctx, path, "0 samples");
	set_size(data + 4, 36 + 10000);
	set_size(data + 40, 10000);
	test_ok(ctx, core_file_write(ctx, path, data, size));
	check_refused(ctx, path,
		"its header says 10000 bytes of samples, and 30000 more bytes follow that are "
		"nothing known: ");
	set_size(data + 4, (uint32_t)size - 8);
	set_size(data + 40, 2 * FRAMES);
	char *tagged = core_alloc(ctx, size + 128, 1);
	memcpy(tagged, data, size);
	memcpy(tagged + size, "TAG", 3);
	test_ok(ctx, core_file_write(ctx, path, tagged, size + 128));
	check_whole(ctx, path);
	memcpy(data + 20, "\x55\0", 2);
	test_ok(ctx, core_file_write(ctx, path, data, size));
	check_refused(ctx, path, "no frames of MP3 are in it: damaged, or no MP3");
	memcpy(data + 20, "\xff\0", 2);
	test_ok(ctx, core_file_write(ctx, path, data, size));
	check_refused(ctx, path,
		core_format(ctx,
			"a WAVE recording, but its samples are coded as AAC (0x00ff), which is not "
			"read in WAVE: %s",
			convert));
	core_ctx_free(ctx);
}

/* libsndfile reads the first of several streams and says nothing of the others. */
static void joined_streams_are_refused(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const struct {
		const char *name;
		int format;
		const char *kind;
	} files[] = {{"x.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, "Ogg"},
		{"x.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, "Ogg"},
		{"x.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, "FLAC"}};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const char *path = core_path_join(ctx, test_folder("kinds"), files[i].name);
		size_t size;
		char *data = write_noise(ctx, path, files[i].format, &size);
		check_whole(ctx, path);
		char *joined = core_alloc(ctx, 2 * size, 1);
		memcpy(joined, data, size);
		memcpy(joined + size, data, size);
		test_ok(ctx, core_file_write(ctx, path, joined, 2 * size));
		check_refused(ctx, path,
			core_format(ctx,
				"2 %s streams one after the other, the %s from byte %zu on",
				files[i].kind, i < 2 ? "second" : "last", size));
	}
	core_ctx_free(ctx);
}

/* FLAC from a pipe does not know its length, and says 0. */
static void flac_without_length_is_whole_or_refused(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("kinds"), "x.flac");
	size_t size;
	char *data = write_noise(ctx, path, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, &size);
	data[21] &= (char)0xf0; /* 36 bits of samples, behind rate, channels and bits */
	memset(data + 22, 0, 4);
	test_ok(ctx, core_file_write(ctx, path, data, size));
	check_whole(ctx, path);
	double seconds;
	test_ok(ctx, core_audio_seconds(ctx, path, &seconds));
	test_close(seconds, (double)FRAMES / RATE, 1e-15);
	test_ok(ctx, core_file_write(ctx, path, data, size - 100));
	check_refused(ctx, path, "damaged or cut short: its last frame is not whole");
	core_ctx_free(ctx);
}

/* No decoder may write to stderr, where its words have no file name. */
static void decoders_are_quiet(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("kinds"), *caught = core_path_join(ctx, dir, "stderr");
	const char *path = core_path_join(ctx, dir, "x.mp3");
	char bytes[5000];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * i * 7919 >> 3);
	test_ok(ctx, core_file_write(ctx, path, bytes, sizeof bytes));
	fflush(stderr);
	int kept = dup(2), file = open(caught, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(kept >= 0 && file >= 0 && dup2(file, 2) == 2);
	core_wave wave;
	fv_status noise = core_audio_read(ctx, path, 0, 0, &wave);
	fv_status cut =
		core_audio_read(ctx, test_shared("cases/audio/vbr_xing_trunc.mp3"), 0, 0, &wave);
	fflush(stderr);
	dup2(kept, 2);
	close(kept);
	close(file);
	assert_int_equal(noise, FV_DATA);
	assert_int_equal(cut, FV_DATA);
	char *text;
	size_t size;
	test_ok(ctx, core_file_read(ctx, caught, 0, &text, &size));
	assert_string_equal(text, "");
	core_ctx_free(ctx);
}

static char *write_bytes(
	fv_ctx *ctx, const char *path, const char *a, size_t n_a, const char *b, size_t n_b)
{
	char *all = core_alloc(ctx, n_a + n_b + 1, 1);
	memcpy(all, a, n_a);
	memcpy(all + n_a, b, n_b);
	test_ok(ctx, core_file_write(ctx, path, all, n_a + n_b));
	return all;
}

/* RF64 states the size of its samples in a chunk of its own, with 64 bits. */
static void sizes_of_rf64_are_checked(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("kinds"), "x.wav");
	size_t size;
	char *data = write_noise(ctx, path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, &size);
	char start[80] = "RF64\xff\xff\xff\xffWAVEds64\x1c";
	memcpy(start + 48, data + 12, 32); /* fmt and data */
	memset(start + 76, 0xff, 4);
	set_size(start + 28, 2 * FRAMES);
	set_size(start + 36, FRAMES);
	write_bytes(ctx, path, start, sizeof start, data + HEADER, 2 * FRAMES);
	check_whole(ctx, path);
	write_bytes(ctx, path, start, sizeof start, data + HEADER, FRAMES);
	check_refused(ctx, path, "damaged or cut short: 20000 of 40000 bytes of samples");
	set_size(start + 28, 10000);
	write_bytes(ctx, path, start, sizeof start, data + HEADER, 2 * FRAMES);
	check_refused(ctx, path,
		"its header says 10000 bytes of samples, and 30000 more bytes follow that are "
		"nothing known: ");
	core_ctx_free(ctx);
}

static void joined_and_tagged_wave_is_named(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("kinds"), "x.wav");
	size_t size;
	char *data = write_noise(ctx, path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, &size);
	write_bytes(ctx, path, data, size, data, size);
	check_refused(
		ctx, path, "a WAVE recording, but another WAVE file follows from byte 40044 on: ");
	write_bytes(ctx, path, data, size, data + 36, size - 36);
	check_refused(ctx, path,
		"a WAVE recording, but it has a second chunk of samples, from byte 40044 on: ");
	write_bytes(ctx, path, "ID3\3\0\0\0\0\0\12\0\0\0\0\0\0\0\0\0\0", 20, data, size);
	check_refused(ctx, path, "an ID3v2 tag is in front of its WAVE header: ");
	write_noise(ctx, path, SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG, &size);
	check_whole(ctx, path);
	core_ctx_free(ctx);
}

/* Containers whose header says where they end. */
static void bytes_beyond_the_header_are_refused(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const struct {
		const char *name;
		int format;
	} files[] = {{"x.sph", SF_FORMAT_NIST | SF_FORMAT_PCM_16},
		{"x.au", SF_FORMAT_AU | SF_FORMAT_PCM_16},
		{"x.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16}};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const char *path = core_path_join(ctx, test_folder("kinds"), files[i].name);
		size_t size;
		char *data = write_noise(ctx, path, files[i].format, &size);
		check_whole(ctx, path);
		write_bytes(ctx, path, data, size, data, size);
		check_refused(ctx, path,
			core_format(ctx, "its header says %zu bytes, and %zu more bytes follow: ",
				size, size));
	}
	const char *path = core_path_join(ctx, test_folder("kinds"), "x.sph");
	size_t size;
	char *data = write_noise(ctx, path, SF_FORMAT_NIST | SF_FORMAT_PCM_16, &size);
	test_ok(ctx, core_file_write(ctx, path, data, size - 100));
	check_refused(
		ctx, path, "damaged or cut short: its header says 41024 bytes, the file has 40924");
	memset(data, ' ', 1024);
	strcpy(data, "NIST_1A\n   1024\nsample_count -i 20000\nsample_n_bytes -i 2\n"
		     "channel_count -i 1\nsample_rate -i 16000\n"
		     "sample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n");
	test_ok(ctx, core_file_write(ctx, path, data, size));
	check_refused(ctx, path,
		core_format(ctx,
			"a NIST SPHERE recording, but its samples are compressed by shorten, which "
			"is not read: %s",
			convert));
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_files_are_named),
		cmocka_unit_test(given_files_are_named),
		cmocka_unit_test(chunks_of_wave_are_checked),
		cmocka_unit_test(headers_of_wave_are_checked),
		cmocka_unit_test(joined_streams_are_refused),
		cmocka_unit_test(flac_without_length_is_whole_or_refused),
		cmocka_unit_test(decoders_are_quiet),
		cmocka_unit_test(sizes_of_rf64_are_checked),
		cmocka_unit_test(joined_and_tagged_wave_is_named),
		cmocka_unit_test(bytes_beyond_the_header_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
