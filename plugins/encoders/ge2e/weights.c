/* SPDX-License-Identifier: Apache-2.0 */
/* The network's tensors: 14 that are computed with, two of the training loss that are known and
 * left alone, and whatever lies under names of an optimiser beside a whole training state. Anything
 * else, anything missing, and any other shape is refused, all at once. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ge2e.h"

#define GATES (4 * GE2E_DIMS)

enum tensor {
	WEIGHT_IH, /* of layer l: 4 l + these */
	WEIGHT_HH,
	BIAS_IH,
	BIAS_HH,
	LINEAR_WEIGHT = 4 * GE2E_LAYERS,
	LINEAR_BIAS,
	USED, /* from here on: of the training loss */
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

/* Where the network lies in a file, and what else may be beside it. */
static const struct {
	const char *prefix, *ignored;
} places[] = {
	{"model_state.", "optimizer_state."}, /* a training state, as resemblyzer ships it */
	{"", NULL},                           /* a bare state dict */
};

enum { PLACES = sizeof places / sizeof *places };

static const fv_tensor *find(const fv_checkpoint *file, int place, int tensor)
{
	char name[64];
	snprintf(name, sizeof name, "%s%s", places[place].prefix, tensors[tensor].name);
	return fv_checkpoint_find(file, name);
}

/* The place under which most of the tensors are. */
static int find_place(const fv_checkpoint *file)
{
	int best = 0, most = -1;
	for (int place = 0; place < PLACES; place++) {
		int n = 0;
		for (int t = 0; t < USED; t++)
			n += find(file, place, t) != NULL;
		if (n > most) {
			most = n;
			best = place;
		}
	}
	return best;
}

static bool is_float(const fv_tensor *t)
{
	return !strcmp(t->dtype, "F32") || !strcmp(t->dtype, "F16") || !strcmp(t->dtype, "BF16") ||
	       !strcmp(t->dtype, "F64");
}

static bool has_shape(const fv_tensor *t, int tensor)
{
	return t->rank == tensors[tensor].rank && t->shape[0] == tensors[tensor].shape[0] &&
	       (t->rank == 1 || t->shape[1] == tensors[tensor].shape[1]);
}

static bool is_known(const char *name, int place)
{
	const char *prefix = places[place].prefix, *ignored = places[place].ignored;
	if (ignored && !strncmp(name, ignored, strlen(ignored)))
		return true;
	size_t n = strlen(prefix);
	for (int t = 0; t < KNOWN; t++)
		if (!strncmp(name, prefix, n) && !strcmp(name + n, tensors[t].name))
			return true;
	return false;
}

/* --- does a file fit? --- */

static int32_t fits(const fv_checkpoint *file, const char *sha256, fv_fit *fit)
{
	int place = find_place(file);
	for (int t = 0; t < KNOWN; t++) {
		const fv_tensor *found = find(file, place, t);
		if (found ? !is_float(found) || !has_shape(found, t) : t < USED)
			return 0;
	}
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++)
		if (!is_known(fv_checkpoint_at(file, i)->name, place))
			return 0;
	fit->what = "GE2E speaker encoder, three LSTM layers of 256";
	if (!strcmp(sha256, "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e")) {
		fit->what = "GE2E speaker encoder of resemblyzer 0.1.4, three LSTM layers of 256";
		fit->licence = "Apache-2.0";
	}
	return 1;
}

const fv_fits_1 ge2e_fits = {.size = sizeof ge2e_fits, .fits = fits};

/* --- reading --- */

static fv_status check_tensor(
	fv_ctx *ctx, const char *path, int place, int tensor, const fv_tensor *t)
{
	if (!t)
		return tensor >= USED ? FV_OK
				      : fv_fail(ctx, FV_DATA, "%s: no tensor '%s%s'", path,
						places[place].prefix, tensors[tensor].name);
	if (!is_float(t))
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is %s, not of floats", path, t->name,
			t->dtype);
	if (has_shape(t, tensor))
		return FV_OK;
	char shape[128] = "";
	for (int32_t d = 0; d < t->rank; d++)
		snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%lld",
			d ? "," : "", (long long)t->shape[d]);
	char wanted[48];
	const int64_t *want = tensors[tensor].shape;
	if (tensors[tensor].rank == 2)
		snprintf(
			wanted, sizeof wanted, "%lld,%lld", (long long)want[0], (long long)want[1]);
	else
		snprintf(wanted, sizeof wanted, "%lld", (long long)want[0]);
	return fv_fail(
		ctx, FV_DATA, "%s: tensor '%s' is [%s], not [%s]", path, t->name, shape, wanted);
}

/* Each tensor is there with its shape, and each that is there is known. */
static fv_status take_census(fv_ctx *ctx, const char *path, const fv_checkpoint *file, int place)
{
	fv_status status = FV_OK;
	for (int t = 0; t < KNOWN; t++) {
		fv_status step = check_tensor(ctx, path, place, t, find(file, place, t));
		status = step ? step : status;
	}
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const char *name = fv_checkpoint_at(file, i)->name;
		if (!is_known(name, place))
			status = fv_fail(ctx, FV_DATA,
				"%s: tensor '%s' is not part of this network", path, name);
	}
	return status;
}

static fv_status read_tensor(fv_ctx *ctx, const char *path, const fv_tensor *t, float **out)
{
	*out = malloc((size_t)t->count * sizeof **out);
	if (!*out)
		return fv_fail(ctx, FV_FAILED, "%s: out of memory", path);
	fv_status status = fv_tensor_to_f32(ctx, t, *out);
	for (int64_t i = 0; i < t->count && !status; i++)
		if (!isfinite((*out)[i]))
			status = fv_fail(ctx, FV_DATA,
				"%s: tensor '%s': element %lld is not a finite number", path,
				t->name, (long long)i);
	return status;
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
	size_t weight = (size_t)GE2E_DIMS * GE2E_DIMS * sizeof(float),
	       bias = GE2E_DIMS * sizeof(float);
	s->weight = fv_alloc(ctx, weight);
	s->bias = fv_alloc(ctx, bias);
	if (!s->weight || !s->bias)
		return FV_FAILED;
	memcpy(s->weight, value[LINEAR_WEIGHT], weight);
	memcpy(s->bias, value[LINEAR_BIAS], bias);
	return FV_OK;
}

fv_status ge2e_read(ge2e_state *s, fv_ctx *ctx, const char *path)
{
	fv_checkpoint *file;
	fv_status status = fv_checkpoint_open(ctx, path, &file);
	if (status)
		return status;
	int place = find_place(file);
	float *value[USED] = {NULL};
	status = take_census(ctx, path, file, place);
	for (int t = 0; t < USED && !status; t++)
		status = read_tensor(ctx, path, find(file, place, t), &value[t]);
	if (!status)
		status = open_layers(s, ctx, value);
	for (int t = 0; t < USED; t++)
		free(value[t]);
	fv_checkpoint_close(file);
	return status;
}
