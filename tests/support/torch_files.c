/* SPDX-License-Identifier: Apache-2.0 */
#include "torch_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/crc32.h"
#include "support.h"

void test_add_little(core_text *out, uint64_t value, int bytes)
{
	for (; bytes > 0; bytes--, value >>= 8)
		core_text_put(out, (const char[]){(char)(value & 255)}, 1);
}

static void add_integer(core_text *out, long long value)
{
	bool wide = value < INT32_MIN || value > INT32_MAX;
	if (value >= 0 && value < 256) {
		core_text_put(out, "K", 1);
		test_add_little(out, (uint64_t)value, 1);
	} else if (value >= 0 && value < 65536) {
		core_text_put(out, "M", 1);
		test_add_little(out, (uint64_t)value, 2);
	} else {
		core_text_put(out, wide ? "\x8a\x08" : "J", wide ? 2 : 1);
		test_add_little(out, (uint64_t)value, wide ? 8 : 4);
	}
}

void test_add_pickle(core_text *out, const char *spec)
{
	for (const char *c = spec, *end; *c; c++) {
		if (*c == '\'') {
			end = strchr(c + 1, '\'');
			core_text_put(out, "X", 1);
			test_add_little(out, (uint64_t)(end - c - 1), 4);
			core_text_put(out, c + 1, (size_t)(end - c - 1));
			c = end;
		} else if (*c == '#') {
			add_integer(out, strtoll(c + 1, (char **)(uintptr_t)&end, 10));
			c = end;
		} else if (*c == '@') {
			end = strchr(c, ';');
			const char *space = strchr(c, ' ');
			core_text_put(out, "c", 1);
			core_text_put(out, c + 1, (size_t)(space - c - 1));
			core_text_put(out, "\n", 1);
			core_text_put(out, space + 1, (size_t)(end - space - 1));
			core_text_put(out, "\n", 1);
			c = end;
		} else {
			core_text_put(out, c, 1);
		}
	}
}

/* --- archives --- */

static void add_header(
	core_text *out, const test_record *r, uint32_t crc, size_t name_n, bool central)
{
	int flags = 0x0800 | (r->no_descriptor ? 0 : 0x0008);
	bool known = central || r->no_descriptor;
	core_text_put(out, central ? "PK\1\2\0\0" : "PK\3\4", central ? 6 : 4);
	test_add_little(out, 0, 2);
	test_add_little(out, (uint64_t)flags, 2);
	test_add_little(out, 0, 2 + 4); /* method, time */
	test_add_little(out, known ? crc : 0, 4);
	test_add_little(out, known ? r->n : 0, 4);
	test_add_little(out, known ? r->n : 0, 4);
	test_add_little(out, name_n, 2);
}

static void add_local(core_text *out, const test_record *r, uint32_t crc, size_t name_n)
{
	add_header(out, r, crc, name_n, false);
	size_t at = out->size + 2 + name_n + 4, padding = (64 - at % 64) % 64;
	test_add_little(out, r->local_extra ? r->local_extra_n : padding + 4, 2);
	core_text_put(out, r->name, name_n);
	if (r->local_extra) {
		core_text_put(out, r->local_extra, r->local_extra_n);
		return;
	}
	core_text_put(out, "FB", 2);
	test_add_little(out, padding, 2);
	for (size_t i = 0; i < padding; i++)
		core_text_put(out, "Z", 1);
}

/* Adds the central directory of n records and the three end records. */
static void add_end(core_text *out, const core_text *central, size_t n, test_anchors *a)
{
	size_t begin = out->size;
	for (size_t k = 0; k < n; k++)
		a->central[k] += begin;
	core_text_put(out, central->data ? central->data : "", central->size);
	a->end64 = out->size;
	core_text_put(out, "PK\6\6", 4);
	test_add_little(out, 44, 8);
	test_add_little(out, 0x002d002d, 4);
	test_add_little(out, 0, 8);
	test_add_little(out, n, 8);
	test_add_little(out, n, 8);
	test_add_little(out, central->size, 8);
	test_add_little(out, begin, 8);
	a->locator = out->size;
	core_text_put(out, "PK\6\7\0\0\0\0", 8);
	test_add_little(out, a->end64, 8);
	test_add_little(out, 1, 4);
	a->end = out->size;
	core_text_put(out, "PK\5\6\0\0\0\0", 8);
	test_add_little(out, n, 2);
	test_add_little(out, n, 2);
	test_add_little(out, central->size, 4);
	test_add_little(out, begin, 4);
	test_add_little(out, 0, 2);
}

