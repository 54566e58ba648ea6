/* SPDX-License-Identifier: Apache-2.0 */
/* Walks twice, so that shared objects stay cheap: the first walk sees each object once and marks
 * those that lead to a tensor; the second follows only these and reports at most 65,536 tensors. */
#include "checkpoint/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 1024

struct walk {
	core_pickle *pickle;
	core_tree_fn *found;
	void *user;
	uint32_t n; /* tensors reported so far */
	size_t length;
	char name[NAME_MAX_BYTES + 1];
};

static fv_status fail_at(
	const core_pickle *p, const core_object *object, const char *rule, const char *why)
{
	return core_scan_fail(&p->scan, p->begin + object->at, rule, "%s", why);
}

static bool is_dict(const core_object *object)
{
	return object->kind == CORE_PICKLE_DICT || object->kind == CORE_PICKLE_ORDERED;
}

static bool is_container(const core_object *object)
{
	return is_dict(object) || object->kind == CORE_PICKLE_LIST ||
	       object->kind == CORE_PICKLE_TUPLE;
}

/* --- the first walk --- */

static int by_key(const void *a, const void *b, void *pickle)
{
	const core_object *objects = ((const core_pickle *)pickle)->object.item;
	const core_object *s = &objects[*(const uint32_t *)a], *t = &objects[*(const uint32_t *)b];
	if (s->kind != t->kind)
		return s->kind < t->kind ? -1 : 1;
	if (s->kind == CORE_PICKLE_INT)
		return (s->integer > t->integer) - (s->integer < t->integer);
	uint32_t n = s->text.n < t->text.n ? s->text.n : t->text.n;
	int order = n ? memcmp(s->text.data, t->text.data, n) : 0;
	return order ? order : (s->text.n > t->text.n) - (s->text.n < t->text.n);
}

/* Rejects a key that appears twice; keys are texts or integers. */
static fv_status check_keys(core_pickle *p, const core_object *dict)
{
	uint32_t n = dict->list.n / 2;
	if (n < 2)
		return FV_OK;
	uint32_t *keys = malloc(n * sizeof *keys);
	if (!keys)
		return core_scan_fail_memory(&p->scan);
	for (uint32_t i = 0; i < n; i++)
		keys[i] = dict->list.item[2 * i];
	qsort_r(keys, n, sizeof *keys, by_key, p);
	fv_status status = FV_OK;
	for (uint32_t i = 1; i < n && !status; i++)
		if (!by_key(&keys[i - 1], &keys[i], p))
			status = fail_at(p, dict, "duplicate key", "a dict has the same key twice");
	free(keys);
	return status;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most CORE_PICKLE_DEPTH_MAX deep */
static fv_status mark_tensors(core_pickle *p, core_object *object, uint32_t depth)
{
	if (!is_container(object)) {
		object->leads_to_tensor = object->kind == CORE_PICKLE_TENSOR;
		return FV_OK;
	}
	if (object->walk == CORE_WALK_OPEN)
		return fail_at(p, object, "cycle", "an object contains itself");
	if (depth + object->height > CORE_PICKLE_DEPTH_MAX)
		return core_scan_fail(&p->scan, p->begin + object->at, "depth",
			"containers are nested more than %d deep", CORE_PICKLE_DEPTH_MAX);
	if (object->walk == CORE_WALK_DONE)
		return FV_OK;
	object->walk = CORE_WALK_OPEN;
	fv_status status = is_dict(object) ? check_keys(p, object) : FV_OK;
	uint32_t step = is_dict(object) ? 2 : 1;
	for (uint32_t i = step - 1; i < object->list.n && !status; i += step) {
		core_object *child = &p->object.item[object->list.item[i]];
		status = mark_tensors(p, child, depth + 1);
		object->leads_to_tensor |= child->leads_to_tensor;
		if (is_container(child) && child->height >= object->height)
			object->height = (uint8_t)(child->height + 1);
	}
	object->walk = CORE_WALK_DONE;
	return status;
}

/* --- the second walk --- */

static fv_status collect_tensors(struct walk *w, const core_object *object);

/* Appends a dict key or a list index to the name. */
static fv_status append_key(struct walk *w, const core_object *key, uint32_t place, bool dot)
{
	const core_pickle *p = w->pickle;
	char number[24];
	const char *text = number;
	size_t n;
	if (key && key->kind == CORE_PICKLE_TEXT) {
		text = key->text.data;
		n = key->text.n;
		if (memchr(text, '\0', n))
			return fail_at(p, key, "name", "NUL in the name of a tensor");
	} else {
		n = (size_t)snprintf(
			number, sizeof number, "%" PRId64, key ? key->integer : (int64_t)place);
	}
	if (n + dot > NAME_MAX_BYTES - w->length)
		return core_scan_fail(&p->scan, p->begin + (key ? key->at : 0), "bounds",
			"the name of a tensor has more than %d bytes", NAME_MAX_BYTES);
	if (dot)
		w->name[w->length++] = '.';
	memcpy(w->name + w->length, text, n);
	w->length += n;
	w->name[w->length] = '\0';
	return FV_OK;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most CORE_PICKLE_DEPTH_MAX deep */
static fv_status collect_children(struct walk *w, const core_object *object)
{
	const core_pickle *p = w->pickle;
	size_t length = w->length;
	fv_status status = FV_OK;
	uint32_t step = is_dict(object) ? 2 : 1;
	for (uint32_t i = step - 1; i < object->list.n && !status; i += step) {
		const core_object *child = &p->object.item[object->list.item[i]];
		if (!child->leads_to_tensor)
			continue;
		const core_object *key =
			step == 2 ? &p->object.item[object->list.item[i - 1]] : NULL;
		status = append_key(w, key, i, object != &p->object.item[p->top]);
		if (!status)
			status = collect_tensors(w, child);
		w->length = length;
	}
	return status;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most CORE_PICKLE_DEPTH_MAX deep */
static fv_status collect_tensors(struct walk *w, const core_object *object)
{
	if (object->kind != CORE_PICKLE_TENSOR)
		return collect_children(w, object);
	if (w->n == CORE_TENSORS_MAX)
		return core_scan_fail(&w->pickle->scan, w->pickle->begin + object->at, "bounds",
			"more than %d tensors", CORE_TENSORS_MAX);
	w->n++;
	return w->found(w->user, w->name, object->index);
}

fv_status core_tree_walk(core_pickle *p, core_tree_fn *found, void *user)
{
	core_object *top = &p->object.item[p->top];
	fv_status status = mark_tensors(p, top, 1);
	if (status)
		return status;
	if (!is_dict(top))
		return fail_at(
			p, top, "not a dict", "the top object of a checkpoint must be a dict");
	struct walk walk = {.pickle = p, .found = found, .user = user};
	return collect_tensors(&walk, top);
}
