/* SPDX-License-Identifier: Apache-2.0 */
#include "config/schema.h"

#include <string.h>

#include "config/spec.h"
#include "plugin/descriptor.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define MANY 1000000000.0

#define KEY(kind, key, ...)                                                                        \
	{                                                                                          \
		.name = key, .type = CORE_KEY_##kind, __VA_ARGS__                                  \
	}
/* AT: the field for a value. ITEMS: the field for a list or map, with its count in n_NAME. MAYBE:
 * the field for an optional value, with has_NAME beside it. */
#define AT(spec, field) .offset = offsetof(spec, field), .size = sizeof(((spec *)0)->field)
#define ITEMS(spec, field) AT(spec, field), .count = offsetof(spec, n_##field)
#define MAYBE(spec, field) AT(spec, field), .has = offsetof(spec, has_##field)

static const core_key attribute_keys[] = {
	KEY(PATH, "file", AT(core_corpus_spec, attributes_file),
		.doc = "CSV with a row for each speaker; without it the columns are the label "
		       "file's"),
	KEY(TEXT, "speaker", AT(core_corpus_spec, attributes_speaker),
		.doc = "its column that names the speaker as the label file does"),
	KEY(TEXT_MAP, "columns", ITEMS(core_corpus_spec, attribute_columns), .required = true,
		.doc = "attribute: column"),
};

static const core_key dev_keys[] = {
	KEY(REAL, "share", AT(core_corpus_spec, dev_share), .above = true, .max = 0.9,
		.required = true,
		.doc = "share of the training rows that become dev rows, whole speakers"),
};

static const core_key vote_keys[] = {
	KEY(PATH, "file", AT(core_corpus_spec, votes_file), .required = true,
		.doc = "table with a row for each rater of a recording"),
	KEY(TEXT, "emotion", AT(core_corpus_spec, votes_emotion), .required = true,
		.doc = "its column of classes"),
	KEY(TEXT, "recording", AT(core_corpus_spec, votes_recording),
		.doc = "its column of file names; default: the usual names"),
};

static const core_key corpus_keys[] = {
	KEY(PATH, "audio", AT(core_corpus_spec, audio),
		.doc = "folder of recordings, searched with its subfolders; encoders that look "
		       "features up by name need none"),
	KEY(FILES, "labels", ITEMS(core_corpus_spec, label_source),
		.doc = "label file, a list of them, or {train: ..., dev: ..., test: ...}; {fold} "
		       "in "
		       "a name stands for the fold, * for any text"),
	KEY(BLOCK, "attributes", .keys = attribute_keys, .n_keys = COUNT(attribute_keys),
		.doc = "attributes of speakers beside gender, from a table or the label file"),
	KEY(BINS, "bins", ITEMS(core_corpus_spec, bins),
		.doc = "names for ranges of a numeric attribute, both ends included"),
	KEY(VALUES, "values", ITEMS(core_corpus_spec, values),
		.doc = "values that count in an attribute's metrics; other rows stay in training"),
	KEY(FOLDS, "folds", ITEMS(core_corpus_spec, folds), .max = MANY,
		.doc = "folds to run: the values of {fold}, or of 1 ... the folds that are made; "
		       "or {make, by, use, seed}"),
	KEY(TEXTS, "exclude", AT(core_corpus_spec, exclude),
		.doc = "recordings to leave out, by id"),
	KEY(COLUMNS, "columns", ITEMS(core_corpus_spec, columns),
		.doc = "header names that differ from the usual ones, and those of attributes"),
	KEY(TEXT, "label_column", AT(core_corpus_spec, label_column),
		.doc = "column of the class name in a file with one label a row"),
	KEY(REAL, "label_smoothing", MAYBE(core_corpus_spec, label_smoothing), .max = 1,
		.def = "0.05",
		.doc = "smoothing of one label a row, of votes and of counts; no effect on shares"),
	KEY(NAMES, "classes", AT(core_corpus_spec, classes),
		.doc = "class names in order, where they cannot be told from the header"),
	KEY(INT, "make_folds", AT(core_corpus_spec, make_folds), .max = 1000, .def = "0",
		.doc = "number of speaker-independent folds to make; 0: the split is in the "
		       "label file"),
	KEY(INT, "make_folds_seed", AT(core_corpus_spec, make_folds_seed), .max = 9e15, .def = "1",
		.doc = "seed of these folds"),
	KEY(TEXT, "fold_by", AT(core_corpus_spec, fold_by),
		.doc = "column whose values are the folds, or that make_folds keeps together"),
	KEY(NAMES, "speaker_key", AT(core_corpus_spec, speaker_key),
		.doc = "columns that together make a speaker; default: the speaker column"),
	KEY(BOOL, "shared_speakers", AT(core_corpus_spec, shared_speakers), .def = "false",
		.doc = "accepts speakers in two splits; every table then says so"),
	KEY(CHOICE, "speaker", AT(core_corpus_spec, speaker), .choices = "none",
		.doc = "none: every recording is a speaker of its own; every table then says so"),
	KEY(BLOCK, "dev", .keys = dev_keys, .n_keys = COUNT(dev_keys),
		.doc = "development rows taken from the training rows where no file has them"),
	KEY(NULL_MAP, "splits", ITEMS(core_corpus_spec, splits),
		.doc = "value of the split column: train, dev, test or the name of a further test "
		       "set; rows with other values are left out"),
	KEY(BLOCK, "votes", .keys = vote_keys, .n_keys = COUNT(vote_keys),
		.doc = "labels from the raters' votes"),
	KEY(NULL_MAP, "map", ITEMS(core_corpus_spec, map),
		.doc = "class: its new name, or null to drop it"),
	KEY(RANGES, "where", ITEMS(core_corpus_spec, where),
		.doc = "rows to use: {duration: [0.5, 20], gender: [Female, Male]}"),
	KEY(TEXTS, "missing", AT(core_corpus_spec, missing),
		.doc = "values that mean missing, beside the usual words"),
};

