/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles of torch.save: each rule is tested with a file that just keeps it and one that just breaks it. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "base/file.h"
#include "torch_files.h"

#define W(what) DOC("'w'" what)
#define NESTED(open, close) W(open VECTOR6 close)

static const struct {
	const char *spec, *message;
} pickles[] = {
	{W(VECTOR6), NULL},
	{"\x80\x02}'w'" VECTOR6 "s.", NULL},
	{"\x80\x02}.", NULL},
	{"\x80\x02@collections OrderedDict;)R('w'" VECTOR6 "u.", NULL},
	{"\x80\x01}.", "protocol: 1"},
	{"\x80\x02\x80\x02}.", "protocol: stated twice"},
	{"}.", "protocol: the pickle does not start"},
	{"\x80\x02}", "end: the pickle has no STOP"},
	/* opcodes and their arguments */
	{W("(N\x88\x89#1;#300;#-1;#5000000000;'t')]}tq\x01"), NULL},
	{W("Gabcdefgh"), NULL},
	{W("I1\n"), "opcode: 0x49"},
	{W("0"), "opcode: 0x30"},
	{W("\x81"), "opcode: 0x81"},
	{W("\x93"), "opcode: 0x93"},
	{W("\x8a\x08"
	   "12345678"),
		NULL},
	{W("\x8a\x09"
	   "123456789"),
		"integer: 9 bytes long"},
	{W("'caf\xc3\xa9'"), NULL},
	{W("'caf\xc3'"), "UTF-8: "},
	{W("'\xed\xa0\x80'"), "UTF-8: "},
	{"\x80\x02}'w'Xabcd", "length: an argument of"},
	{"\x80\x02}X", "length: an argument of 4 bytes, but 0 are left"},
	{"\x80\x02"
	 "ctorch\n",
		"length: a name without a line feed"},
	/* the stack */
	{W("#1;#2;\x86"), NULL},
	{W("#1;#2;#3;\x87"), NULL},
	{W("#1;\x85"), NULL},
	{"\x80\x02#1;\x86.", "stack: needs 2 objects, but has 1"},
	{"\x80\x02#1;(\x85t.", "stack: needs 1 objects, but has 0"},
	{"\x80\x02}('a'u.", "stack: a key without a value"},
	{"\x80\x02}u.", "stack: no mark"},
	{"\x80\x02t.", "stack: no mark"},
	{"\x80\x02}(.", "stack: 1 objects and 1 marks"},
	{"\x80\x02}}.", "stack: 2 objects and 0 marks"},
	{"\x80\x02.", "stack: 0 objects"},
	{W("]#1;a"), NULL},
	{W("](#1;#2;e"), NULL},
	{W("}#1;a"), "stack: there is no list to add to"},
	{W("]#1;#2;s"), "stack: there is no dict to add to"},
	{W(")#1;a"), "stack: there is no list to add to"},
	/* the memo */
	{W("'x'q\x07h\x07"), "stack: a key without a value"},
	{W("'x'q\x07"), NULL},
	{W("(#1;q\x07h\x07t"), NULL},
	{W("(#1;q\x07h\x08t"), "memo: key 8 is not set"},
	{W("(#1;q\x07#2;q\x07t"), "memo: key 7 is set twice"},
	{W("(#1;r\xff\xff\xff\x01t"), "memo: key 33554431"},
	{"\x80\x02q\x01.", "stack: needs 1 objects"},
	/* names */
	{W("@torch FloatStorage;"), NULL},
	{W("@torch floatStorage;"), "global: 'torch.floatStorage'"},
	{W("@torch ComplexFloatStorage;"), "global: "},
	{W("@os system;('true'tR"), "global: 'os.system'"},
	{W("@torch._utils _rebuild_tensor;"), "global: "},
	{W("@collections OrderedDict;)R"), NULL},
	{W("@collections OrderedDict;]R"), "REDUCE: the arguments are not a tuple"},
	{W("@collections OrderedDict;(#1;tR"), "REDUCE: OrderedDict takes no arguments"},
	{W("@torch FloatStorage;)R"), "REDUCE: a storage type cannot be called"},
	{W("'f')R"), "REDUCE: the called object"},
	/* BUILD */
	{"\x80\x02@collections OrderedDict;)R}'_metadata'#1;sb.", NULL},
	{"\x80\x02@collections OrderedDict;)R}'__class__'#1;sb.", "BUILD: the only attribute"},
	{"\x80\x02@collections OrderedDict;)R#1;b.", "BUILD: the only attribute"},
	{"\x80\x02}}'_metadata'#1;sb.", "BUILD: only an OrderedDict"},
	/* storages */
	{W(STORAGE("Float", "0", "6")), NULL},
	{W("('storage'@torch FloatStorage;'0''cpu'#6;NtQ"), NULL},
	{W("('storage'@torch FloatStorage;'0''cpu'#6;#1;tQ"), "persistent id: must have five"},
	{W("('storage'@torch FloatStorage;'0''cpu'#6;GabcdefghtQ"),
		"persistent id: must have five"},
	{W("('storage'@torch FloatStorage;'0''cpu'tQ"), "persistent id: must have five"},
	{W("('module'@torch FloatStorage;'0''cpu'#6;tQ"), "persistent id: must be a storage"},
	{W("('storage'@collections OrderedDict;'0''cpu'#6;tQ"), "persistent id: the second"},
	{W("('storage''x''0''cpu'#6;tQ"), "persistent id: the second"},
	{W("('storage'@torch FloatStorage;#0;'cpu'#6;tQ"), "persistent id: key and place"},
	{W("('storage'@torch FloatStorage;'0'#0;#6;tQ"), "persistent id: key and place"},
	{W("('storage'@torch FloatStorage;'0''cpu''6'tQ"), "persistent id: the number"},
	{W("('storage'@torch FloatStorage;'0''cpu'#-6;tQ"), "persistent id: the number"},
	{W("'storage'Q"), "persistent id: not a tuple"},
	{W(STORAGE("Float", "00", "6")), "storage key: '00'"},
	{W(STORAGE("Float", "", "6")), "storage key: ''"},
	{W(STORAGE("Float", "1x", "6")), "storage key: '1x'"},
	{W(STORAGE("Float", "18446744073709551615", "6")), "storage missing: "},
	{W(STORAGE("Float", "18446744073709551616", "6")), "storage key: "},
	{W(STORAGE("Double", "0", "3")), NULL},
	{W(STORAGE("Float", "0", "5")), "storage size: "},
	{W(STORAGE("Float", "0", "7")), "storage size: "},
	{W(STORAGE("Double", "0", "6")), "storage size: "},
	{W(STORAGE("Float", "0", "4611686018427387910")), "storage size: "},
	{W("(" STORAGE("Float", "0", "6") STORAGE("Float", "0", "6") "t"), NULL},
	{W("(" STORAGE("Float", "0", "6") STORAGE("Int", "0", "6") "t"), "storage size: storage 0"},
	{W("(" STORAGE("Float", "0", "6") STORAGE("Double", "0", "3") "t"),
		"storage size: storage 0"},
	/* tensors */
	{W(TENSOR("0", "", "")), NULL},
	{W(TENSOR("5", "", "")), NULL},
	{W(TENSOR("6", "", "")), "bounds: the tensor ends past"},
	{W(TENSOR("6", "#0;", "#1;")), NULL},
	{W(TENSOR("7", "#0;", "#1;")), "bounds: offset 7"},
	{W(TENSOR("-1", "#3;", "#1;")), "bounds: offset -1"},
	{W(TENSOR("1", "#5;", "#1;")), NULL},
	{W(TENSOR("1", "#6;", "#1;")), "bounds: the tensor ends past"},
	{W(TENSOR("0", "#2;#3;", "#3;#1;")), NULL},
	{W(TENSOR("0", "#3;#2;", "#1;#3;")), NULL},
	{W(TENSOR("0", "#2;#3;", "#4;#1;")), "bounds: the tensor ends past"},
	{W(TENSOR("0", "#2;#2;", "#4;#1;")), NULL},
	{W(TENSOR("0", "#2;#3;", "#2;#1;")), "stride: elements of the tensor overlap"},
	{W(TENSOR("0", "#2;#2;", "#1;#1;")), "stride: elements of the tensor overlap"},
	{W(TENSOR("0", "#1;#6;", "#0;#1;")), NULL},
	{W(TENSOR("0", "#2;#6;", "#0;#1;")), "stride: 0 in a dimension of size 2"},
	{W(TENSOR("5", "#2;", "#-1;")), "stride: -1 in a dimension of size 2"},
	{W(TENSOR("0", "#-2;", "#1;")), "shape: a dimension of size -2"},
	{W(TENSOR("0", "#2;#3;", "#1;")), "rank: 2 dimensions, but 1 strides"},
	{W(TENSOR("0", "#1;#1;#1;#1;#1;#1;#1;#6;", "#6;#6;#6;#6;#6;#6;#6;#1;")), NULL},
	{W(TENSOR("0", "#1;#1;#1;#1;#1;#1;#1;#1;#6;", "#6;#6;#6;#6;#6;#6;#6;#6;#1;")),
		"rank: 9 dimensions"},
	{W(TENSOR("0", "#4294967296;#4294967296;", "#1;#1;")), "overflow: the shape"},
	{W(TENSOR("0", "#3;#2;", "#4611686018427387904;#1;")), "overflow: the strides"},
	{W(TENSOR("0", "'6'", "#1;")), "REDUCE: a size or stride is not an integer"},
	{W("@torch._utils _rebuild_tensor_v2;(" STORAGE("Float", "0", "6") "#0;)tR"),
		"REDUCE: a tensor needs six"},
	{W("@torch._utils _rebuild_tensor_v2;(" STORAGE("Float", "0", "6") "#0;))\x89}tR"),
		"REDUCE: a tensor needs storage"},
	{W("@torch._utils _rebuild_parameter;(" VECTOR6 "\x88@collections OrderedDict;)RtR"), NULL},
	{W("@torch._utils _rebuild_parameter;(#1;\x88@collections OrderedDict;)RtR"),
		"REDUCE: a parameter needs"},
	/* the tree of names */
	{"\x80\x02](" VECTOR6 "e.", "not a dict: "},
	{"\x80\x02" VECTOR6 ".", "not a dict: "},
	{"\x80\x02#5;.", "not a dict: "},
	{DOC("#1;" VECTOR6 "#-5;" VECTOR6), NULL},
	{DOC("N" VECTOR6), "dict key: "},
	{DOC("Gabcdefgh#1;"), "dict key: "},
	{DOC("\x88#1;"), "dict key: "},
	{DOC("'a'" VECTOR6 "'b'" VECTOR6), NULL},
	{DOC("'a'" VECTOR6 "'a'" VECTOR6), "duplicate key: "},
	{DOC("'a'#1;'a'" VECTOR6), "duplicate key: "},
	{DOC("#1;#1;#1;#1;"), "duplicate key: "},
	{DOC("#1;#1;'1'#1;"), NULL},
	{DOC("#1;" VECTOR6 "'1'" VECTOR6), "duplicate name: two tensors named '1'"},
	{DOC("'a.b'" VECTOR6 "'a'}'b'" VECTOR6 "s"), "duplicate name: two tensors named 'a.b'"},
	{W("]q\x01h\x01"
	   "a"),
		"cycle: "},
	{W("]q\x01]q\x02h\x01"
	   "ah\x02"
	   "a"),
		"stack: "},
	{W("]q\x01]h\x01"
	   "aa"),
		"cycle: "},
};

