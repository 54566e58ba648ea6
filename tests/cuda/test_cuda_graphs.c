/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of classifiers as CUDA graphs: the bytes of steps that are launched one by one, how many graphs there are, and what happens
 * where the GPU takes none. */
#include <stdlib.h>
#include <string.h>

#include "emulated.h"
#include "nn/adam.h"
#include "op_test.h"

extern const core_device_module fairvox_device_module;

enum {
	FEATURES = 40,
	LAYERS = 2,
	DIMS = 40,
	HIDDEN = 9,
	CLASSES = 3,
	COUNT = LAYERS + HIDDEN * (DIMS + 1) + CLASSES * (HIDDEN + 1),
	BATCH = 6,
	EPOCH = 4, /* steps, the last one with fewer rows */
	STEPS = 3 * EPOCH,
	RUNS = 3,
	KEPT = 16 /* graphs */
};

/* Classifiers that are trained in lockstep */
struct trial {
	int runs;
	float *given; /* [RUNS * BATCH * CLASSES + STEPS] gradients of the loss, a step reads others */
	core_classifier *own[RUNS];
};

/* What a training gives */
struct outcome {
	float logits[STEPS][RUNS][BATCH * CLASSES], passed[STEPS][RUNS][FEATURES * CLASSES];
	double norm[STEPS][RUNS];
	float param[RUNS][COUNT], m[RUNS][COUNT], v[RUNS][COUNT];
};

static const core_classifier_ops *get_ops(void)
{
	return fairvox_device_module.classifiers;
}

static struct trial make_trial(void)
{
	struct trial t = {.runs = op_is_quick() ? 1 : RUNS};
	float *start;
	const float *there = op_draw(FEATURES * LAYERS * DIMS, 0.3, 1, 1, NULL);
	(void)op_draw(RUNS * COUNT, 0, 0.3, 2, &start);
	(void)op_draw(RUNS * BATCH * CLASSES + STEPS, 0, 0.2, 3, &t.given);
	const core_classifier_plan plan = {.layers = LAYERS,
		.dims = DIMS,
		.projection = HIDDEN,
		.classes = CLASSES,
		.batch = BATCH,
		.rows = FEATURES,
		.features = there};
	for (int k = 0; k < t.runs; k++) {
		test_ok(op_ctx(), get_ops()->open(op_ctx(), op_device(), &plan, &t.own[k]));
		assert_null(get_ops()->set(t.own[k], start + (ptrdiff_t)k * COUNT, NULL, NULL));
	}
	return t;
}

static void close_trial(const struct trial *t)
{
	for (int k = 0; k < t->runs; k++)
		get_ops()->close(t->own[k]);
}

/* Reads n rows with each classifier, others in each step. Returns what failed. */
static const char *read_rows(
	const struct trial *t, int step, int n, bool keep, float *logits, int64_t stride)
{
	core_classifier_rows rows[RUNS], *job[RUNS];
	int32_t index[RUNS][FEATURES];
	for (int k = 0; k < t->runs; k++) {
		for (int i = 0; i < n; i++)
			index[k][i] = (7 * i + 11 * step + k) % FEATURES;
		rows[k] = (core_classifier_rows){t->own[k], n, index[k], keep, logits + k * stride};
		job[k] = &rows[k];
	}
	return get_ops()->forward(op_device(), job, t->runs);
}

/* Takes a step that differs from the one before in everything that may: gradients, learning rate, number, clipping */
static const char *take_step(const struct trial *t, int step, double *norm)
{
	core_classifier_step steps[RUNS] = {{0}}, *job[RUNS];
	for (int k = 0; k < t->runs; k++) {
		const core_adam settings = {
			.learning_rate = 0.01 / (step + k), .weight_decay = 0.1 / step};
		steps[k] = (core_classifier_step){t->own[k],
			t->given + (ptrdiff_t)k * BATCH * CLASSES + step - 1,
			core_adam_prepare(&settings, step, 1), step % 3 ? 0 : 0.01 * step, 0};
		job[k] = &steps[k];
	}
	const char *failure = get_ops()->update(op_device(), job, t->runs);
	for (int k = 0; k < t->runs; k++)
		norm[k] = steps[k].norm;
	return failure;
}

/* Steps first to last, and behind each epoch a pass over more rows */
static void train(const struct trial *t, int first, int last, struct outcome *out)
{
	for (int step = first; step <= last; step++) {
		const int at = step - 1;
		const bool ends = step % EPOCH == 0;
		assert_null(read_rows(t, step, ends ? BATCH - 2 : BATCH, true, out->logits[at][0],
			BATCH * CLASSES));
		assert_null(take_step(t, step, out->norm[at]));
		if (ends)
			assert_null(read_rows(
				t, step, FEATURES, false, out->passed[at][0], FEATURES * CLASSES));
	}
}

static void get_vectors(const struct trial *t, struct outcome *out)
{
	for (int k = 0; k < t->runs; k++)
		assert_null(get_ops()->get(t->own[k], out->param[k], NULL, out->m[k], out->v[k]));
}

/* A whole training; graph_fault: what fails of graphs from step `from` on, 0: nothing */
static struct outcome *train_anew(int graph_fault, int from)
{
	struct outcome *out = calloc(1, sizeof *out);
	assert_non_null(out);
	(void)op_device();
	struct trial t = make_trial();
	train(&t, 1, from - 1, out);
	emulated.graph_fault = graph_fault;
	train(&t, from, STEPS, out);
	get_vectors(&t, out);
	close_trial(&t);
	return out;
}

/* --- tests --- */

