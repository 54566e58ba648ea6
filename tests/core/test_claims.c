/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of a paper: the rows that they are about, what answers them, and their tables. */
#include <math.h>
#include <string.h>

#include "claims.h"
#include "results.h"

/* Groups on which the variants below are trained. */
#define TRUTH "[{\"name\": \"truth\", \"column\": \"gender\"}]"
#define K(k) "[{\"name\": \"kmeans\", \"params\": {\"k\": " #k "}}]"
#define RAW(text) ", \"axes\": {" text "}"

/* A study of two objectives: with true groups they close the gap, with clusters they do not. */
enum { ERM, FAIR_TRUTH, OTHER_TRUTH, FAIR_16, FAIR_4, OTHER_16, OTHER_4, STUDY };
static const struct made study[STUDY] = {
	{"erm", "00000001", "erm", "[]", true, 0.6, 1, false, NULL},
	{"fair-truth", "00000002", "fair", TRUTH, false, 0.02, 2, false, NULL},
	{"other-truth", "00000003", "other", TRUTH, false, 0.05, 3, false, NULL},
	{"fair-k16", "00000004", "fair", K(16), false, 0.6, 4, false, NULL},
	{"fair-k4", "00000005", "fair", K(4), false, 0.6, 5, false, NULL},
	{"other-k16", "00000006", "other", K(16), false, 0.4, 6, false, NULL},
	{"other-k4", "00000007", "other", K(4), false, 0.6, 7, false, NULL},
};

struct fixture {
	fv_ctx *ctx;
	core_results *results;
	core_grid grid;
	core_claims claims;
	core_claim_results all;
};

static const char *write_study(
	fv_ctx *ctx, const char *name, const struct made *made, int n, int seeds)
{
	const char *dir = core_strdup(ctx, test_folder(name));
	for (int i = 0; i < n; i++)
		for (int fold = 1; fold <= FOLDS; fold++)
			for (int seed = 1; seed <= seeds; seed++)
				test_run(ctx, dir, &made[i], i, fold, seed);
	return dir;
}

static const core_claim_result *answer_text(struct fixture *f, const char *text)
{
	core_draws draws = core_draws_default();
	draws.n = f->grid.options.compare ? 2000 : 400;
	test_ok(f->ctx, test_claims_read(f->ctx, text, &f->claims));
	test_ok(f->ctx, core_claims_answer(f->ctx, &f->grid, &f->claims, &draws, &f->all));
	return f->all.result;
}

/* table: with the figures of the table of effects, which take long. */
static struct fixture open_study(const char *name, const struct made *made, int n, bool table)
{
	struct fixture f = {.ctx = test_ctx()};
	core_table_options options = core_table_default();
	options.draws.n = 2000;
	options.scores = options.baselines = false;
	options.compare = options.details = table;
	const char *dir = write_study(f.ctx, name, made, n, 1);
	test_ok(f.ctx, core_results_read(f.ctx, dir, &f.results));
	test_ok(f.ctx, core_grid_make(f.ctx, f.results, &options, &f.grid));
	return f;
}

static void close_study(struct fixture *f)
{
	core_results_free(f->results);
	core_ctx_free(f->ctx);
}

/* One claim about the gender TPR gap. */
#define CLAIM(name, rows, against, change)                                                         \
	" - name: " name "\n   claim: " name "\n   rows: " rows "\n   against: " against           \
	"\n   metric: tpr_gap\n   attribute: gender\n   change: " change "\n"

/* --- answers ---------------------------------------------------------------------------------- */

static size_t column_of(const core_grid *grid, const char *attribute, core_metric_id id)
{
	for (size_t j = 0; j < grid->n_columns; j++)
		if (grid->column[j].id == id &&
			(attribute && grid->column[j].attribute
					? !strcmp(attribute, grid->column[j].attribute)
					: attribute == grid->column[j].attribute))
			return j;
	fail_msg("no column");
	return 0;
}

