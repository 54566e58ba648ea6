/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `functionals`: statistics over time of acoustic descriptors. It has no weights and is not
 * trained.
 *
 * Output `features` [1, D]: the list in core/docs/functionals.md, after eGeMAPS (Eyben et al.,
 * 2016), for recognising emotions. Output `voice` [1, 2 VOICE]: cepstra of mean spectra, for
 * clustering voices. */
#include "descriptors.h"

typedef struct functionals_state {
	double floor_hz, ceiling_hz; /* parameters */
	frame_plan plan;
	fv_output output[2];
} functionals_state;

enum { FEATURES, VOICES };

static void write_output(int32_t output, column_writer *writer, const frame_plan *plan,
	const frame_rows *rows, float *scratch)
{
	if (output == FEATURES)
		statistics_write(writer, rows, scratch);
	else
		voice_write(writer, plan, rows);
}

/* Gets the column names by writing the statistics of zero frames. */
static fv_status name_columns(functionals_state *s, fv_ctx *ctx, int32_t output, const char *name)
{
	static const frame_rows nothing;
	column_writer writer = {0};
	write_output(output, &writer, &s->plan, &nothing, NULL);
	int32_t dims = writer.n;
	const char **columns = fv_alloc(ctx, (size_t)dims * sizeof *columns);
	writer = (column_writer){.name = fv_alloc(ctx, (size_t)dims * NAME)};
	if (!columns || !writer.name)
		return FV_FAILED;
	write_output(output, &writer, &s->plan, &nothing, NULL);
	for (int32_t i = 0; i < dims; i++)
		columns[i] = writer.name[i];
	s->output[output] = (fv_output)FV_OUTPUT(.name = name, .layers = 1, .dims = dims,
		.columns = columns, .standardize = FV_STANDARDIZE_TRAIN);
	return FV_OK;
}

static fv_status functionals_open(void *state, fv_ctx *ctx, const char *weights)
{
	functionals_state *s = state;
	if (weights)
		return fv_fail(ctx, FV_CONFIG,
			"takes no weights, but '%s' is given: remove the key 'weights'", weights);
	fv_status status = frames_open(&s->plan, ctx, s->floor_hz, s->ceiling_hz);
	if (!status)
		status = name_columns(s, ctx, FEATURES, "features");
	if (!status)
		status = name_columns(s, ctx, VOICES, "voice");
	return status;
}

static fv_status functionals_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	(void)ctx;
	const functionals_state *s = state;
	info->rate_hz = RATE;
	info->min_samples = WINDOW;
	info->n_outputs = 2;
	info->outputs = s->output;
	return FV_OK;
}

static fv_status functionals_encode(const void *state, fv_ctx *worker, int32_t output,
	const float *wave, int64_t n, int32_t pooled, float *out)
{
	(void)pooled; /* there is no output with frames */
	const functionals_state *s = state;
	frame_rows rows;
	fv_status status = frames_describe(&s->plan, worker, wave, n, &rows);
	if (status)
		return status;
	float *scratch = fv_scratch(worker, (size_t)rows.n * sizeof *scratch);
	if (!scratch)
		return FV_FAILED;
	column_writer writer = {.out = out};
	write_output(output, &writer, &s->plan, &rows, scratch);
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_REAL(functionals_state, floor_hz, .name = "floor_hz", .unit = "Hz", .min = 50,
		.max = 300, .def_paper = "75", .doc = "Lowest fundamental frequency to look for."),
	FV_PARAM_REAL(functionals_state, ceiling_hz, .name = "ceiling_hz", .unit = "Hz", .min = 200,
		.max = 1500, .def_paper = "600",
		.doc = "Highest fundamental frequency to look for."),
};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = functionals_open, .info = functionals_info,
	.encode = functionals_encode);

static const fv_descriptor descriptor = FV_ENCODER(.name = "functionals", .version = "1",
	.summary = "Statistics of pitch, voice quality, formants and spectrum over time; needs no "
		   "weights",
	.source = "after eGeMAPS: Eyben et al., IEEE Trans. Affective Computing 7(2) (2016)",
	.licence = "Apache-2.0", .state_size = sizeof(functionals_state), FV_PARAMS(params),
	.ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
