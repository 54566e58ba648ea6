/* SPDX-License-Identifier: Apache-2.0 */
#include "results.h"

#include <string.h>

#include "base/file.h"
#include "eval/predictions.h"
#include "run/measure.h"

static uint64_t state;
double test_uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / 9007199254740992.0;
}

void test_rows(fv_ctx *ctx, const struct made *m, int fold, int seed, struct rows *r)
{
	uint64_t variant = m->number * 31 + (uint64_t)seed;
	r->n = 0;
	for (int s = 0; s < SPEAKERS / FOLDS; s++)
		for (int k = 0; k < ROWS; k++) {
			int64_t i = r->n++;
			int id = (fold - 1) * SPEAKERS / FOLDS + s;
			r->file[i] = core_format(ctx, "%02d_%d.wav", id, k);
			r->speaker[i] = core_format(ctx, "s%02d", id);
			r->gender[i] = s % 2 ? "Male" : "Female";
			r->race[i] = s % 6 == 0 ? "C" : s % 2 ? "B" : s == 4 ? "" : "A";
			state = 88172645463325252ull + (unsigned)(1000 * id + k);
			for (int w = 0; w < 20; w++)
				(void)test_uniform();
			int klass = (int)(3 * test_uniform());
			bool two = test_uniform() < 0.3;
			for (int c = 0; c < C; c++)
				r->label[i * C + c] =
					c == klass || (two && c == (klass + 1) % C) ? 0.45f : 0.1f;
			state ^= variant * 0x9E3779B97F4A7C15ull;
			for (int w = 0; w < 20; w++)
				(void)test_uniform();
			for (int c = 0; c < C; c++) {
				double shift = c == 0 && s % 2 ? m->tilt : 0;
				double p = (double)r->label[i * C + c] +
					   0.6 * (test_uniform() - 0.5) - shift;
				/* from 0 on, in the same order and on the same side of 1/3 */
				r->prob[i * C + c] = (float)(p < 1.0 / 3 ? (p + 1) / 4 : p);
			}
		}
}

static void write_file(fv_ctx *ctx, const char *dir, const char *name, const char *text)
{
	test_ok(ctx, core_file_write(ctx, core_path_join(ctx, dir, name), text, strlen(text)));
}

static const char *env_of(fv_ctx *ctx, const struct made *m, int index)
{
	return core_format(ctx,
		"{\"schema_version\": 2, \"variant\": {\"index\": %d, \"loss\": \"%s\", \"plain\": "
		"%s, \"grouping\": %s, "
		"\"uses_group_labels\": %s, \"uses_groups\": %s, \"select\": \"dev_loss\", "
		"\"selection\": {\"rule\": \"dev_loss\", \"split\": \"%s\", \"epochs\": 30, "
		"\"uses_group_labels\": false}, \"axes\": {}, \"compare\": "
		"{\"metric\": \"tpr_gap\", \"attribute\": \"gender\"}%s}, \"majority_class\": "
		"\"b\", \"synthetic\": true, \"transductive\": false}\n",
		index, m->loss, m->plain ? "true" : "false", m->grouping,
		strstr(m->grouping, "truth") ? "true" : "false", m->plain ? "false" : "true",
		m->on_test ? "test" : "dev", m->more ? m->more : "");
}

/* What was measured of runs before: several tests use the same ones, and this takes most of their time. */
static struct {
	uint64_t number;
	double tilt;
	int fold, seed;
	char *json;
} measured[64];
static size_t n_measured;

static const char *find_measured(const struct made *m, int fold, int seed)
{
	for (size_t i = 0; i < n_measured; i++)
		if (measured[i].number == m->number &&
			!memcmp(&measured[i].tilt, &m->tilt, sizeof m->tilt) &&
			measured[i].fold == fold && measured[i].seed == seed)
			return measured[i].json;
	return NULL;
}

