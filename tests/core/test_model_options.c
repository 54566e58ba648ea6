/* SPDX-License-Identifier: Apache-2.0 */
/* The trainer with every option of head and base loss against PyTorch in float64
 * (golden/training/model_options): values, norms and weights of 20 steps. */
#include "losses.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/trainer.h"

enum { N = 100, L = 13, D = 24, C = 6, EPOCHS = 5, COUNT_MAX = 2000 };

static double *load(const char *name, size_t *n)
{
	char path[128];
	int64_t dims[4] = {1, 1, 1, 1};
	int rank;
	snprintf(path, sizeof path, "training/%s.npy", name);
	double *values = test_npy(test_golden(path), dims, &rank);
	*n = 1;
	for (int i = 0; i < rank; i++)
		*n *= (size_t)dims[i];
	return values;
}

static const char *read_text(const json_t *settings, const char *key)
{
	return json_string_value(json_object_get(settings, key));
}

static int find_word(const char *const *words, const char *word)
{
	int i = 0;
	while (strcmp(words[i], word) != 0)
		i++;
	return i;
}

/* A case and how far the trainer was from it. */
typedef struct follower {
	const double *init, *weight; /* [count], [2,count] */
	size_t count;
	double *value, *norm; /* [EPOCHS] */
	double off_weight, off_value, off_norm;
	int epochs;
} follower;

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static fv_status follow_epoch(void *user, const core_train_epoch *epoch)
{
	follower *f = user;
	int e = epoch->epoch - 1;
	f->off_value = larger(f->off_value, fabs(epoch->value - f->value[e]));
	f->off_norm = larger(f->off_norm, fabs(epoch->grad_norm - f->norm[e]));
	const double *want = e == 0 ? f->weight : e == EPOCHS - 1 ? f->weight + f->count : NULL;
	for (size_t i = 0; want && i < f->count; i++)
		f->off_weight = larger(f->off_weight, fabs((double)epoch->params[i] - want[i]));
	f->epochs++;
	return FV_OK;
}

static fv_status start(void *user, const core_plan *plan, float *params)
{
	const follower *f = user;
	assert_int_equal(plan->count, f->count);
	for (size_t i = 0; i < f->count; i++)
		params[i] = (float)f->init[i];
	return FV_OK;
}

static core_head_shape make_shape(const json_t *s)
{
	static const char *const activations[] = {"none", "relu", "gelu"};
	const json_t *hidden = json_object_get(s, "hidden");
	core_head_shape shape = {.layers = L,
		.dims = D,
		.projection = (int32_t)json_integer_value(json_object_get(s, "projection")),
		.classes = C,
		.n_hidden = (int32_t)json_array_size(hidden),
		.activation = (fv_activation)find_word(activations, read_text(s, "activation")),
		.dropout = json_number_value(json_object_get(s, "dropout"))};
	for (int32_t i = 0; i < shape.n_hidden; i++)
		shape.hidden[i] = (int32_t)json_integer_value(json_array_get(hidden, (size_t)i));
	return shape;
}

/* The rows of golden/training/head, named as the script does. */
typedef struct rows {
	core_train_data data;
	float *x, *label;
	int32_t klass[N], *order;
	char name[N][8];
	const char *stem[N];
} rows;

static rows *load_rows(void)
{
	rows *r = calloc(1, sizeof *r);
	size_t n;
	double *x = load("head/features", &n), *label = load("head/labels", &n);
	double *order = load("head/order", &n);
	r->x = malloc(N * L * D * sizeof *r->x);
	r->label = malloc(N * C * sizeof *r->label);
	r->order = malloc(n * sizeof *r->order);
	for (size_t i = 0; i < n; i++)
		r->order[i] = (int32_t)order[i];
	for (int i = 0; i < N * L * D; i++)
		r->x[i] = (float)x[i];
	for (int i = 0; i < N * C; i++)
		r->label[i] = (float)label[i];
	for (int i = 0; i < N; i++) {
		snprintf(r->name[i], sizeof r->name[i], "rec%03d", i);
		r->stem[i] = r->name[i];
		for (int k = 1; k < C; k++)
			if (r->label[i * C + k] > r->label[i * C + r->klass[i]])
				r->klass[i] = k;
	}
	r->data = (core_train_data){.rows = {.size = sizeof(fv_rows),
					    .n = N,
					    .classes = C,
					    .label = r->label,
					    .klass = r->klass,
					    .stem = r->stem},
		.x = r->x};
	free(x);
	free(label);
	free(order);
	return r;
}

static core_train_spec make_spec(const json_t *s)
{
	static const char *const weights[] = {"effective", "inverse", "none"};
	static const char *const losses[] = {"soft_ce", "bce", "focal"};
	return (core_train_spec){.epochs = EPOCHS,
		.batch = 32,
		.learning_rate = 1e-3,
		.clip = 1,
		.select = "dev_loss",
		.class_weights =
			(core_class_weighting)find_word(weights, read_text(s, "class_weights")),
		.base_loss = (fv_base_kind)find_word(losses, read_text(s, "base_loss")),
		.focal_gamma = json_number_value(json_object_get(s, "focal_gamma"))};
}

/* Trains one case and compares every epoch. */
static void follow_case(const char *name, const json_t *json, const rows *r)
{
	fv_ctx *ctx = test_ctx();
	const json_t *settings = json_object_get(json, "settings");
	char file[64];
	size_t n;
	follower f = {.value = test_numbers(json_object_get(json, "value"), &n),
		.norm = test_numbers(json_object_get(json, "grad_norm"), &n)};
	snprintf(file, sizeof file, "model_options/%s_init", name);
	double *init = load(file, &f.count), *weight;
	snprintf(file, sizeof file, "model_options/%s_weights", name);
	weight = load(file, &n);
	assert_int_equal(n, 2 * f.count);
	f.init = init;
	f.weight = weight;
	const core_train_spec spec = make_spec(settings);
	const fv_descriptor *loss = test_loss("erm");
	const core_train_job job = {.shape = make_shape(settings),
		.train = r->data,
		.dev = r->data,
		.spec = &spec,
		.loss = loss,
		.loss_state = test_loss_state(ctx, loss, "paper", NULL),
		.start = start,
		.order = r->order,
		.order_epochs = EPOCHS,
		.order_n = N,
		.on_epoch = follow_epoch,
		.user = &f};
	core_train_result result;
	core_ctx_set_run(ctx, (uint64_t)json_integer_value(json_object_get(json, "seed")),
		json_integer_value(json_object_get(json, "fold")));
	test_ok(ctx, core_train_run(ctx, &job, &result));
	assert_int_equal(f.epochs, EPOCHS);
	print_message("%-16s weights %.1e  value %.1e  norm %.1e\n", name, f.off_weight,
		f.off_value, f.off_norm);
	assert_true(f.off_weight <= 5e-7);
	assert_true(f.off_value <= 5e-6);
	assert_true(f.off_norm <= 5e-6);
	free(f.value);
	free(f.norm);
	free(init);
	free(weight);
	core_ctx_free(ctx);
}

static void follows_pytorch(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/model_options/options.json")), *one;
	rows *r = load_rows();
	const char *name;
	json_object_foreach(json, name, one) follow_case(name, one, r);
	assert_int_equal(json_object_size(json), 14);
	free(r->x);
	free(r->label);
	free(r->order);
	free(r);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(follows_pytorch)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
