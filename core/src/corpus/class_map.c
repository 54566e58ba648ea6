/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.map: renames, merges and drops classes. */
#include <string.h>

#include "base/missing.h"
#include "base/nearest.h"
#include "corpus/corpus_private.h"

/* The entry of corpus.map for a class, as written or in another spelling; -1: none. */
static int32_t find_entry(const core_corpus_spec *spec, const char *class)
{
	for (int32_t m = 0; m < spec->n_map; m++)
		if (!strcmp(spec->map[m].attribute, class))
			return m;
	for (int32_t m = 0; m < spec->n_map; m++)
		if (core_same_value(spec->map[m].attribute, class))
			return m;
	return -1;
}

/* Sets name [n_sources], what each class is called in the corpus; NULL: dropped. Warns about
 * entries of the map that no class has. */
static fv_status rename_classes(fv_ctx *ctx, const core_label_file *f, const char **name)
{
	const core_corpus_spec *spec = f->spec;
	bool *found = core_alloc(ctx, (size_t)spec->n_map, sizeof *found);
	if (!found)
		return FV_FAILED;
	for (int32_t s = 0; s < f->n_sources; s++) {
		int32_t m = find_entry(spec, f->source_class[s]);
		name[s] = m < 0 ? f->source_class[s] : spec->map[m].column;
		if (m >= 0)
			found[m] = true;
	}
	for (int32_t m = 0; m < spec->n_map; m++)
		if (!found[m])
			core_warn_key(ctx,
				(core_key_ref){spec->block, "map", spec->map[m].attribute},
				"corpus.map: %s has no class '%s'%s", f->table.csv.path,
				spec->map[m].attribute,
				core_suggest_name(ctx, spec->map[m].attribute, f->source_class,
					(size_t)f->n_sources));
	return FV_OK;
}

static int32_t find_class(const char *const *class, int32_t n, const char *name)
{
	for (int32_t k = 0; k < n; k++)
		if (!strcmp(class[k], name))
			return k;
	return -1;
}

/* Lists the distinct names: of columns in their order, of labels sorted by bytes. */
static fv_status list_classes(
	fv_ctx *ctx, const core_label_file *f, const char **name, core_corpus *c)
{
	if (!f->class_column) {
		int32_t *id = core_alloc(ctx, (size_t)f->n_sources, sizeof *id);
		return id ? core_names_index(
				    ctx, name, f->n_sources, id, &c->class_name, &c->classes)
			  : FV_FAILED;
	}
	c->class_name = core_alloc(ctx, (size_t)f->n_sources, sizeof *c->class_name);
	if (!c->class_name)
		return FV_FAILED;
	for (int32_t s = 0; s < f->n_sources; s++)
		if (name[s] && find_class(c->class_name, c->classes, name[s]) < 0)
			c->class_name[c->classes++] = name[s];
	return FV_OK;
}

static fv_status copy_given(fv_ctx *ctx, const core_strings *given, core_corpus *c)
{
	c->classes = given->n;
	c->class_name = core_alloc(ctx, (size_t)given->n, sizeof *c->class_name);
	if (!c->class_name)
		return FV_FAILED;
	memcpy(c->class_name, given->item, (size_t)given->n * sizeof *given->item);
	return FV_OK;
}

fv_status core_classes_map(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_strings *given = &f->spec->classes;
	const char **name = core_alloc(ctx, (size_t)f->n_sources, sizeof *name);
	f->target = core_alloc(ctx, (size_t)f->n_sources, sizeof *f->target);
	if (!name || !f->target)
		return FV_FAILED;
	fv_status status = rename_classes(ctx, f, name);
	if (!status)
		status = given->n ? copy_given(ctx, given, c) : list_classes(ctx, f, name, c);
	if (status)
		return status;
	if (c->classes < 2)
		return fv_fail(ctx, FV_DATA, "%s: %d class%s, needs at least 2%s", c->labels,
			(int)c->classes, c->classes == 1 ? "" : "es",
			c->classes ? "" : ": name them with corpus.classes or corpus.label_column");
	for (int32_t s = 0; s < f->n_sources; s++) {
		int32_t k = name[s] ? find_class(c->class_name, c->classes, name[s])
				    : CORE_DROPPED_CLASS;
		f->target[s] = name[s] && k < 0 ? CORE_UNKNOWN_CLASS : k;
	}
	return FV_OK;
}
