/* SPDX-License-Identifier: Apache-2.0 */
/* From YAML text to variants: exact messages with places, composition, overrides, matrix,
 * hashes. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/stream.h"
#include "config/config.h"
#include "config/loader.h"
#include "registry.h"

#define ARGUMENTS_MAX 8

/* A context in its own folder of files, and the result of loading. */
struct fixture {
	fv_ctx *ctx;
	core_config *config;
	fv_status status;
	unsigned needs;
};

static int open_fixture(void **state)
{
	if (chdir(test_folder("config")))
		return -1;
	struct fixture *w = calloc(1, sizeof *w);
	w->ctx = test_ctx();
	w->needs = CORE_NEED_RUN;
	*state = w;
	return 0;
}

static int close_fixture(void **state)
{
	struct fixture *w = *state;
	core_ctx_free(w->ctx);
	free(w);
	return 0;
}

static void write_text_file(struct fixture *w, const char *path, const char *text)
{
	test_ok(w->ctx, core_make_dirs(w->ctx, core_path_dir(w->ctx, path)));
	FILE *file = fopen(path, "wb"); /* faster than core_file_write, which waits for the disk */
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

/* Arguments are separated by spaces outside brackets. */
static void load_config(struct fixture *w, const char *path, const char *arguments)
{
	char *argument[ARGUMENTS_MAX], *p = core_strdup(w->ctx, arguments);
	size_t n = 0;
	while (*p) {
		int nested = 0;
		argument[n++] = p;
		for (; *p && (*p != ' ' || nested); p++)
			nested += (*p == '[' || *p == '{') - (*p == ']' || *p == '}');
		if (*p)
			*p++ = '\0';
	}
	core_error_clear(w->ctx);
	w->config = NULL;
	w->status =
		core_config_load(w->ctx, test_registry(), path, argument, n, w->needs, &w->config);
}

static const char *join_errors(struct fixture *w)
{
	const char *all = "";
	for (size_t i = 0; core_error_line(w->ctx, i); i++)
		all = core_format(w->ctx, "%s%s\n", all, core_error_line(w->ctx, i));
	return all;
}

static void expect_errors(struct fixture *w, fv_status status, const char *lines)
{
	assert_string_equal(join_errors(w), lines);
	assert_int_equal(w->status, status);
}

static core_variant *get_variant(struct fixture *w, size_t index)
{
	test_ok(w->ctx, w->status);
	assert_true(index < w->config->n_variants);
	return &w->config->variants[index];
}

static const char *join_slugs(struct fixture *w)
{
	const char *all = "";
	test_ok(w->ctx, w->status);
	for (size_t i = 0; i < w->config->n_variants; i++)
		all = core_format(w->ctx, i ? "%s %s" : "%s%s", all, w->config->variants[i].slug);
	return all;
}

static const char *join_notes(struct fixture *w)
{
	const char *all = "";
	test_ok(w->ctx, w->status);
	for (size_t i = 0; i < w->config->n_notes; i++)
		all = core_format(w->ctx, "%s%s\n", all, w->config->notes[i].text);
	return all;
}

/* The origin that `explain` prints for a key of the first variant. */
static const char *find_origin(struct fixture *w, const char *key)
{
	core_text text = {0};
	test_ok(w->ctx, w->status);
	core_config_origins(w->ctx, w->config, 0, &text);
	const char *found = NULL;
	char *rest = text.data, *line;
	while ((line = strsep(&rest, "\n"))) {
		size_t n = strcspn(line, " ");
		if (n == strlen(key) && !strncmp(line, key, n))
			found = core_strdup(w->ctx, line + n + strspn(line + n, " "));
	}
	core_text_free(&text);
	return found ? found : "(not there)";
}

#define CORPUS "corpus: {labels: labels.csv}\n"
#define BASE CORPUS "encoder: {name: waves}\n"
#define GROUPED BASE "grouper: {name: columns, column: gender}\n"

static void complete_example(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "conf/run.yaml",
		"corpus:\n"
		"  audio: data/AudioWAV\n"
		"  labels: labels_consensus_{fold}.csv\n"
		"  attributes: {file: VideoDemographics.csv, speaker: ActorID, columns: {race: "
		"Race, "
		"age: Age}}\n"
		"  bins: {age: {Young: [20, 35], Middle: [36, 49.5]}}\n"
		"  values: {race: [Caucasian, African American]}\n"
		"  folds: [1, 3]\n"
		"  exclude: [1064_IEO_DIS_MD, 1064_TIE_SAD_XX.wav]\n"
		"bias: {attribute: gender, minority_ratio: 20, majority: {angry: Male, sad: "
		"Female}}\n"
		"encoder: {name: waves, weights: /abs/w.pt, layer: 3, normalize: corpus, "
		"standardize: speaker,\n"
		"  table: t.csv, mode: fast, gain: -3.5, mirror: true, layers: 4, depth: 7}\n"
		"grouper: {name: clusters, k: 16, seed: 43, encoder: {name: spectra, output: e}}\n"
		"loss: {name: worst, lambda: 2.5, inner: plain}\n"
		"head: {projection: 128}\n"
		"train: {epochs: 3, batch: 16, learning_rate: 1.0e-3, optimizer: adamw, "
		"weight_decay: "
		"0.1,\n"
		"  clip: none, select: dev_loss, init: 'i_{fold}.st', order: o.st, seed: [1, 5]}\n"
		"eval: {attributes: [gender, race], compare: {metric: tpr_gap, attribute: "
		"race}}\n");
	load_config(w, "conf/run.yaml", "");
	const core_variant *c = get_variant(w, 0);
	assert_int_equal(w->config->n_variants, 1);
	assert_string_equal(c->corpus.audio, "conf/data/AudioWAV");
	assert_string_equal(c->corpus.labels, "conf/labels_consensus_{fold}.csv");
	assert_string_equal(c->corpus.attributes_file, "conf/VideoDemographics.csv");
	assert_string_equal(c->corpus.attribute_columns[1].attribute, "age");
	assert_string_equal(c->corpus.attribute_columns[1].column, "Age");
	assert_int_equal(c->corpus.n_bins, 1);
	assert_string_equal(c->corpus.bins[0].bin[1].name, "Middle");
	assert_true(c->corpus.bins[0].bin[1].high == 49.5);
	assert_string_equal(c->corpus.values[0].names.item[1], "African American");
	assert_int_equal(c->corpus.n_folds, 2);
	assert_int_equal(c->corpus.folds[1], 3);
	assert_true(c->corpus.has_folds);
	assert_string_equal(c->corpus.exclude.item[1], "1064_TIE_SAD_XX");
	assert_int_equal(c->corpus.place.line, 2);
	assert_true(c->bias.on && !c->bias.has_seed && c->bias.minority_ratio == 20);
	assert_string_equal(c->bias.majority[1].attribute, "sad");
	assert_string_equal(c->bias.majority[1].column, "Female");
	assert_string_equal(c->encoder.weights, "/abs/w.pt");
	assert_int_equal(c->encoder.layer, 3);
	assert_true(c->encoder.max_seconds == 10);
	assert_int_equal(c->encoder.normalize, CORE_NORMALIZE_CORPUS);
	assert_true(c->encoder.has_standardize);
	assert_int_equal(c->encoder.standardize, FV_STANDARDIZE_SPEAKER);
	const test_waves *waves = c->encoder.use.state;
	char folder[4096];
	assert_non_null(getcwd(folder, sizeof folder));
	assert_string_equal(waves->table, core_format(w->ctx, "%s/conf/t.csv", folder));
	assert_int_equal(c->encoder.use.paths.n, 1);
	assert_string_equal(c->encoder.use.paths.item[0], waves->table);
	assert_int_equal(waves->mode, 0);
	assert_int_equal(waves->depth, 7);
	assert_true(waves->gain == -3.5 && waves->mirror == 1);
	assert_true(waves->layers.n == 1 && waves->layers.value[0] == 4);
	assert_string_equal(
		c->encoder.use.params_json, core_format(w->ctx,
						    "{\"depth\":7,\"gain\":-3.5,\"layers\":[4],"
						    "\"mirror\":true,\"mode\":\"fast\","
						    "\"table\":\"%s/conf/t.csv\"}",
						    folder));
	assert_int_equal(c->n_groupers, 1);
	const core_grouper_spec *g = c->groupers;
	assert_true(g->has_seed && g->seed == 43 && g->has_encoder && !g->column);
	assert_int_equal(((const test_clusters *)g->use.state)->seed, 43);
	assert_int_equal(((const test_clusters *)g->use.state)->k, 16);
	assert_true(g->encoder.max_seconds == 0);
	assert_string_equal(g->encoder.output, "e");
	const test_worst *worst = c->loss.state;
	assert_true(worst->lambda == 2.5 && worst->mode == 0);
	assert_string_equal(worst->inner, "plain");
	assert_int_equal(c->head_projection, 128);
	const core_train_spec *t = &c->train;
	assert_true(t->epochs == 3 && t->batch == 16 && t->learning_rate == 1e-3 &&
		    t->optimizer == CORE_ADAMW);
	assert_true(t->weight_decay == 0.1 && t->clip == 0 && t->n_seeds == 2 && t->seeds[1] == 5);
	assert_string_equal(t->select, "dev_loss");
	assert_string_equal(t->init, "conf/i_{fold}.st");
	assert_string_equal(t->order, "conf/o.st");
	assert_int_equal(c->eval.attributes.n, 2);
	assert_string_equal(c->eval.compare_metric, "tpr_gap");
	assert_string_equal(c->slug, "worst-clusters16-seed43-spectra-e");
}

