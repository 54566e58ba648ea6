/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run_checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fairvox/checkpoint.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lockstep.h"
#include "checkpoint/safetensors_write.h"

#define PARTS_MAX 512
#define FORMAT "fairvox-checkpoint/1"
#define ARRAY "array."
#define CHECKSUM_HEX 17
#define TIMES_ITS_COST 49 /* at least so long after a saving: it takes 2% of the time */

typedef struct part {
	const char *name;
	fv_type type;
	int64_t n;
	void *data;
	core_text *text; /* in place of type, n and data */
} part;

struct core_run_checkpoint {
	fv_ctx *ctx;
	core_run_checkpoint_options options;
	part part[PARTS_MAX];
	size_t n_parts;
	const char **array_name; /* [n_names] as tensors, of the context's first arrays */
	size_t n_names;
	double cost_s;       /* what the last saving took */
	double last_s;       /* when it was saved, or training began */
	double own_s;        /* the same by the run's own time (base/lockstep.h) */
	fv_checkpoint *file; /* that an interrupted run has left */
};

static void note_time(core_run_checkpoint *s)
{
	s->last_s = core_clock_s();
	s->own_s = core_lockstep_clock_s();
}

fv_status core_run_checkpoint_new(
	fv_ctx *ctx, const core_run_checkpoint_options *options, core_run_checkpoint **out)
{
	*out = core_alloc(ctx, 1, sizeof **out);
	if (!*out)
		return FV_FAILED;
	**out = (core_run_checkpoint){.ctx = ctx, .options = *options};
	note_time(*out);
	return FV_OK;
}

static void add_part(core_run_checkpoint *s, part added)
{
	size_t i = 0;
	while (i < s->n_parts && strcmp(s->part[i].name, added.name))
		i++;
	assert(i < PARTS_MAX);
	s->part[i] = added;
	s->n_parts += i == s->n_parts;
}

void core_run_checkpoint_add(
	core_run_checkpoint *s, const char *name, fv_type type, int64_t n, void *data)
{
	add_part(s, (part){name, type, n, data, NULL});
}

void core_run_checkpoint_add_text(core_run_checkpoint *s, const char *name, core_text *text)
{
	add_part(s, (part){name, FV_U8, 0, NULL, text});
}

static const char *const type_names[] = {
	[FV_F32] = "F32", [FV_F64] = "F64", [FV_I32] = "I32", [FV_I64] = "I64", [FV_U8] = "U8"};

static const char *get_type_name(fv_type type)
{
	return type_names[type];
}

static bool find_type(const char *name, fv_type *type)
{
	for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
		if (!strcmp(type_names[i], name)) {
			*type = (fv_type)i;
			return true;
		}
	return false;
}

/* --- saving
 * ---------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const core_tensor_out *)a)->name, ((const core_tensor_out *)b)->name);
}

/* Hashes tensors, sorted by name, with their sizes: moving a border between two tensors changes the hash. */
static bool hash_tensors(const core_tensor_out *tensor, size_t n, char hex[CHECKSUM_HEX])
{
	XXH3_state_t *hash = XXH3_createState();
	if (!hash)
		return false;
	XXH3_64bits_reset(hash);
	for (size_t i = 0; i < n; i++) {
		const core_tensor_out *t = &tensor[i];
		int64_t columns = t->rank == 2 ? t->shape[1] : 1;
		char shape[64];
		int used = snprintf(shape, sizeof shape, " %s %lld %lld;", t->dtype,
			(long long)t->shape[0], (long long)columns);
		fv_type type = FV_U8;
		(void)find_type(t->dtype, &type);
		XXH3_64bits_update(hash, t->name, strlen(t->name));
		XXH3_64bits_update(hash, shape, (size_t)used);
		XXH3_64bits_update(
			hash, t->data, (size_t)(t->shape[0] * columns) * core_type_size(type));
	}
	snprintf(hex, CHECKSUM_HEX, "%016llx", (unsigned long long)XXH3_64bits_digest(hash));
	XXH3_freeState(hash);
	return true;
}

/* Makes the tensor names of all arrays that exist by now, unless they are made already. */
static bool name_arrays(core_run_checkpoint *s)
{
	size_t n = core_array_count(s->ctx);
	if (n == s->n_names)
		return true;
	const char **name = core_alloc(s->ctx, n, sizeof *name);
	for (size_t i = 0; name && i < n; i++) {
		name[i] = core_format(s->ctx, ARRAY "%s", core_array_at(s->ctx, i)->name);
		if (!name[i])
			return false;
	}
	s->array_name = name;
	s->n_names = name ? n : 0;
	return name != NULL;
}

