/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of torch.save: each rule is tested with a file that just keeps it and one that just breaks it. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "base/file.h"
#include "torch_files.h"

enum part { LOCAL, DESCRIPTOR, CENTRAL, END64, LOCATOR, END };

struct patch {
	enum part part;
	int record, offset, width;
	uint64_t value;
};

static const struct {
	struct patch patch[4];
	const char *message;
} archives[] = {
	{{{LOCAL, 1, 10, 4, 0x12345678}}, NULL},   /* the time is ignored */
	{{{CENTRAL, 1, 38, 4, 0xffffffff}}, NULL}, /* so are the attributes */
	{{{END, 0, 20, 2, 1}}, "end record: not at the end"},
	{{{END, 0, 0, 1, 'p'}}, "end record: not at the end"},
	{{{END, 0, 4, 2, 1}}, "end record: differs"},
	{{{END, 0, 8, 2, 2}}, "end record: differs"},
	{{{END, 0, 8, 2, 2}, {END, 0, 10, 2, 2}}, "end record: differs"},
	{{{END, 0, 8, 2, 0xffff}, {END, 0, 10, 2, 0xffff}}, NULL},
	{{{END, 0, 12, 4, 0xffffffff}, {END, 0, 16, 4, 0xffffffff}}, NULL},
	{{{END, 0, 12, 4, 7}}, "end record: differs"},
	{{{END, 0, 16, 4, 7}}, "end record: differs"},
	{{{LOCATOR, 0, 0, 1, 'p'}}, "end record: the zip64 end record is missing"},
	{{{LOCATOR, 0, 4, 4, 1}}, "end record: not a single archive"},
	{{{LOCATOR, 0, 8, 8, 7}}, "end record: not a single archive"},
	{{{LOCATOR, 0, 16, 4, 2}}, "end record: not a single archive"},
	{{{END64, 0, 3, 1, 7}}, "end record: the zip64 end record is missing"},
	{{{END64, 0, 4, 8, 45}}, "end record: not a single archive"},
	{{{END64, 0, 16, 4, 1}}, "end record: not a single archive"},
	{{{END64, 0, 24, 8, 4}}, "count: two different"},
	{{{END64, 0, 24, 8, 2}, {END64, 0, 32, 8, 2}, {END, 0, 8, 4, 0x20002}},
		"count: the central directory has more"},
	{{{END64, 0, 24, 8, 4}, {END64, 0, 32, 8, 4}, {END, 0, 8, 4, 0x40004}},
		"count: 4 records, at most 3"},
	{{{END64, 0, 24, 8, 400}, {END64, 0, 32, 8, 400}}, "count: 400 records, at most"},
	{{{END64, 0, 40, 8, UINT64_MAX}}, "end record: the central directory does not end"},
	{{{END64, 0, 48, 8, 7}}, "end record: the central directory does not end"},
	{{{CENTRAL, 1, 0, 1, 'p'}}, "count: expected an entry of the central directory"},
	{{{CENTRAL, 1, 6, 2, 63}}, NULL}, /* the last version of the format */
	{{{CENTRAL, 1, 6, 2, 64}}, "version: 6.4 of the zip format, which is not known"},
	{{{CENTRAL, 1, 8, 2, 0x0800}}, "local header: flags"},
	{{{CENTRAL, 1, 8, 2, 0x0008}, {LOCAL, 1, 6, 2, 0x0008}}, NULL},
	{{{CENTRAL, 1, 8, 2, 0x0809}, {LOCAL, 1, 6, 2, 0x0809}}, "flags: 0x0809"},
	{{{CENTRAL, 1, 8, 2, 0x2808}, {LOCAL, 1, 6, 2, 0x2808}}, "flags: 0x2808"},
	{{{CENTRAL, 1, 10, 2, 8}, {LOCAL, 1, 8, 2, 8}}, "method: 8"},
	{{{LOCAL, 1, 8, 2, 8}}, "local header: flags or method"},
	{{{CENTRAL, 1, 16, 4, 1}}, "local header: the descriptor"},
	{{{CENTRAL, 1, 16, 4, 1}, {DESCRIPTOR, 1, 4, 4, 1}}, "CRC: 'data/0' is damaged"},
	{{{CENTRAL, 1, 20, 4, 23}}, "size: an uncompressed record of 24 bytes takes 23"},
	{{{CENTRAL, 1, 20, 4, 23}, {CENTRAL, 1, 24, 4, 23}}, "local header: the descriptor"},
	{{{CENTRAL, 1, 20, 4, 1 << 30}, {CENTRAL, 1, 24, 4, 1 << 30}}, "size: 1073741824 bytes"},
	{{{CENTRAL, 2, 20, 4, 9}, {CENTRAL, 2, 24, 4, 9}}, "size: the data overlap"},
	{{{CENTRAL, 2, 20, 4, 300}, {CENTRAL, 2, 24, 4, 300}}, "size: the data overlap"},
	{{{CENTRAL, 1, 28, 2, 9000}}, "size: an entry reaches past the central directory"},
	{{{CENTRAL, 1, 34, 2, 1}}, "offset: "},
	{{{CENTRAL, 1, 42, 4, 1 << 30}}, "offset: 1073741824"},
	{{{CENTRAL, 1, 42, 4, 1}}, "local header: not found"},
	{{{LOCAL, 1, 14, 4, 1}}, "local header: CRC or sizes"},
	{{{LOCAL, 1, 18, 4, 24}}, "local header: CRC or sizes"},
	{{{LOCAL, 1, 22, 4, 24}}, "local header: CRC or sizes"},
	{{{LOCAL, 1, 26, 2, 13}}, "local header: the name"},
	{{{LOCAL, 1, 30, 1, 'A'}}, "local header: the name"},
	{{{LOCAL, 1, 44, 2, 7}}, "local header: an extra field"},
	{{{LOCAL, 1, 46, 2, 200}}, "local header: an extra field"},
	{{{DESCRIPTOR, 1, 0, 1, 'p'}}, "local header: the descriptor"},
	{{{DESCRIPTOR, 1, 8, 4, 23}}, "local header: the descriptor"},
	{{{DESCRIPTOR, 1, 12, 4, 23}}, "local header: the descriptor"},
	{{{DESCRIPTOR, 1, -1, 1, 'x'}}, "CRC: 'data/0' is damaged"},
};

