/* SPDX-License-Identifier: Apache-2.0 */
/* Builds storages and tensors from a pickle: torch's persistent ids ("storage", type, key,
 * place, count) and _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks).
 * Rules, each reported with a byte: global, REDUCE, BUILD, persistent id, storage key, shape,
 * rank, stride, overflow, bounds. */
#include <string.h>

#include "checkpoint/pickle.h"

enum role { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGE };

static const struct {
	const char *module, *name;
	enum role role;
	const char *dtype;
} globals[] = {
	{"collections", "OrderedDict", ORDERED_DICT, NULL},
	{"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, NULL},
	{"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, NULL},
	{"torch", "FloatStorage", STORAGE, "F32"},
	{"torch", "HalfStorage", STORAGE, "F16"},
	{"torch", "BFloat16Storage", STORAGE, "BF16"},
	{"torch", "DoubleStorage", STORAGE, "F64"},
	{"torch", "LongStorage", STORAGE, "I64"},
	{"torch", "IntStorage", STORAGE, "I32"},
	{"torch", "ShortStorage", STORAGE, "I16"},
	{"torch", "CharStorage", STORAGE, "I8"},
	{"torch", "ByteStorage", STORAGE, "U8"},
	{"torch", "BoolStorage", STORAGE, "BOOL"},
};

static bool equals_text(const char *word, const char *text, size_t n)
{
	return strlen(word) == n && !memcmp(word, text, n);
}

/* Number of bytes of a text to show in a message. */
static int clip_length(size_t n)
{
	return n < 80 ? (int)n : 80;
}

fv_status core_pickle_push_global(core_pickle *p, size_t at, const char *module, size_t module_n,
	const char *name, size_t name_n)
{
	for (uint32_t i = 0; i < sizeof globals / sizeof *globals; i++)
		if (equals_text(globals[i].module, module, module_n) &&
			equals_text(globals[i].name, name, name_n)) {
			core_object *object = core_pickle_push(p, CORE_PICKLE_GLOBAL, at);
			if (!object)
				return core_scan_fail_memory(&p->scan);
			object->index = i;
			return FV_OK;
		}
	return core_scan_fail(&p->scan, at, "global",
		"'%.*s.%.*s' is not allowed in a file of tensors: save the state dict alone",
		clip_length(module_n), module, clip_length(name_n), name);
}

/* --- arguments --- */

static const core_object *get_item(const core_pickle *p, const core_object *list, uint32_t i)
{
	return &p->object.item[list->list.item[i]];
}

/* Replaces the top n objects of the stack by object number `index`. */
static void replace_top(core_pickle *p, uint32_t n, uint32_t index)
{
	p->stack.n -= n - 1;
	p->stack.item[p->stack.n - 1] = index;
}

static fv_status fail_reduce(const core_pickle *p, size_t at, const char *why)
{
	return core_scan_fail(&p->scan, at, "REDUCE", "%s", why);
}

/* --- tensors --- */

static fv_status read_geometry(
	const core_pickle *p, size_t at, const core_object *args, core_pickle_tensor *t)
{
	const core_object *offset = get_item(p, args, 1), *shape = get_item(p, args, 2),
			  *stride = get_item(p, args, 3);
	if (shape->list.n != stride->list.n)
		return core_scan_fail(&p->scan, at, "rank", "%u dimensions, but %u strides",
			shape->list.n, stride->list.n);
	if (shape->list.n > FV_TENSOR_RANK_MAX)
		return core_scan_fail(&p->scan, at, "rank", "%u dimensions, more than %d",
			shape->list.n, FV_TENSOR_RANK_MAX);
	t->rank = (int32_t)shape->list.n;
	t->offset = offset->integer;
	t->count = 1;
	for (int32_t d = 0; d < t->rank; d++) {
		const core_object *size = get_item(p, shape, (uint32_t)d),
				  *step = get_item(p, stride, (uint32_t)d);
		if (size->kind != CORE_PICKLE_INT || step->kind != CORE_PICKLE_INT)
			return fail_reduce(p, at, "a size or stride is not an integer");
		t->shape[d] = size->integer;
		t->stride[d] = step->integer;
		if (t->shape[d] < 0)
			return core_scan_fail(&p->scan, at, "shape", "a dimension of size %lld",
				(long long)t->shape[d]);
		if (t->stride[d] < 0 || (t->stride[d] == 0 && t->shape[d] > 1))
			return core_scan_fail(&p->scan, at, "stride",
				"%lld in a dimension of size %lld", (long long)t->stride[d],
				(long long)t->shape[d]);
		if (__builtin_mul_overflow(t->count, t->shape[d], &t->count))
			return core_scan_fail(
				&p->scan, at, "overflow", "the shape has 2^63 elements or more");
	}
	return FV_OK;
}

/* Rejects tensors that use an element twice: with dimensions sorted by stride, each stride must
 * exceed the furthest element of the smaller ones. *last = offset of the furthest element. */
static fv_status check_strides(
	const core_pickle *p, size_t at, const core_pickle_tensor *t, int64_t *last)
{
	int64_t reach = 0, before = 0;
	for (int32_t done = 0; done < t->rank; done++) {
		int32_t next = -1;
		for (int32_t d = 0; d < t->rank; d++)
			if (t->shape[d] > 1 && t->stride[d] > before &&
				(next < 0 || t->stride[d] < t->stride[next]))
				next = d;
		if (next < 0)
			break;
		before = t->stride[next];
		int64_t span;
		if (__builtin_mul_overflow(t->shape[next] - 1, before, &span) ||
			__builtin_add_overflow(reach, span, &span))
			return core_scan_fail(&p->scan, at, "overflow",
				"the strides reach 2^63 elements or more");
		if (before <= reach)
			return core_scan_fail(
				&p->scan, at, "stride", "elements of the tensor overlap");
		reach = span;
	}
	*last = reach;
	return FV_OK;
}

/* check_strides cannot tell dimensions of equal stride apart, so they are found here. */
static bool has_equal_strides(const core_pickle_tensor *t)
{
	for (int32_t d = 0; d < t->rank; d++)
		for (int32_t e = 0; e < d; e++)
			if (t->shape[d] > 1 && t->shape[e] > 1 && t->stride[d] == t->stride[e])
				return true;
	return false;
}

static fv_status check_tensor(const core_pickle *p, size_t at, const core_pickle_tensor *t)
{
	int64_t room = p->storage.item[t->storage].count, last = 0, end;
	if (t->offset < 0 || t->offset > room)
		return core_scan_fail(&p->scan, at, "bounds",
			"offset %lld is outside a storage of %lld elements", (long long)t->offset,
			(long long)room);
	if (t->count == 0)
		return FV_OK;
	if (has_equal_strides(t))
		return core_scan_fail(&p->scan, at, "stride", "elements of the tensor overlap");
	fv_status status = check_strides(p, at, t, &last);
	if (status)
		return status;
	if (__builtin_add_overflow(t->offset, last, &end) || end >= room)
		return core_scan_fail(&p->scan, at, "bounds",
			"the tensor ends past its storage of %lld elements", (long long)room);
	return FV_OK;
}

static fv_status rebuild_tensor(core_pickle *p, size_t at, const core_object *args)
{
	static const core_pickle_kind kinds[6] = {CORE_PICKLE_STORAGE, CORE_PICKLE_INT,
		CORE_PICKLE_TUPLE, CORE_PICKLE_TUPLE, CORE_PICKLE_BOOL, CORE_PICKLE_ORDERED};
	if (args->list.n != 6)
		return fail_reduce(p, at, "a tensor needs six arguments");
	for (uint32_t i = 0; i < 6; i++)
		if (get_item(p, args, i)->kind != kinds[i])
			return fail_reduce(p, at,
				"a tensor needs storage, offset, shape, strides, requires_grad and "
				"hooks");
	core_pickle_tensor tensor = {.at = at, .storage = get_item(p, args, 0)->index};
	fv_status status = read_geometry(p, at, args, &tensor);
	if (!status)
		status = check_tensor(p, at, &tensor);
	if (status)
		return status;
	if (p->tensor.n == CORE_TENSORS_MAX)
		return core_scan_fail(
			&p->scan, at, "bounds", "more than %d tensors", CORE_TENSORS_MAX);
	if (!core_pickle_grow(&p->tensor.item, p->tensor.n, &p->tensor.room, sizeof tensor))
		return core_scan_fail_memory(&p->scan);
	p->tensor.item[p->tensor.n] = tensor;
	core_object *object = core_pickle_push(p, CORE_PICKLE_TENSOR, at);
	if (!object)
		return core_scan_fail_memory(&p->scan);
	object->index = p->tensor.n++;
	replace_top(p, 3, p->object.n - 1);
	return FV_OK;
}

/* --- calls --- */

static fv_status rebuild_parameter(core_pickle *p, size_t at, const core_object *args)
{
	if (args->list.n != 3 || get_item(p, args, 0)->kind != CORE_PICKLE_TENSOR ||
		get_item(p, args, 1)->kind != CORE_PICKLE_BOOL ||
		get_item(p, args, 2)->kind != CORE_PICKLE_ORDERED)
		return fail_reduce(p, at, "a parameter needs tensor, requires_grad and hooks");
	replace_top(p, 2, args->list.item[0]);
	return FV_OK;
}

static fv_status create_ordered_dict(core_pickle *p, size_t at, const core_object *args)
{
	if (args->list.n)
		return fail_reduce(p, at, "OrderedDict takes no arguments here");
	if (!core_pickle_push(p, CORE_PICKLE_ORDERED, at))
		return core_scan_fail_memory(&p->scan);
	replace_top(p, 3, p->object.n - 1);
	return FV_OK;
}

fv_status core_pickle_reduce(core_pickle *p, size_t at)
{
	const core_object *args = &p->object.item[p->stack.item[p->stack.n - 1]];
	const core_object *what = &p->object.item[p->stack.item[p->stack.n - 2]];
	if (what->kind != CORE_PICKLE_GLOBAL)
		return fail_reduce(p, at, "the called object is not a name");
	if (args->kind != CORE_PICKLE_TUPLE)
		return fail_reduce(p, at, "the arguments are not a tuple");
	switch (globals[what->index].role) {
	case ORDERED_DICT:
		return create_ordered_dict(p, at, args);
	case REBUILD_TENSOR:
		return rebuild_tensor(p, at, args);
	case REBUILD_PARAMETER:
		return rebuild_parameter(p, at, args);
	case STORAGE:
		break;
	}
	return fail_reduce(p, at, "a storage type cannot be called");
}

/* torch sets `_metadata` (versions of modules) on a state dict; it is read and ignored. */
fv_status core_pickle_build(core_pickle *p, size_t at)
{
	const core_object *state = &p->object.item[p->stack.item[p->stack.n - 1]];
	const core_object *object = &p->object.item[p->stack.item[p->stack.n - 2]];
	if (object->kind != CORE_PICKLE_ORDERED)
		return core_scan_fail(
			&p->scan, at, "BUILD", "only an OrderedDict may have attributes");
	if (state->kind != CORE_PICKLE_DICT || state->list.n != 2 ||
		!core_pickle_get(p, state, "_metadata"))
		return core_scan_fail(
			&p->scan, at, "BUILD", "the only attribute allowed is _metadata");
	p->stack.n--;
	return FV_OK;
}

/* --- storages --- */

bool core_pickle_parse_key(const core_object *text, uint64_t *key)
{
	*key = 0;
	if (text->text.n == 0 || (text->text.n > 1 && text->text.data[0] == '0'))
		return false;
	for (uint32_t i = 0; i < text->text.n; i++) {
		unsigned digit = (unsigned)(unsigned char)text->text.data[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(*key, UINT64_C(10), key) ||
			__builtin_add_overflow(*key, digit, key))
			return false;
	}
	return true;
}

static fv_status fail_id(const core_pickle *p, size_t at, const char *why)
{
	return core_scan_fail(&p->scan, at, "persistent id", "%s", why);
}

fv_status core_pickle_push_storage(core_pickle *p, size_t at)
{
	const core_object *id = &p->object.item[p->stack.item[p->stack.n - 1]];
	if (id->kind != CORE_PICKLE_TUPLE)
		return fail_id(p, at, "not a tuple");
	/* Before torch 1.6 a sixth element said which part of another storage this one views;
	 * only None is supported. */
	if (id->list.n != 5 && !(id->list.n == 6 && get_item(p, id, 5)->kind == CORE_PICKLE_NONE))
		return fail_id(p, at, "must have five elements, or six with None as the last");
	const core_object *word = get_item(p, id, 0), *type = get_item(p, id, 1),
			  *key = get_item(p, id, 2), *count = get_item(p, id, 4);
	if (word->kind != CORE_PICKLE_TEXT ||
		!equals_text("storage", word->text.data, word->text.n))
		return fail_id(p, at, "must be a storage");
	if (type->kind != CORE_PICKLE_GLOBAL || globals[type->index].role != STORAGE)
		return fail_id(p, at, "the second element is not a storage type");
	if (key->kind != CORE_PICKLE_TEXT || get_item(p, id, 3)->kind != CORE_PICKLE_TEXT)
		return fail_id(p, at, "key and place must be texts");
	if (count->kind != CORE_PICKLE_INT || count->integer < 0)
		return fail_id(p, at, "the number of elements must be a non-negative integer");
	core_pickle_storage storage = {
		.dtype = globals[type->index].dtype, .count = count->integer, .at = at};
	if (!core_pickle_parse_key(key, &storage.key))
		return core_scan_fail(&p->scan, at, "storage key", "'%.*s' is not a decimal number",
			clip_length(key->text.n), key->text.data);
	if (!core_pickle_grow(&p->storage.item, p->storage.n, &p->storage.room, sizeof storage))
		return core_scan_fail_memory(&p->scan);
	p->storage.item[p->storage.n] = storage;
	core_object *object = core_pickle_push(p, CORE_PICKLE_STORAGE, at);
	if (!object)
		return core_scan_fail_memory(&p->scan);
	object->index = p->storage.n++;
	replace_top(p, 2, p->object.n - 1);
	return FV_OK;
}