static void defaults_of_everything(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml", BASE "loss: {name: plain}\n");
	load_config(w, "a.yaml", "");
	const core_variant *c = get_variant(w, 0);
	assert_null(c->corpus.audio);
	assert_null(c->corpus.column_file);
	assert_int_equal(c->corpus.speaker_key.n, 0);
	assert_int_equal(c->corpus.n_folds, 1);
	assert_true(c->corpus.folds[0] == 0 && !c->corpus.has_folds);
	assert_false(c->bias.on);
	assert_int_equal(c->encoder.layer, -1);
	assert_true(c->encoder.max_seconds == 10 && !c->encoder.has_standardize);
	const test_waves *waves = c->encoder.use.state;
	assert_true(waves->depth == 12 && waves->gain == 0.7 && waves->mode == 1 && !waves->table);
	assert_true(waves->layers.n == 2 && waves->layers.value[1] == 2.5);
	assert_int_equal(c->n_groupers, 0);
	assert_string_equal(c->profile, "paper");
	const core_train_spec *t = &c->train;
	assert_true(t->epochs == 50 && t->batch == 32 && t->learning_rate == 1e-4 &&
		    t->optimizer == CORE_ADAM);
	assert_true(t->clip == 1 && t->n_seeds == 1 && t->seeds[0] == 1 && !t->init);
	assert_string_equal(t->select, "dev_objective");
	assert_int_equal(c->head_projection, 256);
	assert_int_equal(c->eval.attributes.n, 0);
	assert_null(c->eval.compare_metric);
	assert_string_equal(c->slug, "plain");
	assert_string_equal(join_notes(w), "");
	assert_string_equal(
		find_origin(w, "train.epochs"), "50                               default");
	assert_string_equal(find_origin(w, "encoder.gain"),
		"0.7                              default of waves");
	assert_string_equal(find_origin(w, "train.weight_decay"), "(not there)");
	assert_string_equal(find_origin(w, "corpus.label_smoothing"), "(not there)");
}

static void all_faults_reported(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml",
		"corpus: {lables: l.csv, shared_speakers: no, make_folds: 1.5}\n"
		"trian: {epochs: 1}\n"
		"encoder: {name: waves, dept: 3, gain: 21, mode: exakt, mirror: yes, layer: -1}\n"
		"grouper: {name: columns, column: [gender]}\n"
		"loss: {name: wosrt}\n"
		"head: 256\n"
		"train: {epochs: 0, batch: '32', learning_rate: fast, clip: 0, optimizer: , seed: "
		"[1, 1],\n"
		"  weight_decay: -1, momentun: 0.9}\n"
		"eval: {compare: {attribute: gender}}\n"
		"seed: 4\n");
	load_config(w, "a.yaml", "");
	expect_errors(w, FV_CONFIG,
		"a.yaml:1:9: corpus.labels is missing\n"
		"a.yaml:1:10: unknown key 'lables' in corpus, did you mean 'labels'?\n"
		"a.yaml:1:42: corpus.shared_speakers: 'no' is neither true nor false\n"
		"a.yaml:1:58: corpus.make_folds: '1.5' is not a whole number\n"
		"a.yaml:2:1: unknown key 'trian', did you mean 'train'?\n"
		"a.yaml:3:24: unknown key 'dept' in encoder (waves), did you mean 'depth'?\n"
		"a.yaml:3:39: encoder.gain: 21 is out of range, from -20 to 20 dB\n"
		"a.yaml:3:49: encoder.mode: 'exakt' is not one of fast, exact, both, did you mean "
		"'exact'?\n"
		"a.yaml:3:64: encoder.mirror: 'yes' is neither true nor false\n"
		"a.yaml:3:76: encoder.layer: -1 is out of range, at least 0, or all\n"
		"a.yaml:4:34: grouper.column: a text is needed, not a list\n"
		"a.yaml:5:14: there is no loss 'wosrt', did you mean 'worst'?; searched: /plugins, "
		"/more/plugins\n"
		"a.yaml:6:7: head: a block of keys is needed, not a single value\n"
		"a.yaml:7:17: train.epochs: 0 is out of range, at least 1\n"
		"a.yaml:7:27: train.batch: '32' is not a whole number\n"
		"a.yaml:7:48: train.learning_rate: 'fast' is not a number\n"
		"a.yaml:7:60: train.clip: 0 is out of range, above 0, or none\n"
		"a.yaml:7:74: train.optimizer has no value: write one, or remove the key to use "
		"its default\n"
		"a.yaml:7:86: train.seed: '1' is listed twice\n"
		"a.yaml:8:17: train.weight_decay: -1 is out of range, at least 0\n");
	assert_int_equal(core_error_count(w->ctx), 23); /* further lines are only counted */
	assert_null(w->config);
}

/* "C:\temp" in double quotes has a tab in it. */
static void escaped_paths_are_refused(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "p.yaml",
		"corpus: {labels: \"C:\\temp\\new.csv\"}\nencoder: {name: waves}\n"
		"loss: {name: plain}\n");
	load_config(w, "p.yaml", "");
	expect_errors(w, FV_CONFIG,
		"p.yaml:1:18: corpus.labels: a path has no control characters, and '\\' starts an "
		"escape in double quotes: put the path in single quotes\n");
}

/* 010 is 8 for a reader of YAML 1.1. */
static void leading_zeros_are_refused(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "z.yaml",
		CORPUS "encoder: {name: waves}\nloss: {name: plain}\n"
		       "train: {batch: 010, epochs: 00, seed: [0, 07], learning_rate: 0x1p-3}\n");
	load_config(w, "z.yaml", "");
	expect_errors(w, FV_CONFIG,
		"z.yaml:4:16: train.batch: '010' starts with a zero, as octal numbers do: write "
		"10\n"
		"z.yaml:4:29: train.epochs: '00' starts with a zero, as octal numbers do: write "
		"0\n"
		"z.yaml:4:43: train.seed: '07' starts with a zero, as octal numbers do: write 7\n"
		"z.yaml:4:63: train.learning_rate: '0x1p-3' is not a number\n");
}