/* The change of a claim is that of the table of effects: value, interval and unadjusted p. */
static void changes_are_those_of_the_table(void **unused)
{
	(void)unused;
	struct fixture f = open_study("claims-changes", study, STUDY, true);
	const core_claim_result *r = answer_text(&f,
		"claims:\n" CLAIM("a", "{loss: fair, grouper: truth}", "{loss: erm}", "{below: 0}")
			CLAIM("b", "{loss: fair, grouper: truth}", "{loss: erm}", "{above: 0}")
				CLAIM("c", "{loss: fair, grouper.k: 16}", "{loss: erm}",
					"{below: 0}"));
	size_t gap = column_of(&f.grid, "gender", CORE_TPR_GAP);
	const core_estimate *effect = &f.grid.row[FAIR_TRUTH].effect.diff[gap];
	assert_int_equal(r[0].n, 1);
	test_close(r[0].comparison[0].change.value, effect->value, 0);
	test_close(r[0].comparison[0].change.low, effect->low, 0);
	test_close(r[0].comparison[0].change.high, effect->high, 0);
	test_close(r[0].comparison[0].change.p, effect->p, 0);
	assert_true(effect->value < -0.1 && effect->high < 0);
	assert_int_equal(r[0].answer, CORE_CLAIM_YES);
	assert_int_equal(r[1].answer, CORE_CLAIM_NO);
	assert_int_equal(r[2].answer, CORE_CLAIM_UNDECIDED);
	assert_string_equal(r[2].comparison[0].reason, "bound inside interval");
	/* three tests: the two small p-values are equal, so both become three times as large */
	assert_int_equal(f.all.family, 3);
	test_close(r[0].comparison[0].adjusted, 3 * effect->p, 1e-15);
	test_close(r[1].comparison[0].adjusted, 3 * effect->p, 1e-15);
	test_close(r[2].comparison[0].adjusted, r[2].comparison[0].change.p, 1e-15);
	assert_int_equal(f.all.count[CORE_CLAIM_YES], 1);
	assert_int_equal(f.all.count[CORE_CLAIM_NO], 1);
	close_study(&f);
}

static core_claim_answer answer_bound(struct fixture *f, const char *side, double bound)
{
	char *change = core_format(f->ctx, "{%s: %.17g}", side, bound);
	char *text = core_format(f->ctx,
		"claims:\n - name: a\n   claim: a\n   rows: {loss: fair, grouper.k: 16}\n   "
		"against: {loss: erm}\n   metric: f1\n   change: %s\n",
		change);
	return answer_text(f, text)->answer;
}

/* The answer turns where the bound passes an end of the interval. */
static void answers_turn_at_the_ends_of_the_interval(void **unused)
{
	(void)unused;
	struct fixture f = open_study("claims-ends", study, STUDY, true);
	size_t f1 = column_of(&f.grid, NULL, CORE_F1);
	const core_estimate *e = &f.grid.row[FAIR_16].effect.diff[f1];
	assert_true(e->low < 0 && e->high > 0);
	assert_int_equal(answer_bound(&f, "above", e->low - 1e-9), CORE_CLAIM_YES);
	test_close(f.all.result->comparison->change.low, e->low, 0);
	assert_true(isnan(f.all.result->comparison->adjusted)); /* no test */
	assert_int_equal(f.all.family, 0);
	assert_int_equal(answer_bound(&f, "above", e->low + 1e-9), CORE_CLAIM_UNDECIDED);
	assert_int_equal(answer_bound(&f, "below", e->low - 1e-9), CORE_CLAIM_NO);
	assert_int_equal(answer_bound(&f, "below", e->high + 1e-9), CORE_CLAIM_YES);
	assert_int_equal(answer_bound(&f, "below", e->high - 1e-9), CORE_CLAIM_UNDECIDED);
	assert_int_equal(answer_bound(&f, "above", e->high + 1e-9), CORE_CLAIM_NO);
	close_study(&f);
}

/* A test whose interval excludes the bound stays undecided while its adjusted p is above .05. */
static void a_large_family_leaves_a_test_undecided(void **unused)
{
	(void)unused;
	struct fixture f = open_study("claims-family", study, STUDY, false);
	core_text text = {0};
	core_text_add(&text, "claims:\n");
	for (int i = 0; i < 40; i++) /* forty times the same comparison */
		core_text_add(&text,
			" - {name: c%d, claim: c, rows: {loss: fair, grouper: truth}, against: "
			"{loss: erm}, metric: tpr_gap, attribute: gender, change: {below: 0}}\n",
			i);
	const core_claim_result *r = answer_text(&f, text.data);
	const core_claim_comparison *c = r->comparison;
	core_text_free(&text);
	assert_true(c->change.high < 0 && c->change.p < .05 && c->change.p * 40 > .05);
	assert_int_equal(f.all.family, 40);
	assert_int_equal(r->answer, CORE_CLAIM_UNDECIDED);
	assert_string_equal(c->reason, "adjusted p > .05");
	close_study(&f);
}