static const core_key bias_keys[] = {
	KEY(TEXT, "attribute", AT(core_bias_spec, attribute), .def = "gender",
		.doc = "the attribute that is made to depend on the class"),
	KEY(REAL, "minority_ratio", AT(core_bias_spec, minority_ratio), .min = 1, .max = MANY,
		.required = true,
		.doc = "of the others, floor(majority / ratio) are kept in each class"),
	KEY(TEXT_MAP, "majority", ITEMS(core_bias_spec, majority), .required = true,
		.doc = "class: the attribute value whose recordings are all kept"),
	KEY(INT, "seed", MAYBE(core_bias_spec, seed), .max = 9e15,
		.doc = "seed of the draw; default: the run's seed"),
};

static const core_key encoder_keys[] = {
	KEY(TEXT, "name", .required = true, .doc = "encoder plugin"),
	KEY(PATH, "weights", AT(core_encoder_spec, weights),
		.doc = "file of pretrained weights, or Hugging Face's folder with it"),
	KEY(TEXT, "output", AT(core_encoder_spec, output),
		.doc = "which of the encoder's outputs; default: its first"),
	KEY(INT, "layer", AT(core_encoder_spec, layer), .word = -1, .max = MANY, .choices = "all",
		.def = "all", .doc = "one layer of the output, from 0, or all"),
	KEY(REAL, "max_seconds", AT(core_encoder_spec, max_seconds), .unit = "s", .max = MANY,
		.def = "10", .doc = "longer recordings are cut there; 0: never"),
	KEY(CHOICE, "normalize", AT(core_encoder_spec, normalize),
		.choices = "none|utterance|corpus", .def = "none",
		.doc = "z-scores the wave: with mean and sd of the fold's training rows before "
		       "bias, or of the recording itself"),
	KEY(CHOICE, "standardize", MAYBE(core_encoder_spec, standardize),
		.choices = "none|train|speaker",
		.doc = "z-scores the features by training rows or by speaker (transductive); "
		       "default: what the output asks for"),
};