/* What a shell or OmegaConf would replace would be a folder of that name. */
static void signs_in_paths_are_refused(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "s.yaml",
		"corpus: {labels: \"${DATA}/l.csv\", audio: ~/data}\nencoder: {name: waves}\n"
		"loss: {name: plain}\n");
	load_config(w, "s.yaml", "");
	expect_errors(w, FV_CONFIG,
		"s.yaml:1:18: corpus.labels: '${...}' is not replaced in a path: write it out, or "
		"set corpus.labels on the command line\n"
		"s.yaml:1:42: corpus.audio: '~' is not replaced in a path: write it out, or set "
		"corpus.audio on the command line\n");
}

static void missing_plugins(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml", CORPUS "encoder: {name: broken}\nloss: {name: plain}\n");
	load_config(w, "a.yaml", "");
	expect_errors(w, FV_DATA,
		"a.yaml:2:17: encoder 'broken' cannot be used: /plugins/broken.so: built for ABI "
		"7, "
		"this fairvox has ABI 2\n");
	write_text_file(w, "b.yaml", CORPUS "encoder: {name: clusters}\nloss: {name: [plain]}\n");
	load_config(w, "b.yaml", "");
	expect_errors(w, FV_CONFIG,
		"b.yaml:2:17: 'clusters' is of kind grouper, not encoder\n"
		"b.yaml:3:14: loss.name: a text is needed, not a list\n");
	write_text_file(
		w, "c.yaml", CORPUS "encoder: {depth: 3}\nloss: {name: worst, inner: plian}\n");
	load_config(w, "c.yaml", "grouper.name=nothing");
	expect_errors(w, FV_CONFIG,
		"c.yaml:2:10: encoder.name is missing\n"
		"c.yaml:3:28: there is no loss 'plian', did you mean 'plain'?; searched: "
		"/plugins, /more/plugins\n"
		"command line: argument 1: there is no grouper 'nothing'; searched: /plugins, "
		"/more/plugins\n");
	write_text_file(w, "d.yaml", "loss: {name: worst}\n");
	load_config(w, "d.yaml", "");
	expect_errors(w, FV_CONFIG,
		"d.yaml: block 'corpus' is missing\nd.yaml: block 'encoder' is missing\n");
	write_text_file(w, "e.yaml", BASE "loss: {name: worst}\n");
	load_config(w, "e.yaml", "");
	expect_errors(w, FV_CONFIG, "e.yaml:3:14: loss 'worst' uses groups: a grouper is needed\n");
}

/* A loss inside another loss is a name or a block. */
static void losses_inside_losses(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "d.yaml", GROUPED "loss: {name: twice, profile: official}\n");
	load_config(w, "d.yaml", "");
	core_plugin_spec *loss = &get_variant(w, 0)->loss;
	assert_int_equal(loss->n_delegates, 1);
	assert_string_equal(loss->delegate[0].param, "then");
	assert_string_equal(loss->delegate[0].use.plugin->descriptor->name, "mild");
	assert_string_equal(((const test_worst *)loss->state)->inner, "mild");
	assert_int_equal(((const test_worst *)loss->delegate[0].use.state)->mode, 1);
	assert_string_equal(
		loss->params_json, "{\"then\":{\"lambda\":4,\"mode\":\"eg\",\"name\":\"mild\"}}");
	assert_non_null(
		strstr(find_origin(w, "loss.then.mode"), "default of mild, profile official"));
	char key[65];
	memcpy(key, get_variant(w, 0)->key, sizeof key);
	load_config(w, "d.yaml", "loss.then={name: mild, lambda: 2}");
	const test_worst *mild = get_variant(w, 0)->loss.delegate[0].use.state;
	assert_true(mild->lambda == 2 && mild->mode == 1);
	assert_string_not_equal(key, get_variant(w, 0)->key);
	load_config(w, "d.yaml", "loss.then.name=mild loss.then.lambda=2,4");
	assert_string_equal(join_slugs(w), "twice-lambda2 twice-lambda4");
	assert_string_equal(key, get_variant(w, 1)->key);
	/* only one of the two losses uses the grouper */
	load_config(w, "d.yaml", "loss.then=mild,plain");
	assert_string_equal(join_slugs(w), "twice-then-mild twice-then-plain");
	assert_int_equal(get_variant(w, 0)->n_groupers, 1);
	assert_int_equal(get_variant(w, 1)->n_groupers, 0);
	load_config(w, "d.yaml", "loss.name=thrice");
	assert_int_equal(get_variant(w, 0)->n_groupers, 0);
	static const char *const cases[][2] = {
		{"loss.then=milt",
			"command line: argument 1: there is no loss 'milt', did you mean "
			"'mild'?; searched: /plugins, /more/plugins\n"},
		{"loss.then={lambda: 3}", "command line: argument 1: loss.then.name is missing\n"},
		{"loss.then.lambda=3", "command line: argument 1: loss.then.name is missing\n"},
		{"loss.then={name: mild, lambda: -1}", "command line: argument 1: "
						       "loss.then.lambda: -1 is out of range, "
						       "from 0 to 1000\n"},
		{"loss.then={name: mild, lamda: 1}",
			"command line: argument 1: unknown key 'lamda' in loss.then (mild), did "
			"you mean 'lambda'?\n"},
		{"loss.then={name: thrice}",
			"command line: argument 1: loss.then: loss 'thrice' trains in stages "
			"itself: it cannot be used inside another loss\n"},
		{"loss.then=null", "command line: argument 1: loss.then has no value: write one, "
				   "or remove the key to use its default\n"},
		{"loss.then=[[mild]]", "command line: argument 1: loss.then: a block of keys is "
				       "needed, not a list\n"},
		{"train.order=o.safetensors", "command line: argument 1: train.order cannot be "
					      "used: loss 'twice' trains in stages\n"},
		{"grouper=none", "d.yaml:4:14: loss 'twice' uses groups: a grouper is needed\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		load_config(w, "d.yaml", cases[i][0]);
		expect_errors(w, FV_CONFIG, cases[i][1]);
	}
}

static void dependent_keys(void **state)
{
	struct fixture *w = *state;
	static const char *const cases[][2] = {
		{"corpus.labels=l_{fold}.csv", "command line: argument 1: corpus.folds is missing: "
					       "corpus.labels contains {fold}\n"},
		{"corpus.folds=1,2", "command line: argument 1: corpus.folds has no effect: "
				     "corpus.labels contains no {fold} and make_folds is 0\n"},
		{"corpus.make_folds=1", "command line: argument 1: corpus.make_folds: needs at "
					"least 2 folds, or 0 for the split of the label file\n"},
		{"corpus.make_folds=3 corpus.folds=[1,4]",
			"command line: argument 2: corpus.folds: 4 is not among the folds 1 to 3 "
			"that make_folds creates\n"},
		{"corpus.make_folds=3 corpus.folds=1 corpus.labels=l{fold}",
			"command line: argument 1: corpus.make_folds: the label files of {fold} "
			"already contain splits\n"},
		{"corpus.make_folds_seed=3", "command line: argument 1: corpus.make_folds_seed has "
					     "no effect without corpus.make_folds\n"},
		{"corpus.attributes={speaker: S, columns: {age: Age}}",
			"command line: argument 1: corpus.attributes.speaker has no effect without "
			"attributes.file\n"},
		{"corpus.bins.age={A: [1, 5], B: [5, 9]}",
			"command line: argument 1: corpus.bins.age: 'B' overlaps 'A': both ends of "
			"a bin are included\n"},
		{"corpus.bins.age.A=[5,1]",
			"command line: argument 1: corpus.bins.age.A: 5 is above 1\n"},
		{"corpus.bins.age.A=[5]", "command line: argument 1: corpus.bins.age.A: write a "
					  "bin as [low, high]\n"},
		{"corpus.classes=a,b,a",
			"command line: argument 1: corpus.classes: 'a' is listed twice\n"},
		{"eval.compare={metric: f1, attribute: gender}",
			"command line: argument 1: eval.compare.attribute has no effect: the "
			"metric belongs to no attribute\n"},
		{"eval.compare={metric: dp_gap, attribute: race} eval.attributes=gender,age",
			"command line: argument 1: eval.compare.attribute is not among "
			"eval.attributes\n"},
		{"loss.name=worst grouper={name: columns}",
			"command line: argument 2: grouper 'columns' reads an attribute: its "
			"'column' "
			"is missing\n"},
		{"loss.name=worst grouper={name: clusters, column: gender}",
			"command line: argument 2: grouper 'clusters' reads no attribute: its "
			"'column' has no effect\n"},
		{"loss.name=worst grouper={name: columns, column: race, encoder: {name: waves}}",
			"command line: argument 2: grouper 'columns' reads no features: its "
			"'encoder' has no effect\n"},
		{"loss.name=worst grouper={name: clusters, encoder: {name: waves, max_seconds: 3, "
		 "normalize: utterance}}",
			"command line: argument 2: a grouper's encoder sees whole recordings: "
			"max_seconds can only be 0\n"
			"command line: argument 2: a grouper's encoder sees recordings as they "
			"are: "
			"normalize can only be none\n"},
		{"grouper={product: [{name: columns, column: gender}], k: 3}",
			"command line: argument 1: unknown key 'k' in grouper: a product has no "
			"other "
			"keys\n"},
		{"grouper={product: []}", "command line: argument 1: grouper.product: a list of "
					  "groupers is needed\n"},
		{"loss=worst", "command line: argument 1: loss: a block of keys is needed, not a "
			       "single value\n"},
		{"bias={minority_ratio: 0.5}",
			"command line: argument 1: bias.minority_ratio: 0.5 is out of range, at "
			"least "
			"1\ncommand line: argument 1: bias.majority is missing\n"},
	};
	write_text_file(w, "a.yaml", BASE "loss: {name: plain}\n");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		load_config(w, "a.yaml", cases[i][0]);
		expect_errors(w, FV_CONFIG, cases[i][1]);
	}
}

