/* SPDX-License-Identifier: Apache-2.0 */
/* Ops of encoders that return all hidden states and nothing else. */
#include "speech.h"

fv_output speech_states_output(const speech_state *s)
{
	return (fv_output)FV_OUTPUT(.name = "states", .layers = s->shape.layers + 1,
		.dims = s->shape.width, .has_frames = 1);
}

fv_status speech_states_open(
	speech_states *s, fv_ctx *ctx, const char *path, const speech_kind *kind)
{
	fv_status status = speech_open(&s->speech, ctx, path, kind, NULL);
	if (!status)
		s->output = speech_states_output(&s->speech);
	return status;
}

fv_status speech_states_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	const speech_states *s = state;
	(void)ctx;
	speech_fill_info(&s->speech, info);
	info->n_outputs = 1;
	info->outputs = &s->output;
	return FV_OK;
}

int64_t speech_states_frames(const void *state, int32_t output, int64_t n)
{
	const speech_states *s = state;
	(void)output;
	return fv_trunk_frames(s->speech.trunk, n);
}

fv_status speech_states_batch(const void *state, fv_ctx *worker, int32_t output, fv_pack *pack,
	int32_t pooled, float *const *out)
{
	const speech_states *s = state;
	(void)worker;
	(void)output;
	return fv_trunk_batch(s->speech.trunk, pack, s->speech.scaled, pooled, out);
}
