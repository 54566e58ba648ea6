/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the tensors in Hugging Face's transformers, fairseq and torchaudio. %d is the number of
 * the convolution or layer. */
#include <stdio.h>
#include <string.h>

#include "parts.h"

enum { WAYS = 2, PREFIXES = 5, HEADS = 16 };

struct naming {
	const char *prefix[PREFIXES]; /* of published files, which are not worth a note */
	const char *name[FV_TRUNK_TENSORS][WAYS];
	const char *joined_weight, *joined_bias; /* of queries, keys and values */
	const char *mask;                        /* embedding of masked frames */
	const char *heads[HEADS];                /* see fv_checkpoint_is_beside */
};

#define BOTH(tensor, text)                                                                         \
	[FV_TRUNK_##tensor##_WEIGHT] = {text ".weight"}, [FV_TRUNK_##tensor##_BIAS] = {text ".bia" \
											    "s"}

/* Hugging Face, transformers: WavLMModel, Wav2Vec2Model, HubertModel, and models built on them. */
static const struct naming hugging_face = {
	.prefix = {"", "wavlm.", "wav2vec2.", "hubert.", NULL},
	.name =
		{
			BOTH(CONV, "feature_extractor.conv_layers.%d.conv"),
			BOTH(CONV_NORM, "feature_extractor.conv_layers.%d.layer_norm"),
			BOTH(FEATURE_NORM, "feature_projection.layer_norm"),
			BOTH(PROJECTION, "feature_projection.projection"),
			[FV_TRUNK_POSITION_GAIN] = {"encoder.pos_conv_embed.conv.weight_g",
				"encoder.pos_conv_embed.conv.parametrizations.weight.original0"},
			[FV_TRUNK_POSITION_WEIGHT] = {"encoder.pos_conv_embed.conv.weight_v",
				"encoder.pos_conv_embed.conv.parametrizations.weight.original1"},
			[FV_TRUNK_POSITION_BIAS] = {"encoder.pos_conv_embed.conv.bias"},
			BOTH(NORM, "encoder.layer_norm"),
			[FV_TRUNK_BUCKETS] = {"encoder.layers.%d.attention.rel_attn_embed.weight"},
			BOTH(QUERY, "encoder.layers.%d.attention.q_proj"),
			BOTH(KEY, "encoder.layers.%d.attention.k_proj"),
			BOTH(VALUE, "encoder.layers.%d.attention.v_proj"),
			BOTH(OUT, "encoder.layers.%d.attention.out_proj"),
			BOTH(ATTENTION_NORM, "encoder.layers.%d.layer_norm"),
			BOTH(INNER, "encoder.layers.%d.feed_forward.intermediate_dense"),
			BOTH(OUTER, "encoder.layers.%d.feed_forward.output_dense"),
			BOTH(FINAL_NORM, "encoder.layers.%d.final_layer_norm"),
			BOTH(GATE, "encoder.layers.%d.attention.gru_rel_pos_linear"),
			[FV_TRUNK_GATE_CONSTANT] =
				{"encoder.layers.%d.attention.gru_rel_pos_const"},
		},
	.mask = "masked_spec_embed",
	/* ForPreTraining; ForCTC; ForSequenceClassification and ForAudioFrameClassification;
	 * ForXVector, whose last linear layers are called feature_extractor and classifier */
	.heads = {"quantizer.*", "project_q.*", "project_hid.*", "lm_head.*", "projector.*",
		"classifier.*", "layer_weights", "tdnn.*", "feature_extractor.weight",
		"feature_extractor.bias", "objective.*"},
};