static void overrides(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "sub/a.yaml", GROUPED "loss: {name: worst}\ntrain: {epochs: 4}\n");
	load_config(w, "sub/a.yaml",
		"train.epochs=7 train.seed=1,2,3 encoder.layers=5,6 train.init=x.st");
	const core_variant *c = get_variant(w, 0);
	/* a list for a list-typed key does not make an axis */
	assert_int_equal(w->config->n_variants, 1);
	assert_int_equal(c->train.epochs, 7);
	assert_int_equal(c->train.n_seeds, 3);
	assert_int_equal(((const test_waves *)c->encoder.use.state)->layers.n, 2);
	assert_string_equal(c->train.init, "x.st"); /* relative to the working folder */
	assert_string_equal(find_origin(w, "train.epochs"),
		"7                                command line: argument 1");
	assert_string_equal(
		find_origin(w, "loss.name"), "worst                            sub/a.yaml:4:14");

	/* the name is applied before other keys in any order; the last value of a key counts */
	load_config(w, "sub/a.yaml", "grouper.k=3 grouper.name=columns grouper.name=clusters");
	assert_string_equal(join_slugs(w), "worst-clusters3");
	load_config(w, "sub/a.yaml", "loss.name=plain,worst train.batch=8,16");
	assert_string_equal(join_slugs(w), "plain-batch8 plain-batch16 worst-batch8 worst-batch16");
	assert_int_equal(get_variant(w, 3)->train.batch, 16);
	assert_string_equal(get_variant(w, 3)->axis[1], "train.batch");
	assert_string_equal(get_variant(w, 3)->axis_value[0], "worst");
	assert_string_equal(
		get_variant(w, 3)->axes_json, "{\"loss.name\":\"worst\",\"train.batch\":16}");
	/* a list of one value sets the key; a list is an axis where the key takes no list */
	load_config(w, "sub/a.yaml", "loss.name=[worst] train.batch=[8]");
	assert_string_equal(join_slugs(w), "worst-columns-gender");
	assert_int_equal(get_variant(w, 0)->train.batch, 8);
	assert_int_equal(w->config->n_axes, 0);
	load_config(w, "sub/a.yaml", "loss.name=[]");
	expect_errors(w, FV_CONFIG,
		"command line: argument 1: 'loss.name=[]': an axis needs at least one value\n");
	load_config(
		w, "sub/a.yaml", "loss.name=[plain,worst] train.learning_rate=[1.0e-3,1.0e-05]");
	assert_string_equal(join_slugs(w), "plain-lr0.001 plain-lr1e-5 worst-lr0.001 worst-lr1e-5");
	assert_string_equal(get_variant(w, 0)->axes_json,
		"{\"loss.name\":\"plain\",\"train.learning_rate\":0.001}");
	/* files appear without folder and extension; a long name is cut */
	load_config(w, "sub/a.yaml",
		"train.init=x/first.safetensors,second.safetensors loss.name=plain,worst "
		"bias={minority_ratio: 20, majority: {a: b}},none "
		"train.select=dev_loss,dev_objective");
	assert_string_equal(get_variant(w, 0)->slug, "plain-bias20-init-first-select-dev_loss");
	load_config(w, "sub/a.yaml",
		"train.init=a_name_that_is_long_enough,b "
		"corpus.label_column=another_that_is_long,b "
		"corpus.audio=and_one_that_is_as_long_as_these,b");
	assert_int_equal(strlen(get_variant(w, 0)->slug), 60);
	load_config(
		w, "sub/a.yaml", "grouper={name: clusters, k: 4},{name: columns, column: race}");
	assert_string_equal(join_slugs(w), "worst-clusters4 worst-columns-race");
	load_config(w, "sub/a.yaml", "corpus.label_column=\"a,b\"");
	assert_string_equal(get_variant(w, 0)->corpus.label_column, "a,b");

	load_config(w, "sub/a.yaml",
		"epochs train..x=1 =3 defaults=a.yaml matrix.loss.name=a matrix=x");
	expect_errors(w, FV_CONFIG,
		"command line: argument 1: 'epochs' is not of the form KEY=VALUE\n"
		"command line: argument 2: 'train..x' is not a key\n"
		"command line: argument 3: '=3' is not of the form KEY=VALUE\n"
		"command line: argument 4: 'defaults' cannot be overridden: set an axis by its own "
		"key, e.g. loss.name=a,b\n"
		"command line: argument 5: 'matrix.loss.name' cannot be overridden: set an axis by "
		"its own key, e.g. loss.name=a,b\n"
		"command line: argument 6: 'matrix' cannot be overridden: set an axis by its own "
		"key, e.g. loss.name=a,b\n");
	load_config(w, "sub/a.yaml", "train.epochs= trian.seed=1 train.batch.size=3");
	expect_errors(w, FV_CONFIG,
		"command line: argument 1: 'train.epochs=' has no value: write "
		"train.epochs=VALUE\n");
	load_config(w, "sub/a.yaml",
		"train.epochs=5, loss.name=\xc2\xa0worst \xc2\xa0loss.name=worst train.seed=[1");
	expect_errors(w, FV_CONFIG,
		"command line: argument 1: 'train.epochs=5,': a value is missing\n"
		"command line: argument 2: 'loss.name=\xc2\xa0worst': a no-break space (U+00A0): "
		"replace it by a normal space or remove it\n"
		"command line: argument 4: 'train.seed=[1': the '[' that opens here is not "
		"closed\n"
		"command line: argument 3: '\xc2\xa0loss.name=worst': a no-break space (U+00A0): "
		"replace it by a normal space or remove it\n");
	load_config(w, "sub/a.yaml", "trian.seed=1 train.batch.size=3");
	expect_errors(w, FV_CONFIG,
		"command line: argument 1: unknown key 'trian', did you mean 'train'?\n"
		"command line: argument 2: train.batch: a whole number is needed, not a map\n");
}

/* A file that defaults name is read as the file itself: with or without a byte order mark, and its
 * mistakes are told with its own name and line. */