static const core_key grouper_keys[] = {
	KEY(TEXT, "name", .required = true, .doc = "grouper plugin"),
	KEY(TEXT, "column", AT(core_grouper_spec, column),
		.doc = "the attribute it may see, for groupers that read one"),
	KEY(INT, "seed", MAYBE(core_grouper_spec, seed), .max = 9e15,
		.doc = "seed of the grouping, separate from the run's; default: the plugin's, or "
		       "the "
		       "run's"),
	KEY(ENCODER, "encoder",
		.doc = "encoder whose features it groups, whole recordings; default: the "
		       "variant's"),
};

static const core_key loss_keys[] = {
	KEY(TEXT, "name", .required = true, .doc = "loss plugin"),
	KEY(CHOICE, "profile", AT(core_variant, profile), .choices = "paper|official",
		.def = "paper",
		.doc = "defaults of all plugins in the variant: as the paper's authors, or as each "
		       "method's own"),
};

static const core_key head_keys[] = {
	KEY(INT, "projection", AT(core_variant, head_projection), .min = 1, .max = 65536,
		.choices = "none", .def = "256",
		.doc = "width of a linear layer on the features, before hidden layers and output"),
	KEY(SIZES, "hidden", ITEMS(core_variant, head_hidden), .min = 1, .max = 65536,
		.doc = "widths of hidden layers between projection and output; default: no hidden "
		       "layer"),
	KEY(CHOICE, "activation", AT(core_variant, head_activation), .choices = "none|relu|gelu",
		.def = "relu", .doc = "what follows each hidden layer"),
	KEY(REAL, "dropout", AT(core_variant, head_dropout), .max = 1, .below = true, .def = "0",
		.doc = "share of each hidden layer's units that a training step sets to 0"),
};

