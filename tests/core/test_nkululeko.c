/* SPDX-License-Identifier: Apache-2.0 */
/* nkululeko's configurations: INI files and Python values, databases, classes, splits, and what
 * cannot be followed. */
#include "support.h"

#include <string.h>

#include "base/file.h"
#include "corpus/forms.h"
#include "corpus/ini.h"
#include "corpus/python_value.h"

static void write_text(fv_ctx *ctx, const char *folder, const char *name, const char *text)
{
	const char *path = core_format(ctx, "%s/%s", folder, name);
	test_ok(ctx, core_make_dirs(ctx, core_path_dir(ctx, path)));
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
}

static const char *get_cell(const core_csv *csv, int64_t row, const char *column)
{
	int64_t c = core_csv_column(csv, column);
	if (c < 0)
		fail_msg("no column %s", column);
	return core_csv_cell(csv, row, c);
}

static void python_values_are_read(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_python_value value;
	assert_null(core_python_parse(
		ctx, " {'a' : \"it's\",\n 'b\\'': [1, -2.5, (True,)], } ", &value));
	assert_int_equal(value.kind, CORE_PYTHON_DICT);
	assert_int_equal(value.n, 2);
	assert_string_equal(value.item[0].text, "it's");
	assert_string_equal(value.key[1].text, "b'");
	const core_python_value *list = &value.item[1];
	assert_int_equal(list->n, 3);
	assert_int_equal(list->item[1].kind, CORE_PYTHON_NUMBER);
	assert_string_equal(list->item[1].text, "-2.5");
	assert_string_equal(list->item[2].item[0].text, "True");
	assert_null(core_python_parse(ctx, "[]", &value));
	assert_int_equal(value.n, 0);
	static const char *const wrong[][2] = {{"['a'", "a bracket is not closed"},
		{"['a", "a quote is not closed"}, {"['a' 'b']", "a comma is missing"},
		{"[a]", "a text without quotes: a"}, {"", "a value is missing"},
		{"{'a'}", "a dict needs KEY: VALUE"}, {"{'a'", "a dict needs KEY: VALUE"},
		{"[] []", "text after the value"}, {"'\\n'", "after a backslash only"},
		{"[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "too many brackets"}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const char *text = core_python_parse(ctx, wrong[i][0], &value);
		if (!text || !strstr(text, wrong[i][1]))
			fail_msg("%s: %s", wrong[i][0], text ? text : "no error");
	}
	core_ctx_free(ctx);
}

static void ini_files_are_read(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *folder = test_folder("nkululeko");
	core_ini ini;
	write_text(ctx, folder, "a.ini",
		"\xef\xbb\xbf# head\r\n[EXP]\r\nRoot = ./x = y\r\n\r\n[DATA]\n; note\nkey: [1,\n"
		"   2]\n\nlast=100%%\n");
	test_ok(ctx, core_ini_read(ctx, core_format(ctx, "%s/a.ini", folder), &ini));
	assert_int_equal(ini.n, 3);
	assert_string_equal(core_ini_find(&ini, "EXP", "root")->value, "./x = y");
	assert_string_equal(core_ini_find(&ini, "DATA", "key")->value, "[1,\n2]");
	assert_string_equal(core_ini_find(&ini, "DATA", "last")->value, "100%");
	assert_int_equal(core_ini_find(&ini, "DATA", "last")->line, 10);
	assert_null(core_ini_find(&ini, "EXP", "key"));
	static const char *const wrong[][2] = {{"a = 1\n", ":1: a key before the first"},
		{"[A]\nx\n", ":2: neither [section] nor key"},
		{"[A]\nx=1\nX=2\n", ":3: 'x' is given twice, first on line 2"},
		{"[A]\nx=%(y)s\n", ":2: '%' begins a reference"},
		{"[DEFAULT]\n", "defaults for all"}, {"[A\n", "a section is written [NAME]"},
		{"[A]\nx=\xff\n", ":2: not UTF-8"}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		write_text(ctx, folder, "b.ini", wrong[i][0]);
		test_fails(ctx, core_ini_read(ctx, core_format(ctx, "%s/b.ini", folder), &ini),
			FV_DATA, wrong[i][1]);
	}
	core_ctx_free(ctx);
}

static fv_status read_text(
	fv_ctx *ctx, const char *folder, const char *text, bool needs_split, core_csv *csv)
{
	core_files files = {0};
	write_text(ctx, folder, "exp/x.ini", text);
	return core_read_nkululeko(
		ctx, core_format(ctx, "%s/exp/x.ini", folder), needs_split, &files, csv);
}

/* Databases are found from the folder above the configuration's. */
static const char *make_folder(fv_ctx *ctx)
{
	const char *folder = test_folder("nkululeko");
	write_text(ctx, folder, "data/a.csv",
		"file,mood, spk,sex,age\nwav/1.wav,anger,s1,female,20\nwav/2.wav, joy "
		",s2,male,\n"
		"wav/3.wav,disgust,3,male,40\nwav/4.wav,anger,s1,female,20\n");
	write_text(ctx, folder, "data/b/b.csv",
		"file,start,end,emotion\nx.wav,0 days 00:00:00,0 days 00:00:01.500000,angry\n"
		"x.wav,0 days 00:00:01.500000,,happy\n");
	write_text(ctx, folder, "au/db.yaml",
		"tables:\n  mood.train: {type: filewise, columns: {mood: }}\n"
		"  mood.test: {type: filewise, columns: {mood: }}\n"
		"  files: {type: filewise, columns: {speaker: , sex: }}\n");
	write_text(ctx, folder, "au/db.mood.train.csv", "file,mood\nw/1.wav,angry\nw/2.wav,calm\n");
	write_text(ctx, folder, "au/db.mood.test.csv", "file,mood\nw/3.wav,happy\n");
	write_text(ctx, folder, "au/db.files.csv",
		"file,speaker,sex\nw/1.wav,9,f\nw/2.wav,9,f\nw/3.wav,8,m\n");
	return folder;
}

static void tables_are_mapped_and_split(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	test_ok(ctx, read_text(ctx, make_folder(ctx),
			     "[EXP]\nroot = ./results/\n[DATA]\ndatabases = ['A', 'b']\n"
			     "A = ./data/a.csv\nA.type = csv\nA.absolute_path = False\n"
			     "A.audio_path = audio/\nA.split_strategy = ['s1', 3]\n"
			     "A.colnames = {'spk': 'speaker', 'sex': 'gender'}\n"
			     "A.mapping = {'anger, disgust': 'angry', 'fear': 'afraid'}\n"
			     "A.rename_speakers = True\nA.filter = [['age', [20, 40]]]\n"
			     "b = data/b/b.csv\nb.type = csv\nb.split_strategy = train\n"
			     "target = mood\nlabels = ['angry', 'happy']\nb.colnames = {'emotion': "
			     "'mood'}\n"
			     "other = elsewhere\nother.limit = 3\n[MODEL]\ntype = xgb\n",
			     true, &csv));
	static const char *const want[][6] = {
		{"file", "data/audio/wav/1.wav", "data/audio/wav/3.wav", "data/audio/wav/4.wav",
			"x.wav", "x.wav"},
		{"emotion", "angry", "angry", "angry", "angry", "happy"},
		{"speaker", "As1", "A3", "As1", "", ""},
		{"gender", "female", "male", "female", "", ""}, {"age", "20", "40", "20", "", ""},
		{"split", "test", "test", "test", "train", "train"},
		{"start", "", "", "", "0", "1.5"}, {"end", "", "", "", "1.5", ""}};
	assert_int_equal(csv.n_rows, 5);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		for (int r = 0; r < 5; r++)
			assert_string_equal(get_cell(&csv, r, want[i][0]), want[i][r + 1]);
	assert_int_equal(csv.line[1], 4);
	assert_non_null(strstr(csv.row_path[4], "data/b/b.csv"));
	core_ctx_free(ctx);
}

static void audformat_tables_are_listed(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	const char *folder = make_folder(ctx);
	write_text(ctx, folder, "exp/roots.ini",
		"[DATA]\nau = au\nau.split_strategy = specified\n"
		"au.train_tables = ['mood.train']\nau.test_tables = ['mood.test']\n");
	test_ok(ctx, read_text(ctx, folder,
			     "[DATA]\nroot_folders = roots.ini\ndatabases = ['au']\ntarget = mood\n"
			     "labels = ['angry', 'happy']\nau.colnames = {'sex':'gender'}\n",
			     true, &csv));
	static const char *const want[][4] = {{"file", "au/w/1.wav", "au/w/2.wav", "au/w/3.wav"},
		{"emotion", "angry", "", "happy"}, {"split", "train", "train", "test"},
		{"speaker", "9", "9", "8"}, {"gender", "f", "f", "m"}};
	assert_int_equal(csv.n_rows, 3);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		for (int r = 0; r < 3; r++)
			assert_string_equal(get_cell(&csv, r, want[i][0]), want[i][r + 1]);
	test_ok(ctx, read_text(ctx, folder,
			     "[DATA]\ndatabases = ['au']\ntarget = mood\nau = au\n"
			     "au.split_strategy = database\n",
			     true, &csv));
	assert_int_equal(csv.n_rows, 3);
	assert_string_equal(get_cell(&csv, 1, "emotion"), "calm");
	assert_string_equal(get_cell(&csv, 2, "split"), "test");
	core_ctx_free(ctx);
}

/* With folds of its own a study needs no split; a column split of the table keeps its values. */
static void splits_may_be_left_to_folds(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	test_ok(ctx,
		read_text(ctx, make_folder(ctx),
			"[DATA]\ndatabases = ['a']\ntarget = mood\na = data/a.csv\na.type = csv\n",
			false, &csv));
	assert_int_equal(csv.n_rows, 4);
	assert_int_equal(core_csv_column(&csv, "split"), -1);
	assert_string_equal(get_cell(&csv, 1, "emotion"), "joy");
	core_ctx_free(ctx);
}

/* The class, gender and split of each row: "angry female test, ...". */
static const char *list_rows(fv_ctx *ctx, const core_csv *csv)
{
	const char *all = "";
	for (int64_t r = 0; r < csv->n_rows; r++)
		all = core_format(ctx, "%s%s%s %s %s", all, r ? ", " : "",
			get_cell(csv, r, "emotion"), get_cell(csv, r, "gender"),
			get_cell(csv, r, "split"));
	return all;
}

/* One mapping for all databases; one of them has its own. Filters of [DATA] see mapped classes, those
 * of a database its own; a second column called emotion is not the class. */
static void keys_of_all_databases(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *folder = make_folder(ctx);
	core_csv csv;
	write_text(ctx, folder, "data/c.csv",
		"file,mood,emotion,speaker,gender\n5.wav,anger,x,1,female\n6.wav,calm,y,2,male\n"
		"7.wav,joy,x,3,male\n");
#define TWO                                                                                        \
	"[DATA]\ndatabases = ['a', 'data']\ntarget = mood\na = data/a.csv\na.type = csv\n"         \
	"a.colnames = {'spk': 'speaker', 'sex': 'gender'}\na.split_strategy = ['s1']\n"            \
	"data = data/c.csv\ndata.type = csv\ndata.split_strategy = train\n"
	test_ok(ctx, read_text(ctx, folder,
			     TWO "mapping = {'anger': 'angry', 'joy': 'happy'}\n"
				 "labels = ['angry', 'happy']\n",
			     true, &csv));
	assert_string_equal(list_rows(ctx, &csv),
		"angry female test, happy male train,  male train, angry female test, "
		"angry female train,  male train, happy male train");
	test_ok(ctx, read_text(ctx, folder,
			     TWO "mapping = {'anger': 'angry', 'joy': 'happy'}\n"
				 "data.mapping = {'anger': 'cross', 'joy': 'glad'}\n"
				 "filter = [['mood', ['angry', 'cross', 'glad']]]\n",
			     true, &csv));
	assert_string_equal(list_rows(ctx, &csv),
		"angry female test, angry female test, cross female train, glad male train");
	test_ok(ctx, read_text(ctx, folder,
			     TWO "a.mapping = {'anger': 'angry'}\na.filter = [['mood', 'anger']]\n"
				 "data.filter = [['emotion', 'x']]\n"
				 "data.limit_samples = False\ndata.min_duration_of_sample = 0.0\n",
			     true, &csv));
	assert_string_equal(list_rows(ctx, &csv),
		"angry female test, angry female test, anger female train, joy male train");
	/* a renamed speaker may be listed with the name of its database */
	test_ok(ctx, read_text(ctx, folder,
			     "[DATA]\ndatabases = ['data']\ntarget = mood\ndata = data/c.csv\n"
			     "data.type = csv\ndata.split_strategy = ['1', 'data3']\n"
			     "data.rename_speakers = True\n",
			     true, &csv));
	assert_string_equal(
		list_rows(ctx, &csv), "anger female test, calm male train, joy male test");
	assert_string_equal(get_cell(&csv, 2, "speaker"), "data3");
	core_ctx_free(ctx);
}

static void what_cannot_be_followed_is_named(void **state)
{
#define A "[DATA]\ndatabases = ['a']\ntarget = mood\na = data/a.csv\na.type = csv\n"
	static const char *const cases[][2] = {
		{A, "x.ini:4: a: the strategy 'speaker_split' draws the test set anew each time"},
		{A "a.split_strategy = random\n",
			"x.ini:6: a.split_strategy: the strategy 'random'"},
		{A "a.split_strategy = halves\n", "'halves' is no split strategy that is read"},
		{A "a.colnames = {'spk': 'speaker'}\na.split_strategy = ['s1', 3\n",
			"x.ini:7: a.split_strategy: a bracket is not closed"},
		{A "a.split_strategy = ['s1']\n", "has no column 'speaker'; it has: file, emotion"},
		{A "a.split_strategy = train\nlimit_samples = 9\n",
			"x.ini:7: limit_samples: rows drawn"},
		{A "a.split_strategy = train\na.limit = 9\n", "x.ini:7: a.limit: rows drawn"},
		{A "a.split_strategy = train\na.max_duration_of_sample = 9\n",
			"corpus.where: {duration: [LOW, HIGH]}"},
		{A "a.split_strategy = train\na.filters = 9\n",
			"x.ini:7: a.filters: no key that is known, did you mean 'filter'?"},
		{A "a.split_strategy = train\na.filter = [['sax', 'male']]\n",
			"x.ini:7: a.filter: "},
		{A "a.split_strategy = train\na.filter = ['sex', 'male']\n",
			"a filter is ['COLUMN', VALUE]"},
		{A "a.split_strategy = train\na.mapping = ['sad']\n",
			"x.ini:7: a.mapping: a dict is needed"},
		{A "a.split_strategy = train\na.colnames = {'gender': 'sex'}\n",
			"has no column 'gender'"},
		{A "a.split_strategy = train\nlabels = angry\n", "labels: a text without quotes"},
		{A "a.split_strategy = train\ntests = ['a']\n", "tests: list them in databases"},
		{"[EXP]\ntype = regression\n" A, "x.ini:2: type: 'regression' is not learned"},
		{"[DATA]\ndatabases = ['b']\ntarget = mood\n",
			"x.ini:2: databases: database 'b' has no line b = PATH"},
		{"[DATA]\ndatabases = ['b']\ntarget = mood\nb = nowhere.csv\nb.type = csv\n",
			"x.ini:4: b: no file 'nowhere.csv' in the folder of this file or the 4 "
			"above"},
		{"[DATA]\ndatabases = ['b']\ntarget = mood\nb = data/b/b.csv\nb.type = csv\n",
			"b.csv has no column 'mood', which DATA.target names"},
		{"[DATA]\ndatabases = ['b']\ntarget = mood\nb = data\nb.type = ravdess\n",
			"x.ini:5: b.type: 'ravdess' is not read"},
		{"[DATA]\ndatabases = ['au']\ntarget = mood\nau = au\nau.split_strategy = "
		 "specified\n",
			"'specified' needs au.train_tables"},
		{"[DATA]\ndatabases = ['b']\n", "[DATA] has no target"},
		{"[MODEL]\ntype = xgb\n", "no configuration of nkululeko"},
		{A "a.split_strategy = speakers_stated\na.colnames = {'spk': 'speaker'}\n"
		   "a.test = ['s1']\na.train = ['s2', 's1']\n",
			"x.ini:9: a.train: 's1' is in two splits, test and train"},
		{A "a.split_strategy = train\nlables = ['angry']\n",
			"x.ini:7: lables: no key that is known, did you mean 'labels'?"},
		{A "a.split_strategy = train\ntype = continuous\n",
			"x.ini:7: type: only classes are learned"},
		{A "split_strategy = train\n",
			"x.ini:6: split_strategy: write it for each database, as "
			"NAME.split_strategy"},
		{A "a.split_strategy = train\nb.mapping = {'anger': 'angry'}\n",
			"x.ini:7: b.mapping: b is no database: it has no line b = PATH"},
		{A "a.split_strategy = train\na.absolute_path = no\n",
			"x.ini:7: a.absolute_path: 'no' is neither True nor False"},
		{"[EXP]\nfilter.sample_selection = train\n" A "a.split_strategy = train\n",
			"x.ini:2: filter.sample_selection: filters apply to all splits"},
		{A "a.split_strategy = ['s7', 's8']\na.colnames = {'spk': 'speaker'}\n",
			"a.csv has one of the values"}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_csv csv;
		test_fails(ctx, read_text(ctx, make_folder(ctx), cases[i][0], true, &csv), FV_DATA,
			cases[i][1]);
		core_ctx_free(ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(python_values_are_read),
		cmocka_unit_test(ini_files_are_read),
		cmocka_unit_test(tables_are_mapped_and_split),
		cmocka_unit_test(audformat_tables_are_listed),
		cmocka_unit_test(splits_may_be_left_to_folds),
		cmocka_unit_test(keys_of_all_databases),
		cmocka_unit_test(what_cannot_be_followed_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