static void checks_pickle_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++) {
		core_text pickle = {0}, file = {0};
		test_add_pickle(&pickle, pickles[i].spec);
		test_add_torch_zip(&file, pickle.data, pickle.size);
		test_check_torch(&file, pickles[i].message, pickles[i].spec);
		core_text_free(&pickle);
		core_text_free(&file);
	}
}

/* Checks a pickle of n copies of `piece` between head and tail. */
static void check_repeated(
	const char *head, const char *piece, int n, const char *tail, const char *want)
{
	core_text pickle = {0}, file = {0};
	test_add_pickle(&pickle, head);
	for (int i = 0; i < n; i++)
		test_add_pickle(&pickle, piece);
	test_add_pickle(&pickle, tail);
	test_add_torch_zip(&file, pickle.data, pickle.size);
	test_check_torch(&file, want, head);
	core_text_free(&pickle);
	core_text_free(&file);
}

static void check_two_repeated(
	const char *piece, int n, const char *piece2, int n2, const char *want)
{
	core_text pickle = {0}, file = {0};
	test_add_pickle(&pickle, "\x80\x02}'w'");
	for (int i = 0; i < n; i++)
		test_add_pickle(&pickle, piece);
	for (int i = 0; i < n2; i++)
		test_add_pickle(&pickle, piece2);
	test_add_pickle(&pickle, "s.");
	test_add_torch_zip(&file, pickle.data, pickle.size);
	test_check_torch(&file, want, piece);
	core_text_free(&pickle);
	core_text_free(&file);
}