static void same_bytes_as_one_by_one(void **state)
{
	(void)state;
	struct outcome *one_by_one = train_anew(EMULATED_NO_CAPTURE, 1);
	assert_int_equal(emulated.replays, 0);
	assert_int_equal(op_close(NULL), 0);
	struct outcome *graphs = train_anew(0, 1);
	assert_memory_equal(one_by_one, graphs, sizeof *graphs);
	/* both halves of a step, again since the first pass needed a larger stage, both of an epoch's last one, a pass */
	assert_int_equal(emulated.instantiated, 7);
	assert_int_equal(emulated.replays, 18);
	assert_int_equal(op_close(NULL), 0);
	free(one_by_one);
	free(graphs);
}

/* From the second step on, a step is two launches; a graph is made once. */
static void two_launches_a_step(void **state)
{
	(void)state;
	struct outcome *out = calloc(1, sizeof *out);
	assert_non_null(out);
	struct trial t = make_trial();
	train(&t, 1, 1, out);
	assert_int_equal(emulated.replays, 0);
	train(&t, 2, 3, out);
	assert_int_equal(emulated.replays, 4);
	assert_int_equal(emulated.instantiated, 2);
	assert_int_equal(emulated.live_graphs, 2);
	/* needs a larger stage, which the graphs do not know */
	assert_null(read_rows(&t, 4, FEATURES, false, out->passed[3][0], FEATURES * CLASSES));
	assert_int_equal(emulated.live_graphs, 0);
	train(&t, 5, 7, out);
	assert_int_equal(emulated.replays, 8);
	assert_int_equal(emulated.instantiated, 4);
	close_trial(&t);
	free(out);
	assert_int_equal(op_close(NULL), 0);
}

/* Of many shapes the last ones are kept. */
static void shapes_are_forgotten(void **state)
{
	(void)state;
	enum { SHAPES = KEPT + 4 };
	float logits[3][RUNS][FEATURES * CLASSES] = {{{0}}};
	struct trial t = make_trial();
	assert_null(read_rows(&t, 0, FEATURES, false, logits[0][0], FEATURES * CLASSES));
	memset(logits[0], 0, sizeof *logits);
	for (int n = 1; n <= SHAPES; n++)
		for (int i = 0; i < 3; i++) {
			assert_null(read_rows(&t, 0, n, false, logits[i][0], FEATURES * CLASSES));
			assert_memory_equal(logits[0], logits[i], sizeof *logits);
		}
	assert_int_equal(emulated.live_graphs, KEPT);
	assert_int_equal(emulated.replays, 2 * SHAPES);
	assert_null(read_rows(&t, 0, 1, false, logits[0][0], FEATURES * CLASSES));
	assert_null(read_rows(&t, 0, SHAPES, false, logits[0][0], FEATURES * CLASSES));
	assert_int_equal(emulated.replays, 2 * SHAPES + 1);
	assert_int_equal(emulated.live_graphs, KEPT - 1);
	close_trial(&t);
	assert_int_equal(op_close(NULL), 0);
}

static void keep_warning(void *user, core_level level, const char *line)
{
	char *all = user;
	if (level == CORE_WARNING)
		strncat(strncat(all, line, 200), "\n", 2);
}

/* Where the GPU takes no graph, at the first one or later, training has the same bytes, with one remark. */
static void goes_on_without_graphs(void **state)
{
	(void)state;
	static const char *const reason[] = {
		"API call is not supported in the installed CUDA driver",
		"operation not permitted when stream is capturing", "out of memory",
		"out of memory"};
	struct outcome *want = train_anew(0, 1);
	assert_int_equal(op_close(NULL), 0);
	for (int fault = EMULATED_NO_CAPTURE; fault <= EMULATED_NOT_UPLOADED; fault++)
		for (int from = 1; from <= EPOCH; from += EPOCH - 1) {
			char told[1024] = "", remark[256];
			core_ctx_set_log(op_ctx(), keep_warning, told);
			struct outcome *out = train_anew(fault, from);
			assert_memory_equal(want, out, sizeof *out);
			free(out);
			snprintf(remark, sizeof remark,
				"the GPU takes no CUDA graphs (%s): steps of training are launched "
				"one "
				"by one\n",
				reason[fault - EMULATED_NO_CAPTURE]);
			assert_string_equal(told, remark);
			assert_int_equal(emulated.live_graphs, 0);
			assert_int_equal(emulated.replays, from == 1 ? 0 : 4);
			assert_int_equal(op_close(NULL), 0);
		}
	free(want);
}

/* A kernel that faults within a graph is told as any other. */
static void faults_are_told(void **state)
{
	(void)state;
	double norm[RUNS];
	struct outcome *out = calloc(1, sizeof *out);
	assert_non_null(out);
	struct trial t = make_trial();
	train(&t, 1, 3, out);
	assert_null(read_rows(&t, 4, BATCH, true, out->logits[3][0], BATCH * CLASSES));
	emulated.fault_at = emulated.launches + 2;
	assert_string_equal(take_step(&t, 4, norm), "an illegal memory access was encountered");
	assert_string_equal(read_rows(&t, 5, BATCH, true, out->logits[4][0], BATCH * CLASSES),
		"an illegal memory access was encountered");
	close_trial(&t);
	free(out);
	assert_int_equal(op_close(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_bytes_as_one_by_one),
		cmocka_unit_test(two_launches_a_step),
		cmocka_unit_test(shapes_are_forgotten),
		cmocka_unit_test(goes_on_without_graphs),
		cmocka_unit_test(faults_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, op_close);
}
