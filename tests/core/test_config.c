/* SPDX-License-Identifier: Apache-2.0 */
/* From YAML text to variants: complete examples, defaults, exact messages with places. */
#include "config_fixture.h"

#include <string.h>
#include <unistd.h>

#include "registry.h"

static void complete_example(void **state)
{
	test_config *w = *state;
	test_config_write(w, "conf/run.yaml",
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
	test_config_load(w, "conf/run.yaml", "");
	const core_variant *c = test_config_variant(w, 0);
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
	assert_int_equal(core_key_place((core_key_ref){c->corpus.block, "", NULL}).line, 2);
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
	test_config *w = *state;
	test_config_write(w, "a.yaml", BASE "loss: {name: plain}\n");
	test_config_load(w, "a.yaml", "");
	const core_variant *c = test_config_variant(w, 0);
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
	assert_string_equal(test_config_notes(w), "");
	assert_string_equal(
		test_config_origin(w, "train.epochs"), "50                               default");
	assert_string_equal(test_config_origin(w, "encoder.gain"),
		"0.7                              default of waves");
	assert_string_equal(test_config_origin(w, "train.weight_decay"), "(not there)");
	assert_string_equal(test_config_origin(w, "corpus.label_smoothing"), "(not there)");
}

static void all_faults_reported(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml",
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
	test_config_load(w, "a.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
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
		"a.yaml:4:34: grouper.column: a text is needed, not a list: several values make "
		"an axis of the matrix: 'matrix: {grouper.column: [A, B]}', or grouper.column=A,B "
		"on the command line; "
		"where the matrix lists blocks, write a block for each\n"
		"a.yaml:5:14: there is no loss 'wosrt', did you mean 'worst'?; searched: /plugins, "
		"/more/plugins\n"
		"a.yaml:6:7: head: a block of keys is needed, not a single value\n"
		"a.yaml:7:17: train.epochs: 0 is out of range, at least 1\n"
		"a.yaml:7:27: train.batch: '32' is not a whole number, but text: leave out the "
		"quotes\n"
		"a.yaml:7:48: train.learning_rate: 'fast' is not a number\n"
		"a.yaml:7:60: train.clip: 0 is out of range, above 0, or none\n"
		"a.yaml:7:74: train.optimizer has no value: write one, or remove the key to use "
		"its default\n"
		"a.yaml:7:86: train.seed: '1' is listed twice\n"
		"a.yaml:8:17: train.weight_decay: -1 is out of range, at least 0\n");
	assert_int_equal(core_error_count(w->ctx), 23); /* further lines are only counted */
	assert_null(w->config);
}

static void decimal_commas_are_guessed(void **state)
{
	test_config *w = *state;
	test_config_write(w, "d.yaml",
		"corpus: {labels: l.csv}\nencoder: {name: waves}\nloss: {name: plain}\n"
		"train:\n  learning_rate: 0,001\n  clip: 1,5,2\n");
	test_config_load(w, "d.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"d.yaml:5:18: train.learning_rate: '0,001' is not a number: write 0.001\n"
		"d.yaml:6:9: train.clip: '1,5,2' is not a number\n");
	test_config_write(w, "f.yaml",
		"corpus: {labels: l.csv}\nencoder: {name: waves}\nloss: {name: plain}\n"
		"train: {learning_rate: 1,001}\n");
	test_config_load(w, "f.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"f.yaml:4:26: unknown key '001' in train: for a decimal comma write "
		"learning_rate: 1.001\n");
}

/* "C:\temp" in double quotes has a tab in it. */
static void escaped_paths_are_refused(void **state)
{
	test_config *w = *state;
	test_config_write(w, "p.yaml",
		"corpus: {labels: \"C:\\temp\\new.csv\"}\nencoder: {name: waves}\n"
		"loss: {name: plain}\n");
	test_config_load(w, "p.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"p.yaml:1:18: corpus.labels: a path has no control characters, and '\\' starts an "
		"escape in double quotes: put the path in single quotes\n");
}

/* 010 is 8 for a reader of YAML 1.1. */
static void leading_zeros_are_refused(void **state)
{
	test_config *w = *state;
	test_config_write(w, "z.yaml",
		CORPUS "encoder: {name: waves}\nloss: {name: plain}\n"
		       "train: {batch: 010, epochs: 00, seed: [0, 07], learning_rate: 0x1p-3}\n");
	test_config_load(w, "z.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
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
	test_config *w = *state;
	test_config_write(w, "s.yaml",
		"corpus: {labels: \"${DATA}/l.csv\", audio: ~/data}\nencoder: {name: waves}\n"
		"loss: {name: plain}\n");
	test_config_load(w, "s.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"s.yaml:1:18: corpus.labels: '${...}' is not replaced in a path: write it out, or "
		"set corpus.labels on the command line\n"
		"s.yaml:1:42: corpus.audio: '~' is not replaced in a path: write it out, or set "
		"corpus.audio on the command line\n");
}

static void missing_plugins(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml", CORPUS "encoder: {name: broken}\nloss: {name: plain}\n");
	test_config_load(w, "a.yaml", "");
	test_config_expect_errors(w, FV_DATA,
		"a.yaml:2:17: encoder 'broken' cannot be used: /plugins/broken.so: built for ABI "
		"7, "
		"this fairvox has ABI 2\n");
	test_config_write(w, "b.yaml", CORPUS "encoder: {name: clusters}\nloss: {name: [plain]}\n");
	test_config_load(w, "b.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"b.yaml:2:17: 'clusters' is of kind grouper, not encoder\n"
		"b.yaml:3:14: loss.name: a text is needed, not a list: several values make "
		"an axis of the matrix: 'matrix: {loss.name: [A, B]}', or loss.name=A,B on the "
		"command line; "
		"where the matrix lists blocks, write a block for each\n");
	test_config_write(
		w, "c.yaml", CORPUS "encoder: {depth: 3}\nloss: {name: worst, inner: plian}\n");
	test_config_load(w, "c.yaml", "grouper.name=nothing");
	test_config_expect_errors(w, FV_CONFIG,
		"c.yaml:2:10: encoder.name is missing\n"
		"c.yaml:3:28: there is no loss 'plian', did you mean 'plain'?; searched: "
		"/plugins, /more/plugins\n"
		"command line: argument 1: there is no grouper 'nothing'; searched: /plugins, "
		"/more/plugins; --plugins FOLDER and FAIRVOX_PLUGIN_PATH add folders\n");
	test_config_write(w, "d.yaml", "loss: {name: worst}\n");
	test_config_load(w, "d.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"d.yaml: block 'corpus' is missing\nd.yaml: block 'encoder' is missing\n");
	test_config_write(w, "e.yaml", BASE "loss: {name: worst}\n");
	test_config_load(w, "e.yaml", "");
	test_config_expect_errors(
		w, FV_CONFIG, "e.yaml:3:14: loss 'worst' uses groups: a grouper is needed\n");
}

/* A loss inside another loss is a name or a block. */
static void losses_inside_losses(void **state)
{
	test_config *w = *state;
	test_config_write(w, "d.yaml", GROUPED "loss: {name: twice, profile: official}\n");
	test_config_load(w, "d.yaml", "");
	core_plugin_spec *loss = &test_config_variant(w, 0)->loss;
	assert_int_equal(loss->n_delegates, 1);
	assert_string_equal(loss->delegate[0].param, "then");
	assert_string_equal(loss->delegate[0].use.plugin->descriptor->name, "mild");
	assert_string_equal(((const test_worst *)loss->state)->inner, "mild");
	assert_int_equal(((const test_worst *)loss->delegate[0].use.state)->mode, 1);
	assert_string_equal(
		loss->params_json, "{\"then\":{\"lambda\":4,\"mode\":\"eg\",\"name\":\"mild\"}}");
	assert_non_null(strstr(
		test_config_origin(w, "loss.then.mode"), "default of mild, profile official"));
	char key[65];
	memcpy(key, test_config_variant(w, 0)->key, sizeof key);
	test_config_load(w, "d.yaml", "loss.then={name: mild, lambda: 2}");
	const test_worst *mild = test_config_variant(w, 0)->loss.delegate[0].use.state;
	assert_true(mild->lambda == 2 && mild->mode == 1);
	assert_string_not_equal(key, test_config_variant(w, 0)->key);
	test_config_load(w, "d.yaml", "loss.then.name=mild loss.then.lambda=2,4");
	assert_string_equal(test_config_slugs(w), "twice-lambda2 twice-lambda4");
	assert_string_equal(key, test_config_variant(w, 1)->key);
	/* only one of the two losses uses the grouper */
	test_config_load(w, "d.yaml", "loss.then=mild,plain");
	assert_string_equal(test_config_slugs(w), "twice-then-mild twice-then-plain");
	assert_int_equal(test_config_variant(w, 0)->n_groupers, 1);
	assert_int_equal(test_config_variant(w, 1)->n_groupers, 0);
	test_config_load(w, "d.yaml", "loss.name=thrice");
	assert_int_equal(test_config_variant(w, 0)->n_groupers, 0);
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
		test_config_load(w, "d.yaml", cases[i][0]);
		test_config_expect_errors(w, FV_CONFIG, cases[i][1]);
	}
}

static void dependent_keys(void **state)
{
	test_config *w = *state;
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
			"command line: argument 2: grouper 'columns' reads no features (its op "
			"uses does not return "
			"FV_USE_FEATURES): its 'encoder' has no effect\n"},
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
	test_config_write(w, "a.yaml", BASE "loss: {name: plain}\n");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		test_config_load(w, "a.yaml", cases[i][0]);
		test_config_expect_errors(w, FV_CONFIG, cases[i][1]);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, test_config_open, test_config_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(complete_example),
		TEST(defaults_of_everything),
		TEST(all_faults_reported),
		TEST(decimal_commas_are_guessed),
		TEST(escaped_paths_are_refused),
		TEST(leading_zeros_are_refused),
		TEST(signs_in_paths_are_refused),
		TEST(missing_plugins),
		TEST(losses_inside_losses),
		TEST(dependent_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
