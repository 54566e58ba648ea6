/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parts.h"

/* --- reading --- */

struct source {
	const fv_checkpoint *file;
	const speech_place *place;
	const fv_trunk_shape *shape;
	speech_report *report;
};

static fv_status check_finite(const struct source *s, const fv_tensor *t, const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(x[i])) {
			speech_report_fault(s->report, FV_DATA,
				"tensor '%s': element %lld is not a finite number", t->name,
				(long long)i);
			return FV_DATA;
		}
	return FV_OK;
}

/* Bytes per number of a type; the census accepted no other types. */
static size_t dtype_size(const char *dtype)
{
	return !strcmp(dtype, "F64") ? 8 : !strcmp(dtype, "F32") ? 4 : 2;
}

static fv_status read_tensor(
	void *user, fv_ctx *ctx, fv_trunk_tensor tensor, int32_t index, float *out)
{
	const struct source *s = user;
	int32_t part;
	const fv_tensor *t = speech_find_tensor(s->file, s->place, tensor, index, &part);
	fv_tensor view = *t;
	if (part >= 0) {
		view.count /= 3;
		view.data = (const unsigned char *)t->data +
			    (size_t)(part * view.count) * dtype_size(t->dtype);
	}
	fv_status status = fv_tensor_to_f32(ctx, &view, out);
	fv_checkpoint_release(s->file, &view);
	return status ? status : check_finite(s, t, out, view.count);
}

static fv_status read_extra(
	const struct source *s, fv_ctx *ctx, const speech_kind *kind, float **extra)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < kind->n_extra && !status; i++) {
		const fv_tensor *t = speech_find_extra(s->file, s->place, kind->extra[i].name);
		extra[i] = fv_alloc(ctx, (size_t)t->count * sizeof **extra);
		status = extra[i] ? fv_tensor_to_f32(ctx, t, extra[i]) : FV_FAILED;
		if (!status)
			status = check_finite(s, t, extra[i], t->count);
	}
	return status;
}

/* --- opening --- */

/* Finds the sizes of the network and takes the census. */
static void check_file(speech_report *report, const fv_checkpoint *file, const speech_place *place,
	const speech_facts *facts, const speech_kind *kind, int32_t heads, fv_trunk_shape *shape)
{
	speech_facts_check(report, facts, kind);
	speech_find_shape(report, file, place, facts, kind, heads, shape);
	if (!report->status)
		speech_check_census(report, file, place, kind, shape);
}

/* Writes what the features depend on besides the weights; it becomes part of the cache key. */
static void write_identity(speech_state *s)
{
	const fv_trunk_shape *h = &s->shape;
	int n = snprintf(s->identity, sizeof s->identity,
		"layers %d heads %d norm_each %d norm_first %d groups %d buckets %d distance %d "
		"eps %.9g scaled %d steps",
		h->layers, h->heads, h->norm_each, h->norm_first, h->position_groups, h->buckets,
		h->max_distance, h->eps, s->scaled);
	for (int32_t i = 0; i < h->convs; i++)
		n += snprintf(s->identity + n, sizeof s->identity - (size_t)n, " %d", h->step[i]);
}

static void decide_scaling(speech_state *s, const speech_kind *kind, const speech_facts *facts)
{
	s->scaled = kind->scaled || speech_get_fact(facts, SPEECH_SCALED, s->shape.norm_each);
	if (s->wave != SPEECH_WAVE_AUTO)
		s->scaled = s->wave == SPEECH_WAVE_ZSCORE;
	write_identity(s);
}

static fv_status open_file(speech_state *s, fv_ctx *ctx, const char *path,
	const fv_checkpoint *file, const speech_kind *kind, float **extra)
{
	speech_report report = {.ctx = ctx, .path = path};
	speech_place place;
	speech_find_place(&report, file, &place);
	if (report.status)
		return report.status;
	speech_facts *facts = speech_facts_read(&report, file, speech_has_config(&place));
	if (!report.status)
		check_file(&report, file, &place, facts, kind, (int32_t)s->heads, &s->shape);
	if (!report.status)
		decide_scaling(s, kind, facts);
	speech_facts_free(facts);
	if (!report.status && !s->shape.heads)
		speech_report_fault(&report, FV_CONFIG,
			"the number of attention heads cannot be derived from the tensors: put "
			"config.json next to the file, or set the parameter heads");
	if (report.status)
		return report.status;
	speech_note_prefix(ctx, path, &place);
	struct source source = {file, &place, &s->shape, &report};
	fv_status status = fv_trunk_open(
		ctx, &s->shape, (fv_precision)s->precision, read_tensor, &source, &s->trunk);
	return status ? status : read_extra(&source, ctx, kind, extra);
}

fv_status speech_open(
	speech_state *s, fv_ctx *ctx, const char *path, const speech_kind *kind, float **extra)
{
	fv_checkpoint *file;
	fv_status status = fv_checkpoint_open(ctx, path, &file);
	if (status)
		return status;
	status = open_file(s, ctx, path, file, kind, extra);
	fv_checkpoint_close(file);
	return status;
}

bool speech_fits(const fv_checkpoint *file, const speech_kind *kind, fv_trunk_shape *shape)
{
	speech_report report = {.path = ""};
	speech_place place;
	speech_find_place(&report, file, &place);
	if (report.status)
		return false;
	speech_facts *facts = speech_facts_read(&report, file, false);
	if (!report.status)
		check_file(&report, file, &place, facts, kind, 0, shape);
	speech_facts_free(facts);
	return !report.status;
}

/* --- using --- */

void speech_fill_info(const speech_state *s, fv_encoder_info *info)
{
	info->rate_hz = 16000;
	info->min_samples = (int32_t)fv_trunk_min_samples(s->trunk);
	info->identity = s->identity;
}