static void files_of_defaults(void **state)
{
	struct fixture *w = *state;
	static const char base[] = "corpus: {labels: l.csv}\nencoder: {name: waves}\nloss:\n";
	write_text_file(w, "top.yaml",
		"\xef\xbb\xbf"
		"defaults: [base.yaml]\ntrain: {epochs: 7}\n");
	char text[256];
	snprintf(text, sizeof text, "\xef\xbb\xbf---\n%s  name: plain\n", base);
	write_text_file(w, "base.yaml", text);
	load_config(w, "top.yaml", "");
	assert_int_equal(get_variant(w, 0)->train.epochs, 7);
	assert_string_equal(get_variant(w, 0)->corpus.labels, "l.csv");
	static const char *const mistakes[][2] = {
		{"\tname: plain\n", "base.yaml:4:1: a tab: indent with spaces\n"},
		{"  name:plain\n", "base.yaml:4:8: a space is missing after ':'\n"},
		{"\xc2\xa0 name: plain\n",
			"base.yaml:4:1: a no-break space (U+00A0): replace it by a "
			"normal space or remove it\n"},
		{"  name:\xe2\x80\x89plain\n",
			"base.yaml:4:8: a thin space (U+2009): replace it by a "
			"normal space\n"},
	};
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		char wanted[256];
		snprintf(text, sizeof text, "%s%s", base, mistakes[i][0]);
		write_text_file(w, "base.yaml", text);
		load_config(w, "top.yaml", "");
		snprintf(wanted, sizeof wanted,
			"%stop.yaml:1:12: defaults: 'base.yaml' cannot be used\n", mistakes[i][1]);
		expect_errors(w, FV_CONFIG, wanted);
	}
}

static void composition(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "base/one.yaml",
		"corpus: {labels: l.csv, exclude: [a, b]}\nencoder: {name: waves, depth: 3, "
		"weights: "
		"w.pt}\nloss: {name: worst, profile: official, lambda: 3}\ntrain: {batch: 8}\n");
	write_text_file(w, "base/two.yaml",
		"defaults: [one.yaml]\ntrain: {epochs: 9, batch: 16}\n"
		"bias: {minority_ratio: 5, majority: {x: A, y: B}}\n");
	write_text_file(w, "top.yaml",
		"defaults: [base/two.yaml]\nencoder: {name: spectra}\nloss: {name: balanced}\n"
		"grouper: {name: columns, column: g}\ncorpus: {exclude: [c]}\ntrain: {epochs: 5}\n"
		"bias: {majority: {z: C}}\n");
	load_config(w, "top.yaml", "");
	const core_variant *c = get_variant(w, 0);
	/* relative to the file that contains it */
	assert_string_equal(c->corpus.labels, "base/l.csv");
	assert_int_equal(c->corpus.exclude.n, 1); /* lists are replaced */
	assert_null(c->encoder.weights);
	assert_string_equal(c->profile, "official"); /* chosen for all methods at once */
	assert_int_equal(c->train.epochs, 5);
	assert_int_equal(c->train.batch, 16);
	assert_int_equal(c->bias.n_majority, 1);
	assert_true(c->bias.minority_ratio == 5);
	assert_string_equal(join_notes(w),
		"base/one.yaml:2:24: dropped encoder.depth: 3, encoder is now 'spectra' "
		"(top.yaml:2:17)\n"
		"base/one.yaml:2:34: dropped encoder.weights: w.pt, encoder is now 'spectra' "
		"(top.yaml:2:17)\n"
		"base/one.yaml:3:40: dropped loss.lambda: 3, loss is now 'balanced' "
		"(top.yaml:3:14)\n"
		"base/two.yaml:3:38: dropped bias.majority.x: A, bias.majority is replaced "
		"(top.yaml:7:18)\n"
		"base/two.yaml:3:44: dropped bias.majority.y: B, bias.majority is replaced "
		"(top.yaml:7:18)\n");
	assert_int_equal(w->config->notes[0].kind, CORE_NOTE_DROPPED);
	assert_int_equal(w->config->notes[0].place.line, 2);

	/* an equal name merges with the base; none removes a block */
	write_text_file(w, "keep.yaml",
		"defaults: base/two.yaml\nencoder: {name: waves, gain: 1}\n"
		"loss: {name: plain}\nbias: none\n");
	load_config(w, "keep.yaml", "bias.majority.q=R");
	expect_errors(w, FV_CONFIG, "command line: argument 1: bias.minority_ratio is missing\n");
	load_config(w, "keep.yaml", "");
	assert_int_equal(((const test_waves *)get_variant(w, 0)->encoder.use.state)->depth, 3);
	assert_false(get_variant(w, 0)->bias.on);
	load_config(w, "base/two.yaml", "bias.majority.q=R loss.name=plain");
	assert_int_equal(get_variant(w, 0)->bias.n_majority, 3); /* one key of it, by its path */
}

static void cycles_and_missing_files(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml", "defaults: [d/b.yaml]\n");
	write_text_file(w, "d/b.yaml", "defaults: [../a.yaml]\n");
	load_config(w, "a.yaml", "");
	expect_errors(w, FV_CONFIG,
		"d/b.yaml:1:12: defaults form a cycle: a.yaml -> d/b.yaml -> d/../a.yaml\n");
	write_text_file(w, "self.yaml", "defaults: self.yaml\n");
	load_config(w, "self.yaml", "");
	expect_errors(
		w, FV_CONFIG, "self.yaml:1:11: defaults form a cycle: self.yaml -> self.yaml\n");
	write_text_file(w, "c.yaml", "defaults: [no.yaml, {x: 1}, bad.yaml]\n");
	write_text_file(w, "bad.yaml", "[1]\n");
	load_config(w, "c.yaml", "");
	expect_errors(w, FV_CONFIG,
		"no.yaml: No such file or directory\n"
		"c.yaml:1:12: defaults: 'no.yaml' cannot be used\n"
		"c.yaml:1:21: defaults: a list of paths is needed\n"
		"c.yaml:1:29: defaults: 'bad.yaml' cannot be used\n"
		"bad.yaml:1:1: a map of blocks is needed (corpus:, encoder:, loss:, ...)\n");
	load_config(w, "none.yaml", "");
	expect_errors(w, FV_CONFIG, "none.yaml: No such file or directory\n");
	/* each file doubles the number of files read: refused before it takes long */
	write_text_file(w, "x0.yaml", "train: {batch: 1}\n");
	for (int i = 1; i < 20; i++)
		write_text_file(w, core_format(w->ctx, "x%d.yaml", i),
			core_format(w->ctx, "defaults: [x%d.yaml, x%d.yaml]\n", i - 1, i - 1));
	load_config(w, "x19.yaml", "");
	assert_int_equal(w->status, FV_CONFIG);
	assert_non_null(strstr(join_errors(w), "defaults name more than 256 files"));
}

static void profiles(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml", GROUPED "loss: {name: worst}\n");
	load_config(w, "a.yaml", "");
	assert_int_equal(((const test_worst *)get_variant(w, 0)->loss.state)->mode, 0);
	assert_int_equal(((const test_waves *)get_variant(w, 0)->encoder.use.state)->mode, 1);
	assert_int_equal(get_variant(w, 0)->train.batch, 64); /* preset of profile paper */
	assert_true(get_variant(w, 0)->train.clip == 1);
	assert_string_equal(get_variant(w, 0)->train.select, "dev_objective");
	load_config(w, "a.yaml", "loss.profile=official");
	assert_int_equal(((const test_worst *)get_variant(w, 0)->loss.state)->mode, 1);
	assert_int_equal(((const test_waves *)get_variant(w, 0)->encoder.use.state)->mode, 2);
	assert_int_equal(get_variant(w, 0)->train.batch, 32);
	assert_true(get_variant(w, 0)->train.clip == 0);
	assert_string_equal(get_variant(w, 0)->train.select, "dev_loss");
	assert_string_equal(find_origin(w, "train.clip"),
		"none                             preset of worst, profile official");
	assert_string_equal(find_origin(w, "train.select"),
		"dev_loss                         default, profile official");
	assert_string_equal(find_origin(w, "loss.mode"),
		"eg                               default of worst, profile official");
	load_config(w, "a.yaml",
		"loss.profile=official loss.mode=batch_max train.clip=2 "
		"train.select=dev_objective");
	assert_int_equal(((const test_worst *)get_variant(w, 0)->loss.state)->mode, 0);
	assert_true(get_variant(w, 0)->train.clip == 2); /* an explicit key wins over the preset */
	assert_string_equal(get_variant(w, 0)->train.select, "dev_objective");
	load_config(w, "a.yaml", "loss.profile=offical");
	expect_errors(w, FV_CONFIG,
		"command line: argument 1: loss.profile: 'offical' is not one of paper, official, "
		"did "
		"you "
		"mean 'official'?\n");
	/* changing only the method must not change the profile of half the variants */
	load_config(w, "a.yaml", "loss.profile=official loss.name=plain,worst");
	assert_string_equal(get_variant(w, 0)->profile, "official");
	assert_string_equal(get_variant(w, 1)->profile, "official");
}

