/* SPDX-License-Identifier: Apache-2.0 */
/* A resolved tree as the typed cell that other modules read. Every value was checked before, so
 * nothing here can fail but memory and what only a plugin knows: which inputs it uses. */
#include <stdlib.h>
#include <string.h>

#include <fairvox/grouper.h>

#include "base/csv.h"
#include "base/file.h"
#include "config/loader.h"
#include "plugin/guard.h"
#include "plugin/params.h"

static const char *text_of(const core_yaml *block, const char *key)
{
	const core_yaml *node = core_yaml_get(block, key);
	return node ? node->text : NULL;
}

static bool is_text(const core_yaml *block, const char *key, const char *want)
{
	const char *text = text_of(block, key);
	return text && !strcmp(text, want);
}

/* Words beside a number ("none", "all") become `word`. */
static double real_of(const core_yaml *block, const char *key, double word)
{
	const char *text = text_of(block, key);
	double value;
	return text && core_parse_double(text, &value) ? value : word;
}

static int64_t int_of(const core_yaml *block, const char *key, int64_t word)
{
	const char *text = text_of(block, key);
	int64_t value;
	return text && core_parse_int(text, &value) ? value : word;
}

static bool texts_of(fv_ctx *ctx, const core_yaml *list, core_strings *out)
{
	size_t n = list ? list->n : 0;
	*out = (core_strings){(int32_t)n, core_alloc(ctx, n, sizeof *out->item)};
	for (size_t i = 0; i < n && out->item; i++)
		out->item[i] = list->entry[i].value->text;
	return out->item != NULL;
}

static bool ints_of(fv_ctx *ctx, const core_yaml *list, int32_t *n, int64_t **out)
{
	*n = list ? (int32_t)list->n : 0;
	*out = core_alloc(ctx, (size_t)*n, sizeof **out);
	for (int32_t i = 0; i < *n && *out; i++)
		(void)core_parse_int(list->entry[i].value->text, &(*out)[i]);
	return *out != NULL;
}

static bool columns_of(fv_ctx *ctx, const core_yaml *map, int32_t *n, core_column **out)
{
	*n = map ? (int32_t)map->n : 0;
	*out = core_alloc(ctx, (size_t)*n, sizeof **out);
	for (int32_t i = 0; i < *n && *out; i++)
		(*out)[i] = (core_column){map->entry[i].key, map->entry[i].value->text};
	return *out != NULL;
}

static bool bins_of(fv_ctx *ctx, const core_yaml *map, core_corpus_spec *out)
{
	out->n_bins = map ? (int32_t)map->n : 0;
	out->bins = core_alloc(ctx, (size_t)out->n_bins, sizeof *out->bins);
	for (int32_t i = 0; i < out->n_bins && out->bins; i++) {
		const core_yaml *bins = map->entry[i].value;
		core_bins *to = &out->bins[i];
		*to = (core_bins){map->entry[i].key, (int32_t)bins->n,
			core_alloc(ctx, bins->n, sizeof *to->bin)};
		if (!to->bin)
			return false;
		for (size_t j = 0; j < bins->n; j++) {
			const core_yaml *range = bins->entry[j].value;
			to->bin[j].name = bins->entry[j].key;
			(void)core_parse_double(range->entry[0].value->text, &to->bin[j].low);
			(void)core_parse_double(range->entry[1].value->text, &to->bin[j].high);
		}
	}
	return out->bins != NULL;
}

static bool values_of(fv_ctx *ctx, const core_yaml *map, core_corpus_spec *out)
{
	out->n_values = map ? (int32_t)map->n : 0;
	out->values = core_alloc(ctx, (size_t)out->n_values, sizeof *out->values);
	for (int32_t i = 0; i < out->n_values && out->values; i++) {
		out->values[i].attribute = map->entry[i].key;
		if (!texts_of(ctx, map->entry[i].value, &out->values[i].names))
			return false;
	}
	return out->values != NULL;
}

