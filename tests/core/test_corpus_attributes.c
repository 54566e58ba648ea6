/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of speakers: in columns of the label file, and joined from a table. */
#include "corpus.h"

static void cremad_attributes_are_joined(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static core_column columns[] = {{"race", "Race"}, {"age", "Age"}};
	static core_bin ages[] = {{"Young", 20, 35}, {"Middle", 36, 49}, {"Elderly", 50, 75}};
	static core_bins bins[] = {{"age", 3, ages}};
	static const char *races[] = {"Caucasian", "African American", "Asian"};
	static core_values values[] = {{"race", {3, races}}};
	core_corpus_spec spec = {.labels = test_shared("corpora/cremad/labels_consensus_1.csv"),
		.attributes_file = test_shared("corpora/cremad/VideoDemographics.csv"),
		.attributes_speaker = "ActorID",
		.n_attribute_columns = 2,
		.attribute_columns = columns,
		.n_bins = 1,
		.bins = bins,
		.n_values = 1,
		.values = values};
	core_corpus *c = test_corpus_read(ctx, &spec, 1);
	const core_attribute *race = core_corpus_attribute(c, "race");
	const core_attribute *age = core_corpus_attribute(c, "age");
	static const char *const all_races[] = {
		"African American", "Asian", "Caucasian", "Unknown"};
	assert_int_equal(race->n_values, 4);
	for (int v = 0; v < 4; v++) {
		assert_string_equal(race->value[v], all_races[v]);
		assert_int_equal(race->counted[v], v < 3);
	}
	assert_int_equal(age->n_values, 3);
	for (int v = 0; v < 3; v++) {
		assert_string_equal(age->value[v], ages[v].name);
		assert_true(age->counted[v]);
	}
	/* 1001,51,Male,Caucasian and 1003,21,Female,Caucasian in the table */
	int32_t elderly = test_find_stem(c, "1001_IEO_HAP_LO"),
		young = test_find_stem(c, "1003_DFA_ANG_XX");
	assert_string_equal(age->value[age->id[elderly]], "Elderly");
	assert_string_equal(age->value[age->id[young]], "Young");
	assert_string_equal(race->value[race->id[young]], "Caucasian");
	/* 636 rows tie for the largest label; none of them has a strict majority */
	int ties = 0;
	for (int32_t i = 0; i < c->n; i++) {
		const float *y = c->label + (size_t)i * 6;
		int top = 0;
		for (int k = 0; k < 6; k++)
			top += y[k] == y[c->klass[i]];
		ties += top > 1;
		assert_true(top == 1 || c->strict[i] == -1);
	}
	assert_int_equal(ties, 636);
	core_ctx_free(ctx);
}

static const char labels[] = "FileName,a,b,SpkrID,Gender,Split_Set\nx,0.5,0.5,s1,F,Train\n"
			     "d,0.5,0.5,s2,F,Development\nt,0.5,0.5,s3,M,Test\n";
static core_column joined_columns[] = {{"accent", "Accent"}, {"age", "Years"}};

/* A label file and a table to join; bins [1] must outlive the spec. */
static core_corpus_spec make_joined_spec(fv_ctx *ctx, core_bins *bins)
{
	return (core_corpus_spec){.labels = test_corpus_write(ctx, "l.csv", labels),
		.attributes_file = test_corpus_write(
			ctx, "a.csv", "Who,Accent,Years\ns1,b,39\ns2,a,\nunused,c,12\n"),
		.attributes_speaker = "Who",
		.n_attribute_columns = 2,
		.attribute_columns = joined_columns,
		.n_bins = 1,
		.bins = bins};
}

