/* SPDX-License-Identifier: Apache-2.0 */
/* audformat databases: the choice of tables, joins of tables and labels of schemes, segments, and
 * what is refused. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "corpus/forms.h"

/* A database in a folder of its own: name and content of each file. */
static const char *make_db(fv_ctx *ctx, const char *const file[][2], size_t n)
{
	const char *folder = test_folder("audformat");
	for (size_t i = 0; i < n; i++)
		test_ok(ctx, core_file_write(ctx, core_format(ctx, "%s/%s", folder, file[i][0]),
				     file[i][1], strlen(file[i][1])));
	return core_format(ctx, "%s/db.yaml", folder);
}
#define MAKE_DB(ctx, files) make_db(ctx, files, sizeof(files) / sizeof *(files))

static const char *get_cell(const core_csv *csv, int64_t row, const char *column)
{
	int64_t c = core_csv_column(csv, column);
	if (c < 0)
		fail_msg("no column %s", column);
	return core_csv_cell(csv, row, c);
}

static fv_status read_db(fv_ctx *ctx, const char *path, core_csv *csv)
{
	core_files files = {0};
	return core_read_audformat(ctx, path, "emotion", &files, csv);
}

static const char whole_files[] =
	"name: berlin\nusage: research\nmedia:\n  mic: {type: other, format: wav}\n"
	"schemes:\n  age: {dtype: int}\n  emotion: {dtype: str, labels: [anger, 'no']}\n"
	"  speaker: {dtype: int, labels: speaker}\n  confidence: {dtype: float}\n"
	"splits:\n  test: {type: test}\n  train: {type: train}\n"
	"tables:\n  emotion:\n    type: filewise\n    columns:\n      emotion: {scheme_id: "
	"emotion}\n"
	"  emotion.gold.test:\n    type: filewise\n    split_id: test\n    columns:\n"
	"      emotion: {scheme_id: emotion}\n      emotion.confidence: {scheme_id: confidence}\n"
	"  emotion.gold.train:\n    type: filewise\n    split_id: train\n    columns:\n"
	"      emotion: {scheme_id: emotion}\n      emotion.confidence: {scheme_id: confidence}\n"
	"  files:\n    type: filewise\n    columns:\n      speaker: {scheme_id: speaker}\n"
	"      duration: {}\n"
	"misc_tables:\n  speaker:\n    levels: {speaker: int}\n    columns:\n"
	"      age: {scheme_id: age}\n      gender: {}\n";

static const char *const berlin[][2] = {{"db.yaml", whole_files},
	{"db.emotion.csv", "file,emotion\nwav/a.wav,anger\n"},
	{"db.emotion.gold.test.csv", "file,emotion,emotion.confidence\nwav/c.wav,no,0.5\n"},
	{"db.emotion.gold.train.csv",
		"file,emotion,emotion.confidence\nwav/a.wav,anger,1.0\n\"wav/b, 2.wav\",,0.75\n"},
	{"db.files.csv", "file,speaker,duration\nwav/a.wav,3,0 days 00:00:01.500000\n"
			 "wav/c.wav,11.0,0 days\n\"wav/b, 2.wav\",,\n"},
	{"db.speaker.csv", "speaker,age,gender\n11,,female\n3,31,male\n"}};

static void speakers_come_from_another_table(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	core_files files = {0};
	const char *path = MAKE_DB(ctx, berlin);
	test_ok(ctx, core_read_audformat(ctx, path, "emotion", &files, &csv));
	static const char *const want[][4] = {{"file", "wav/c.wav", "wav/a.wav", "wav/b, 2.wav"},
		{"split", "test", "train", "train"}, {"emotion", "no", "anger", ""},
		{"emotion.confidence", "0.5", "1.0", "0.75"}, {"speaker", "11.0", "3", ""},
		{"age", "", "31", ""}, {"gender", "female", "male", ""}};
	assert_int_equal(csv.n_rows, 3);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		for (int r = 0; r < 3; r++)
			assert_string_equal(get_cell(&csv, r, want[i][0]), want[i][r + 1]);
	assert_int_equal(csv.line[2], 3);
	assert_non_null(strstr(csv.row_path[0], "/db.emotion.gold.test.csv"));
	assert_non_null(strstr(csv.row_path[2], "/db.emotion.gold.train.csv"));
	assert_int_equal(core_csv_column(&csv, "start"), -1);
	assert_int_equal(files.n, 4); /* two tables, files, speaker */
	core_ctx_free(ctx);
}

