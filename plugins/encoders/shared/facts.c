/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration of a network: either Hugging Face's config.json and preprocessor_config.json, which
 * are next to a weights file with Hugging Face's tensor names, or fairseq's, which s3prl stores in
 * the file itself. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "../open_text.h"
#include "parts.h"

struct speech_facts {
	const char *source;
	json_t *config; /* with Hugging Face's or fairseq's keys */
	bool fairseq;
	int32_t number[SPEECH_FACTS]; /* -1: not given */
	double eps;                   /* 0: not given */
	fv_trunk_shape convs;
};

static const struct {
	const char *hugging_face, *fairseq;
	int32_t max; /* 1: a boolean */
} keys[SPEECH_FACTS] = {
	[SPEECH_WIDTH] = {"hidden_size", "encoder_embed_dim", 65536},
	[SPEECH_LAYERS] = {"num_hidden_layers", "encoder_layers", 1000},
	[SPEECH_HEADS] = {"num_attention_heads", "encoder_attention_heads", 1024},
	[SPEECH_INNER] = {"intermediate_size", "encoder_ffn_embed_dim", 1 << 20},
	[SPEECH_POSITION_TAPS] = {"num_conv_pos_embeddings", "conv_pos", 65536},
	[SPEECH_POSITION_GROUPS] = {"num_conv_pos_embedding_groups", "conv_pos_groups", 65536},
	[SPEECH_BUCKETS] = {"num_buckets", "num_buckets", 65536},
	[SPEECH_MAX_DISTANCE] = {"max_bucket_distance", "max_distance", 1 << 20},
	[SPEECH_NORM_FIRST] = {"do_stable_layer_norm", "layer_norm_first", 1},
	[SPEECH_CONV_BIAS] = {"conv_bias", "conv_bias", 1},
	[SPEECH_SCALED] = {"do_normalize", "normalize", 1},
};

static const char *get_key(const speech_facts *f, speech_fact fact)
{
	return f->fairseq ? keys[fact].fairseq : keys[fact].hugging_face;
}

/* --- reading --- */

static void read_number(
	speech_report *report, speech_facts *f, const json_t *from, speech_fact fact)
{
	const char *key = get_key(f, fact);
	const json_t *value = key ? json_object_get(from, key) : NULL;
	if (!value || json_is_null(value))
		return;
	bool fits = keys[fact].max == 1 ? json_is_boolean(value)
					: json_is_integer(value) && json_integer_value(value) > 0 &&
						  json_integer_value(value) <= keys[fact].max;
	if (fits)
		f->number[fact] = json_is_boolean(value) ? json_is_true(value)
							 : (int32_t)json_integer_value(value);
	else
		speech_report_fault(report, FV_DATA, "%s: %s is not %s", f->source, key,
			keys[fact].max == 1 ? "true or false" : "a number in its range");
}

/* Reads the kind of norm after the convolutions: "group" or "layer", in fairseq "default" or
 * "layer_norm". */
static void read_norm(speech_report *report, speech_facts *f)
{
	const char *key = f->fairseq ? "extractor_mode" : "feat_extract_norm";
	const json_t *value = json_object_get(f->config, key);
	const char *text = value ? json_string_value(value) : NULL;
	if (!value)
		return;
	if (text && !strcmp(text, f->fairseq ? "default" : "group"))
		f->number[SPEECH_NORM_EACH] = 0;
	else if (text && !strcmp(text, f->fairseq ? "layer_norm" : "layer"))
		f->number[SPEECH_NORM_EACH] = 1;
	else
		speech_report_fault(report, FV_DATA, "%s: %s has an unknown value", f->source, key);
}

static bool read_list(const json_t *list, int32_t n, int32_t *out)
{
	for (int32_t i = 0; i < n; i++) {
		const json_t *value = json_array_get(list, (size_t)i);
		json_int_t number = json_integer_value(value);
		if (!json_is_integer(value) || number < 1 || number > 65536)
			return false;
		out[i] = (int32_t)number;
	}
	return true;
}

static void read_conv_lists(speech_report *report, speech_facts *f)
{
	const json_t *dim = json_object_get(f->config, "conv_dim"),
		     *kernel = json_object_get(f->config, "conv_kernel"),
		     *stride = json_object_get(f->config, "conv_stride");
	if (!dim && !kernel && !stride)
		return;
	size_t n = json_array_size(dim);
	f->convs.convs = n <= FV_TRUNK_CONVS ? (int32_t)n : 0;
	if (n == 0 || n > FV_TRUNK_CONVS || json_array_size(kernel) != n ||
		json_array_size(stride) != n || !read_list(dim, (int32_t)n, f->convs.channels) ||
		!read_list(kernel, (int32_t)n, f->convs.taps) ||
		!read_list(stride, (int32_t)n, f->convs.step))
		speech_report_fault(report, FV_DATA,
			"%s: conv_dim, conv_kernel and conv_stride must be lists of the same "
			"length, 1 to %d numbers",
			f->source, FV_TRUNK_CONVS);
}

