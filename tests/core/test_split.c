/* SPDX-License-Identifier: Apache-2.0 */
/* The split report: JSON against counts by hand, the table, and the range of draws. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "report/split_tables.h"

static core_column majority[] = {{"angry", "Male"}, {"disgust", "Male"}, {"neutral", "Male"},
	{"fear", "Female"}, {"happy", "Female"}, {"sad", "Female"}};
static const char *defective[] = {
	"1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX", "1076_MTI_SAD_XX"};
static core_column columns[] = {{"race", "Race"}, {"age", "Age"}};
static core_bin ages[] = {{"Young", 20, 35}, {"Middle", 36, 49}, {"Elderly", 50, 75}};
static core_bins bins[] = {{"age", 3, ages}};
static const char *races[] = {"Caucasian", "African American", "Asian"};
static core_values values[] = {{"race", {3, races}}};

static const core_bias_spec bias = {.on = true,
	.attribute = "gender",
	.minority_ratio = 20,
	.majority = majority,
	.n_majority = 6};

static core_split_report count_cremad(fv_ctx *ctx, int64_t fold, int32_t draws)
{
	core_corpus_spec spec = {
		.labels = core_format(ctx, "%s/configs/corpora/cremad/labels_consensus_{fold}.csv",
			getenv("FAIRVOX_SOURCE")),
		.attributes_file =
			core_format(ctx, "%s/configs/corpora/cremad/VideoDemographics.csv",
				getenv("FAIRVOX_SOURCE")),
		.attributes_speaker = "ActorID",
		.n_attribute_columns = 2,
		.attribute_columns = columns,
		.n_bins = 1,
		.bins = bins,
		.n_values = 1,
		.values = values,
		.exclude = {4, defective}};
	core_corpus *c;
	core_split_report report;
	test_ok(ctx, core_corpus_read(ctx, &spec, fold, &c));
	test_ok(ctx, core_split_count(ctx, c, &bias, 1, fold, draws, &report));
	return report;
}

static int get_number_at(const json_t *root, const char *const *path)
{
	for (; *path; path++)
		root = json_object_get(root, *path);
	assert_true(json_is_integer(root));
	return (int)json_integer_value(root);
}
#define GET_AT(root, ...) get_number_at(root, (const char *const[]){__VA_ARGS__, NULL})

static json_t *parse_report(fv_ctx *ctx, const core_split_report *report)
{
	core_text text = {0};
	test_ok(ctx, core_split_add_json(ctx, report, &text));
	assert_true(text.data[text.size - 1] == '\n');
	json_t *root = json_loads(text.data, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	core_text_free(&text);
	return root;
}

static void json_has_published_counts(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_split_report report = count_cremad(ctx, 1, 0);
	json_t *root = parse_report(ctx, &report);
	assert_int_equal(json_object_size(root), 3);
	assert_int_equal(GET_AT(root, "schema_version"), 2);
	assert_int_equal(GET_AT(root, "fold"), 1);
	const json_t *train = json_object_get(json_object_get(root, "splits"), "train");
	assert_int_equal(json_object_size(train), 5);
	assert_int_equal(GET_AT(train, "n"), 1776);
	assert_int_equal(GET_AT(train, "class", "angry"), 252);
	assert_int_equal(GET_AT(train, "no_majority"), 0);
	assert_int_equal(GET_AT(train, "attributes", "gender", "Male"), 1419);
	assert_int_equal(GET_AT(train, "class_attribute", "gender", "angry", "Male"), 240);
	assert_int_equal(GET_AT(train, "class_attribute", "gender", "sad", "Male"), 2);
	const json_t *test = json_object_get(json_object_get(root, "splits"), "test");
	/* 1,463 rows, 899 with a strict majority (Table A4) */
	assert_int_equal(GET_AT(test, "n"), 1463);
	assert_int_equal(GET_AT(test, "no_majority"), 1463 - (160 + 42 + 59 + 75 + 513 + 50));
	assert_int_equal(GET_AT(test, "attributes", "race", "Caucasian"), 1217);
	assert_int_equal(GET_AT(test, "attributes", "age", "Elderly"), 246);
	assert_int_equal(GET_AT(test, "class_attribute", "gender", "neutral", "Female"), 263);
	json_decref(root);
	core_ctx_free(ctx);
}

static core_text table_of(fv_ctx *ctx, const core_split_report *report)
{
	core_text text = {0};
	core_document *document = core_document_new(ctx);
	test_ok(ctx, core_split_tables(ctx, report, document));
	test_ok(ctx, core_document_write(ctx, document, CORE_TABLE_TEXT, &text));
	core_document_free(document);
	return text;
}

static void draws_give_a_range(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_split_report report = count_cremad(ctx, 1, 200);
	json_t *root = parse_report(ctx, &report);
	const json_t *draws = json_object_get(root, "draws");
	assert_int_equal(GET_AT(draws, "n"), 200);
	const json_t *splits = json_object_get(draws, "splits");
	const json_t *race = json_object_get(json_object_get(splits, "train"), "race");
	const json_t *asian = json_object_get(race, "Asian");
	int low = (int)json_integer_value(json_array_get(asian, 0));
	int high = (int)json_integer_value(json_array_get(asian, 1));
	assert_true(low < high && low <= 229 && 229 <= high); /* Table A4: 229 */
	const json_t *male = json_object_get(
		json_object_get(json_object_get(splits, "train"), "gender"), "Male");
	assert_int_equal(json_integer_value(json_array_get(male, 0)), 1419);
	assert_int_equal(json_integer_value(json_array_get(male, 1)), 1419);
	json_decref(root);
	core_text text = table_of(ctx, &report);
	assert_non_null(strstr(text.data, "\nrecordings    1776  631  1463\n"));
	assert_non_null(strstr(text.data, "\nno majority      0    0   564\n"));
	assert_non_null(strstr(text.data, "train (Unknown)"));
	assert_non_null(strstr(text.data, "\ngender       train Female  train Male  dev Female"));
	assert_non_null(
		strstr(text.data, "\nangry                  12         240           4        93"));
	assert_non_null(strstr(text.data, "\nmost drawn "));
	core_text_free(&text);
	core_ctx_free(ctx);
}