/* --- means and rules -------------------------------------------------------------------------- */

static void rows_are_averaged_over_a_key(void **unused)
{
	(void)unused;
	struct fixture f = open_study("claims-means", study, STUDY, false);
	const core_claim_result *r = answer_text(&f,
		"claims:\n" CLAIM("both", "{loss: [fair, other], grouper: truth}", "{loss: erm}",
			"{below: 0}") "   mean_over: loss\n" CLAIM("each",
			"{loss: [fair, other], grouper: truth}", "{loss: erm}", "{below: 0}")
			CLAIM("k", "{grouper: kmeans, grouper.k: 16}",
				"{grouper: kmeans, grouper.k: 4}",
				"{below: 0}") "   mean_over: [loss]\n" CLAIM("k-each",
				"{grouper: kmeans, grouper.k: 16}",
				"{grouper: kmeans, grouper.k: 4}", "{below: 0}"));
	assert_int_equal(r[0].n, 1);
	assert_int_equal(r[0].comparison[0].n, 2);
	assert_int_equal(r[1].n, 2);
	assert_int_equal(r[2].n, 1);
	assert_int_equal(r[2].comparison[0].n, 2);
	assert_int_equal(r[3].n, 2);
	/* other-k16 is compared with other-k4 */
	for (int k = 0; k < 2; k++) {
		const core_claim_pair *pair = &r[3].comparison[k].pair[0];
		assert_int_equal(pair->row, k ? OTHER_16 : FAIR_16);
		assert_int_equal(pair->against, k ? OTHER_4 : FAIR_4);
	}
	for (int k = 0; k < 4; k += 2) {
		const core_claim_comparison *each = r[k + 1].comparison;
		test_close(r[k].comparison[0].change.value,
			(each[0].change.value + each[1].change.value) / 2, 1e-12);
		assert_true(r[k].comparison[0].change.low <= r[k].comparison[0].change.value);
		assert_true(r[k].comparison[0].change.high >= r[k].comparison[0].change.value);
	}
	close_study(&f);
}

/* Answers a claim about the variants `rows` against ERM. */
static core_claim_answer answer_rule(
	struct fixture *f, const char *rows, const char *side, const char *rule)
{
	return answer_text(f,
		core_format(f->ctx,
			"claims:\n - {name: c, claim: c, rows: %s, against: {loss: erm}, metric: "
			"tpr_gap, attribute: gender, change: {%s: 0}, rule: %s}\n",
			rows, side, rule))
		->answer;
}

static void rules_join_several_comparisons(void **unused)
{
	(void)unused;
	struct fixture f = open_study("claims-rules", study, STUDY, false);
	/* both close the gap */
	const char *both = "{loss: [fair, other], grouper: truth}";
	assert_int_equal(answer_rule(&f, both, "below", "all"), CORE_CLAIM_YES);
	assert_int_equal(f.all.result->n, 2);
	assert_int_equal(answer_rule(&f, both, "below", "any"), CORE_CLAIM_YES);
	assert_int_equal(answer_rule(&f, both, "above", "any"), CORE_CLAIM_NO);
	assert_int_equal(answer_rule(&f, both, "above", "all"), CORE_CLAIM_NO);
	/* one closes it, two are undecided */
	const char *some = "{loss: fair, grouper: [truth, kmeans]}";
	assert_int_equal(answer_rule(&f, some, "below", "all"), CORE_CLAIM_UNDECIDED);
	assert_int_equal(f.all.result->n, 3);
	assert_int_equal(answer_rule(&f, some, "below", "any"), CORE_CLAIM_YES);
	assert_int_equal(answer_rule(&f, some, "above", "all"), CORE_CLAIM_NO);
	assert_int_equal(answer_rule(&f, some, "above", "any"), CORE_CLAIM_UNDECIDED);
	close_study(&f);
}

/* --- rows ------------------------------------------------------------------------------------- */

static const char *reason_of(struct fixture *f, const char *rows, const char *against)
{
	char *text = core_format(f->ctx,
		"claims:\n - {name: a, claim: a, rows: %s, against: %s, metric: tpr_gap, "
		"attribute: gender, change: {below: 0}}\n",
		rows, against);
	const core_claim_result *r = answer_text(f, text);
	assert_true((r->reason != NULL) == (r->answer == CORE_CLAIM_LEFT_OUT));
	assert_true((r->reason != NULL) == (r->n == 0));
	return r->reason ? r->reason : "";
}

