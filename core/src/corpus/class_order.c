/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the classes of a corpus and gives them another order, so that all folds of a study have the same. */
#include <string.h>

#include "corpus/corpus.h"

int32_t core_corpus_find_class(const core_corpus *corpus, const char *name)
{
	for (int32_t k = 0; k < corpus->classes; k++)
		if (!strcmp(corpus->class_name[k], name))
			return k;
	return -1;
}

/* Sets from [C] to the place in the corpus of each name. Returns false if one is not there. */
static bool find_places(
	const core_corpus *c, const char *const *name, int32_t classes, int32_t *from)
{
	bool found = classes == c->classes;
	for (int32_t k = 0; k < classes && found; k++) {
		from[k] = core_corpus_find_class(c, name[k]);
		found = from[k] >= 0;
	}
	return found;
}

static void move_labels(core_corpus *c, const int32_t *from, float *row)
{
	size_t classes = (size_t)c->classes;
	for (int32_t i = 0; i < c->n; i++) {
		float *label = c->label + (size_t)i * classes;
		for (size_t k = 0; k < classes; k++)
			row[k] = label[from[k]];
		memcpy(label, row, classes * sizeof *row);
	}
}

fv_status core_corpus_order_classes(
	fv_ctx *ctx, core_corpus *c, const char *const *name, int32_t classes, bool *moved)
{
	int32_t *from = core_alloc(ctx, (size_t)classes, sizeof *from);
	float *row = core_alloc(ctx, (size_t)classes, sizeof *row);
	const char **renamed = core_alloc(ctx, (size_t)classes, sizeof *renamed);
	*moved = false;
	if (!from || !row || !renamed)
		return FV_FAILED;
	if (!find_places(c, name, classes, from))
		return FV_OK;
	for (int32_t k = 0; k < classes; k++) {
		renamed[k] = c->class_name[from[k]];
		*moved |= from[k] != k;
	}
	if (!*moved)
		return FV_OK;
	move_labels(c, from, row);
	c->class_name = renamed;
	core_corpus_set_classes(c);
	return FV_OK;
}