static void reserved_keys_reach_the_plugin(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml", GROUPED "loss: {name: worst}\n");
	load_config(w, "a.yaml", "");
	assert_string_equal(get_variant(w, 0)->groupers[0].column, "gender");
	assert_string_equal(
		((const test_columns *)get_variant(w, 0)->groupers[0].use.state)->column, "gender");
	load_config(w, "a.yaml", "grouper.name=clusters");
	const core_grouper_spec *g = get_variant(w, 0)->groupers;
	assert_true(g->has_seed && g->seed == 42); /* the plugin's default */
	assert_int_equal(((const test_clusters *)g->use.state)->seed, 42);
	assert_string_equal(g->use.params_json, "{\"k\":8,\"seed\":42}");
	load_config(w, "a.yaml", "grouper.name=clusters grouper.seed=-1");
	expect_errors(w, FV_CONFIG,
		"command line: argument 2: grouper.seed: -1 is out of range, at least 0\n");
	load_config(w, "a.yaml", "grouper.seed=7"); /* the columns grouper declares no seed */
	assert_true(get_variant(w, 0)->groupers[0].has_seed &&
		    get_variant(w, 0)->groupers[0].seed == 7);
}

static void matrix_crosses_and_merges(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml",
		BASE "loss: {name: worst}\n"
		     "matrix:\n"
		     "  loss.name: [plain, balanced, worst]\n"
		     "  grouper: [{name: columns, column: gender}, {name: clusters, k: 16}]\n");
	load_config(w, "a.yaml", "");
	assert_string_equal(join_slugs(w), "plain balanced-columns-gender balanced-clusters16 "
					   "worst-columns-gender worst-clusters16");
	assert_string_equal(join_notes(w),
		"the grouper is dropped where the loss is 'plain', which uses no groups\n"
		"combination 2 (loss.name plain, grouper clusters16) is the same variant as "
		"combination "
		"1: merged\n");
	assert_int_equal(w->config->n_combinations, 6);
	assert_int_equal(w->config->n_merged, 1);
	assert_int_equal(get_variant(w, 0)->n_groupers, 0);
	assert_string_equal(get_variant(w, 0)->axis_value[1], "");
	assert_string_equal(get_variant(w, 2)->axis_value[1], "clusters16");
	assert_string_equal(
		get_variant(w, 0)->axes_json, "{\"grouper\":null,\"loss.name\":\"plain\"}");
	assert_string_equal(get_variant(w, 2)->axes_json,
		"{\"grouper\":{\"k\":16,\"name\":\"clusters\"},"
		"\"loss.name\":\"balanced\"}");
	assert_int_equal(w->config->n_axes, 2);
	for (size_t i = 0; i < w->config->n_variants; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(get_variant(w, i)->key, get_variant(w, j)->key);

	load_config(w, "a.yaml", "loss.name=worst"); /* narrows the axis */
	assert_string_equal(join_slugs(w), "worst-columns-gender worst-clusters16");
	load_config(w, "a.yaml", "grouper={name: columns, column: race}");
	assert_string_equal(join_slugs(w), "plain balanced worst");
	assert_string_equal(get_variant(w, 1)->groupers[0].column, "race");
	load_config(w, "a.yaml",
		"matrix=none grouper={product: [{name: columns, column: race}, {name: "
		"clusters}]}");
	assert_string_equal(join_slugs(w), "worst-columns-race_x_clusters");
	assert_int_equal(get_variant(w, 0)->n_groupers, 2);
	w->needs = CORE_NEED_CORPUS |
		   CORE_NEED_GROUPER; /* the command only makes groups: the loss does not matter */
	load_config(w, "a.yaml", "loss.name=plain");
	assert_int_equal(get_variant(w, 0)->n_groupers, 1);
	assert_int_equal(w->config->n_variants, 2);
}

static void matrix_excludes_and_includes(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml",
		GROUPED "loss: {name: worst}\n"
			"matrix:\n"
			"  loss.name: [balanced, worst]\n"
			"  train.batch: [8, 16]\n"
			"  encoder.gain: [1, 2]\n"
			"  exclude:\n"
			"  - {loss.name: balanced, train.batch: 16}\n"
			"  - {loss: {name: worst}, encoder: {gain: 2.0}}\n"
			"  - {train.epochs: 7}\n"
			"  include:\n"
			"  - {loss.name: plain, train.batch: 8, encoder.gain: 5}\n"
			"  - loss: {name: worst, lambda: 9}\n"
			"    train.epochs: 3\n");
	load_config(w, "a.yaml", "");
	assert_string_equal(join_slugs(w), "balanced-batch8-gain1 balanced-batch8-gain2 "
					   "worst-batch8-gain1 worst-batch16-gain1 "
					   "plain-batch8-gain5 worst-epochs3");
	assert_int_equal(w->config->n_combinations, 8);
	assert_int_equal(w->config->n_excluded, 4);
	assert_int_equal(w->config->n_included, 2);
	assert_int_equal(get_variant(w, 4)->n_groupers, 0);
	assert_true(((const test_worst *)get_variant(w, 5)->loss.state)->lambda == 9);
	assert_int_equal(get_variant(w, 5)->train.epochs, 3);
	assert_string_equal(join_notes(w),
		"a.yaml:10:5: exclude drops 2 of 8 combinations\n"
		"a.yaml:11:5: exclude drops 2 of 8 combinations\n"
		"a.yaml:12:5: exclude drops 0 of 8 combinations\n"
		"the grouper is dropped where the loss is 'plain', which uses no groups\n");
}

