/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the table of tensors from a pickle and its storages. A row-major tensor points into the
 * mapped file; any other is copied into row-major order. */
#include "checkpoint/torch.h"

#include <stdlib.h>
#include <string.h>

#include "checkpoint/tree.h"

/* --- storages --- */

static int by_storage_key(const void *a, const void *b, void *pickle)
{
	const core_pickle_storage *all = ((const core_pickle *)pickle)->storage.item;
	const core_pickle_storage *s = &all[*(const uint32_t *)a], *t = &all[*(const uint32_t *)b];
	if (s->key != t->key)
		return s->key < t->key ? -1 : 1;
	return (s->at > t->at) - (s->at < t->at);
}

static fv_status merge_storages(
	core_pickle *p, const uint32_t *order, uint32_t *now, core_pickle_storage *sorted)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < p->storage.n; i++) {
		const core_pickle_storage *s = &p->storage.item[order[i]];
		const core_pickle_storage *last = n ? &sorted[n - 1] : NULL;
		if (!last || last->key != s->key)
			sorted[n++] = *s;
		else if (last->count != s->count || last->dtype != s->dtype)
			return core_scan_fail(&p->scan, s->at, "storage size",
				"storage %llu has %lld elements of %s here but %lld of %s before",
				(unsigned long long)s->key, (long long)s->count, s->dtype,
				(long long)last->count, last->dtype);
		now[order[i]] = n - 1;
	}
	memcpy(p->storage.item, sorted, n * sizeof *sorted);
	p->storage.n = n;
	for (uint32_t i = 0; i < p->tensor.n; i++)
		p->tensor.item[i].storage = now[p->tensor.item[i].storage];
	return FV_OK;
}

fv_status core_torch_sort_storages(core_pickle *p)
{
	uint32_t n = p->storage.n;
	if (!n)
		return FV_OK;
	uint32_t *order = malloc(n * sizeof *order), *now = malloc(n * sizeof *now);
	core_pickle_storage *sorted = malloc(n * sizeof *sorted);
	fv_status status = FV_OK;
	if (order && now && sorted) {
		for (uint32_t i = 0; i < n; i++)
			order[i] = i;
		qsort_r(order, n, sizeof *order, by_storage_key, p);
		status = merge_storages(p, order, now, sorted);
	} else {
		status = core_scan_fail_memory(&p->scan);
	}
	free(order);
	free(now);
	free(sorted);
	return status;
}

static int compare_key(const void *key, const void *storage)
{
	uint64_t wanted = *(const uint64_t *)key;
	uint64_t here = ((const core_pickle_storage *)storage)->key;
	return (wanted > here) - (wanted < here);
}

core_pickle_storage *core_torch_find_storage(core_pickle *p, uint64_t key)
{
	return p->storage.n ? bsearch(&key, p->storage.item, p->storage.n, sizeof *p->storage.item,
				      compare_key)
			    : NULL;
}

bool core_torch_count_bytes(const core_pickle_storage *storage, uint64_t *bytes)
{
	return !__builtin_mul_overflow(
		(uint64_t)storage->count, core_dtype_size(storage->dtype), bytes);
}

/* --- tensors --- */

struct named {
	fv_tensor tensor;
	size_t at;
};

struct table_builder {
	core_pickle *pickle;
	fv_checkpoint *file;
	struct named *named;
	uint32_t n, room;
	size_t copied; /* bytes of row-major copies so far */
};

static bool is_row_major(const core_pickle_tensor *t)
{
	int64_t expected = 1;
	for (int32_t d = t->rank - 1; d >= 0; d--) {
		if (t->shape[d] > 1 && t->stride[d] != expected)
			return false;
		expected *= t->shape[d];
	}
	return true;
}

static void copy_row_major(
	const core_pickle_tensor *t, const unsigned char *from, size_t size, unsigned char *to)
{
	int64_t index[FV_TENSOR_RANK_MAX] = {0}, element = 0;
	for (int64_t i = 0; i < t->count; i++) {
		memcpy(to + (size_t)i * size, from + (size_t)element * size, size);
		for (int32_t d = t->rank - 1; d >= 0; d--) {
			element += t->stride[d];
			if (++index[d] < t->shape[d])
				break;
			element -= t->stride[d] * t->shape[d];
			index[d] = 0;
		}
	}
}

static fv_status set_data(struct table_builder *s, const core_pickle_tensor *t, fv_tensor *out)
{
	const core_pickle_storage *storage = &s->pickle->storage.item[t->storage];
	size_t size = core_dtype_size(storage->dtype);
	const unsigned char *from = storage->data + (size_t)t->offset * size;
	out->data = from;
	if (t->count == 0 || is_row_major(t))
		return FV_OK;
	size_t bytes = (size_t)t->count * size;
	if (bytes > s->file->size - s->copied)
		return core_scan_fail(&s->pickle->scan, t->at, "bounds",
			"views that are not row-major hold more bytes than the file");
	s->copied += bytes;
	unsigned char *copy = core_arena_alloc(&s->file->memory, bytes);
	if (!copy)
		return core_scan_fail_memory(&s->pickle->scan);
	copy_row_major(t, from, size, copy);
	out->data = copy;
	return FV_OK;
}

static fv_status add_tensor(void *user, const char *name, uint32_t index)
{
	struct table_builder *s = user;
	const core_pickle_tensor *t = &s->pickle->tensor.item[index];
	if (!core_pickle_grow(&s->named, s->n, &s->room, sizeof *s->named))
		return core_scan_fail_memory(&s->pickle->scan);
	size_t length = strlen(name);
	char *copy = core_arena_alloc(&s->file->memory, length + 1);
	if (!copy)
		return core_scan_fail_memory(&s->pickle->scan);
	memcpy(copy, name, length + 1);
	struct named *named = &s->named[s->n++];
	*named = (struct named){.at = t->at,
		.tensor = {.name = copy,
			.dtype = s->pickle->storage.item[t->storage].dtype,
			.rank = t->rank,
			.count = t->count}};
	memcpy(named->tensor.shape, t->shape, sizeof t->shape);
	return set_data(s, t, &named->tensor);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct named *)a)->tensor.name, ((const struct named *)b)->tensor.name);
}

static fv_status fill_table(struct table_builder *s)
{
	fv_checkpoint *file = s->file;
	file->tensor = core_arena_alloc(&file->memory, s->n * sizeof *file->tensor);
	if (!file->tensor)
		return core_scan_fail_memory(&s->pickle->scan);
	if (s->n)
		qsort(s->named, s->n, sizeof *s->named, by_name);
	for (uint32_t i = 0; i < s->n; i++) {
		file->tensor[i] = s->named[i].tensor;
		if (i && !strcmp(file->tensor[i].name, file->tensor[i - 1].name))
			return core_scan_fail(&s->pickle->scan, s->named[i].at, "duplicate name",
				"two tensors named '%s'", file->tensor[i].name);
	}
	file->n = s->n;
	return FV_OK;
}

fv_status core_torch_fill_table(core_pickle *p, fv_checkpoint *file)
{
	struct table_builder builder = {.pickle = p, .file = file};
	fv_status status = core_tree_walk(p, add_tensor, &builder);
	if (!status)
		status = fill_table(&builder);
	if (!status)
		status = core_torch_read_meta(p, file);
	free(builder.named);
	return status;
}
