/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that does not give some bytes of a recording: each read of it fails in turn. Decoders take that for the end of
 * the file, or for a part that is not there; the samples must never be used. */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sndfile.h>

#include "base/path.h"
#include "corpus/audio.h"

#define FRAMES 40000

static int n_reads, failing, reason;

/* Takes the place of the C library's for the libraries, too. */
#pragma GCC visibility push(default)
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the C library's names are reserved */
ssize_t pread(int fd, void *to, size_t n, off_t at)
{
	if (++n_reads != failing)
		return syscall(SYS_pread64, fd, to, n, at);
	errno = reason;
	return -1;
}
#pragma GCC visibility pop

static void write_recording(const char *path, int format)
{
	static float x[FRAMES];
	SF_INFO info = {.samplerate = 16000, .channels = 1, .format = format};
	for (int i = 0; i < FRAMES; i++)
		x[i] = (float)(i % 200 - 100) / 200;
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);
	assert_non_null(file);
	assert_int_equal(sf_writef_float(file, x, FRAMES), FRAMES);
	sf_close(file);
}

/* Each read of a recording fails once, and no samples and no length are given. */
static void check_reads(const char *path, int format, int how)
{
	core_wave wave;
	double seconds;
	write_recording(path, format);
	reason = how;
	for (int i = 1, left = 1; left; i++) {
		fv_ctx *ctx = test_ctx();
		failing = i;
		n_reads = 0;
		fv_status status = core_audio_read(ctx, path, 16000, 0, &wave);
		left = n_reads >= i;
		if (left) {
			if (how == EIO)
				test_fails(ctx, status, FV_FAILED, strerror(how));
			assert_int_not_equal(status, FV_OK);
			assert_null(wave.sample);
		} else {
			test_ok(ctx, status);
			assert_true(i > 2);
			core_wave_free(&wave);
		}
		core_error_clear(ctx);
		n_reads = 0;
		status = core_audio_seconds(ctx, path, &seconds);
		assert_int_equal(status != FV_OK, n_reads >= i);
		core_ctx_free(ctx);
	}
	failing = 0;
}

static void refuses_unread_recordings(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int format;
	} files[] = {
		{"x.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
		{"x.rf64", SF_FORMAT_RF64 | SF_FORMAT_PCM_16},
		{"x.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
		{"x.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_24},
		{"x.au", SF_FORMAT_AU | SF_FORMAT_FLOAT},
		{"x.caf", SF_FORMAT_CAF | SF_FORMAT_FLOAT},
		{"x.w64", SF_FORMAT_W64 | SF_FORMAT_DOUBLE},
		{"x.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
	};
	fv_ctx *ctx = test_ctx();
	const char *folder = test_folder("audio_disk");
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const char *path = core_path_join(ctx, folder, files[i].name);
		check_reads(path, files[i].format, ESTALE);
		check_reads(path, files[i].format,
			EIO); /* which is remembered, and told from then on */
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(refuses_unread_recordings)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