/* Returns the text of metrics.json for these predictions. */
static const char *measure_run(
	fv_ctx *ctx, const struct made *m, int fold, int seed, const char *predictions)
{
	static const char *names[] = {"gender", "race"};
	core_measured_names list = {{2, names}, {0, NULL}};
	core_measured run = {fold, seed, 3, 0};
	core_measured_rows rows; /* as verify reads them */
	char *json;
	const char *known = find_measured(m, fold, seed);
	if (known)
		return known;
	test_ok(ctx, core_measured_rows_read(ctx, predictions, 0, NULL, false, &rows));
	test_ok(ctx, core_measure_predictions(ctx, &rows, &list, &run, &json));
	assert_true(n_measured < sizeof measured / sizeof *measured);
	measured[n_measured].number = m->number;
	measured[n_measured].tilt = m->tilt;
	measured[n_measured].fold = fold;
	measured[n_measured].seed = seed;
	return measured[n_measured++].json = strdup(json);
}

void test_run(fv_ctx *ctx, const char *results, const struct made *m, int index, int fold, int seed)
{
	char *dir =
		core_format(ctx, "%s/%s-%s/fold%d-seed%d", results, m->slug, m->hash, fold, seed);
	struct rows *r = core_alloc(ctx, 1, sizeof *r);
	core_text_column attribute[] = {{"gender", NULL}, {"race", NULL}};
	static const char *classes[] = {"a", "b", "c"};
	const char *predictions = core_path_join(ctx, dir, "predictions.csv");
	test_rows(ctx, m, fold, seed, r);
	attribute[0].value = r->gender;
	attribute[1].value = r->race;
	core_predictions p = {.n = r->n,
		.C = C,
		.classes = classes,
		.file = r->file,
		.prob = r->prob,
		.label = r->label,
		.n_attributes = 2,
		.attribute = attribute,
		.speaker = {"SpkrID", r->speaker}};
	test_ok(ctx, core_make_dirs(ctx, dir));
	test_ok(ctx, core_predictions_write(ctx, predictions, &p));
	write_file(ctx, dir, "metrics.json", measure_run(ctx, m, fold, seed, predictions));
	write_file(ctx, dir, "env.json", env_of(ctx, m, index));
	write_file(ctx, dir, "done", "{}\n");
}

const struct made test_variants[3] = {
	{"plain", "00000001", "erm", "[]", true, 0.25, 1, false, NULL},
	{"fair-truth", "00000002", "ds", "[{\"name\": \"truth\", \"column\": \"gender\"}]", false,
		0.02, 2, false, NULL},
	{"fair-k16", "00000003", "ds", "[{\"name\": \"kmeans\", \"params\": {\"k\": 16}}]", false,
		0.25, 3, false, NULL},
};

const char *test_results(fv_ctx *ctx, const char *name, int seeds)
{
	const char *results = core_strdup(ctx, test_folder(name));
	for (int i = 0; i < 3; i++)
		for (int fold = 1; fold <= FOLDS; fold++)
			for (int seed = 1; seed <= seeds; seed++)
				test_run(ctx, results, &test_variants[i], i, fold, seed);
	return results;
}

core_grid test_grid(fv_ctx *ctx, const char *dir, core_results **results)
{
	core_grid grid;
	core_table_options options = core_table_default();
	test_ok(ctx, core_results_read(ctx, dir, results));
	test_ok(ctx, core_grid_make(ctx, *results, &options, &grid));
	return grid;
}

core_document *test_document(fv_ctx *ctx, const core_grid *grid)
{
	core_document *document = core_document_new(ctx);
	test_ok(ctx, core_grid_tables(ctx, grid, document));
	return document;
}

const char *test_table_text(
	fv_ctx *ctx, const core_results *results, const core_grid *grid, core_table_format format)
{
	core_text text = {0};
	core_document *document = core_document_new(ctx);
	if (format == CORE_TABLE_CSV)
		test_ok(ctx, core_add_runs(ctx, results, grid->options.min_support, document));
	else
		test_ok(ctx, core_grid_tables(ctx, grid, document));
	test_ok(ctx, core_document_write(ctx, document, format, &text));
	core_document_free(document);
	return core_text_move(ctx, &text);
}

core_result_table *test_table(core_document *document, const char *name)
{
	for (size_t k = 0; k < document->n_tables; k++)
		if (!strcmp(document->table[k]->name, name))
			return document->table[k];
	fail_msg("no table '%s'", name);
	return NULL;
}
