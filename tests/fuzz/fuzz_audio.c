/* SPDX-License-Identifier: Apache-2.0 */
/* A recording: its length, and the samples of the whole and of a segment at another rate, which must be finite. The last
 * byte chooses the rate. */
#include <math.h>

#include "corpus/audio.h"
#include "fuzz.h"

static void read_wave(const char *path, const core_segment *segment, int32_t rate_hz)
{
	fv_ctx *ctx = core_ctx_new();
	core_wave wave;
	fv_status status = core_audio_read_segment(ctx, path, segment, rate_hz, 2, &wave);
	fuzz_check_status(ctx, status);
	if (!status) {
		fuzz_require(wave.n > 0 && wave.n <= 2 * (int64_t)wave.rate_hz,
			"none or too many samples");
		for (int64_t i = 0; i < wave.n; i++)
			fuzz_require(isfinite(wave.sample[i]), "a sample that is not finite");
		core_wave_free(&wave);
	}
	core_ctx_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int32_t rates[] = {16000, 8000, 22050, 44100};
	const core_segment segment = {.start = 0.01, .end = 0.05};
	const char *path = fuzz_write_file(data, size);
	int32_t rate_hz = rates[size ? data[size - 1] % 4 : 0];
	fv_ctx *ctx = core_ctx_new();
	double seconds;
	fv_status status = core_audio_seconds(ctx, path, &seconds);
	fuzz_check_status(ctx, status);
	fuzz_require(status || (isfinite(seconds) && seconds >= 0), "a length that is none");
	core_ctx_free(ctx);
	read_wave(path, NULL, rate_hz);
	read_wave(path, &segment, rate_hz);
	return 0;
}
