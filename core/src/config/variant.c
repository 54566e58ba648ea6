/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a resolved tree into the typed variant that other modules read. All values have been
 * checked, so only memory can run out here, and only what the plugin itself knows is still checked:
 * the inputs that a grouper uses. */

#include <string.h>

#include <fairvox/grouper.h>

#include "base/path.h"
#include "config/loader.h"
#include "config/params.h"
#include "config/store.h"
#include "plugin/descriptor.h"
#include "plugin/guard.h"
#include "plugin/rehearsal.h"

/* Stores the keys of a block in its spec; does nothing when there is no block. */
static bool fill_block(fv_ctx *ctx, const char *name, const core_yaml *block, void *spec)
{
	const core_block *schema = core_schema_block(name);
	return !block || core_store_block(ctx, schema->keys, schema->n_keys, block, spec);
}

/* The folds given, or 1 ... make_folds, or a single unnamed fold; none when only the label file can
 * tell how many there are. */
static bool fill_folds(fv_ctx *ctx, core_corpus_spec *out)
{
	out->has_folds = out->n_folds || out->make_folds || out->fold_by;
	if (out->n_folds || (out->fold_by && !out->make_folds))
		return true;
	out->n_folds = out->make_folds ? out->make_folds : 1;
	out->folds = core_alloc(ctx, (size_t)out->n_folds, sizeof *out->folds);
	for (int32_t i = 0; i < out->n_folds && out->folds; i++)
		out->folds[i] = out->make_folds ? i + 1 : 0;
	return out->folds != NULL;
}

/* Gives each column its field; what has none is an attribute. */
static bool fill_columns(fv_ctx *ctx, core_corpus_spec *out)
{
	const struct {
		const char *name, **field;
	} known[] = {{"file", &out->column_file}, {"speaker", &out->column_speaker},
		{"gender", &out->column_gender}, {"split", &out->column_split},
		{"start", &out->column_start}, {"end", &out->column_end}};
	size_t n = sizeof known / sizeof *known;
	out->label_attributes =
		core_alloc(ctx, (size_t)out->n_columns, sizeof *out->label_attributes);
	for (int32_t i = 0; i < out->n_columns && out->label_attributes; i++) {
		size_t k = 0;
		while (k < n && strcmp(known[k].name, out->columns[i].name) != 0)
			k++;
		if (k < n)
			*known[k].field = out->columns[i].columns.item[0];
		else
			out->label_attributes[out->n_label_attributes++] = out->columns[i];
	}
	return out->label_attributes != NULL;
}

/* Sets the pattern that tells which folds exist, and folds a single file into it. */
static void set_first_labels(core_corpus_spec *out)
{
	if (!out->n_label_source) {
		out->labels = out->votes_file;
		return;
	}
	for (int32_t i = 0; i < out->n_label_source && !out->labels; i++)
		if (strstr(out->label_source[i].path, CORE_FOLD_MARK))
			out->labels = out->label_source[i].path;
	if (!out->labels)
		out->labels = out->label_source[0].path;
	if (out->n_label_source == 1 && !out->label_source[0].split)
		out->n_label_source = 0;
}

/* Reduces file names to recording ids, which have no extension. */
static bool reduce_to_ids(fv_ctx *ctx, core_strings *names)
{
	for (int32_t i = 0; i < names->n; i++) {
		names->item[i] = core_path_id(ctx, names->item[i]);
		if (!names->item[i])
			return false;
	}
	return true;
}

static const char *make_key_without(core_loader *loader, const core_yaml *block, const char *key)
{
	const core_yaml *rest = core_yaml_copy_without(loader->ctx, block, key);
	return rest ? core_yaml_canonical_text(loader->ctx, rest, loader->folder) : NULL;
}

/* Variants with the same corpus block share its arrays. */
static bool fill_corpus(core_loader *loader, const core_yaml *b, core_corpus_spec *out)
{
	fv_ctx *ctx = loader->ctx;
	core_corpus_spec *spec = &loader->corpus_spec;
	if (loader->spec_of != b) {
		*spec = (core_corpus_spec){.key = make_key_without(loader, b, "folds"), .block = b};
		if (!spec->key || !fill_block(ctx, "corpus", b, spec) || !fill_folds(ctx, spec) ||
			!fill_columns(ctx, spec) || !reduce_to_ids(ctx, &spec->exclude))
			return false;
		set_first_labels(spec);
	}
	loader->spec_of = b;
	*out = *spec;
	return true;
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
	out->plugin = core_registry_find(loader->registry, kind, core_yaml_get(b, "name")->text);
	fv_status status = core_params_fill(loader->ctx, loader->folder, b, out);
	return status ? status : fill_delegates(loader, b, out);
}

fv_status core_variant_encoder(core_loader *loader, const core_yaml *b, core_encoder_spec *out)
{
	*out = (core_encoder_spec){.key = make_key_without(loader, b, "standardize"), .block = b};
	if (!out->key || !fill_block(loader->ctx, "encoder", b, out))
		return FV_FAILED;
	return fill_plugin(loader, FV_ENCODER, b, &out->use);
}

struct uses_call {
	fv_ctx *ctx;
	const core_plugin_spec *grouper;
	uint32_t uses;
	fv_status status;
};

static void call_uses(void *user)
{
	struct uses_call *call = user;
	const fv_descriptor *d = call->grouper->plugin->descriptor;
	const fv_grouper_ops *ops = d->ops;
	core_guard guard;
	core_guard_open(&guard, call->ctx, FV_GROUPER, d->name);
	core_guard_enter(&guard, "uses", 0, false);
	call->uses = ops->uses(call->grouper->state);
	call->status = core_guard_leave(&guard, FV_OK);
}