static void matrix_refusals(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml",
		GROUPED "loss: {name: worst}\n"
			"matrix:\n"
			"  train.seed: [1, 2]\n"
			"  corpus.folds: [[1]]\n"
			"  eval.compare.metric: [f1]\n"
			"  train.batch: 3\n"
			"  loss..name: [a]\n"
			"  exclude: {loss.name: worst}\n"
			"  include: [worst]\n");
	load_config(w, "a.yaml", "");
	expect_errors(w, FV_CONFIG,
		"a.yaml:6:3: train.seed cannot be an axis of the matrix: its list makes runs "
		"inside each "
		"variant\n"
		"a.yaml:7:3: corpus.folds cannot be an axis of the matrix: its list makes runs "
		"inside "
		"each "
		"variant\n"
		"a.yaml:8:3: eval.compare.metric cannot be an axis of the matrix: it changes how "
		"runs are "
		"judged, not the runs\n"
		"a.yaml:9:16: matrix: 'train.batch' needs a list of at least one value\n"
		"a.yaml:10:3: 'loss..name' is not a key\n"
		"a.yaml:11:12: matrix: 'exclude' needs a list of maps, e.g. [{loss.name: NAME}]\n"
		"a.yaml:12:12: matrix: 'include' needs a list of maps, e.g. [{loss.name: NAME}]\n");
	write_text_file(w, "b.yaml",
		GROUPED "loss: {name: worst}\nmatrix:\n  loss.nmae: [a, b]\n"
			"  train: [{seed: 1}, {seed: 2}]\n"
			"  exclude: [{los.name: a}, {loss: {k: 1}}]\n");
	load_config(w, "b.yaml", "");
	expect_errors(w, FV_CONFIG,
		"b.yaml:8:14: matrix.exclude: unknown key 'los.name'\n"
		"b.yaml:8:36: matrix.exclude: unknown key 'loss.k'\n");
	write_text_file(w, "c.yaml", GROUPED "loss: {name: worst}\nmatrix: {loss.nmae: [a, b]}\n");
	load_config(w, "c.yaml", "");
	expect_errors(
		w, FV_CONFIG, "c.yaml:5:10: unknown key 'nmae' in loss, did you mean 'name'?\n");
	write_text_file(w, "d.yaml",
		GROUPED "loss: {name: worst}\nmatrix: {train: [{seed: 1}, {seed: 2}]}\n");
	load_config(w, "d.yaml", "");
	expect_errors(w, FV_CONFIG,
		"d.yaml:5:10: combination 2 (train train2) differs from combination 1 only in "
		"folds, seeds or eval: these cannot be axes\n");
	write_text_file(w, "e.yaml",
		GROUPED "loss: {name: worst}\nmatrix: {train.batch: [1], exclude: "
			"[{train.batch: 1}]}\n");
	load_config(w, "e.yaml", "");
	expect_errors(w, FV_CONFIG, "e.yaml:5:9: matrix.exclude leaves no variant\n");
	core_text big = {0};
	core_text_add(&big, GROUPED "loss: {name: worst}\nmatrix:\n");
	for (int axis = 0; axis < 40; axis++)
		core_text_add(&big, "  x%d: [1, 2, 3, 4]\n", axis);
	write_text_file(w, "f.yaml", big.data);
	core_text_free(&big);
	load_config(w, "f.yaml", "");
	expect_errors(w, FV_CONFIG, "f.yaml:12:3: the matrix makes more than 4096 combinations\n");
}

static const char *copy_key(struct fixture *w, const char *text, const char *arguments)
{
	write_text_file(w, "h.yaml", text);
	load_config(w, "h.yaml", arguments);
	return get_variant(w, 0)->key;
}

#define HASHED "corpus: {labels: l.csv}\nencoder: {name: waves, weights: d/w.pt}\n"

static void keys(void **state)
{
	struct fixture *w = *state;
	const char *text = HASHED "loss: {name: plain}\ntrain: {learning_rate: 1e-4, batch: 8}\n";
	const char *first = copy_key(w, text, "");
	assert_int_equal(strlen(first), 64);
	assert_int_equal(strspn(first, "0123456789abcdef"), 64);
	/* not changed by the order of keys, the format of numbers, a default written out, seeds or
	 * folds */
	assert_string_equal(first, copy_key(w,
					   "train: {batch: 8, learning_rate: 0.0001}\n"
					   "loss: {name: plain}\nencoder: {weights: d/w.pt, "
					   "name: waves}\ncorpus: {labels: l.csv}\n",
					   ""));
	assert_string_equal(first, copy_key(w, text, "train.epochs=50 encoder.depth=12"));
	assert_string_equal(first, copy_key(w, text, "train.seed=4,5"));
	assert_string_equal(copy_key(w, text, "corpus.make_folds=5"),
		copy_key(w, text, "corpus.make_folds=5 corpus.folds=2"));
	/* not changed by the folder */
	write_text_file(w, "elsewhere/h.yaml", text);
	load_config(w, "elsewhere/h.yaml", "");
	assert_string_equal(first, get_variant(w, 0)->key);
	/* changed by every value that matters */
	assert_string_not_equal(first, copy_key(w, text, "train.epochs=51"));
	assert_string_not_equal(first, copy_key(w, text, "encoder.weights=e/w.pt"));
	assert_string_not_equal(first, copy_key(w, text, "encoder.gain=1"));
	/* not changed by eval */
	assert_string_equal(first, copy_key(w, text, "eval.attributes=gender"));
	assert_string_equal(first, copy_key(w, text, "eval.compare.metric=f1"));
}

/* The config.yaml of a variant is a complete configuration that needs no defaults. */
static void resolved_text_reads_back(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml",
		"corpus: {labels: 'l \"{fold}\".csv', folds: [1], classes: ['no', '1', \"it's\"],\n"
		"  speaker_key: [A, B], values: {race: [x y, '#z']}}\n"
		"encoder: {name: waves, table: t, layer: all}\n"
		"grouper: {product: [{name: columns, column: 'yes'}, {name: clusters, encoder: "
		"{name: "
		"spectra}}]}\n"
		"loss: {name: worst, profile: official}\ntrain: {seed: [1, 2], weight_decay: "
		"0.5}\n");
	load_config(w, "a.yaml", "");
	assert_string_equal(join_notes(w),
		"a.yaml:6:37: train.weight_decay has no effect with optimizer adam\n");
	const char *text = get_variant(w, 0)->yaml;
	write_text_file(w, "other/b.yaml", text);
	load_config(w, "other/b.yaml", "");
	assert_string_equal(get_variant(w, 0)->yaml, text);
	assert_string_equal(join_notes(w), "");
	assert_string_equal(get_variant(w, 0)->corpus.classes.item[0], "no");
	assert_int_equal(get_variant(w, 0)->n_groupers, 2);
	core_text origins = {0};
	core_config_origins(w->ctx, w->config, 0, &origins);
	assert_null(strstr(origins.data, " default"));
	assert_non_null(strstr(origins.data, "grouper.product[1].encoder.name"));
	core_text_free(&origins);
}

static void blocks_a_command_needs(void **state)
{
	struct fixture *w = *state;
	write_text_file(w, "a.yaml", CORPUS "bias: {minority_ratio: 2, majority: {a: b}}\n");
	w->needs = CORE_NEED_CORPUS;
	load_config(w, "a.yaml", "");
	assert_true(get_variant(w, 0)->bias.on && !get_variant(w, 0)->loss.plugin);
	assert_string_equal(get_variant(w, 0)->profile, "paper");
	assert_string_equal(get_variant(w, 0)->slug, "variant");
	/* a block that names a missing plugin is left out; all other blocks are checked */
	write_text_file(w, "b.yaml",
		CORPUS "encoder: {name: absent, x: 1}\nloss: {name: broken}\n"
		       "grouper: {product: [{name: clusters, encoder: {name: absent}}]}\n");
	load_config(w, "b.yaml", "");
	assert_string_equal(join_notes(w),
		"b.yaml:3:7: block 'loss' is left out: its plugin is not installed\n"
		"b.yaml:2:10: block 'encoder' is left out: its plugin is not installed\n"
		"b.yaml:4:10: block 'grouper' is left out: its plugin is not installed\n");
	assert_int_equal(get_variant(w, 0)->n_groupers, 0);
	load_config(w, "b.yaml", "encoder={name: waves, dept: 1} corpus.lables=x");
	expect_errors(w, FV_CONFIG,
		"command line: argument 2: unknown key 'lables' in corpus, did you mean 'labels'?\n"
		"command line: argument 1: unknown key 'dept' in encoder (waves), did you mean "
		"'depth'?\n");
	w->needs = CORE_NEED_CORPUS | CORE_NEED_GROUPER;
	load_config(w, "a.yaml", "");
	expect_errors(w, FV_CONFIG, "a.yaml: block 'grouper' is missing\n");
	load_config(w, "a.yaml", "grouper.name=clusters");
	expect_errors(w, FV_CONFIG,
		"command line: argument 1: grouper 'clusters' reads features: an encoder is "
		"missing\n");
}

static fv_status flags(struct fixture *w, const char *name, const char *output, char *param,
	core_encoder_spec *out)
{
	core_error_clear(w->ctx);
	return core_encoder_from_flags(
		w->ctx, test_registry(), name, "w.pt", output, &param, param ? 1 : 0, out);
}