/* Lists all parts and arrays, sorted by name -> malloc. Returns NULL if memory is out. */
static core_tensor_out *list_tensors(core_run_checkpoint *s, size_t *n)
{
	size_t arrays = core_array_count(s->ctx);
	core_tensor_out *out = name_arrays(s) ? calloc(s->n_parts + arrays + 1, sizeof *out) : NULL;
	*n = 0;
	for (size_t i = 0; out && i < s->n_parts; i++) {
		const part *p = &s->part[i];
		out[(*n)++] = (core_tensor_out){.name = p->name,
			.dtype = get_type_name(p->type),
			.rank = 1,
			.shape = {p->text ? (int64_t)p->text->size : p->n},
			.data = p->text ? p->text->data : p->data};
	}
	for (size_t i = 0; out && i < arrays; i++) {
		const core_array *a = core_array_at(s->ctx, i);
		out[(*n)++] = (core_tensor_out){.name = s->array_name[i],
			.dtype = get_type_name(a->type),
			.rank = 2,
			.shape = {a->n0, a->n1},
			.data = a->data};
	}
	if (out)
		qsort(out, *n, sizeof *out, compare_names);
	return out;
}

static fv_status write_file(core_run_checkpoint *s)
{
	size_t n;
	char hex[CHECKSUM_HEX];
	core_tensor_out *tensor = list_tensors(s, &n);
	fv_status status;
	if (tensor && hash_tensors(tensor, n, hex)) {
		const core_meta_out meta[] = {
			{"format", FORMAT}, {"key", s->options.key}, {"xxh3", hex}};
		status = core_safetensors_write(s->ctx, s->options.path, tensor, n, meta, 3);
	} else {
		status = fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->options.path);
	}
	free(tensor);
	return status;
}

static bool must_stop(const core_run_checkpoint *s)
{
	return s->options.should_stop && s->options.should_stop();
}

bool core_run_checkpoint_is_due(const core_run_checkpoint *s)
{
	double since_s = core_clock_s() - s->last_s;
	return must_stop(s) ||
	       (s->options.every_s > 0 && since_s >= s->options.every_s &&
		       core_lockstep_clock_s() - s->own_s >= s->cost_s * TIMES_ITS_COST);
}

fv_status core_run_checkpoint_save(core_run_checkpoint *s)
{
	bool stop = must_stop(s);
	double begin_s = core_clock_s();
	fv_status status = write_file(s);
	note_time(s);
	s->cost_s = s->last_s - begin_s;
	if (stop)
		return fv_fail(s->ctx, FV_STOPPED, "stopped by a signal: its checkpoint is %s",
			status ? "lost" : "saved");
	if (status)
		core_log(s->ctx, CORE_WARNING, "the checkpoint of the run could not be saved: %s",
			core_error_line(s->ctx, 0));
	core_error_clear(s->ctx);
	return FV_OK;
}

/* --- restoring
 * ------------------------------------------------------------------------------------- */

static bool has_meta(const fv_checkpoint *file, const char *key, const char *value)
{
	const char *said = fv_checkpoint_meta(file, key);
	return said && !strcmp(said, value);
}

/* Returns true if the file has the checksum that it states. */
static bool is_sound(const fv_checkpoint *file)
{
	size_t n = (size_t)fv_checkpoint_count(file);
	core_tensor_out *tensor = calloc(n + 1, sizeof *tensor);
	fv_type type;
	bool sound = tensor != NULL;
	for (size_t i = 0; i < n && sound; i++) {
		const fv_tensor *t = fv_checkpoint_at(file, (int64_t)i);
		sound = (t->rank == 1 || t->rank == 2) && find_type(t->dtype, &type);
		tensor[i] = (core_tensor_out){.name = t->name,
			.dtype = t->dtype,
			.rank = t->rank,
			.shape = {t->shape[0], t->shape[1]},
			.data = t->data};
	}
	char hex[CHECKSUM_HEX];
	if (sound)
		qsort(tensor, n, sizeof *tensor, compare_names);
	sound = sound && hash_tensors(tensor, n, hex) && has_meta(file, "xxh3", hex);
	free(tensor);
	return sound;
}

static const fv_tensor *find_tensor(
	const fv_checkpoint *file, const char *name, fv_type type, int32_t rank)
{
	const fv_tensor *t = fv_checkpoint_find(file, name);
	return t && !strcmp(t->dtype, get_type_name(type)) && t->rank == rank ? t : NULL;
}

/* Returns true if the file holds all parts and all arrays that the loss has made, and besides them only
 * arrays that were made later. */