/* Calls the op of the grouper once, and keeps what it returned. A plugin of others is not trusted with the
 * program while it keeps going. */
static fv_status read_uses(core_loader *loader, core_grouper_spec *g)
{
	struct uses_call call = {.ctx = loader->ctx, .grouper = &g->use};
	char why[512];
	bool rehearsed = (loader->needs & CORE_KEEP_GOING) && !g->use.plugin->own;
	if (rehearsed && core_plugin_rehearse(call_uses, &call, why, sizeof why))
		return core_loader_fail(loader, FV_FAILED, g->use.place, "%s", why);
	call_uses(&call);
	g->uses = call.uses;
	if (call.status)
		core_loader_count_failure(loader, call.status);
	return call.status;
}

/* Every input that the grouper uses must be given, and every given input must be used. */
static fv_status check_uses(core_loader *loader, const core_yaml *b, const core_grouper_spec *g,
	bool variant_has_encoder)
{
	const fv_descriptor *d = g->use.plugin->descriptor;
	uint32_t uses = g->uses;
	const core_yaml *column = core_yaml_get(b, "column"),
			*encoder = core_yaml_get(b, "encoder");
	if (uses & FV_USE_COLUMN && !column)
		return core_loader_fail(loader, FV_CONFIG, g->use.place,
			"grouper '%s' reads an attribute: its 'column' is missing", d->name);
	if (!(uses & FV_USE_COLUMN) && column && !core_param_find(d, "column"))
		return core_loader_fail(loader, FV_CONFIG, column->place,
			"grouper '%s' reads no attribute: its 'column' has no effect", d->name);
	if (!(uses & FV_USE_FEATURES) && encoder)
		return core_loader_fail(loader, FV_CONFIG, encoder->place,
			"grouper '%s' reads no features%s: its 'encoder' has no effect", d->name,
			g->use.plugin->own ? "" : " (its op uses does not return FV_USE_FEATURES)");
	if (uses & FV_USE_FEATURES && !encoder && !variant_has_encoder)
		return core_loader_fail(loader, FV_CONFIG, g->use.place,
			"grouper '%s' reads features: an encoder is missing", d->name);
	return FV_OK;
}

static fv_status fill_grouper(
	core_loader *loader, const core_yaml *b, bool variant_has_encoder, core_grouper_spec *out)
{
	const core_yaml *encoder = core_yaml_get(b, "encoder");
	out->has_encoder = encoder != NULL;
	out->block = b;
	if (!fill_block(loader->ctx, "grouper", b, out))
		return FV_FAILED;
	fv_status status = fill_plugin(loader, FV_GROUPER, b, &out->use);
	if (!status && encoder)
		status = core_variant_encoder(loader, encoder, &out->encoder);
	if (!status)
		status = read_uses(loader, out);
	return status ? status : check_uses(loader, b, out, variant_has_encoder);
}

static fv_status fill_groupers(core_loader *loader, const core_yaml *b, core_variant *variant)
{
	const core_yaml *product = core_yaml_get(b, "product");
	bool variant_has_encoder = variant->encoder.use.plugin != NULL;
	size_t n = product ? product->n : 1;
	if (n > CORE_PRODUCT_MAX)
		return core_loader_fail(loader, FV_CONFIG, product->place,
			"grouper.product: %zu groupers, at most %d are possible", n,
			CORE_PRODUCT_MAX);
	variant->groupers = core_alloc(loader->ctx, n, sizeof *variant->groupers);
	if (!variant->groupers)
		return FV_FAILED;
	variant->n_groupers = (int32_t)n;
	for (size_t i = 0; i < n; i++) {
		const core_yaml *one = product ? product->entry[i].value : b;
		fv_status status =
			fill_grouper(loader, one, variant_has_encoder, &variant->groupers[i]);
		if (status)
			return status;
	}
	return FV_OK;
}

fv_status core_variant_fill(core_loader *loader, const core_yaml *resolved, core_variant *variant)
{
	fv_ctx *ctx = loader->ctx;
	const core_yaml *corpus = core_yaml_get(resolved, "corpus");
	const core_yaml *bias = core_yaml_get(resolved, "bias");
	const core_yaml *encoder = core_yaml_get(resolved, "encoder");
	const core_yaml *grouper = core_yaml_get(resolved, "grouper");
	const core_yaml *loss = core_yaml_get(resolved, "loss");
	variant->bias = (core_bias_spec){.on = bias != NULL, .block = bias};
	variant->profile = "paper";
	variant->slurm = (core_slurm_spec){.chunk_minutes = CORE_SLURM_CHUNK_MINUTES};
	if ((corpus && !fill_corpus(loader, corpus, &variant->corpus)) ||
		!fill_block(ctx, "bias", bias, &variant->bias) ||
		!fill_block(ctx, "train", core_yaml_get(resolved, "train"), &variant->train) ||
		!fill_block(ctx, "eval", core_yaml_get(resolved, "eval"), &variant->eval) ||
		!fill_block(ctx, "slurm", core_yaml_get(resolved, "slurm"), &variant->slurm) ||
		!fill_block(ctx, "head", core_yaml_get(resolved, "head"), variant) ||
		!fill_block(ctx, "loss", loss, variant))
		return FV_FAILED;
	fv_status status =
		encoder ? core_variant_encoder(loader, encoder, &variant->encoder) : FV_OK;
	if (!status && loss)
		status = fill_plugin(loader, FV_LOSS, loss, &variant->loss);
	if (!status && grouper)
		status = fill_groupers(loader, grouper, variant);
	return status;
}