void test_add_archive(core_text *out, const test_record *record, size_t n, test_anchors *a)
{
	core_crc32 crc;
	core_crc32_init(&crc);
	core_text central = {0};
	for (size_t k = 0; k < n; k++) {
		const test_record *r = &record[k];
		size_t name_n = r->name_n ? r->name_n : strlen(r->name);
		uint32_t sum = core_crc32_compute(&crc, r->data, r->n);
		for (size_t i = 0; i < r->gap; i++)
			core_text_put(out, "", 1);
		a->local[k] = out->size;
		add_local(out, r, sum, name_n);
		core_text_put(out, r->data, r->n);
		a->descriptor[k] = out->size;
		if (!r->no_descriptor) {
			core_text_put(out, "PK\7\10", 4);
			test_add_little(out, sum, 4);
			test_add_little(out, r->n, r->wide ? 8 : 4);
			test_add_little(out, r->n, r->wide ? 8 : 4);
		}
		a->central[k] = central.size;
		add_header(&central, r, sum, name_n, true);
		test_add_little(&central, r->central_extra_n, 2);
		test_add_little(&central, 0, 2 + 2 + 2); /* comment, disk, attributes */
		test_add_little(&central, 0, 4);
		test_add_little(&central, a->local[k], 4);
		core_text_put(&central, r->name, name_n);
		if (r->central_extra)
			core_text_put(&central, r->central_extra, r->central_extra_n);
	}
	add_end(out, &central, n, a);
	core_text_free(&central);
}

static const float six[6] = {0, 1, 2, 3, 4, 5};

void test_add_torch_zip(core_text *out, const void *pickle, size_t n)
{
	test_anchors anchors;
	const test_record records[] = {{.name = "archive/data.pkl", .data = pickle, .n = n},
		{.name = "archive/data/0", .data = six, .n = sizeof six},
		{.name = "archive/version", .data = "3\n", .n = 2}};
	test_add_archive(out, records, 3, &anchors);
}

void test_add_torch_legacy(core_text *out, const void *pickle, size_t n, const char *keys)
{
	core_text_put(out, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
	test_add_pickle(out, "\x80\x02#1001;.");
	test_add_pickle(out, DOC("'protocol_version'#1001;'little_endian'\x88"));
	core_text_put(out, pickle, n);
	test_add_pickle(out, "\x80\x02](");
	test_add_pickle(out, keys);
	test_add_pickle(out, "e.");
	test_add_little(out, 6, 8);
	core_text_put(out, (const char *)six, sizeof six);
}

core_text test_vector_pickle(void)
{
	core_text pickle = {0};
	test_add_pickle(&pickle, DOC("'w'" VECTOR6));
	return pickle;
}

fv_status test_open_torch(fv_ctx *ctx, const core_text *bytes, fv_checkpoint **file)
{
	static char path[4200];
	if (!*path)
		snprintf(path, sizeof path, "%s/x.pt", test_folder("torch"));
	FILE *out = fopen(path, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes->data, 1, bytes->size, out), bytes->size);
	assert_int_equal(fclose(out), 0);
	*file = NULL;
	return fv_checkpoint_open(ctx, path, file);
}

void test_check_torch(const core_text *bytes, const char *message, const char *what)
{
	fv_ctx *ctx = test_ctx();
	fv_checkpoint *file;
	fv_status status = test_open_torch(ctx, bytes, &file);
	if (message && status == FV_OK)
		fail_msg("accepted: %s (want %s)", what, message);
	if (!message && status)
		fail_msg("refused: %s: %s", what, core_error_line(ctx, 0));
	if (message) {
		assert_non_null(strstr(core_error_line(ctx, 0), "x.pt: byte "));
		test_fails(ctx, status, FV_DATA, message);
	}
	fv_checkpoint_close(file);
	core_ctx_free(ctx);
}