static void apply_patch(core_text *file, const test_anchors *a, const struct patch *p)
{
	size_t at = p->part == LOCAL        ? a->local[p->record]
		    : p->part == DESCRIPTOR ? a->descriptor[p->record]
		    : p->part == CENTRAL    ? a->central[p->record]
		    : p->part == END64      ? a->end64
		    : p->part == LOCATOR    ? a->locator
					    : a->end;
	for (int i = 0; i < p->width; i++)
		file->data[at + (size_t)(p->offset + i)] = (char)(p->value >> (8 * i));
}

static const float six[6] = {0, 1, 2, 3, 4, 5};

static void checks_archive_fields(void **state)
{
	(void)state;
	core_text pickle = test_vector_pickle();
	const test_record records[] = {
		{.name = "archive/data.pkl", .data = pickle.data, .n = pickle.size},
		{.name = "archive/data/0", .data = six, .n = sizeof six},
		{.name = "archive/version", .data = "3\n", .n = 2}};
	for (size_t i = 0; i < sizeof archives / sizeof *archives; i++) {
		core_text file = {0};
		test_anchors anchors;
		test_add_archive(&file, records, 3, &anchors);
		for (int k = 0; k < 4 && archives[i].patch[k].width; k++)
			apply_patch(&file, &anchors, &archives[i].patch[k]);
		char what[32];
		snprintf(what, sizeof what, "archive %zu", i);
		test_check_torch(&file, archives[i].message, what);
		core_text_free(&file);
	}
	core_text_free(&pickle);
}