static const core_key train_keys[] = {
	KEY(INT, "epochs", AT(core_train_spec, epochs), .min = 1, .max = 1e6, .def = "50",
		.doc = "passes over the training rows"),
	KEY(INT, "batch", AT(core_train_spec, batch), .min = 1, .max = 1e6, .def = "32",
		.doc = "rows in a batch"),
	KEY(REAL, "learning_rate", AT(core_train_spec, learning_rate), .min = 0, .max = 1e30,
		.above = true, .def = "1.0e-4", .doc = "step size of the optimizer"),
	KEY(CHOICE, "optimizer", AT(core_train_spec, optimizer), .choices = "adam|adamw|sgd",
		.def = "adam", .doc = "as torch.optim's Adam, AdamW and SGD"),
	KEY(REAL, "weight_decay", AT(core_train_spec, weight_decay), .max = MANY, .def = "0.01",
		.doc = "decay of adamw (decoupled) and sgd (coupled); default with sgd: 0"),
	KEY(REAL, "momentum", AT(core_train_spec, momentum), .max = 1, .def = "0",
		.doc = "momentum of sgd"),
	KEY(CHOICE, "schedule", AT(core_train_spec, schedule), .choices = "none|cosine|plateau",
		.def = "none",
		.doc = "how the learning rate changes after each epoch: cosine falls to 0 over "
		       "train.epochs; plateau lowers it when the value of train.select stalls"),
	KEY(INT, "plateau_patience", AT(core_train_spec, plateau_patience), .max = 1e6, .def = "10",
		.doc = "epochs without a better value that plateau waits for"),
	KEY(REAL, "plateau_factor", AT(core_train_spec, plateau_factor), .max = 0.99, .def = "0.1",
		.doc = "what plateau multiplies the learning rate by"),
	KEY(INT, "patience", AT(core_train_spec, patience), .min = 1, .max = 1e6, .word = 0,
		.choices = "none", .def = "none",
		.doc = "epochs in a row without a better value of train.select after which "
		       "training stops, or none"),
	KEY(CHOICE, "sampler", AT(core_train_spec, sampler),
		.choices = "shuffle|class|group|class_group", .def = "shuffle",
		.doc = "rows of an epoch: all in random order, or as many draws with replacement "
		       "that take classes, groups or class x group alike often"),
	KEY(REAL, "clip", AT(core_train_spec, clip), .min = 0, .max = MANY, .above = true,
		.choices = "none", .def = "1", .doc = "largest norm of the gradient, or none"),
	KEY(CHOICE, "select", AT(core_train_spec, select),
		.choices =
			"dev_loss|dev_objective|dev_f1|dev_uar|dev_worst_group|dev_tpr_gap|oracle",
		.def = "dev_objective", .official = "dev_loss",
		.doc = "the rule that picks the epoch: lowest base loss, loss plugin's own value, "
		       "highest F1 or UAR, lowest base loss of the worst group or TPR gap on the "
		       "development split; oracle: TPR gap on the test split"),
	KEY(TEXT, "select_groups", AT(core_train_spec, select_groups), .def = "inferred",
		.doc = "groups of a rule that looks at groups: inferred (the grouper's), or an "
		       "attribute as it truly is"),
	KEY(INT, "select_support", AT(core_train_spec, select_support), .min = 1, .max = 1e6,
		.def = "10",
		.doc = "positives of each class that such a rule needs in each group; with "
		       "fewer the run fails"),
	KEY(REAL, "select_f1_floor", AT(core_train_spec, select_f1_floor), .max = 1, .def = "0.95",
		.doc = "a rule that looks at a gap takes only epochs whose F1 is at least this "
		       "share of the best epoch's"),
	KEY(CHOICE, "base_loss", AT(core_train_spec, base_loss), .choices = "soft_ce|bce|focal",
		.def = "soft_ce",
		.doc = "loss of a recording: cross-entropy of the soft label; sigmoid and binary "
		       "cross-entropy for each class; focal loss"),
	KEY(REAL, "focal_gamma", AT(core_train_spec, focal_gamma), .max = 100, .def = "2",
		.doc = "gamma of the focal loss: how much less a recording counts that is right"),
	KEY(CHOICE, "class_weights", AT(core_train_spec, class_weights),
		.choices = "effective|inverse|none", .def = "effective",
		.doc = "weights of the classes in the base loss: by the effective number of "
		       "positives, by 1/positives, or none"),
	KEY(PATH, "init", AT(core_train_spec, init),
		.doc = "start weights (safetensors); {fold} stands for the fold"),
	KEY(PATH, "order", AT(core_train_spec, order),
		.doc = "rows of every epoch (safetensors); {fold} stands for the fold"),
	KEY(INTS, "seed", ITEMS(core_train_spec, seeds), .max = 9e15, .def = "1",
		.doc = "one seed or a list: a run for each"),
};

static const core_key compare_keys[] = {
	KEY(CHOICE, "metric", AT(core_eval_spec, compare_metric),
		.choices = CORE_OVERALL_METRICS "|" CORE_GROUP_METRICS, .required = true,
		.doc = "the metric by which methods are compared"),
	KEY(TEXT, "attribute", AT(core_eval_spec, compare_attribute),
		.doc = "the attribute of a metric of groups"),
};

static const core_key eval_keys[] = {
	KEY(NAMES, "attributes", AT(core_eval_spec, attributes),
		.doc = "attributes to report, or products of them (gender*race); default: all the "
		       "corpus has"),
	KEY(NAMES, "numeric", AT(core_eval_spec, numeric),
		.doc = "attributes that are numbers: the slope of the recall of speakers instead "
		       "of groups; in attributes: {NAME: {numeric: true}}"),
	KEY(CHOICE, "threshold", AT(core_eval_spec, dev_threshold), .choices = "fixed|dev",
		.def = "fixed",
		.doc = "dev: also with the threshold of each class that maximises its F1 on the "
		       "development rows"),
	KEY(BOOL, "majority_only", AT(core_eval_spec, majority_only), .def = "false",
		.doc = "metrics of the argmax reading leave out utterances whose label has no "
		       "strict majority"),
	KEY(BLOCK, "compare", .keys = compare_keys, .n_keys = COUNT(compare_keys),
		.doc = "the comparisons declared beforehand; all others are exploratory"),
};