/* A row of unknown gender, a class without rows, and a name that JSON cannot hold. */
static void small_corpus_is_counted(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *text = "FileName,a,b,c,SpkrID,Gender,Split_Set\n"
			   "1,1,0,0,s1,F,Train\n2,.5,.5,0,s1,F,Train\n3,0,1,0,s2,,Train\n"
			   "4,1,0,0,s3,M,Development\n5,1,0,0,s4,M,Test\n";
	core_corpus_spec spec = {.labels = core_path_join(ctx, test_folder("split"), "l.csv")};
	test_ok(ctx, core_file_write(ctx, spec.labels, text, strlen(text)));
	core_corpus *c;
	core_split_report report;
	core_bias_spec none = {0};
	test_ok(ctx, core_corpus_read(ctx, &spec, 0, &c));
	test_ok(ctx, core_split_count(ctx, c, &none, 1, 0, 0, &report));
	json_t *root = parse_report(ctx, &report);
	const json_t *train = json_object_get(json_object_get(root, "splits"), "train");
	assert_int_equal(GET_AT(train, "n"), 3);
	assert_int_equal(GET_AT(train, "no_majority"), 1);
	assert_int_equal(GET_AT(train, "class", "c"), 0);
	assert_int_equal(GET_AT(train, "attributes", "gender", "F"), 2);
	assert_int_equal(GET_AT(train, "class_attribute", "gender", "a", "F"), 1);
	assert_int_equal(GET_AT(train, "unknown", "gender"), 1);
	assert_int_equal(report.split[CORE_TRAIN].speakers, 2);
	json_decref(root);
	core_text out = table_of(ctx, &report);
	assert_non_null(strstr(out.data, "gender unknown in train: 1\n"));
	core_text_free(&out);
	c->class_name[0] = "\xff";
	test_fails(ctx, core_split_add_json(ctx, &report, &out), FV_DATA, "is not UTF-8");
	core_text_free(&out);
	core_ctx_free(ctx);
}

static int run_program(const char *line, char *out, size_t room)
{
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	size_t n = fread(out, 1, room - 1, pipe);
	out[n] = '\0';
	int status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* `fairvox split` with the same settings as YAML prints the same object. */
static void program_prints_the_same_json(void **state)
{
	(void)state;
	static char out[1 << 16];
	fv_ctx *ctx = test_ctx();
	const char *source = getenv("FAIRVOX_SOURCE"), *program = getenv("FAIRVOX_BUILD");
	const char *path = core_path_join(ctx, test_folder("split"), "c.yaml");
	const char *yaml = core_format(ctx,
		"corpus:\n"
		"  labels: %s/configs/corpora/cremad/labels_consensus_{fold}.csv\n"
		"  attributes: {file: %s/configs/corpora/cremad/VideoDemographics.csv, "
		"speaker: ActorID, columns: {race: Race, age: Age}}\n"
		"  bins: {age: {Young: [20, 35], Middle: [36, 49], Elderly: [50, 75]}}\n"
		"  values: {race: [Caucasian, African American, Asian]}\n"
		"  folds: [1, 2, 3, 4, 5]\n"
		"  exclude: [1064_IEO_DIS_MD, 1064_TIE_SAD_XX, 1076_MTI_NEU_XX, 1076_MTI_SAD_XX]\n"
		"bias: {attribute: gender, minority_ratio: 20, majority: {angry: Male, disgust: "
		"Male, "
		"neutral: Male, fear: Female, happy: Female, sad: Female}}\n",
		source, source);
	test_ok(ctx, core_file_write(ctx, path, yaml, strlen(yaml)));
	core_split_report report = count_cremad(ctx, 3, 20);
	core_text want = {0};
	test_ok(ctx, core_split_add_json(ctx, &report, &want));
	const char *verb = core_format(ctx, "%s/fairvox split %s", program, path);
	assert_int_equal(run_program(core_format(ctx, "%s --fold 3 --draws 20 --json", verb), out,
				 sizeof out),
		0);
	assert_string_equal(out, want.data);
	assert_int_equal(run_program(core_format(ctx, "%s 2>&1", verb), out, sizeof out), 2);
	assert_string_equal(out, "fairvox: split: --fold is missing: there are 5 folds\n");
	assert_int_equal(
		run_program(core_format(ctx, "%s --fold 6 2>&1", verb), out, sizeof out), 2);
	assert_int_equal(
		run_program(core_format(ctx, "%s bias.minority_ratio=5,20 --fold 1 2>&1", verb),
			out, sizeof out),
		2);
	assert_non_null(strstr(out, "the matrix varies bias.minority_ratio"));
	core_text_free(&want);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_published_counts),
		cmocka_unit_test(draws_give_a_range),
		cmocka_unit_test(small_corpus_is_counted),
		cmocka_unit_test(program_prints_the_same_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