static void a_claim_without_its_rows_is_left_out(void **unused)
{
	(void)unused;
	struct fixture f = open_study("claims-missing", study, STUDY, false);
	assert_string_equal(reason_of(&f, "{loss: fair, grouper: truth}", "{loss: erm}"), "");
	assert_string_equal(reason_of(&f, "{loss: [fair, third], grouper: truth}", "{loss: erm}"),
		"no variant has loss third, grouper truth");
	assert_string_equal(reason_of(&f, "{loss: fair, grouper.k: [4, 8]}", "{loss: erm}"),
		"no variant has loss fair, grouper.k 8");
	assert_string_equal(
		reason_of(&f, "{loss: fair}", "{loss: nothing}"), "no variant has loss nothing");
	/* not only in what the claim names: other objectives are no counterpart */
	assert_string_equal(reason_of(&f, "{loss: fair, grouper: truth}", "{loss: other}"), "");
	assert_string_equal(
		reason_of(&f, "{loss: fair, grouper.k: 16}", "{loss: erm, grouper.k: 4}"),
		"no variant has loss erm, grouper.k 4");
	assert_string_equal(reason_of(&f, "{grouper.k: 16.0}", "{grouper.k: 4}"), "");
	assert_string_equal(reason_of(&f, "{grouper: truth, grouper.column: race}", "{loss: erm}"),
		"no variant has grouper truth, grouper.column race");
	assert_string_equal(reason_of(&f, "{grouper: none}", "{grouper: truth}"),
		"no variant can be compared with one that has grouper none");
	const core_claim_result *r = answer_text(&f,
		"claims:\n - {name: a, claim: a, rows: {loss: fair}, against: {loss: erm}, metric: "
		"tpr_gap, attribute: accent, change: {below: 0}}\n");
	assert_string_equal(r->reason, "no run was evaluated by accent");
	close_study(&f);
}

/* Two learning rates, each with its own reference; and one variant that was chosen on test. */
static void rows_differ_in_what_is_named_alone(void **unused)
{
	(void)unused;
	static const struct made made[] = {
		{"erm-1", "00000001", "erm", "[]", true, 0.25, 1, false, RAW("\"train.batch\": 1")},
		{"erm-2", "00000002", "erm", "[]", true, 0.2, 2, false, RAW("\"train.batch\": 2")},
		{"fair-1", "00000003", "fair", TRUTH, false, 0.02, 3, false,
			RAW("\"train.batch\": 1")},
		{"fair-2", "00000004", "fair", TRUTH, false, 0.05, 4, false,
			RAW("\"train.batch\": 2")},
		{"fair-3", "00000005", "fair", TRUTH, false, 0.05, 5, true,
			RAW("\"train.batch\": 2")},
	};
	struct fixture f = open_study("claims-axes", made, 5, false);
	const core_claim_result *r = answer_text(&f,
		"claims:\n" CLAIM("a", "{loss: fair}", "{loss: erm}", "{below: 0}") CLAIM("b",
			"{loss: fair, train.batch: 1}", "{loss: erm, train.batch: 2}", "{below: 0}")
			CLAIM("c", "{loss: fair}", "{loss: erm}",
				"{below: 0}") "   mean_over: train.batch\n");
	assert_int_equal(r[0].n, 2);
	for (size_t k = 0; k < 2; k++) {
		assert_int_equal(r[0].comparison[k].pair[0].row, 2 + k);
		assert_int_equal(r[0].comparison[k].pair[0].against, k);
	}
	assert_int_equal(r[1].n, 1);
	assert_int_equal(r[1].comparison[0].pair[0].row, 2);
	assert_int_equal(r[1].comparison[0].pair[0].against, 1);
	assert_int_equal(r[2].n, 1);
	assert_int_equal(r[2].comparison[0].n, 2);
	close_study(&f);
}