/* Parses fairseq's "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2". */
static bool read_conv_text(const char *text, fv_trunk_shape *out)
{
	out->convs = 0;
	for (const char *c = text;;) {
		int channels, taps, step, used = 0, times = 1;
		if (sscanf(c, " [ ( %5d , %5d , %5d ) ]%n", &channels, &taps, &step, &used) != 3 ||
			!used)
			return false;
		c += used;
		used = 0;
		if (sscanf(c, " * %5d%n", &times, &used) == 1)
			c += used;
		if (channels < 1 || taps < 1 || step < 1 || times < 1 || channels > 65536 ||
			taps > 65536 || step > 65536 || times > FV_TRUNK_CONVS - out->convs)
			return false;
		for (; times > 0; times--, out->convs++) {
			out->channels[out->convs] = channels;
			out->taps[out->convs] = taps;
			out->step[out->convs] = step;
		}
		c += strspn(c, " ");
		if (*c != '+')
			return *c == '\0';
		c++;
	}
}

static void read_convs(speech_report *report, speech_facts *f)
{
	const char *text = json_string_value(json_object_get(f->config, "conv_feature_layers"));
	if (!f->fairseq)
		read_conv_lists(report, f);
	else if (text && !read_conv_text(text, &f->convs))
		speech_report_fault(report, FV_DATA,
			"%s: conv_feature_layers cannot be read: %.200s", f->source, text);
}

static void read_facts(speech_report *report, speech_facts *f, const json_t *preprocessor)
{
	for (int32_t k = 0; k < SPEECH_FACTS; k++)
		read_number(report, f, f->config, (speech_fact)k);
	if (preprocessor)
		read_number(report, f, preprocessor, SPEECH_SCALED);
	read_norm(report, f);
	read_convs(report, f);
	const json_t *eps = json_object_get(f->config, "layer_norm_eps");
	if (!f->fairseq && eps) {
		f->eps = json_number_value(eps);
		if (!(f->eps > 0 && f->eps < 1))
			speech_report_fault(report, FV_DATA,
				"%s: layer_norm_eps must be between 0 and 1", f->source);
	}
	if (!f->fairseq && f->number[SPEECH_NORM_FIRST] < 0)
		f->number[SPEECH_NORM_FIRST] = 0; /* transformers' default */
}

/* --- where it comes from --- */

/* Reads JSON, with or without a byte order mark. Where there is no JSON to blame, the error is at line -1. */
static json_t *load_json(const char *path, json_error_t *error)
{
	FILE *file = open_text(path);
	if (!file) {
		snprintf(error->text, sizeof error->text, "unable to open it: %s",
			describe_open(errno));
		error->line = error->column = -1;
		return NULL;
	}
	unsigned char start[3];
	json_t *json = NULL;
	size_t n = fread(start, 1, 3, file);
	if (!ferror(file)) {
		if (n != 3 || memcmp(start, "\xef\xbb\xbf", 3) != 0)
			rewind(file);
		json = json_loadf(file, JSON_REJECT_DUPLICATES, error);
	}
	if (ferror(file)) { /* jansson takes it for the end of the text */
		snprintf(error->text, sizeof error->text, "%s", strerror(errno));
		error->line = error->column = -1;
		json_decref(json);
		json = NULL;
	}
	fclose(file);
	return json;
}

/* Reads a JSON object from a file next to the weights; NULL if there is no such file. */
static json_t *read_beside(speech_report *report, const char *name)
{
	const char *slash = strrchr(report->path, '/');
	size_t folder = slash ? (size_t)(slash + 1 - report->path) : 0, size = folder + 64;
	char *path = malloc(size);
	if (!path) {
		speech_report_fault(report, FV_FAILED, "out of memory");
		return NULL;
	}
	snprintf(path, size, "%.*s%s", (int)folder, report->path, name);
	json_error_t error;
	json_t *json = NULL;
	if (access(path, F_OK) == 0) {
		json = load_json(path, &error);
		if (!json && error.line < 0)
			speech_report_fault(report, FV_DATA, "%s: %s", path, error.text);
		else if (!json)
			speech_report_fault(report, FV_DATA, "%s:%d:%d: %s", path, error.line,
				error.column, error.text);
		else if (!json_is_object(json))
			speech_report_fault(report, FV_DATA, "%s: not a JSON object", path);
	}
	free(path);
	return json;
}