static void a_table_is_chosen_by_its_file(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	const char *header = MAKE_DB(ctx, berlin);
	const char *path = core_format(
		ctx, "%.*s/db.emotion.csv", (int)(strlen(header) - strlen("/db.yaml")), header);
	assert_true(core_is_audformat(header));
	assert_true(core_is_audformat(path));
	test_ok(ctx, read_db(ctx, path, &csv));
	assert_int_equal(csv.n_rows, 1);
	assert_string_equal(get_cell(&csv, 0, "gender"), "male");
	assert_int_equal(core_csv_column(&csv, "split"), -1);
	assert_false(core_is_audformat(test_golden("db.emotion.csv"))); /* no db.yaml beside it */
	core_ctx_free(ctx);
}

/* Three splits, two of one type; labels of speakers in db.yaml; a column named by its scheme. */
static void segments_are_joined(void **state)
{
	static const char *const files[][2] = {
		{"db.yaml", "schemes:\n  emotion: {dtype: str}\n"
			    "  speaker:\n    dtype: str\n    labels:\n      s1: {gender: female, "
			    "age: 20, x: }\n"
			    "      s2: {gender: male}\n"
			    "splits:\n  t: {type: train}\n  test-1: {type: test}\n  test-2: {type: "
			    "test}\n"
			    "tables:\n"
			    "  a: {type: segmented, split_id: t, columns: {label: {scheme_id: "
			    "emotion}}}\n"
			    "  b: {type: segmented, split_id: test-1, columns: {label: {scheme_id: "
			    "emotion}}}\n"
			    "  c: {type: filewise, split_id: test-2, columns: {label: {scheme_id: "
			    "emotion}}}\n"
			    "  noise: {type: segmented, columns: {snr: }}\n"
			    "  files: {type: filewise, columns: {speaker: {scheme_id: speaker}, "
			    "split: }}\n"},
		{"db.a.csv",
			"file,start,end,label\nx.wav,0 days 00:00:00,0 days 00:00:01.250000,joy\n"
			"x.wav,0 days 00:00:01.250000,,rage\n"},
		{"db.b.csv", "file,start,end,label\ny.wav,0 days,0 days 00:01:00,joy\n"},
		{"db.c.csv", "file,label\nz.wav,rage\n"},
		{"db.noise.csv", "file,start,end,snr\nx.wav,1.25,NaT,-3\nx.wav,0,2,9\n"},
		{"db.files.csv", "file,speaker,split\ny.wav,s2,old\nx.wav,s1,old\n"}};
	static const char *const want[][5] = {{"file", "x.wav", "x.wav", "y.wav", "z.wav"},
		{"start", "0", "1.25", "0", ""}, {"end", "1.25", "", "60", ""},
		{"split", "t", "t", "test-1", "test-2"}, {"emotion", "joy", "rage", "joy", "rage"},
		{"speaker", "s1", "s1", "s2", ""}, {"gender", "female", "female", "male", ""},
		{"age", "20", "20", "", ""}, {"snr", "", "-3", "", ""},
		{"files.split", "old", "old", "old", ""}};
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	test_ok(ctx, read_db(ctx, MAKE_DB(ctx, files), &csv));
	assert_int_equal(csv.n_rows, 4);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		for (int r = 0; r < 4; r++)
			assert_string_equal(get_cell(&csv, r, want[i][0]), want[i][r + 1]);
	core_ctx_free(ctx);
}