/* Variants of another encoder, as of a second configuration in the same folder, are no counterpart. */
static void other_features_are_not_compared(void **unused)
{
	(void)unused;
	static const struct made made[] = {
		{"erm-a", "00000001", "erm", "[]", true, 0.25, 1, false, ", \"encoder\": \"a\""},
		{"erm-b", "00000002", "erm", "[]", true, 0.2, 2, false, ", \"encoder\": \"b\""},
		{"fair-a", "00000003", "fair", TRUTH, false, 0.02, 3, false,
			", \"encoder\": \"a\""},
		{"fair-b", "00000004", "fair", TRUTH, false, 0.05, 4, false,
			", \"encoder\": \"b\""},
	};
	struct fixture f = open_study("claims-features", made, 4, true);
	const core_claim_result *r = answer_text(
		&f, "claims:\n" CLAIM("a", "{loss: fair}", "{loss: erm}", "{below: 0}"));
	assert_int_equal(r[0].n, 2);
	for (size_t k = 0; k < 2; k++) {
		assert_int_equal(r[0].comparison[k].pair[0].row, 2 + k);
		assert_int_equal(r[0].comparison[k].pair[0].against, k);
		assert_int_equal(f.grid.row[2 + k].effect.reference, (int64_t)k);
	}
	close_study(&f);
}

/* Runs with other seeds cannot be paired: the claim has its rows, but no answer. */
static void what_cannot_be_paired_is_undecided(void **unused)
{
	(void)unused;
	struct fixture f = {.ctx = test_ctx()};
	core_table_options options = core_table_default();
	options.draws.n = 2000;
	const char *dir = write_study(f.ctx, "claims-seeds", study, 2, 1);
	test_run(f.ctx, dir, &study[ERM], ERM, 1, 2);
	test_run(f.ctx, dir, &study[ERM], ERM, 2, 2);
	test_ok(f.ctx, core_results_read(f.ctx, dir, &f.results));
	test_ok(f.ctx, core_grid_make(f.ctx, f.results, &options, &f.grid));
	const core_claim_result *r = answer_text(
		&f, "claims:\n" CLAIM("a", "{loss: fair}", "{loss: erm}", "{below: 0}"));
	assert_int_equal(r->answer, CORE_CLAIM_UNDECIDED);
	assert_int_equal(f.all.family, 0);
	assert_string_equal(r->comparison[0].reason, "different seeds");
	close_study(&f);
}

/* --- tables ----------------------------------------------------------------------------------- */

/* Names of every kind, in claims and variants, are text in every format. */
static void names_of_every_kind_are_text(void **unused)
{
	(void)unused;
	struct fixture f = open_study("claims-names", study, 2, false);
	core_text out = {0};
	const core_write_style style = {.width = 60};
	(void)answer_text(&f,
		"claims:\n - {name: \"=cmd|'x'!A1\", claim: \"<b onclick=1>&\\\"' \\e[31m "
		"公平な損失 "
		"a_b % $x$ and more than sixty characters in all\", rows: {loss: fair}, against: "
		"{loss: erm}, metric: tpr_gap, attribute: gender, change: {below: 0}}\n");
	core_document *d = core_document_new(f.ctx);
	test_ok(f.ctx, core_add_claims(f.ctx, &f.grid, &f.all, NULL, d));
	test_ok(f.ctx, core_document_write_styled(f.ctx, d, CORE_TABLE_TEXT, &style, &out));
	assert_null(strchr(out.data, '\033'));
	test_ok(f.ctx, core_document_write(f.ctx, d, CORE_TABLE_CSV, &out));
	assert_non_null(strstr(out.data, "\n'=cmd|'x'!A1,"));
	test_ok(f.ctx, core_document_write(f.ctx, d, CORE_TABLE_JSON, &out));
	assert_non_null(strstr(out.data, "\\u001B[31m"));
	test_ok(f.ctx, core_document_write(f.ctx, d, CORE_TABLE_TEX, &out));
	test_ok(f.ctx, core_document_write(f.ctx, d, CORE_TABLE_MD, &out));
	core_text_free(&out);
	core_document_free(d);
	close_study(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_those_of_the_table),
		cmocka_unit_test(answers_turn_at_the_ends_of_the_interval),
		cmocka_unit_test(a_large_family_leaves_a_test_undecided),
		cmocka_unit_test(rows_are_averaged_over_a_key),
		cmocka_unit_test(rules_join_several_comparisons),
		cmocka_unit_test(a_claim_without_its_rows_is_left_out),
		cmocka_unit_test(rows_differ_in_what_is_named_alone),
		cmocka_unit_test(other_features_are_not_compared),
		cmocka_unit_test(what_cannot_be_paired_is_undecided),
		cmocka_unit_test(names_of_every_kind_are_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
