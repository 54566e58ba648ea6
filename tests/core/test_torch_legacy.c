/* SPDX-License-Identifier: Apache-2.0 */
/* Files of torch.save before version 1.6: each rule is tested with a file that just keeps it and one that just breaks it. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "base/file.h"
#include "torch_files.h"

#define W(what) DOC("'w'" what)

static const float six[6] = {0, 1, 2, 3, 4, 5};

static void checks_legacy_files(void **state)
{
	(void)state;
	static const struct {
		const char *pickle, *keys;
		int cut, more; /* bytes cut off the end, bytes added after it */
		const char *message;
	} cases[] = {
		{W(VECTOR6), "'0'", 0, 0, NULL},
		{W(VECTOR6), "'0'", 1, 0, "end: the file ends inside storage 0, 1 bytes"},
		{W(VECTOR6), "'0'", 24, 0, "end: the file ends inside storage 0, 24 bytes"},
		{W(VECTOR6), "'0'", 25, 0, "end: the file ends where storage 0 starts"},
		{W(VECTOR6), "'0'", 34, 0, "end: "},
		{W(VECTOR6), "'0'", 0, 1, "end: 1 bytes follow the last storage"},
		{W(VECTOR6), "", 32, 0, "storage missing: storage 0 is not listed"},
		{W(VECTOR6), "'1'", 0, 0, "storage key: the list has a key that no tensor uses"},
		{W(VECTOR6), "'00'", 0, 0, "storage key: the list has a key that no tensor uses"},
		{W(VECTOR6), "#0;", 0, 0, "storage key: the list has a key that no tensor uses"},
		{W(VECTOR6), "'0''0'", 0, 0, "end: "},
		{W(TENSOR_OF(STORAGE("Float", "0", "5"), "0", "#5;", "#1;")), "'0'", 0, 0,
			"storage size: storage 0 has 6 elements here but 5 in the pickle"},
		{W(TENSOR_OF(STORAGE("Double", "0", "6"), "0", "#6;", "#1;")), "'0'", 0, 0,
			"end: the file ends inside storage 0, 24 bytes"},
		{"\x80\x02#1;", "", 0, 0, "protocol: stated twice"},
		{"\x80\x02@os system;.", "", 0, 0, "global: 'os.system'"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_text pickle = {0}, file = {0};
		test_add_pickle(&pickle, cases[i].pickle);
		test_add_torch_legacy(&file, pickle.data, pickle.size, cases[i].keys);
		file.size -= (size_t)cases[i].cut;
		for (int k = 0; k < cases[i].more; k++)
			core_text_put(&file, "", 1);
		test_check_torch(&file, cases[i].message, cases[i].pickle);
		core_text_free(&pickle);
		core_text_free(&file);
	}
}

static void rejects_repeated_legacy_storage(void **state)
{
	(void)state;
	core_text pickle = test_vector_pickle(), file = {0};
	test_add_torch_legacy(&file, pickle.data, pickle.size, "'0''0'");
	test_add_little(&file, 6, 8);
	core_text_put(&file, (const char *)six, sizeof six);
	test_check_torch(&file, "storage key: storage 0 is listed twice", "twice");
	core_text_free(&pickle);
	core_text_free(&file);
}

/* The three pickles before the object, each with at most one error. */
static void checks_legacy_headers(void **state)
{
	(void)state;
	static const struct {
		const char *version, *machine, *message;
	} cases[] = {
		{"\x80\x02#1001;.", DOC("'protocol_version'#1001;'little_endian'\x88"), NULL},
		{"\x80\x02#1002;.", DOC("'protocol_version'#1001;'little_endian'\x88"),
			"version: the protocol of the file"},
		{"\x80\x02\x88.", DOC("'protocol_version'#1001;'little_endian'\x88"),
			"version: the protocol of the file"},
		{"\x80\x02#1001;.", DOC("'protocol_version'#1000;'little_endian'\x88"),
			"version: the protocol of the machine"},
		{"\x80\x02#1001;.", DOC("'little_endian'\x88"),
			"version: the protocol of the machine"},
		{"\x80\x02#1001;.", DOC("'protocol_version'#1001;'little_endian'\x89"),
			"byte order: "},
		{"\x80\x02#1001;.", DOC("'protocol_version'#1001;'little_endian'#1;"),
			"byte order: "},
		{"\x80\x02#1001;.", DOC("'protocol_version'#1001;"), "byte order: "},
		{"\x80\x02#1001;.", "\x80\x02#1;.", "version: the protocol of the machine"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_text file = {0};
		core_text_put(
			&file, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
		test_add_pickle(&file, cases[i].version);
		test_add_pickle(&file, cases[i].machine);
		test_add_pickle(&file, W(VECTOR6) "\x80\x02]'0'a.");
		test_add_little(&file, 6, 8);
		core_text_put(&file, (const char *)six, sizeof six);
		test_check_torch(&file, cases[i].message, cases[i].machine);
		core_text_free(&file);
	}
	core_text file = {0};
	core_text_put(&file, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14);
	test_check_torch(&file, "magic: ", "short magic");
	core_text_put(&file, "\x2e", 1);
	test_add_pickle(&file, "\x80\x02#1001;.");
	test_add_pickle(&file, DOC("'protocol_version'#1001;'little_endian'\x88"));
	test_add_pickle(&file, W(VECTOR6) "\x80\x02}.");
	test_check_torch(
		&file, "storage key: the object is not followed by a list of keys", "no list");
	core_text_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_legacy_files),
		cmocka_unit_test(rejects_repeated_legacy_storage),
		cmocka_unit_test(checks_legacy_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