static void encoder_from_flags(void **state)
{
	struct fixture *w = *state;
	core_encoder_spec e;
	test_ok(w->ctx, flags(w, "waves", NULL, (char[]){"layers=1,2,3"}, &e));
	assert_string_equal(e.weights, "w.pt");
	assert_null(e.output);
	assert_true(e.max_seconds == 0 && e.normalize == CORE_NORMALIZE_NONE && e.layer == -1);
	assert_int_equal(((const test_waves *)e.use.state)->layers.n, 3);
	assert_int_equal(((const test_waves *)e.use.state)->depth, 12);
	test_ok(w->ctx, flags(w, "waves", "o", (char[]){"max_seconds=2.5"}, &e));
	assert_true(e.max_seconds == 2.5);
	assert_string_equal(e.output, "o");
	w->status = flags(w, "waves", NULL, (char[]){"depht=3"}, &e);
	expect_errors(w, FV_CONFIG,
		"-p depht=3: unknown key 'depht' in encoder (waves), did you mean 'depth'?\n");
	w->status = flags(w, "waves", NULL, (char[]){"depth=x"}, &e);
	expect_errors(w, FV_CONFIG, "-p depth=x: encoder.depth: 'x' is not a whole number\n");
	test_ok(w->ctx, flags(w, "waves", NULL, (char[]){"normalize=corpus"}, &e));
	assert_int_equal(e.normalize, CORE_NORMALIZE_CORPUS);
	w->status = flags(w, "waves", NULL, (char[]){"standardize=train"}, &e);
	expect_errors(
		w, FV_CONFIG, "-p standardize=train: standardize needs a corpus: set it to none\n");
	w->status = flags(w, "waves", NULL, (char[]){"depth"}, &e);
	expect_errors(w, FV_CONFIG, "-p depth: is not of the form KEY=VALUE\n");
	w->status = flags(w, "waves", NULL, (char[]){"name=spectra"}, &e);
	expect_errors(w, FV_CONFIG, "-p name=spectra: 'name' is given twice\n");
	w->status = flags(w, "weaves", NULL, NULL, &e);
	expect_errors(w, FV_CONFIG,
		"--encoder: there is no encoder 'weaves', did you mean 'waves'?; searched: "
		"/plugins, "
		"/more/plugins\n");
	w->status = flags(w, "broken", NULL, NULL, &e);
	assert_int_equal(w->status, FV_DATA);
}

/* core/docs/configuration.md has a row for every key, with its default, in the section of its
 * block. */
static void check_rows(
	struct fixture *w, const char *text, const char *section, const core_key *keys, size_t n)
{
	const char *from = strstr(text, section);
	if (!from)
		fail_msg("configuration.md has no section %s", section);
	for (size_t i = 0; i < n; i++) {
		const char *row = strstr(from, core_format(w->ctx, "\n| `%s` |", keys[i].name));
		const char *next = strstr(from + 1, "\n## ");
		if (!row || (next && row > next))
			fail_msg("configuration.md: %s lacks '%s'", section, keys[i].name);
		const char *end = strchr(row + 1, '\n');
		const char *line = core_strndup(w->ctx, row + 1, (size_t)(end - row - 1));
		if (keys[i].def && !strstr(line, core_format(w->ctx, "| %s", keys[i].def)))
			fail_msg("configuration.md: default %s of %s: %s", keys[i].def, section,
				line);
		if (keys[i].required && !strstr(line, "| required"))
			fail_msg("configuration.md: %s: '%s' is required", section, line);
		if (keys[i].type == CORE_KEY_BLOCK && strcmp(keys[i].name, "columns") != 0)
			check_rows(w, text,
				core_format(w->ctx, "\n`%s.%s`:",
					core_strndup(
						w->ctx, section + 5, strcspn(section + 5, "`")),
					keys[i].name),
				keys[i].keys, keys[i].n_keys);
	}
}

static void documentation_is_complete(void **state)
{
	struct fixture *w = *state;
	char *text;
	size_t size;
	const char *path = core_format(w->ctx, "%s/core/docs/configuration.md",
		getenv("FAIRVOX_SOURCE") ? getenv("FAIRVOX_SOURCE") : ".");
	test_ok(w->ctx, core_file_read(w->ctx, path, 0, &text, &size));
	for (size_t i = 0; i < core_n_blocks; i++)
		check_rows(w, text, core_format(w->ctx, "\n## `%s`\n", core_blocks[i].name),
			core_blocks[i].keys, core_blocks[i].n_keys);
}

static const char seed_text[] =
	"defaults: [base.yaml]\n"
	"corpus: {labels: 'l_{fold}.csv', folds: [1, 2], bins: {age: {A: [1, 2]}}}\n"
	"bias: {minority_ratio: 2, majority: {a: b}}\n"
	"encoder: {name: waves, depth: 3, layers: [1, 2]}\n"
	"grouper: {product: [{name: columns, column: g}, {name: clusters, k: 4}]}\n"
	"loss: {name: worst, profile: official, inner: plain}\n"
	"train: {clip: none, seed: [1, 2], learning_rate: 1e-3}\n"
	"eval: {attributes: [g], compare: {metric: tpr_gap, attribute: g}}\n"
	"matrix:\n  loss.name: [worst, plain]\n  grouper: [{name: columns, column: h}, none]\n"
	"  exclude: [{loss.name: worst, grouper: none}]\n  include: [{loss.name: plain, "
	"train.batch: 4}]\n";

/* Loading mutated bytes returns variants or a message. */
static void mutations(void **state)
{
	struct fixture *w = *state;
	static const char special[] = "{}[],:?-.#&*'\"=\n 01ae";
	fv_stream stream = core_stream(11, 0, "mutate", 0, 0);
	int64_t rounds = test_rounds(1000, 5000);
	int accepted = 0;
	write_text_file(w, "base.yaml", "encoder: {name: spectra, bands: 3}\n");
	for (int64_t round = 0; round < rounds; round++) {
		char text[sizeof seed_text];
		memcpy(text, seed_text, sizeof seed_text);
		for (uint64_t n = 1 + fv_below(&stream, 2); n; n--) {
			char *at = text + fv_below(&stream, sizeof seed_text - 1);
			bool digit = *at >= '0' && *at <= '9';
			/* change numbers only: many results are accepted */
			while (round % 2 && !digit) {
				at = text + fv_below(&stream, sizeof seed_text - 1);
				digit = *at >= '0' && *at <= '9';
			}
			if (round % 2)
				*at = (char)('0' + fv_below(&stream, 10));
			else if (fv_below(&stream, 3))
				*at = special[fv_below(&stream, sizeof special - 1)];
			else /* copy a piece of the text to another position */
				memmove(at, text,
					(size_t)fv_below(
						&stream, (uint64_t)(text + sizeof text - 1 - at)) %
						40);
		}
		core_ctx_free(w->ctx);
		w->ctx = test_ctx();
		write_text_file(w, "m.yaml", text);
		load_config(w, "m.yaml", round % 3 ? "" : "train.batch=1,2 grouper.k=3");
		if (w->status == FV_OK)
			assert_true(++accepted && w->config->n_variants > 0);
		else
			assert_true(core_error_count(w->ctx) > 0);
	}
	assert_in_range(accepted, rounds / 10, rounds - rounds / 10);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(complete_example),
		TEST(defaults_of_everything),
		TEST(all_faults_reported),
		TEST(escaped_paths_are_refused),
		TEST(leading_zeros_are_refused),
		TEST(signs_in_paths_are_refused),
		TEST(missing_plugins),
		TEST(losses_inside_losses),
		TEST(dependent_keys),
		TEST(overrides),
		TEST(files_of_defaults),
		TEST(composition),
		TEST(cycles_and_missing_files),
		TEST(profiles),
		TEST(reserved_keys_reach_the_plugin),
		TEST(matrix_crosses_and_merges),
		TEST(matrix_excludes_and_includes),
		TEST(matrix_refusals),
		TEST(keys),
		TEST(resolved_text_reads_back),
		TEST(blocks_a_command_needs),
		TEST(encoder_from_flags),
		TEST(documentation_is_complete),
		TEST(mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