/* Folds as given, 1 ... make_folds, or the one without name. */
static bool folds_of(fv_ctx *ctx, const core_yaml *block, core_corpus_spec *out)
{
	const core_yaml *folds = core_yaml_get(block, "folds");
	out->has_folds = folds || out->make_folds;
	if (folds)
		return ints_of(ctx, folds, &out->n_folds, &out->folds);
	out->n_folds = out->make_folds ? out->make_folds : 1;
	out->folds = core_alloc(ctx, (size_t)out->n_folds, sizeof *out->folds);
	for (int32_t i = 0; i < out->n_folds && out->folds; i++)
		out->folds[i] = out->make_folds ? i + 1 : 0;
	return out->folds != NULL;
}

/* Recordings are known by their stems; a name with extension is understood. */
static bool exclude_of(fv_ctx *ctx, const core_yaml *list, core_strings *out)
{
	if (!texts_of(ctx, list, out))
		return false;
	for (int32_t i = 0; i < out->n; i++) {
		out->item[i] = core_path_stem(ctx, out->item[i]);
		if (!out->item[i])
			return false;
	}
	return true;
}

static bool fill_corpus(fv_ctx *ctx, const core_yaml *b, core_corpus_spec *out)
{
	const core_yaml *attributes = core_yaml_get(b, "attributes");
	const core_yaml *columns = core_yaml_get(b, "columns");
	*out = (core_corpus_spec){
		.place = b->place,
		.audio = text_of(b, "audio"),
		.labels = text_of(b, "labels"),
		.attributes_file = text_of(attributes, "file"),
		.attributes_speaker = text_of(attributes, "speaker"),
		.make_folds = (int32_t)int_of(b, "make_folds", 0),
		.make_folds_seed = int_of(b, "make_folds_seed", 0),
		.column_file = text_of(columns, "file"),
		.column_speaker = text_of(columns, "speaker"),
		.column_gender = text_of(columns, "gender"),
		.column_split = text_of(columns, "split"),
		.label_column = text_of(b, "label_column"),
		.label_smoothing = real_of(b, "label_smoothing", 0),
		.shared_speakers = is_text(b, "shared_speakers", "true"),
	};
	return columns_of(ctx, core_yaml_get(attributes, "columns"), &out->n_attribute_columns,
		       &out->attribute_columns) &&
	       bins_of(ctx, core_yaml_get(b, "bins"), out) &&
	       values_of(ctx, core_yaml_get(b, "values"), out) && folds_of(ctx, b, out) &&
	       texts_of(ctx, core_yaml_get(b, "classes"), &out->classes) &&
	       texts_of(ctx, core_yaml_get(b, "speaker_key"), &out->speaker_key) &&
	       exclude_of(ctx, core_yaml_get(b, "exclude"), &out->exclude);
}

/* Cells whose corpus is one and the same share its arrays. */
static bool share_corpus(core_loader *loader, const core_yaml *b, core_corpus_spec *out)
{
	if (loader->spec_of != b && !fill_corpus(loader->ctx, b, &loader->corpus_spec))
		return false;
	loader->spec_of = b;
	*out = loader->corpus_spec;
	return true;
}

static bool fill_bias(fv_ctx *ctx, const core_yaml *b, core_bias_spec *out)
{
	*out = (core_bias_spec){
		.on = true,
		.place = b->place,
		.attribute = text_of(b, "attribute"),
		.minority_ratio = real_of(b, "minority_ratio", 1),
		.seed = int_of(b, "seed", 0),
		.has_seed = core_yaml_get(b, "seed") != NULL,
	};
	return columns_of(ctx, core_yaml_get(b, "majority"), &out->n_majority, &out->majority);
}

static fv_status fill_plugin(
	core_loader *loader, fv_kind kind, const core_yaml *b, core_plugin_spec *out);

