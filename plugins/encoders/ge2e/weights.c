/* SPDX-License-Identifier: Apache-2.0 */
/* The network's tensors: 14 that are used, and two of the training loss that are known but not used.
 * Beside them may stand the state of a training. Every other, missing or wrongly shaped tensor is
 * reported, all at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ge2e.h"

#define GATES (4 * GE2E_DIMS)
#define NAME (FV_PREFIX_MAX + 64) /* longest tensor name and its NUL */

enum tensor {
	WEIGHT_IH, /* in layer l: 4 l + these */
	WEIGHT_HH,
	BIAS_IH,
	BIAS_HH,
	LINEAR_WEIGHT = 4 * GE2E_LAYERS,
	LINEAR_BIAS,
	USED, /* from here on: tensors of the training loss */
	SIMILARITY_WEIGHT = USED,
	SIMILARITY_BIAS,
	KNOWN
};

static const struct {
	const char *name;
	int32_t rank;
	int64_t shape[2];
} tensors[KNOWN] = {
	{"lstm.weight_ih_l0", 2, {GATES, GE2E_BANDS}},
	{"lstm.weight_hh_l0", 2, {GATES, GE2E_DIMS}},
	{"lstm.bias_ih_l0", 1, {GATES}},
	{"lstm.bias_hh_l0", 1, {GATES}},
	{"lstm.weight_ih_l1", 2, {GATES, GE2E_DIMS}},
	{"lstm.weight_hh_l1", 2, {GATES, GE2E_DIMS}},
	{"lstm.bias_ih_l1", 1, {GATES}},
	{"lstm.bias_hh_l1", 1, {GATES}},
	{"lstm.weight_ih_l2", 2, {GATES, GE2E_DIMS}},
	{"lstm.weight_hh_l2", 2, {GATES, GE2E_DIMS}},
	{"lstm.bias_ih_l2", 1, {GATES}},
	{"lstm.bias_hh_l2", 1, {GATES}},
	{"linear.weight", 2, {GE2E_DIMS, GE2E_DIMS}},
	{"linear.bias", 1, {GE2E_DIMS}},
	{"similarity_weight", 1, {1}},
	{"similarity_bias", 1, {1}},
};

/* Prefixes of a bare state dict and of a training checkpoint, as resemblyzer ships it. */
static const char *const usual[] = {"", "model_state.", NULL};

static const fv_tensor *find_tensor(const fv_checkpoint *file, const char *prefix, int tensor)
{
	char name[NAME];
	snprintf(name, sizeof name, "%s%s", prefix, tensors[tensor].name);
	return fv_checkpoint_find(file, name);
}

static fv_status find_prefix(
	fv_ctx *ctx, const char *path, const fv_checkpoint *file, char prefix[FV_PREFIX_MAX])
{
	const char *name[USED];
	int64_t found;
	for (int t = 0; t < USED; t++)
		name[t] = tensors[t].name;
	fv_status status = fv_checkpoint_check_whole(ctx, path, file);
	if (!status)
		status = fv_checkpoint_find_prefix(ctx, path, file, name, USED, prefix, &found);
	if (status || !ctx)
		return status;
	return found ? FV_OK
		     : fv_fail(ctx, FV_DATA,
			       "%s: the file holds no network of this kind: 'fairvox inspect' "
			       "shows what it holds",
			       path);
}

/* Lists the network's tensors with their names under a prefix; `name` holds the strings. */
static void list_tensors(const char *prefix, fv_expected expected[KNOWN], char name[KNOWN][NAME])
{
	for (int t = 0; t < KNOWN; t++) {
		snprintf(name[t], NAME, "%s%s", prefix, tensors[t].name);
		expected[t] = (fv_expected){.name = name[t],
			.rank = tensors[t].rank,
			.shape = {tensors[t].shape[0], tensors[t].shape[1]},
			.ignored = t >= USED};
	}
}

static fv_status check_census(
	fv_ctx *ctx, const char *path, const fv_checkpoint *file, const char *prefix)
{
	fv_expected expected[KNOWN];
	char name[KNOWN][NAME];
	list_tensors(prefix, expected, name);
	fv_status status = fv_checkpoint_census(ctx, path, file, expected, KNOWN, prefix, NULL);
	if (!status && ctx)
		fv_checkpoint_note_prefix(ctx, path, prefix, usual);
	return status;
}

/* --- does a file fit? --- */

static int32_t ge2e_check_fit(const fv_checkpoint *file, const char *sha256, fv_fit *fit)
{
	char prefix[FV_PREFIX_MAX];
	if (find_prefix(NULL, NULL, file, prefix) || check_census(NULL, NULL, file, prefix))
		return 0;
	fit->what = "GE2E speaker encoder, three LSTM layers of 256";
	if (!strcmp(sha256, "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e")) {
		fit->what = "GE2E speaker encoder of resemblyzer 0.1.4, three LSTM layers of 256";
		fit->licence = "Apache-2.0";
	}
	return 1;
}

const fv_fits_1 ge2e_fits = FV_FITS(.fits = ge2e_check_fit);

/* --- reading --- */

static fv_status read_tensor(fv_ctx *ctx, const char *path, const fv_checkpoint *file,
	const char *prefix, int tensor, float **out)
{
	const fv_tensor *t = find_tensor(file, prefix, tensor);
	*out = malloc((size_t)t->count * sizeof **out);
	if (!*out)
		return fv_fail(ctx, FV_FAILED, "%s: out of memory", path);
	return fv_checkpoint_read(ctx, path, file, t->name, *out);
}

static fv_status open_layers(ge2e_state *s, fv_ctx *ctx, float *const *value)
{
	for (int l = 0; l < GE2E_LAYERS; l++) {
		float *const *v = value + 4 * l;
		s->layer[l] = fv_lstm_open(ctx, l ? GE2E_DIMS : GE2E_BANDS, GE2E_DIMS, v[WEIGHT_IH],
			v[WEIGHT_HH], v[BIAS_IH], v[BIAS_HH]);
		if (!s->layer[l])
			return FV_FAILED;
	}
	s->last = fv_dense_open(
		ctx, FV_SUMS_FLOAT, GE2E_DIMS, GE2E_DIMS, value[LINEAR_WEIGHT], value[LINEAR_BIAS]);
	return s->last ? FV_OK : FV_FAILED;
}

fv_status ge2e_read_weights(ge2e_state *s, fv_ctx *ctx, const char *path)
{
	fv_checkpoint *file;
	fv_status status = fv_checkpoint_open(ctx, path, &file);
	if (status)
		return status;
	char prefix[FV_PREFIX_MAX];
	float *value[USED] = {NULL};
	status = find_prefix(ctx, path, file, prefix);
	if (!status)
		status = check_census(ctx, path, file, prefix);
	for (int t = 0; t < USED && !status; t++)
		status = read_tensor(ctx, path, file, prefix, t, &value[t]);
	if (!status)
		status = open_layers(s, ctx, value);
	for (int t = 0; t < USED; t++)
		free(value[t]);
	fv_checkpoint_close(file);
	return status;
}
