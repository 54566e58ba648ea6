/* SPDX-License-Identifier: Apache-2.0 */
/* How long encoding takes: on the CPU from three recordings, on a device from a sample that it encodes. */
#include "base/clock.h"
#include "run/estimate.h"
#include "run/pipeline.h"

enum { SAMPLE = 64 }; /* recordings of a sample, at most */

/* --- on the CPU --------------------------------------------------------------------------------- */

static fv_status time_recordings(
	fv_ctx *ctx, const core_encoder *e, const core_recordings *r, double *each_s)
{
	float *value = core_alloc(ctx, (size_t)e->layers * (size_t)e->dims, sizeof *value);
	if (!value)
		return FV_FAILED;
	const int64_t pick[] = {0, r->n / 2, r->n - 1};
	double begin = core_clock_s();
	for (int i = 0; i < 3; i++) {
		fv_status status = core_encoder_encode_file(
			ctx, e, r->path[pick[i]], core_recording_segment(r, pick[i]), value, NULL);
		if (status)
			return status;
	}
	*each_s = (core_clock_s() - begin) / 3;
	return FV_OK;
}

/* The same of an encoder for a device, which is opened here for it. One that only the device can compute, for
 * example for its precision, has no time on the CPU. */
static void time_without_device(
	fv_ctx *ctx, const core_encoder *e, const core_recordings *r, double *each_s)
{
	core_encoder *here;
	fv_ctx *own = core_ctx_aside(ctx);
	if (own && !core_encoder_open_again(own, e, &here)) {
		if (time_recordings(own, here, r, each_s))
			*each_s = 0;
		core_encoder_close(here);
	}
	core_ctx_free(own);
}

/* --- on a device -------------------------------------------------------------------------------- */

struct sample {
	fv_ctx *ctx;
	const core_encoder *encoder;
	const core_recordings *recordings;
	int64_t n;
};

static int64_t find_row(const struct sample *s, int64_t task)
{
	return task * s->recordings->n / s->n;
}

static fv_status read_recording(void *user, fv_ctx *ctx, int64_t task, core_wave *out)
{
	const struct sample *s = user;
	const core_recordings *r = s->recordings;
	int64_t row = find_row(s, task);
	return core_audio_read_segment(ctx, r->path[row], core_recording_segment(r, row),
		s->encoder->info.rate_hz, s->encoder->spec->max_seconds, out);
}

static const char *name_recording(void *user, fv_ctx *ctx, int64_t task)
{
	const struct sample *s = user;
	(void)ctx;
	return s->recordings->path[find_row(s, task)];
}

static fv_status drop_result(
	void *user, fv_ctx *ctx, int64_t task, const float *data, int64_t count, bool silent)
{
	(void)user, (void)ctx, (void)task, (void)data, (void)count, (void)silent;
	return FV_OK;
}

static void note_failure(void *user, int64_t task, fv_status status, const char *reason)
{
	const struct sample *s = user;
	if (status)
		core_recording_report_failure(
			s->ctx, status, s->recordings->path[find_row(s, task)], reason);
}

static fv_status time_sample(struct sample *s, int64_t n, int jobs, double *seconds)
{
	s->n = n;
	const core_pipeline pipeline = {.encoder = s->encoder,
		.jobs = jobs,
		.tasks = n,
		.user = s,
		.read = read_recording,
		.name = name_recording,
		.put = drop_result,
		.ended = note_failure};
	int64_t failed;
	double begin = core_clock_s();
	fv_status status = core_pipeline_run(s->ctx, &pipeline, &failed);
	*seconds = core_clock_s() - begin;
	return !status && failed ? core_error_status(s->ctx) : status;
}

/* Opening device and encoder takes as long as one recording; what each costs is seen from more of them. */
static fv_status time_device(fv_ctx *ctx, const core_encoder *e, const core_recordings *r, int jobs,
	core_encoding_cost *out)
{
	struct sample s = {.ctx = ctx, .encoder = e, .recordings = r};
	int64_t n = r->n < SAMPLE ? r->n : SAMPLE;
	double all_s = 0;
	fv_status status = time_sample(&s, 1, jobs, &out->open_s);
	if (!status && n > 1)
		status = time_sample(&s, n, jobs, &all_s);
	if (!status && all_s > out->open_s)
		out->device_s = (all_s - out->open_s) / (double)(n - 1);
	return status;
}

fv_status core_estimate_encoding(fv_ctx *ctx, const core_study *study,
	const core_encoding *encoding, int jobs, core_encoding_cost *out)
{
	const core_recordings *r = &study->set[encoding->set].recordings;
	const core_encoder *e = encoding->encoder;
	*out = (core_encoding_cost){0};
	if (e->info.by_name || !r->n)
		return FV_OK;
	if (!e->device)
		return time_recordings(ctx, e, r, &out->cpu_s);
	time_without_device(ctx, e, r, &out->cpu_s);
	return time_device(ctx, e, r, jobs, out);
}