static void checks_pickle_bounds(void **state)
{
	(void)state;
	/* nested marks and containers: the dict on top is the first of 64 levels */
	check_two_repeated("(", 63, "t", 63, NULL);
	check_two_repeated("(", 65, "t", 65, "depth: more than 64 marks");
	check_two_repeated("]", 63, "a", 62, NULL);
	check_two_repeated("]", 64, "a", 63, "depth: containers are nested more than 64");
	/* 2^60 paths through shared lists, without and with a tensor at their ends */
	core_text pickle = {0}, file = {0};
	for (int with = 0; with < 2; with++) {
		pickle = file = (core_text){0};
		test_add_pickle(&pickle, "\x80\x02}'w'");
		test_add_pickle(&pickle, with ? "]" VECTOR6 "a" : "]");
		for (int i = 1; i <= 60; i++) {
			core_text_put(&pickle, (const char[]){'q', (char)i}, 2);
			core_text_put(&pickle, (const char[]){'h', (char)i, '\x86'}, 3);
		}
		test_add_pickle(&pickle, "s.");
		test_add_torch_zip(&file, pickle.data, pickle.size);
		test_check_torch(
			&file, with ? "bounds: more than 65536 tensors" : NULL, "doubling");
		core_text_free(&pickle);
		core_text_free(&file);
	}
	/* opcodes: PROTO } 'w' ] ( N... and the last three */
	check_repeated("\x80\x02}'w'](", "N", (1 << 22) - 8, "es.", NULL);
	check_repeated(
		"\x80\x02}'w'](", "N", (1 << 22) - 7, "es.", "bounds: more than 4194304 opcodes");
}