/* Checks the three records with `change` in place of one of them or after them. */
static void check_record(int place, test_record change, const char *message)
{
	core_text pickle = test_vector_pickle(), file = {0};
	test_record records[4] = {
		{.name = "archive/data.pkl", .data = pickle.data, .n = pickle.size},
		{.name = "archive/data/0", .data = six, .n = sizeof six},
		{.name = "archive/version", .data = "3\n", .n = 2}};
	if (!change.data && place < 3) {
		change.data = records[place].data;
		change.n = records[place].n;
	}
	records[place] = change;
	test_anchors anchors;
	test_add_archive(&file, records, place < 3 ? 3 : 4, &anchors);
	test_check_torch(&file, message, change.name);
	core_text_free(&pickle);
	core_text_free(&file);
}

static const struct {
	const char *name, *data, *message;
} extra_records[] = {
	{"archive/.data/serialization_id", "7", NULL},
	{"archive/.format_version", "1", NULL},
	{"archive/.storage_alignment", "64", NULL},
	{"archive/byteorder", "little", NULL},
	{"archive/byteorder", "big", "byteorder: "},
	{"archive/byteorder", "little\n", "byteorder: "},
	{"archive/data/1", "unused", NULL},
	{"archive/data/0", "0", "duplicate name: 'data/0'"},
	{"archive/Data/0", "0", "duplicate name: "},
	{"archive/VERSION", "3\n", "duplicate name: "},
	{"archive/extra", "x", "record: unknown record 'extra'"},
	{"archive/constants.pkl", "x", "TorchScript: "},
	{"archive/code/a.py", "x", "TorchScript: "},
	{"archive/codes", "x", "record: "},
	{"archive2/x", "x", "folder: "},
	{"archivf/x", "x", "folder: "},
	{"x", "x", "folder: "},
	{"archive/../x", "x", "name: in a record: a part that is"},
	{"archive/data/..", "x", "name: in a record: a part that is"},
	{"archive/./x", "x", "name: in a record: a part that is"},
	{"archive/data/..1", "x", NULL},
	{"/archive/x", "x", "name: in a record: it is absolute"},
	{"archive//x", "x", "name: in a record: an empty part"},
	{"archive/data/", "", "name: in a record: not a file name"},
	{"archive\\x", "x", "name: in a record: a backslash"},
	{"archive/data/\xc3\xa9", "x", NULL},
	{"archive/data/\xc3", "x", "name: in a record: not UTF-8"},
};

static void checks_archive_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof extra_records / sizeof *extra_records; i++)
		check_record(3,
			(test_record){.name = extra_records[i].name,
				.data = extra_records[i].data,
				.n = strlen(extra_records[i].data)},
			extra_records[i].message);
	check_record(3, (test_record){.name = "archive/\0x", .name_n = 10, .data = "", .n = 0},
		"name: in a record: a NUL");
	check_record(0, (test_record){.name = "archive/data/1"}, "data.pkl: ");
	check_record(1, (test_record){.name = "archive/data/1"}, "storage missing: ");
	check_record(2, (test_record){.name = "archive/data/1"}, "version: the archive has no");
	static const char *const versions[] = {
		"1\n", "10\n", "0\n", "11\n", "3", "3\n\n", "", "003\n"};
	for (size_t i = 0; i < 8; i++)
		check_record(2,
			(test_record){.name = "archive/version",
				.data = versions[i],
				.n = strlen(versions[i])},
			i < 2 ? NULL : "version: must be a number from 1 to 10");
	check_record(1, (test_record){.name = "archive/data/0", .no_descriptor = 1}, NULL);
	check_record(1, (test_record){.name = "archive/data/0", .gap = 1}, "gap: ");
	check_record(0, (test_record){.name = "archive/data.pkl", .local_extra = ""}, NULL);
}

/* Data after 4 GiB have 64-bit sizes in the descriptor, announced by a zip64 field in the local
 * header. */
static void reads_wide_descriptors(void **state)
{
	(void)state;
	static const char zip64[] = "\1\0\10\0\0\0\0\0\0\0\0\0";
	test_record record = {.name = "archive/data/0",
		.local_extra = zip64,
		.local_extra_n = sizeof zip64 - 1,
		.wide = 1};
	check_record(1, record, NULL);
	record.wide = 0;
	check_record(1, record, "local header: the descriptor");
	record.wide = 1;
	record.local_extra = NULL;
	check_record(1, record, "local header: the descriptor");
	record.local_extra = zip64;
	record.local_extra_n = 11;
	check_record(1, record, "local header: an extra field");
}