/* fairseq and s3prl, which uses fairseq's names. */
static const struct naming fairseq = {
	.prefix = {"", "model.", "model_weight.", NULL},
	.name =
		{
			BOTH(CONV, "feature_extractor.conv_layers.%d.0"),
			[FV_TRUNK_CONV_NORM_WEIGHT] = {"feature_extractor.conv_layers.%d.2.weight",
				"feature_extractor.conv_layers.%d.2.1.weight"},
			[FV_TRUNK_CONV_NORM_BIAS] = {"feature_extractor.conv_layers.%d.2.bias",
				"feature_extractor.conv_layers.%d.2.1.bias"},
			BOTH(FEATURE_NORM, "layer_norm"),
			BOTH(PROJECTION, "post_extract_proj"),
			[FV_TRUNK_POSITION_GAIN] = {"encoder.pos_conv.0.weight_g",
				"encoder.pos_conv.0.parametrizations.weight.original0"},
			[FV_TRUNK_POSITION_WEIGHT] = {"encoder.pos_conv.0.weight_v",
				"encoder.pos_conv.0.parametrizations.weight.original1"},
			[FV_TRUNK_POSITION_BIAS] = {"encoder.pos_conv.0.bias"},
			BOTH(NORM, "encoder.layer_norm"),
			[FV_TRUNK_BUCKETS] =
				{"encoder.layers.%d.self_attn.relative_attention_bias.weight"},
			BOTH(QUERY, "encoder.layers.%d.self_attn.q_proj"),
			BOTH(KEY, "encoder.layers.%d.self_attn.k_proj"),
			BOTH(VALUE, "encoder.layers.%d.self_attn.v_proj"),
			BOTH(OUT, "encoder.layers.%d.self_attn.out_proj"),
			BOTH(ATTENTION_NORM, "encoder.layers.%d.self_attn_layer_norm"),
			BOTH(INNER, "encoder.layers.%d.fc1"),
			BOTH(OUTER, "encoder.layers.%d.fc2"),
			BOTH(FINAL_NORM, "encoder.layers.%d.final_layer_norm"),
			BOTH(GATE, "encoder.layers.%d.self_attn.grep_linear"),
			[FV_TRUNK_GATE_CONSTANT] = {"encoder.layers.%d.self_attn.grep_a"},
		},
	.mask = "mask_emb",
	/* `proj` is the last layer of fine-tuned models */
	.heads = {"quantizer.*", "project_q.*", "final_proj.*", "label_embs_concat", "target_glu.*",
		"proj.*"},
};

/* torchaudio.models.Wav2Vec2Model. Its WavLM stores queries, keys and values as one tensor. */
static const struct naming torchaudio = {
	.prefix = {"", "model.", NULL},
	.name =
		{
			BOTH(CONV, "feature_extractor.conv_layers.%d.conv"),
			BOTH(CONV_NORM, "feature_extractor.conv_layers.%d.layer_norm"),
			BOTH(FEATURE_NORM, "encoder.feature_projection.layer_norm"),
			BOTH(PROJECTION, "encoder.feature_projection.projection"),
			[FV_TRUNK_POSITION_GAIN] =
				{"encoder.transformer.pos_conv_embed.conv.weight_g",
					"encoder.transformer.pos_conv_embed.conv.parametrizations."
					"weight.original0"},
			[FV_TRUNK_POSITION_WEIGHT] =
				{"encoder.transformer.pos_conv_embed.conv.weight_v",
					"encoder.transformer.pos_conv_embed.conv.parametrizations."
					"weight.original1"},
			[FV_TRUNK_POSITION_BIAS] = {"encoder.transformer.pos_conv_embed.conv.bias"},
			BOTH(NORM, "encoder.transformer.layer_norm"),
			[FV_TRUNK_BUCKETS] = {"encoder.transformer.layers.%d.attention."
					      "rel_attn_embed.weight"},
			BOTH(QUERY, "encoder.transformer.layers.%d.attention.q_proj"),
			BOTH(KEY, "encoder.transformer.layers.%d.attention.k_proj"),
			BOTH(VALUE, "encoder.transformer.layers.%d.attention.v_proj"),
			[FV_TRUNK_OUT_WEIGHT] =
				{"encoder.transformer.layers.%d.attention.out_proj.weight",
					"encoder.transformer.layers.%d.attention.attention.out_"
					"proj.weight"},
			[FV_TRUNK_OUT_BIAS] =
				{"encoder.transformer.layers.%d.attention.out_proj.bias",
					"encoder.transformer.layers.%d.attention.attention.out_"
					"proj.bias"},
			BOTH(ATTENTION_NORM, "encoder.transformer.layers.%d.layer_norm"),
			BOTH(INNER,
				"encoder.transformer.layers.%d.feed_forward.intermediate_dense"),
			BOTH(OUTER, "encoder.transformer.layers.%d.feed_forward.output_dense"),
			BOTH(FINAL_NORM, "encoder.transformer.layers.%d.final_layer_norm"),
			BOTH(GATE, "encoder.transformer.layers.%d.attention.gru_rel_pos_linear"),
			[FV_TRUNK_GATE_CONSTANT] =
				{"encoder.transformer.layers.%d.attention.gru_rel_pos_const"},
		},
	.joined_weight = "encoder.transformer.layers.%d.attention.attention.in_proj_weight",
	.joined_bias = "encoder.transformer.layers.%d.attention.attention.in_proj_bias",
	.mask = "mask_generator.mask_embedding",
	.heads = {"logit_generator.*", "aux.*"},
};