/* Texts, integers and booleans become metadata, from the dict and from dicts directly inside it. */
static void reads_metadata(void **state)
{
	(void)state;
	static const char *const want[][2] = {{"cfg.deep", NULL}, {"cfg.is", "true"},
		{"cfg.no", "false"}, {"cfg.layers", "-12"}, {"cfg.list", NULL},
		{"cfg.word", "layer norm"}, {"cfg.", "x"}, {"both.a", NULL}, {"half", NULL},
		{"none", NULL}, {"step", "70000"}, {"w", NULL}, {"7", NULL}};
	core_text pickle = {0}, file = {0};
	test_add_pickle(&pickle,
		DOC("'w'" VECTOR6 "'step'#70000;'half'G\x3f\xe2\x01\x01\x01\x01\x01\x01'none'N"
		    "#7;#8;'both.a'#1;'both'}('a'#2;u'cfg'}('layers'#-12;'is'\x88'no'\x89"
		    "'word''layer norm''deep'}('x'#1;u'list'](#1;e'''x'u"));
	test_add_torch_zip(&file, pickle.data, pickle.size);
	fv_ctx *ctx = test_ctx();
	fv_checkpoint *open;
	const char *path = core_format(ctx, "%s/metadata.pt", test_folder("torch"));
	test_ok(ctx, core_file_write(ctx, path, file.data, file.size));
	test_ok(ctx, fv_checkpoint_open(ctx, path, &open));
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		const char *got = fv_checkpoint_meta(open, want[i][0]);
		if (!got != !want[i][1] || (got && strcmp(got, want[i][1]) != 0))
			fail_msg("%s is %s", want[i][0], got ? got : "not there");
	}
	fv_checkpoint_close(open);
	core_ctx_free(ctx);
	core_text_free(&pickle);
	core_text_free(&file);
}