static const core_key slurm_keys[] = {
	KEY(TEXT, "partition", AT(core_slurm_spec, partition), .doc = "--partition"),
	KEY(TEXT, "account", AT(core_slurm_spec, account), .doc = "--account"),
	KEY(TEXT, "time", AT(core_slurm_spec, time),
		.doc = "--time, the wall time of a task: minutes, H:M:S, D-H or D-H:M:S"),
	KEY(TEXT, "memory", AT(core_slurm_spec, memory), .doc = "--mem, of a task: 8G"),
	KEY(TEXT, "gpus", AT(core_slurm_spec, gpus), .doc = "--gpus, of a task"),
	KEY(TEXT, "constraint", AT(core_slurm_spec, constraint), .doc = "--constraint"),
	KEY(INT, "throttle", AT(core_slurm_spec, throttle), .min = 1, .max = 1e6,
		.doc = "tasks of an array that run at the same time; default: no limit"),
	KEY(REAL, "chunk_minutes", AT(core_slurm_spec, chunk_minutes), .unit = "min", .above = true,
		.max = 1e5, .def = "30", .doc = "short runs share a task of about this length"),
	KEY(TEXTS, "sbatch", AT(core_slurm_spec, sbatch),
		.doc = "further options of sbatch, each a line: [--mail-type=END]"),
};

const core_block core_blocks[] = {
	{"corpus", 0, corpus_keys, COUNT(corpus_keys), "recordings, labels and attributes"},
	{"bias", 0, bias_keys, COUNT(bias_keys), "a simulated bias of training and development"},
	{"encoder", FV_ENCODER, encoder_keys, COUNT(encoder_keys), "recordings to features"},
	{"grouper", FV_GROUPER, grouper_keys, COUNT(grouper_keys), "recordings to groups"},
	{"loss", FV_LOSS, loss_keys, COUNT(loss_keys), "the objective"},
	{"head", 0, head_keys, COUNT(head_keys), "the classifier"},
	{"train", 0, train_keys, COUNT(train_keys), "the training"},
	{"eval", 0, eval_keys, COUNT(eval_keys), "what is reported"},
	{"slurm", 0, slurm_keys, COUNT(slurm_keys), "the jobs of run --launcher slurm"},
};
const size_t core_n_blocks = COUNT(core_blocks);

static const core_key delegate_keys[] = {
	KEY(TEXT, "name", .required = true, .doc = "loss plugin"),
};

const core_block core_delegate_block = {
	"loss", FV_LOSS, delegate_keys, COUNT(delegate_keys), "the loss of a stage"};

const core_block *core_schema_block(const char *name)
{
	for (size_t i = 0; i < core_n_blocks; i++)
		if (!strcmp(core_blocks[i].name, name))
			return &core_blocks[i];
	return NULL;
}