/* Reads the configuration that s3prl stores in the file; NULL if there is none. */
static json_t *read_inside(const fv_checkpoint *file)
{
	static const char *const places[] = {"cfg", "model_cfg", "task_cfg"};
	static const char *const words[] = {
		"extractor_mode", "conv_feature_layers", "activation_fn", "layer_type"};
	json_t *json = json_object();
	for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
		char name[64];
		for (int32_t k = 0; k < SPEECH_FACTS; k++) {
			snprintf(name, sizeof name, "%s.%s", places[p],
				keys[k].fairseq ? keys[k].fairseq : "");
			const char *text = fv_checkpoint_meta(file, name);
			json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
			if (value)
				json_object_set_new(json, keys[k].fairseq, value);
		}
		for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
			snprintf(name, sizeof name, "%s.%s", places[p], words[k]);
			const char *text = fv_checkpoint_meta(file, name);
			if (text)
				json_object_set_new(json, words[k], json_string(text));
		}
	}
	if (json_object_size(json))
		return json;
	json_decref(json);
	return NULL;
}

speech_facts *speech_facts_read(speech_report *report, const fv_checkpoint *file, bool beside)
{
	speech_facts *f = calloc(1, sizeof *f);
	if (!f) {
		speech_report_fault(report, FV_FAILED, "out of memory");
		return NULL;
	}
	for (int32_t k = 0; k < SPEECH_FACTS; k++)
		f->number[k] = -1;
	json_t *preprocessor = NULL;
	f->config = read_inside(file);
	if (f->config) {
		f->fairseq = true;
		f->source = "the configuration in the file";
	} else if (beside && report->path) {
		f->config = read_beside(report, "config.json");
		preprocessor = read_beside(report, "preprocessor_config.json");
		f->source = f->config ? "config.json" : NULL;
	}
	if (f->source && !report->status)
		read_facts(report, f, preprocessor);
	else if (preprocessor && !report->status)
		read_number(report, f, preprocessor, SPEECH_SCALED);
	json_decref(preprocessor);
	return f;
}

void speech_facts_free(speech_facts *f)
{
	if (f)
		json_decref(f->config);
	free(f);
}

/* --- answers --- */

const char *speech_get_source(const speech_facts *f)
{
	return f->source;
}

const char *speech_get_key(const speech_facts *f, speech_fact fact)
{
	if (fact == SPEECH_NORM_EACH)
		return f->fairseq ? "extractor_mode" : "feat_extract_norm";
	return get_key(f, fact);
}

int32_t speech_get_fact(const speech_facts *f, speech_fact fact, int32_t otherwise)
{
	return fact == SPEECH_FACTS || f->number[fact] < 0 ? otherwise : f->number[fact];
}

double speech_get_eps(const speech_facts *f, double otherwise)
{
	return f->eps > 0 ? f->eps : otherwise;
}

int32_t speech_get_convs(const speech_facts *f, fv_trunk_shape *shape)
{
	if (f->convs.convs) {
		shape->convs = f->convs.convs;
		memcpy(shape->channels, f->convs.channels, sizeof shape->channels);
		memcpy(shape->taps, f->convs.taps, sizeof shape->taps);
		memcpy(shape->step, f->convs.step, sizeof shape->step);
	}
	return f->convs.convs;
}

/* Checks a key that may be absent but otherwise must have the one supported value. */
static void check_value(
	speech_report *report, const speech_facts *f, const char *key, const char *wanted)
{
	const json_t *value = json_object_get(f->config, key);
	if (!value || json_is_null(value))
		return;
	char *text = json_dumps(value, JSON_ENCODE_ANY);
	if (text && strcmp(text, wanted) != 0)
		speech_report_fault(report, FV_DATA, "%s: %s is %.80s, but only %s is supported",
			f->source, key, text, wanted);
	free(text);
}

void speech_facts_check(speech_report *report, const speech_facts *f, const speech_kind *kind)
{
	if (!f->config)
		return;
	if (f->fairseq) {
		check_value(report, f, "activation_fn", "\"gelu\"");
		check_value(report, f, "layer_type", "\"transformer\"");
		return;
	}
	check_value(report, f, "feat_extract_activation", "\"gelu\"");
	check_value(report, f, "hidden_act", "\"gelu\"");
	check_value(report, f, "add_adapter", "false");
	check_value(report, f, "adapter_attn_dim", "null");
	check_value(report, f, "conv_pos_batch_norm", "false");
	check_value(report, f, "feat_proj_layer_norm", "true");
	const char *type = json_string_value(json_object_get(f->config, "model_type"));
	for (int32_t i = 0; type && kind->types[i]; i++)
		if (!strcmp(kind->types[i], type))
			return;
	if (type)
		speech_report_fault(report, FV_DATA, "%s: model_type is \"%.80s\", not \"%s\"",
			f->source, type, kind->types[0]);
}