static fv_status fill_delegates(core_loader *loader, const core_yaml *b, core_plugin_spec *out)
{
	const fv_descriptor *d = out->plugin->descriptor;
	fv_status status = FV_OK;
	out->delegate = core_alloc(loader->ctx, d->n_params, sizeof *out->delegate);
	if (!out->delegate)
		return FV_FAILED;
	for (uint32_t i = 0; i < d->n_params && !status; i++) {
		const core_yaml *value = core_yaml_get(b, d->params[i].name);
		if (d->params[i].type != FV_LOSS_REF || !value)
			continue;
		core_delegate *to = &out->delegate[out->n_delegates++];
		to->param = d->params[i].name;
		status = fill_plugin(loader, FV_LOSS, value, &to->use);
	}
	return status;
}

static fv_status fill_plugin(
	core_loader *loader, fv_kind kind, const core_yaml *b, core_plugin_spec *out)
{
	out->place = core_yaml_get(b, "name")->place;
	out->plugin = core_registry_find(loader->registry, kind, text_of(b, "name"));
	fv_status status = core_params_fill(loader->ctx, loader->folder, b, out);
	return status ? status : fill_delegates(loader, b, out);
}

fv_status core_cell_encoder(core_loader *loader, const core_yaml *b, core_encoder_spec *out)
{
	*out = (core_encoder_spec){
		.weights = text_of(b, "weights"),
		.output = text_of(b, "output"),
		.layer = (int32_t)int_of(b, "layer", -1),
		.max_seconds = real_of(b, "max_seconds", 0),
		.normalize = is_text(b, "normalize", "corpus")      ? CORE_NORMALIZE_CORPUS
			     : is_text(b, "normalize", "utterance") ? CORE_NORMALIZE_UTTERANCE
								    : CORE_NORMALIZE_NONE,
		.standardize = is_text(b, "standardize", "train")     ? FV_STANDARDIZE_TRAIN
			       : is_text(b, "standardize", "speaker") ? FV_STANDARDIZE_SPEAKER
								      : FV_STANDARDIZE_NONE,
		.has_standardize = core_yaml_get(b, "standardize") != NULL,
	};
	return fill_plugin(loader, FV_ENCODER, b, &out->use);
}

static fv_status ask_uses(
	core_loader *loader, const fv_descriptor *grouper, const void *state, uint32_t *uses)
{
	const fv_grouper_ops *ops = grouper->ops;
	core_guard guard;
	core_guard_open(&guard, loader->ctx, FV_GROUPER, grouper->name);
	core_guard_enter(&guard, "uses", 0, false);
	*uses = ops->uses(state);
	fv_status status = core_guard_leave(&guard, FV_OK);
	if (status)
		core_loader_failed(loader, status);
	return status;
}

/* What the grouper says it uses must be there, and what is there must be of use. */
static fv_status check_uses(
	core_loader *loader, const core_yaml *b, const core_grouper_spec *g, bool cell_has_encoder)
{
	const fv_descriptor *d = g->use.plugin->descriptor;
	uint32_t uses;
	fv_status status = ask_uses(loader, d, g->use.state, &uses);
	if (status)
		return status;
	const core_yaml *column = core_yaml_get(b, "column"),
			*encoder = core_yaml_get(b, "encoder");
	if (uses & FV_USE_COLUMN && !column)
		return core_loader_fail(loader, FV_CONFIG, g->use.place,
			"grouper '%s' reads an attribute: its 'column' is missing", d->name);
	if (!(uses & FV_USE_COLUMN) && column && !core_param_find(d, "column"))
		return core_loader_fail(loader, FV_CONFIG, column->place,
			"grouper '%s' reads no attribute: its 'column' has no use", d->name);
	if (!(uses & FV_USE_TABLE) && encoder)
		return core_loader_fail(loader, FV_CONFIG, encoder->place,
			"grouper '%s' reads no features: its 'encoder' has no use", d->name);
	if (uses & FV_USE_TABLE && !encoder && !cell_has_encoder)
		return core_loader_fail(loader, FV_CONFIG, g->use.place,
			"grouper '%s' reads features: an encoder is missing", d->name);
	return FV_OK;
}