const core_key *core_schema_key(const core_key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

/* Can the plugin's state say that there is no value? */
static bool can_be_empty(fv_param_type type)
{
	return type == FV_STRING || type == FV_PATH || type == FV_LIST || type == FV_LOSS_REF;
}

core_key core_schema_from_param(const fv_param *param, bool official)
{
	const char *def = official && param->def_official ? param->def_official : param->def_paper;
	if (def && (!strcmp(def, "null") || !strcmp(def, "~")))
		def = NULL;
	static const core_key_type type[] = {
		[FV_INT] = CORE_KEY_INT,
		[FV_REAL] = CORE_KEY_REAL,
		[FV_BOOL] = CORE_KEY_BOOL,
		[FV_CHOICE] = CORE_KEY_CHOICE,
		[FV_STRING] = CORE_KEY_TEXT,
		[FV_PATH] = CORE_KEY_PATH,
		[FV_LIST] = CORE_KEY_REALS,
		[FV_LOSS_REF] = CORE_KEY_LOSS,
	};
	return (core_key){.name = param->name,
		.type = type[param->type],
		.unit = param->unit,
		.min = param->min,
		.max = param->max,
		.choices = param->choices,
		.def = def,
		.required = !def && (param->required || !can_be_empty(param->type)),
		.doc = param->doc,
		.offset = param->offset,
		.size = core_param_width(param->type)};
}

bool core_key_is_list(core_key_type type)
{
	return type == CORE_KEY_INTS || type == CORE_KEY_SIZES || type == CORE_KEY_FOLDS ||
	       type == CORE_KEY_REALS || type == CORE_KEY_TEXTS || type == CORE_KEY_NAMES;
}

/* True when `test` accepts the type of this parameter in any plugin of this kind. */
static bool test_params(const core_registry *registry, fv_kind kind, const char *name,
	bool (*test)(core_key_type type))
{
	for (size_t i = 0; i < registry->n; i++) {
		const fv_descriptor *d = registry->plugin[i].descriptor;
		const fv_param *param = d->kind == kind ? core_param_find(d, name) : NULL;
		if (param && test(core_schema_from_param(param, false).type))
			return true;
	}
	return false;
}

static bool is_loss(core_key_type type)
{
	return type == CORE_KEY_LOSS;
}

static bool is_any(core_key_type type)
{
	(void)type;
	return true;
}

/* The part of the schema reached by a dotted key: the keys of a block, and the kind of plugin it
 * names. */
struct place {
	const core_key *keys;
	size_t n_keys;
	fv_kind kind;
};

static struct place make_place(const core_block *block)
{
	return (struct place){block->keys, block->n_keys, block->kind};
}

/* Copies the part before the next dot and returns the rest; NULL when the part is too long to be a
 * key. */
static const char *read_next_part(const char *key, char part[64])
{
	size_t n = strcspn(key, ".");
	if (n >= 64)
		return NULL;
	memcpy(part, key, n);
	part[n] = '\0';
	return key[n] ? key + n + 1 : key + n;
}

/* For a key inside the value of another key: values.race is a list, columns.race a text. */
static bool test_inside(const core_key *key, bool (*test)(core_key_type))
{
	switch (key->type) {
	case CORE_KEY_VALUES:
	case CORE_KEY_COLUMNS:
	case CORE_KEY_RANGES:
		return test(CORE_KEY_TEXTS);
	case CORE_KEY_FOLDS:
		return test(CORE_KEY_INTS);
	case CORE_KEY_TEXT_MAP:
	case CORE_KEY_NULL_MAP:
		return test(CORE_KEY_TEXT);
	case CORE_KEY_FILES:
		return test(CORE_KEY_TEXT);
	case CORE_KEY_BINS:
		return test(CORE_KEY_BLOCK);
	default:
		return false;
	}
}

static bool test_key(const core_registry *registry, const char *key, bool (*test)(core_key_type))
{
	char part[64];
	key = read_next_part(key, part);
	const core_block *block = key ? core_schema_block(part) : NULL;
	if (!block)
		return false;
	for (struct place place = make_place(block);;) {
		if (!*key)
			return test(CORE_KEY_BLOCK);
		key = read_next_part(key, part);
		if (!key)
			return false;
		const core_key *found = core_schema_key(place.keys, place.n_keys, part);
		if (!found && *key && place.kind == FV_LOSS &&
			test_params(registry, FV_LOSS, part, is_loss)) {
			place = make_place(&core_delegate_block);
			continue;
		}
		if (!found)
			return place.kind && !*key && test_params(registry, place.kind, part, test);
		if (found->type == CORE_KEY_ENCODER)
			place = make_place(core_schema_block("encoder"));
		else if (found->type == CORE_KEY_BLOCK)
			place = (struct place){found->keys, found->n_keys, 0};
		else
			return *key ? test_inside(found, test) : test(found->type);
	}
}

bool core_schema_knows(const core_registry *registry, const char *key)
{
	if (!strcmp(key, "grouper.product"))
		return true;
	return test_key(registry, key, is_any);
}

bool core_schema_is_list(const core_registry *registry, const char *key)
{
	if (!strncmp(key, "tune.axes.", 10))
		return true;
	return test_key(registry, key, core_key_is_list);
}