static const struct naming *const namings[] = {&hugging_face, &fairseq, &torchaudio};

enum { NAMINGS = sizeof namings / sizeof *namings };

bool speech_has_config(const speech_place *place)
{
	return namings[place->naming] == &hugging_face;
}

/* Writes prefix and text into name, with %d replaced by the index. */
static void format_name(const char *prefix, const char *text, int32_t index, char *name)
{
	const char *place = strstr(text, "%d");
	if (place)
		snprintf(name, SPEECH_NAME, "%s%.*s%d%s", prefix, (int)(place - text), text,
			(int)index, place + 2);
	else
		snprintf(name, SPEECH_NAME, "%s%s", prefix, text);
}

bool speech_format_name(
	const speech_place *place, fv_trunk_tensor tensor, int32_t index, int32_t way, char *name)
{
	const char *text = way < WAYS ? namings[place->naming]->name[tensor][way] : NULL;
	if (text)
		format_name(place->prefix, text, index, name);
	return text != NULL;
}

bool speech_format_joined_name(
	const speech_place *place, fv_trunk_tensor tensor, int32_t index, char *name, int32_t *part)
{
	const struct naming *naming = namings[place->naming];
	if (!naming->joined_weight || tensor < FV_TRUNK_QUERY_WEIGHT ||
		tensor > FV_TRUNK_VALUE_BIAS)
		return false;
	*part = (int32_t)(tensor - FV_TRUNK_QUERY_WEIGHT) / 2;
	bool is_bias = (tensor - FV_TRUNK_QUERY_WEIGHT) % 2;
	format_name(
		place->prefix, is_bias ? naming->joined_bias : naming->joined_weight, index, name);
	return true;
}

enum { NAMES = FV_TRUNK_TENSORS * WAYS + 2 * 3 };

/* Lists every name of a network with one convolution and one layer under a scheme. `text` holds the
 * strings. */
static int32_t list_names(int32_t naming, const char *name[NAMES], char text[NAMES][SPEECH_NAME])
{
	const speech_place place = {.naming = naming};
	int32_t n = 0, part;
	for (int32_t k = 0; k < FV_TRUNK_TENSORS; k++) {
		for (int32_t way = 0; way < WAYS; way++)
			if (speech_format_name(&place, (fv_trunk_tensor)k, 0, way, text[n]))
				n++;
		if (speech_format_joined_name(&place, (fv_trunk_tensor)k, 0, text[n], &part) &&
			part == 0)
			n++;
	}
	for (int32_t i = 0; i < n; i++)
		name[i] = text[i];
	return n;
}

void speech_find_place(speech_report *report, const fv_checkpoint *file, speech_place *best)
{
	const char *name[NAMES];
	char text[NAMES][SPEECH_NAME];
	int64_t most = 0, found;
	fv_status twice = FV_OK;
	*best = (speech_place){0};
	report->status = fv_checkpoint_check_whole(report->ctx, report->path, file);
	for (int32_t k = 0; k < NAMINGS && !report->status; k++) {
		speech_place place = {.naming = k};
		int32_t n = list_names(k, name, text);
		fv_status status =
			fv_checkpoint_find_prefix(NULL, NULL, file, name, n, place.prefix, &found);
		if (found <= most)
			continue;
		most = found;
		twice = status;
		*best = place;
	}
	if (twice) /* again, with the message */
		report->status = fv_checkpoint_find_prefix(report->ctx, report->path, file, name,
			list_names(best->naming, name, text), best->prefix, &found);
}

void speech_note_prefix(fv_ctx *ctx, const char *path, const speech_place *place)
{
	fv_checkpoint_note_prefix(ctx, path, place->prefix, namings[place->naming]->prefix);
}

const char *const *speech_list_heads(const speech_place *place)
{
	return namings[place->naming]->heads;
}

const fv_tensor *speech_find_extra(
	const fv_checkpoint *file, const speech_place *place, const char *name)
{
	char whole[SPEECH_NAME];
	for (size_t n = strlen(place->prefix);;) {
		snprintf(whole, sizeof whole, "%.*s%s", (int)n, place->prefix, name);
		const fv_tensor *found = fv_checkpoint_find(file, whole);
		if (found || n == 0)
			return found;
		for (n--; n > 0 && place->prefix[n - 1] != '.';)
			n--;
	}
}

bool speech_is_mask(const fv_checkpoint *file, const speech_place *place, const fv_tensor *tensor)
{
	return speech_find_extra(file, place, namings[place->naming]->mask) == tensor;
}