static bool fits_run(const core_run_checkpoint *s)
{
	const fv_checkpoint *file = s->file;
	int64_t known = 0, later = 0;
	for (size_t i = 0; i < s->n_parts; i++, known++) {
		const part *p = &s->part[i];
		const fv_tensor *t = find_tensor(file, p->name, p->type, 1);
		if (!t || (!p->text && t->count != p->n))
			return false;
	}
	for (size_t i = 0; i < s->n_names; i++, known++) {
		const core_array *a = core_array_at(s->ctx, i);
		const fv_tensor *t = find_tensor(file, s->array_name[i], a->type, 2);
		if (!t || t->shape[0] != a->n0 || t->shape[1] != a->n1)
			return false;
	}
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		later += !strncmp(t->name, ARRAY, strlen(ARRAY)) && t->rank == 2;
	}
	return known - (int64_t)s->n_names + later == fv_checkpoint_count(file);
}

static fv_status copy_tensors(core_run_checkpoint *s)
{
	const fv_checkpoint *file = s->file;
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		fv_type type;
		if (strncmp(t->name, ARRAY, strlen(ARRAY)) || !find_type(t->dtype, &type))
			continue;
		void *to = core_array_make(
			s->ctx, "", t->name + strlen(ARRAY), type, t->shape[0], t->shape[1]);
		if (!to)
			return FV_FAILED;
		if (t->count)
			memcpy(to, t->data, (size_t)t->count * core_type_size(type));
	}
	for (size_t i = 0; i < s->n_parts; i++) {
		const part *p = &s->part[i];
		const fv_tensor *t = fv_checkpoint_find(file, p->name);
		size_t size = (size_t)t->count * core_type_size(p->type);
		if (p->text) {
			core_text_free(p->text);
			*p->text = (core_text){0};
			core_text_put(p->text, t->data, size);
		} else if (size) {
			memcpy(p->data, t->data, size);
		}
	}
	return FV_OK;
}

fv_status core_run_checkpoint_refuse(core_run_checkpoint *s)
{
	core_run_checkpoint_close(s);
	unlink(s->options.path);
	return fv_fail(s->ctx, FV_DATA,
		"%s: not a checkpoint that this run can have left: it is removed", s->options.path);
}

/* Returns why the file cannot be used, or NULL if it belongs to this run. */
static const char *find_objection(core_run_checkpoint *s)
{
	if (!has_meta(s->file, "format", FORMAT) || !is_sound(s->file))
		return "not the checkpoint of a run, or damaged";
	if (!has_meta(s->file, "key", s->options.key))
		return "left by a run of other data, weights, plugins, settings or kernels";
	return NULL;
}

void core_run_checkpoint_open(core_run_checkpoint *s)
{
	fv_ctx *ctx = s->ctx;
	size_t errors = core_error_lines(ctx);
	note_time(s);
	if (!core_file_exists(s->options.path))
		return;
	const char *reason;
	if (fv_checkpoint_open(ctx, s->options.path, &s->file)) {
		s->file = NULL;
		reason = core_error_line(ctx, errors); /* it names the file */
		core_log(ctx, CORE_WARNING, "%s: the run starts over",
			reason ? reason : s->options.path);
		core_error_clear(ctx);
	} else if ((reason = find_objection(s))) {
		core_log(ctx, CORE_WARNING, "%s: %s: the run starts over", s->options.path, reason);
		core_run_checkpoint_close(s);
	}
	if (!s->file)
		unlink(s->options.path);
}

bool core_run_checkpoint_is_open(const core_run_checkpoint *s)
{
	return s->file != NULL;
}

int64_t core_run_checkpoint_count(const core_run_checkpoint *s, const char *name)
{
	const fv_tensor *t = fv_checkpoint_find(s->file, name);
	return t ? t->count : -1;
}

bool core_run_checkpoint_read_part(core_run_checkpoint *s, const char *name)
{
	for (size_t i = 0; i < s->n_parts; i++) {
		const part *p = &s->part[i];
		if (strcmp(p->name, name) || p->text)
			continue;
		const fv_tensor *t = find_tensor(s->file, name, p->type, 1);
		if (!t || t->count != p->n)
			return false;
		if (p->n)
			memcpy(p->data, t->data, (size_t)p->n * core_type_size(p->type));
		return true;
	}
	return false;
}

fv_status core_run_checkpoint_restore(core_run_checkpoint *s)
{
	if (!name_arrays(s))
		return FV_FAILED;
	if (!fits_run(s))
		return core_run_checkpoint_refuse(s);
	fv_status status = copy_tensors(s);
	core_run_checkpoint_close(s);
	return status;
}

void core_run_checkpoint_close(core_run_checkpoint *s)
{
	if (!s)
		return;
	fv_checkpoint_close(s->file);
	s->file = NULL;
}
