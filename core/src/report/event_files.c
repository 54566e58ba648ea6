/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event_files.h"

#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "report/history.h"

/* --- records ---------------------------------------------------------------------------------- */

#define CASTAGNOLI 0x82f63b78u /* the polynomial, bits reversed */

uint32_t core_crc32c(const void *data, size_t size)
{
	const unsigned char *byte = data;
	uint32_t crc = ~0u;
	for (size_t i = 0; i < size; i++) {
		crc ^= byte[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CASTAGNOLI : 0);
	}
	return ~crc;
}

/* Appends the lowest bytes of a value, the lowest first. */
static void put_bytes(core_text *out, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		core_text_put(out, &(const char){(char)(value >> 8 * i & 0xff)}, 1);
}

/* The checksum of some bytes, rotated and shifted, so that a checksum of checksums stays useful. */
static void put_masked_crc(core_text *out, const void *data, size_t size)
{
	uint32_t crc = core_crc32c(data, size);
	put_bytes(out, (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8u), 4);
}

static void put_record(core_text *out, const core_text *event)
{
	core_text length = {0};
	put_bytes(&length, event->size, 8);
	if (!length.failed) {
		core_text_put(out, length.data, length.size);
		put_masked_crc(out, length.data, length.size);
		core_text_put(out, event->data, event->size);
		put_masked_crc(out, event->data, event->size);
	}
	out->failed |= length.failed | event->failed;
	core_text_free(&length);
}

/* --- messages --------------------------------------------------------------------------------- */

enum wire_type { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void put_varint(core_text *out, uint64_t value)
{
	for (; value > 127; value >>= 7)
		put_bytes(out, (value & 127) | 128, 1);
	put_bytes(out, value, 1);
}

static void put_field(core_text *out, unsigned number, enum wire_type type)
{
	put_varint(out, number << 3 | type);
}

static void put_string(core_text *out, unsigned number, const char *data, size_t size)
{
	put_field(out, number, BYTES);
	put_varint(out, size);
	core_text_put(out, data, size);
}

/* Event.wall_time */
static void put_time(core_text *out, double seconds)
{
	uint64_t bits;
	memcpy(&bits, &seconds, sizeof bits);
	put_field(out, 1, FIXED64);
	put_bytes(out, bits, 8);
}

/* Summary.value: tag and simple_value */
static void put_value(core_text *summary, const char *tag, double value)
{
	core_text message = {0};
	float single = (float)value;
	uint32_t bits;
	memcpy(&bits, &single, sizeof bits);
	put_string(&message, 1, tag, strlen(tag));
	put_field(&message, 2, FIXED32);
	put_bytes(&message, bits, 4);
	if (!message.failed)
		put_string(summary, 1, message.data, message.size);
	summary->failed |= message.failed;
	core_text_free(&message);
}

/* --- files ------------------------------------------------------------------------------------ */

struct events {
	core_text out;
	uint64_t step;
	double seconds; /* of training so far */
};

static bool is_shown(const char *key, const json_t *value)
{
	return json_is_number(value) && strcmp(key, "stage") && strcmp(key, "epoch");
}

/* Adds an epoch as one event. */
static void add_epoch(struct events *e, const json_t *epoch)
{
	core_text event = {0}, summary = {0};
	const char *key;
	json_t *value;
	e->step++;
	e->seconds += json_number_value(json_object_get(epoch, "seconds"));
	put_time(&event, e->seconds);
	put_field(&event, 2, VARINT);
	put_varint(&event, e->step);
	json_object_foreach((json_t *)epoch, key, value)
	{
		if (is_shown(key, value))
			put_value(&summary, key, json_number_value(value));
	}
	if (summary.data && !summary.failed)
		put_string(&event, 5, summary.data, summary.size);
	event.failed |= summary.failed;
	put_record(&e->out, &event);
	core_text_free(&event);
	core_text_free(&summary);
}

static void put_version(core_text *out)
{
	static const char version[] = "brain.Event:2";
	core_text event = {0};
	put_time(&event, 0);
	put_string(&event, 3, version, sizeof version - 1);
	put_record(out, &event);
	core_text_free(&event);
}

static fv_status write_run(
	fv_ctx *ctx, const core_run_result *run, const char *variant, const char *dir)
{
	struct events e = {0};
	json_t *epochs = NULL, *epoch;
	size_t i;
	char *folder = core_format(ctx, "%s/%s/fold%lld-seed%lld", dir, variant,
		(long long)run->fold, (long long)run->seed);
	char *path = folder ? core_path_join(ctx, folder, "events.out.tfevents.0.fairvox") : NULL;
	fv_status status = path ? core_make_dirs(ctx, folder) : FV_FAILED;
	put_version(&e.out);
	if (!status)
		status = core_history_read(ctx, run, &epochs);
	json_array_foreach(epochs, i, epoch) add_epoch(&e, epoch);
	json_decref(epochs);
	if (!status && e.out.failed)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status)
		status = core_file_write(ctx, path, e.out.data, e.out.size);
	core_text_free(&e.out);
	return status;
}

fv_status core_write_event_files(
	fv_ctx *ctx, const core_results *results, const char *dir, int64_t *n)
{
	fv_status status = FV_OK;
	*n = 0;
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n && !status; k++) {
			const core_run_result *run = &results->variant[i].run[k];
			if (run->status != CORE_RUN_DONE)
				continue;
			status = write_run(ctx, run, results->variant[i].name, dir);
			*n += !status;
		}
	return status;
}