#define ONE_TABLE "tables:\n  t: {type: filewise, columns: {emotion: }}\n"

static void bad_databases_are_refused(void **state)
{
	static const struct {
		const char *file[4][2];
		const char *message;
	} cases[] = {
		{{{"db.yaml", "tables: 3\n"}}, "db.yaml:1:9: 'tables' must be a map"},
		{{{"db.yaml", "name: x\n"}}, "it has no tables"},
		{{{"db.yaml", "tables: {t: {type: odd}}\n"}}, "type 'odd', not filewise or"},
		{{{"db.yaml", "tables: [\n"}}, "db.yaml:2"},
		{{{"db.yaml", "tables:\n  t: {type: filewise, columns: {mood: }}\n"}},
			"no table has a column 'emotion': name the column of the class with "
			"corpus.columns.emotion; the tables have: t (mood)"},
		{{{"db.yaml", ONE_TABLE}}, "db.t.csv: no such file, but"},
		{{{"db.yaml", ONE_TABLE}, {"db.t.parquet", "PAR1"}},
			"db.t.parquet: tables are read as CSV, not parquet"},
		{{{"db.yaml", ONE_TABLE}, {"db.t.pkl", "x"}}, "not pickle"},
		{{{"db.yaml", ONE_TABLE}, {"db.t.csv", "file\na\n"}},
			":1: no column 'emotion', which"},
		{{{"db.yaml", ONE_TABLE}, {"db.t.csv", "name,emotion\na,b\n"}},
			":1: column 1 is 'name', not 'file'"},
		{{{"db.yaml", ONE_TABLE}, {"db.t.csv", "file,emotion\na,b\nb,b\na,c\n"}},
			"db.t.csv:4: 'a' appears twice, first on line 2"},
		{{{"db.yaml", ONE_TABLE "  u: {type: filewise, columns: {emotion: }}\n"}},
			"several tables have a column 'emotion': t, u: name the files of those to "
			"use"},
		{{{"db.yaml", "tables:\n  t: {type: filewise, split_id: a, columns: {emotion: }}\n"
			      "  u: {type: filewise, split_id: a, columns: {emotion: }}\n"}},
			"a column 'emotion' for split a: t, u"},
		{{{"db.yaml", "tables:\n  t: {type: segmented, columns: {emotion: }}\n"},
			 {"db.t.csv", "file,start,end,emotion\na,soon,,b\n"}},
			"db.t.csv:2: start: 'soon' is no time"},
		{{{"db.yaml", ONE_TABLE "  u: {type: filewise, columns: {speaker: }}\n"
					"  v: {type: filewise, columns: {speaker: }}\n"},
			 {"db.t.csv", "file,emotion\na,b\n"}, {"db.u.csv", "file,speaker\na,s\n"},
			 {"db.v.csv", "file,speaker\nb,t\na,t\n"}},
			"db.v.csv:3: speaker is 't' here and 's' in another table"},
		{{{"db.yaml",
			  ONE_TABLE "  u: {type: filewise, columns: {speaker: {scheme_id: s}}}\n"
				    "schemes: {s: {dtype: str, labels: people}}\n"},
			 {"db.t.csv", "file,emotion\na,b\n"}, {"db.u.csv", "file,speaker\na,s\n"}},
			"scheme 's' takes its labels from 'people', which is no misc table"},
		{{{"db.yaml", "tables:\n  t:\n    type: filewise\n    columns:\n"
			      "      emotion: {scheme_id: emotoin}\nschemes: {emotion: {}}\n"}},
			"db.yaml:5:16: column 'emotion' of table 't' has the scheme 'emotoin', "
			"which 'schemes' does not have"},
		{{{"db.yaml", "tables:\n  t: {type: filewise, split_id: eval, columns: {emotion: "
			      "}}\nsplits: {test: {}}\n"}},
			"db.yaml:2:6: table 't' is of the split 'eval', which 'splits' does not "
			"have"},
		{{{"db.yaml", "tables:\n  t: {type: filewise, columns: {emotion: {scheme_id: e}}}\n"
			      "schemes: {e: {dtype: str, labels: [anger, joy]}}\n"},
			 {"db.t.csv", "file,emotion\na,joy\nb,angry\nc,\n"}},
			"db.t.csv:3: emotion: 'angry' is no label of the scheme 'e', did you mean "
			"'anger'?"},
		{{{"db.yaml", "tables:\n  t: {type: filewise, columns: {emotion: {scheme_id: e}}}\n"
			      "schemes: {e: {dtype: int, labels: {1: {a: x}, 2: {a: y}}}}\n"},
			 {"db.t.csv", "file,emotion\na,1.0\nb,2\nc,3\n"}},
			"db.t.csv:4: emotion: '3' is no label of the scheme 'e'"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_csv csv;
		size_t n = 0;
		while (n < 4 && cases[i].file[n][0])
			n++;
		test_fails(ctx, read_db(ctx, make_db(ctx, cases[i].file, n), &csv), FV_DATA,
			cases[i].message);
		core_ctx_free(ctx);
	}
}

static void keep_warning(void *user, core_level level, const char *line)
{
	if (level == CORE_WARNING)
		snprintf(user, 512, "%s", line);
}

static void a_contradicted_column_is_left_out(void **state)
{
	static const char *const files[][2] = {
		{"db.yaml", ONE_TABLE "  u: {type: filewise, columns: {mic: , snr: }}\n"
				      "  v: {type: filewise, columns: {mic: }}\n"},
		{"db.t.csv", "file,emotion\na,b\n"}, {"db.u.csv", "file,mic,snr\na,near,5\n"},
		{"db.v.csv", "file,mic\na,far\n"}};
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	char warning[512] = "";
	core_ctx_set_log(ctx, keep_warning, warning);
	test_ok(ctx, read_db(ctx, MAKE_DB(ctx, files), &csv));
	assert_int_equal(core_csv_column(&csv, "mic"), -1);
	assert_string_equal(get_cell(&csv, 0, "snr"), "5");
	assert_non_null(strstr(warning, "db.v.csv:2: mic is 'far' here and 'near' in another"));
	core_ctx_free(ctx);
}

static void unknown_speakers_are_told(void **state)
{
	static const char *const files[][2] = {{"db.yaml", whole_files}, {"db.emotion.csv", "x\n"},
		{"db.emotion.gold.test.csv", "file,emotion,emotion.confidence\nc,no,1\nd,no,1\n"},
		{"db.emotion.gold.train.csv", "file,emotion,emotion.confidence\na,anger,1\n"},
		{"db.files.csv", "file,speaker,duration\na,3,\nc,4,\nd,4,\n"},
		{"db.speaker.csv", "speaker,age,gender\n3,31,male\n"}};
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	char warning[512] = "";
	core_ctx_set_log(ctx, keep_warning, warning);
	test_ok(ctx, read_db(ctx, MAKE_DB(ctx, files), &csv));
	assert_non_null(strstr(warning,
		"db.speaker.csv: 2 of 3 rows have a speaker that is not in it, first '4'"));
	assert_string_equal(get_cell(&csv, 2, "gender"), "male"); /* of a, the training row */
	assert_string_equal(get_cell(&csv, 0, "gender"), "");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speakers_come_from_another_table),
		cmocka_unit_test(a_table_is_chosen_by_its_file),
		cmocka_unit_test(segments_are_joined),
		cmocka_unit_test(bad_databases_are_refused),
		cmocka_unit_test(a_contradicted_column_is_left_out),
		cmocka_unit_test(unknown_speakers_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
