/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

void speech_report_fault(speech_report *report, fv_status status, const char *format, ...)
{
	report->status = status;
	if (!report->ctx)
		return;
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	(void)fv_fail(report->ctx, status, "%s: %s", report->path, text);
}

const fv_tensor *speech_find_tensor(const fv_checkpoint *file, const speech_place *place,
	fv_trunk_tensor tensor, int32_t index, int32_t *part)
{
	char name[SPEECH_NAME];
	*part = -1;
	for (int32_t way = 0; speech_format_name(place, tensor, index, way, name); way++) {
		const fv_tensor *found = fv_checkpoint_find(file, name);
		if (found)
			return found;
	}
	int32_t third;
	if (!speech_format_joined_name(place, tensor, index, name, &third))
		return NULL;
	const fv_tensor *found = fv_checkpoint_find(file, name);
	*part = found ? third : -1;
	return found;
}

static bool is_float(const fv_tensor *t)
{
	return !strcmp(t->dtype, "F32") || !strcmp(t->dtype, "F16") || !strcmp(t->dtype, "BF16") ||
	       !strcmp(t->dtype, "F64");
}

static void format_dims(int32_t rank, const int64_t *dims, char *out, size_t size)
{
	*out = '\0';
	for (int32_t d = 0; d < rank; d++)
		snprintf(out + strlen(out), size - strlen(out), "%s%lld", d ? "," : "",
			(long long)dims[d]);
}

static void check_tensor(
	speech_report *report, const fv_tensor *t, int32_t rank, const int64_t *dims)
{
	if (!is_float(t)) {
		speech_report_fault(report, FV_DATA, "tensor '%s' has type %s, not a float type",
			t->name, t->dtype);
		return;
	}
	bool same = t->rank == rank;
	for (int32_t d = 0; d < rank && same; d++)
		same = t->shape[d] == dims[d];
	if (same)
		return;
	char is[192], should[96];
	format_dims(t->rank, t->shape, is, sizeof is);
	format_dims(rank, dims, should, sizeof should);
	speech_report_fault(
		report, FV_DATA, "tensor '%s' has shape [%s], not [%s]", t->name, is, should);
}

/* True if this file stores queries, keys and values as one tensor. */
static bool is_joined(
	const fv_checkpoint *file, const speech_place *place, const fv_trunk_shape *shape)
{
	char name[SPEECH_NAME];
	int32_t part;
	for (int32_t i = 0; i < shape->layers; i++)
		if (speech_format_joined_name(place, FV_TRUNK_QUERY_WEIGHT, i, name, &part) &&
			fv_checkpoint_find(file, name))
			return true;
	return false;
}

/* Tensors of the network that were found in the file, to be looked up by address. */
struct members {
	const fv_tensor **item;
	int64_t n, room;
	bool joined;
};

/* Checks one tensor of the network. A joined tensor is checked once, when the queries are. */
static void check_member(speech_report *report, const fv_checkpoint *file,
	const speech_place *place, const fv_trunk_shape *shape, fv_trunk_tensor tensor,
	int32_t index, struct members *members)
{
	int64_t dims[4];
	int32_t part, rank = fv_trunk_dims(shape, tensor, index, dims);
	const fv_tensor *found = speech_find_tensor(file, place, tensor, index, &part);
	if (found) {
		members->item[members->n++] = found;
		if (part == 0)
			dims[0] *= 3;
		if (part <= 0)
			check_tensor(report, found, rank, dims);
		return;
	}
	char name[SPEECH_NAME], other[SPEECH_NAME];
	if (members->joined && speech_format_joined_name(place, tensor, index, name, &part)) {
		if (part == 0)
			speech_report_fault(report, FV_DATA, "no tensor '%s'", name);
		return;
	}
	(void)speech_format_name(place, tensor, index, 0, name);
	bool two = speech_format_name(place, tensor, index, 1, other);
	speech_report_fault(report, FV_DATA, "no tensor '%s'%s%s%s", name, two ? " or '" : "",
		two ? other : "", two ? "'" : "");
}

static int compare_address(const void *a, const void *b)
{
	uintptr_t s = (uintptr_t) * (const fv_tensor *const *)a,
		  t = (uintptr_t) * (const fv_tensor *const *)b;
	return (s > t) - (s < t);
}

/* Checks one tensor besides the trunk's. */
static void check_extra(speech_report *report, const fv_checkpoint *file, const speech_place *place,
	const speech_extra *extra, const fv_trunk_shape *shape, struct members *members)
{
	const fv_tensor *t = speech_find_extra(file, place, extra->name);
	int64_t dims[2] = {extra->dims[0] ? extra->dims[0] : shape->width,
		extra->dims[1] ? extra->dims[1] : shape->width};
	if (t) {
		check_tensor(report, t, extra->rank, dims);
		members->item[members->n++] = t;
	} else {
		speech_report_fault(report, FV_DATA, "no tensor '%s'", extra->name);
	}
}

static bool is_member(const struct members *members, const fv_tensor *t)
{
	return members->n && bsearch(&t, members->item, (size_t)members->n, sizeof *members->item,
				     compare_address);
}

/* Reports tensors that neither belong to the network nor may stand beside it. */
static void check_others(speech_report *report, const fv_checkpoint *file,
	const speech_place *place, const struct members *members)
{
	fv_others others = {0};
	for (int64_t i = fv_checkpoint_count(file) - 1; i >= 0; i--) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		if (is_member(members, t) || speech_is_mask(file, place, t))
			continue;
		if (fv_checkpoint_is_beside(place->prefix, speech_list_heads(place), t->name)) {
			others.first_beside = t->name;
			others.beside++;
		} else {
			others.first_unknown = t->name;
			others.unknown++;
		}
	}
	fv_status status = fv_checkpoint_judge_others(report->ctx, report->path, &others);
	if (status)
		report->status = status;
}

void speech_check_census(speech_report *report, const fv_checkpoint *file,
	const speech_place *place, const speech_kind *kind, const fv_trunk_shape *shape)
{
	struct members members = {.joined = is_joined(file, place, shape), .room = kind->n_extra};
	for (int32_t k = 0; k < FV_TRUNK_TENSORS; k++)
		members.room += fv_trunk_count(shape, (fv_trunk_tensor)k);
	members.item = malloc((size_t)members.room * sizeof *members.item);
	if (!members.item) {
		speech_report_fault(report, FV_FAILED, "out of memory");
		return;
	}
	for (int32_t k = 0; k < FV_TRUNK_TENSORS; k++)
		for (int32_t i = 0; i < fv_trunk_count(shape, (fv_trunk_tensor)k); i++)
			check_member(report, file, place, shape, (fv_trunk_tensor)k, i, &members);
	for (int32_t i = 0; i < kind->n_extra; i++)
		check_extra(report, file, place, &kind->extra[i], shape, &members);
	if (members.n)
		qsort(members.item, (size_t)members.n, sizeof *members.item, compare_address);
	check_others(report, file, place, &members);
	free(members.item);
}