static fv_status fill_grouper(
	core_loader *loader, const core_yaml *b, bool cell_has_encoder, core_grouper_spec *out)
{
	const core_yaml *encoder = core_yaml_get(b, "encoder");
	out->column = text_of(b, "column");
	out->has_seed = core_yaml_get(b, "seed") != NULL;
	out->seed = int_of(b, "seed", 0);
	out->has_encoder = encoder != NULL;
	fv_status status = fill_plugin(loader, FV_GROUPER, b, &out->use);
	if (!status && encoder)
		status = core_cell_encoder(loader, encoder, &out->encoder);
	return status ? status : check_uses(loader, b, out, cell_has_encoder);
}

static fv_status fill_groupers(core_loader *loader, const core_yaml *b, core_cell *cell)
{
	const core_yaml *product = core_yaml_get(b, "product");
	bool cell_has_encoder = cell->encoder.use.plugin != NULL;
	size_t n = product ? product->n : 1;
	cell->groupers = core_alloc(loader->ctx, n, sizeof *cell->groupers);
	if (!cell->groupers)
		return FV_FAILED;
	cell->n_groupers = (int32_t)n;
	for (size_t i = 0; i < n; i++) {
		const core_yaml *one = product ? product->entry[i].value : b;
		fv_status status = fill_grouper(loader, one, cell_has_encoder, &cell->groupers[i]);
		if (status)
			return status;
	}
	return FV_OK;
}

static bool fill_train(fv_ctx *ctx, const core_yaml *b, core_train_spec *out)
{
	*out = (core_train_spec){
		.epochs = (int32_t)int_of(b, "epochs", 0),
		.batch = (int32_t)int_of(b, "batch", 0),
		.learning_rate = real_of(b, "learning_rate", 0),
		.adamw = is_text(b, "optimizer", "adamw"),
		.weight_decay = real_of(b, "weight_decay", 0),
		.clip = real_of(b, "clip", 0),
		.select = text_of(b, "select"),
		.select_groups = text_of(b, "select_groups"),
		.select_support = (int32_t)int_of(b, "select_support", 0),
		.select_f1_floor = real_of(b, "select_f1_floor", 0),
		.init = text_of(b, "init"),
		.order = text_of(b, "order"),
	};
	return ints_of(ctx, core_yaml_get(b, "seed"), &out->n_seeds, &out->seeds);
}

static bool fill_eval(fv_ctx *ctx, const core_yaml *b, core_eval_spec *out)
{
	const core_yaml *compare = core_yaml_get(b, "compare");
	out->compare_metric = text_of(compare, "metric");
	out->compare_attribute = text_of(compare, "attribute");
	return texts_of(ctx, core_yaml_get(b, "attributes"), &out->attributes);
}

fv_status core_cell_fill(core_loader *loader, const core_yaml *resolved, core_cell *cell)
{
	fv_ctx *ctx = loader->ctx;
	const core_yaml *corpus = core_yaml_get(resolved, "corpus");
	const core_yaml *bias = core_yaml_get(resolved, "bias");
	const core_yaml *encoder = core_yaml_get(resolved, "encoder");
	const core_yaml *grouper = core_yaml_get(resolved, "grouper");
	const core_yaml *loss = core_yaml_get(resolved, "loss");
	if ((corpus && !share_corpus(loader, corpus, &cell->corpus)) ||
		(bias && !fill_bias(ctx, bias, &cell->bias)) ||
		!fill_train(ctx, core_yaml_get(resolved, "train"), &cell->train) ||
		!fill_eval(ctx, core_yaml_get(resolved, "eval"), &cell->eval))
		return FV_FAILED;
	cell->head_projection = (int32_t)int_of(core_yaml_get(resolved, "head"), "projection", 0);
	cell->profile = loss ? text_of(loss, "profile") : "paper";
	fv_status status = encoder ? core_cell_encoder(loader, encoder, &cell->encoder) : FV_OK;
	if (!status && loss)
		status = fill_plugin(loader, FV_LOSS, loss, &cell->loss);
	if (!status && grouper)
		status = fill_groupers(loader, grouper, cell);
	return status;
}