/* The directory may hold sizes of 64 bits, and nothing besides. */
static void checks_central_extra(void **state)
{
	(void)state;
	static const struct {
		const char *extra;
		size_t n;
		const char *message;
	} cases[] = {
		{"\1\0\0\0", 4, NULL},
		{"\1\0\10\0\0\0\0\0\0\0\0\0", 12, "size: an extra field other than zip64"},
		{"\2\0\0\0", 4, "size: an extra field other than zip64"},
		{"FB\2\0ZZ", 6, "size: an extra field other than zip64"},
		{"\1\0\1\0", 4, "size: an extra field is cut short"},
		{"\1\0\0", 3, "size: an extra field is cut short"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_record(1,
			(test_record){.name = "archive/data/0",
				.central_extra = cases[i].extra,
				.central_extra_n = cases[i].n},
			cases[i].message);
}

/* A byte between the last record and the directory. */
static void rejects_gap_before_directory(void **state)
{
	(void)state;
	core_text pickle = test_vector_pickle(), whole = {0}, file = {0};
	const test_record records[] = {
		{.name = "archive/data.pkl", .data = pickle.data, .n = pickle.size},
		{.name = "archive/data/0", .data = six, .n = sizeof six},
		{.name = "archive/version", .data = "3\n", .n = 2}};
	test_anchors a;
	test_add_archive(&whole, records, 3, &a);
	size_t begin = a.central[0];
	core_text_put(&file, whole.data, begin);
	core_text_put(&file, "", 1);
	core_text_put(&file, whole.data + begin, whole.size - begin);
	a.end64++;
	a.locator++;
	a.end++;
	const struct patch patches[] = {{END64, 0, 48, 8, begin + 1}, {LOCATOR, 0, 8, 8, a.end64},
		{END, 0, 16, 4, begin + 1}};
	for (size_t i = 0; i < 3; i++)
		apply_patch(&file, &a, &patches[i]);
	test_check_torch(&file, "gap: bytes belong to no record", "gap");
	core_text_free(&pickle);
	core_text_free(&whole);
	core_text_free(&file);
}

/* Two entries of one place, under the same name or another. */
static void rejects_overlaps(void **state)
{
	(void)state;
	core_text pickle = test_vector_pickle(), file = {0};
	const test_record records[] = {
		{.name = "archive/data.pkl", .data = pickle.data, .n = pickle.size},
		{.name = "archive/data/0", .data = six, .n = sizeof six},
		{.name = "archive/data/0", .data = six, .n = sizeof six},
		{.name = "archive/version", .data = "3\n", .n = 2}};
	test_anchors a;
	test_add_archive(&file, records, 4, &a);
	struct patch patch = {CENTRAL, 2, 42, 4, a.local[1]};
	apply_patch(&file, &a, &patch);
	test_check_torch(&file, "overlap: ", "overlap");
	core_text_free(&pickle);
	core_text_free(&file);
}

static void rejects_cut_archives(void **state)
{
	(void)state;
	core_text pickle = test_vector_pickle(), file = {0};
	test_add_torch_zip(&file, pickle.data, pickle.size);
	test_check_torch(&file, NULL, "whole");
	core_text_put(&file, "", 1);
	test_check_torch(&file, "end record: ", "one byte more");
	file.size--;
	while (file.size > 4) {
		file.size--;
		test_check_torch(&file,
			file.size < 22 + 20 + 56 + 30 ? "end record: the file is too short"
						      : "end record: ",
			"cut");
	}
	core_text_free(&pickle);
	core_text_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_archive_fields),
		cmocka_unit_test(checks_archive_records),
		cmocka_unit_test(reads_wide_descriptors),
		cmocka_unit_test(checks_central_extra),
		cmocka_unit_test(rejects_gap_before_directory),
		cmocka_unit_test(rejects_overlaps),
		cmocka_unit_test(rejects_cut_archives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