static void limits_tensor_names(void **state)
{
	(void)state;
	for (int n = 1024; n <= 1025; n++) {
		core_text pickle = {0}, file = {0};
		test_add_pickle(&pickle, "\x80\x02}'a'}X");
		test_add_little(&pickle, (uint64_t)n - 2, 4);
		for (int i = 0; i < n - 2; i++)
			core_text_put(&pickle, "b", 1);
		test_add_pickle(&pickle, VECTOR6 "ss.");
		test_add_torch_zip(&file, pickle.data, pickle.size);
		test_check_torch(
			&file, n > 1024 ? "bounds: the name of a tensor" : NULL, "long name");
		core_text_free(&pickle);
		core_text_free(&file);
	}
	core_text pickle = {0}, file = {0};
	test_add_pickle(&pickle, "\x80\x02}X");
	core_text_put(&pickle, "\3\0\0\0a\0b", 7);
	test_add_pickle(&pickle, VECTOR6 "s.");
	test_add_torch_zip(&file, pickle.data, pickle.size);
	test_check_torch(&file, "name: NUL in", "NUL");
	core_text_free(&pickle);
	core_text_free(&file);
}

/* At most 65,536 tensors, memo keys up to 4,194,303 and a pickle of 64 MiB. */
static void limits_counts(void **state)
{
	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		core_text pickle = {0}, file = {0};
		test_add_pickle(&pickle, "\x80\x02}'w'](");
		for (int i = 0; i < 65536 + extra; i++)
			test_add_pickle(&pickle, TENSOR("0", "", ""));
		test_add_pickle(&pickle, "es.");
		test_add_torch_zip(&file, pickle.data, pickle.size);
		test_check_torch(
			&file, extra ? "bounds: more than 65536 tensors" : NULL, "many tensors");
		pickle.size = file.size = 0;
		test_add_pickle(&pickle, "\x80\x02}r");
		test_add_little(&pickle, (UINT64_C(1) << 22) - 1 + (uint64_t)extra, 4);
		test_add_pickle(&pickle, ".");
		test_add_torch_zip(&file, pickle.data, pickle.size);
		test_check_torch(
			&file, extra ? "memo: key 4194304, at most 4194303" : NULL, "memo");
		pickle.size = file.size = 0;
		test_add_pickle(&pickle, "\x80\x02}'w'X");
		size_t n = ((size_t)64 << 20) - pickle.size - 4 - 2 + (size_t)extra;
		test_add_little(&pickle, n, 4);
		char *fill = malloc(n);
		memset(fill, 'x', n);
		core_text_put(&pickle, fill, n);
		free(fill);
		test_add_pickle(&pickle, "s.");
		test_add_torch_zip(&file, pickle.data, pickle.size);
		test_check_torch(
			&file, extra ? "bounds: a pickle of more than 67108864" : NULL, "64 MiB");
		core_text_free(&pickle);
		core_text_free(&file);
	}
}

/* Tensors that end up nowhere, since the hooks of another one hold them, are counted, too. */
static void limits_lost_tensors(void **state)
{
	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		core_text pickle = {0}, file = {0};
		test_add_pickle(&pickle,
			"\x80\x02}'w'@torch._utils _rebuild_tensor_v2;(" STORAGE(
				"Float", "0", "6") "#0;(#6;t(#1;t\x89"
						   "@collections OrderedDict;)R'h'](");
		for (int i = 0; i < 65535 + extra; i++)
			test_add_pickle(&pickle, TENSOR("0", "", ""));
		test_add_pickle(&pickle, "estRs.");
		test_add_torch_zip(&file, pickle.data, pickle.size);
		test_check_torch(
			&file, extra ? "bounds: more than 65536 tensors" : NULL, "lost tensors");
		core_text_free(&pickle);
		core_text_free(&file);
	}
}

/* Copies of repeated views may take as many bytes as the file has, not more. */
static void limits_copied_bytes(void **state)
{
	(void)state;
	for (int n = 4; n <= 200; n += 196) {
		core_text pickle = {0}, file = {0};
		test_add_pickle(&pickle, "\x80\x02}'w'](" TENSOR("0", "#3;#2;", "#1;#3;") "q\x01");
		for (int i = 1; i < n; i++)
			test_add_pickle(&pickle, "h\x01");
		test_add_pickle(&pickle, "es.");
		test_add_torch_zip(&file, pickle.data, pickle.size);
		test_check_torch(
			&file, n > 4 ? "bounds: views that are not row-major" : NULL, "views");
		core_text_free(&pickle);
		core_text_free(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_pickle_rules),
		cmocka_unit_test(checks_pickle_bounds),
		cmocka_unit_test(limits_tensor_names),
		cmocka_unit_test(reads_metadata),
		cmocka_unit_test(limits_counts),
		cmocka_unit_test(limits_lost_tensors),
		cmocka_unit_test(limits_copied_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