static void tables_are_joined(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_bin old_young[] = {{"old", 40, 99}, {"young", 0, 39}};
	core_bins bins[] = {{"age", 2, old_young}};
	core_corpus_spec spec = make_joined_spec(ctx, bins);
	core_corpus *c = test_corpus_read(ctx, &spec, 0);
	const core_attribute *accent = core_corpus_attribute(c, "accent");
	const core_attribute *age = core_corpus_attribute(c, "age");
	assert_int_equal(c->n_attributes, 3);
	assert_string_equal(c->attribute[0].name, "gender");
	assert_int_equal(accent->n_values, 2); /* "c" belongs to no speaker here */
	assert_int_equal(accent->id[test_find_stem(c, "x")], 1);
	assert_int_equal(accent->id[test_find_stem(c, "t")], -1); /* s3 is not in the table */
	assert_int_equal(age->n_values, 1);
	assert_string_equal(age->value[0], "young");
	assert_int_equal(age->id[test_find_stem(c, "d")], -1);
	core_ctx_free(ctx);
}

static void bad_tables_are_rejected(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_bin old_young[] = {{"old", 40, 99}, {"young", 0, 39}};
	core_bins bins[] = {{"age", 2, old_young}};
	core_corpus_spec spec = make_joined_spec(ctx, bins);
	core_corpus *c;
	const struct {
		const char *table, *message;
		fv_status status;
	} cases[] = {
		{"Who,Accent,Years\ns1,b,39\ns1,b,39\ns2,b,1\n",
			"csv:3: speaker 's1' appears twice, first on line 2", FV_DATA},
		{"Who,Accent,Years\ns1,b,old\ns2,b,1\n", "csv:2: age: 'old' is not a finite number",
			FV_DATA},
		{"Who,Accent,Years\nS1,b,3\n", "column 'Who' has no speaker of ", FV_DATA},
		{"who,Accent,Years\ns1,b,3\n", "has no column 'Who', did you mean 'who'?",
			FV_CONFIG},
		{"Who,accent,Years\ns1,b,3\n", "corpus.attributes.columns.accent: ", FV_CONFIG},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		spec.attributes_file = test_corpus_write(ctx, "a.csv", cases[i].table);
		test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), cases[i].status,
			cases[i].message);
	}
	spec.attributes_file = test_corpus_write(ctx, "a.csv", "Who,Accent,Years\ns1,b,39\n");
	old_young[1].high = 40;
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_CONFIG, "young and old overlap");
	old_young[1].high = 39;
	static const char *names[] = {"B"};
	core_values values[] = {{"accent", {1, names}}, {"acent", {1, names}}};
	spec.n_values = 2;
	spec.values = values;
	fv_status status = core_corpus_read(ctx, &spec, 0, &c);
	assert_string_equal(core_error_line(ctx, 1),
		"corpus.values: there is no attribute 'acent', did you mean 'accent'?");
	test_fails(ctx, status, FV_CONFIG, "corpus.values.accent: no utterance has 'B'");
	core_ctx_free(ctx);
}

/* Attributes in columns of the label file itself. */
static void attributes_come_from_label_file(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static core_column columns[] = {{"gender", "sex"}, {"age", "age"}};
	core_corpus_spec spec = {.n_attribute_columns = 2, .attribute_columns = columns};
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0,
		"file,a,b,speaker,gender,sex,age,split\nx,1,0,s1,?,f,9,train\n"
		"y,1,0,s2,?,m,8,dev\nz,1,0,s3,?,m,9,test\n");
	assert_int_equal(c->n_attributes, 2);
	assert_string_equal(c->attribute[0].value[1], "m");
	assert_int_equal(c->attribute[1].id[test_find_stem(c, "y")], 0);
	spec.labels = test_corpus_write(ctx, "l.csv",
		"file,a,b,speaker,sex,age,split\nx,1,0,s1,f,9,train\n"
		"w,1,0,s1,f,8,train\ny,1,0,s2,m,8,dev\nz,1,0,s3,m,9,test\n");
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_DATA,
		"csv:3: speaker 's1' has two values of age: 8 here, 9 on line 2");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cremad_attributes_are_joined),
		cmocka_unit_test(tables_are_joined),
		cmocka_unit_test(bad_tables_are_rejected),
		cmocka_unit_test(attributes_come_from_label_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
