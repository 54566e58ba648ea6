/* SPDX-License-Identifier: Apache-2.0 */
/* Files of torch.save: each rule of the archive, the pickle and the older form is tested with a
 * file that just keeps it and one that just breaks it. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "base/file.h"
#include "torch_files.h"

static fv_status open_bytes(fv_ctx *ctx, const core_text *bytes, fv_checkpoint **file)
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

/* Opens the bytes as a file; message NULL: the file must be accepted. */
static void check_file(const core_text *bytes, const char *message, const char *what)
{
	fv_ctx *ctx = test_ctx();
	fv_checkpoint *file;
	fv_status status = open_bytes(ctx, bytes, &file);
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

/* --- pickles --- */

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
		check_file(&file, pickles[i].message, pickles[i].spec);
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
	check_file(&file, want, head);
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
	check_file(&file, want, piece);
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
		check_file(&file, with ? "bounds: more than 65536 tensors" : NULL, "doubling");
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
		check_file(&file, n > 1024 ? "bounds: the name of a tensor" : NULL, "long name");
		core_text_free(&pickle);
		core_text_free(&file);
	}
	core_text pickle = {0}, file = {0};
	test_add_pickle(&pickle, "\x80\x02}X");
	core_text_put(&pickle, "\3\0\0\0a\0b", 7);
	test_add_pickle(&pickle, VECTOR6 "s.");
	test_add_torch_zip(&file, pickle.data, pickle.size);
	check_file(&file, "name: NUL in", "NUL");
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
		check_file(&file, extra ? "bounds: more than 65536 tensors" : NULL, "many tensors");
		pickle.size = file.size = 0;
		test_add_pickle(&pickle, "\x80\x02}r");
		test_add_little(&pickle, (UINT64_C(1) << 22) - 1 + (uint64_t)extra, 4);
		test_add_pickle(&pickle, ".");
		test_add_torch_zip(&file, pickle.data, pickle.size);
		check_file(&file, extra ? "memo: key 4194304, at most 4194303" : NULL, "memo");
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
		check_file(
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
		check_file(&file, extra ? "bounds: more than 65536 tensors" : NULL, "lost tensors");
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
		check_file(&file, n > 4 ? "bounds: views that are not row-major" : NULL, "views");
		core_text_free(&pickle);
		core_text_free(&file);
	}
}

/* --- the archive --- */

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

static core_text make_vector_pickle(void)
{
	core_text pickle = {0};
	test_add_pickle(&pickle, W(VECTOR6));
	return pickle;
}

static const float six[6] = {0, 1, 2, 3, 4, 5};

static void checks_archive_fields(void **state)
{
	(void)state;
	core_text pickle = make_vector_pickle();
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
		check_file(&file, archives[i].message, what);
		core_text_free(&file);
	}
	core_text_free(&pickle);
}

/* Checks the three records with `change` in place of one of them or after them. */
static void check_record(int place, test_record change, const char *message)
{
	core_text pickle = make_vector_pickle(), file = {0};
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
	check_file(&file, message, change.name);
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
	core_text pickle = make_vector_pickle(), whole = {0}, file = {0};
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
	check_file(&file, "gap: bytes belong to no record", "gap");
	core_text_free(&pickle);
	core_text_free(&whole);
	core_text_free(&file);
}

/* Two entries of one place, under the same name or another. */
static void rejects_overlaps(void **state)
{
	(void)state;
	core_text pickle = make_vector_pickle(), file = {0};
	const test_record records[] = {
		{.name = "archive/data.pkl", .data = pickle.data, .n = pickle.size},
		{.name = "archive/data/0", .data = six, .n = sizeof six},
		{.name = "archive/data/0", .data = six, .n = sizeof six},
		{.name = "archive/version", .data = "3\n", .n = 2}};
	test_anchors a;
	test_add_archive(&file, records, 4, &a);
	struct patch patch = {CENTRAL, 2, 42, 4, a.local[1]};
	apply_patch(&file, &a, &patch);
	check_file(&file, "overlap: ", "overlap");
	core_text_free(&pickle);
	core_text_free(&file);
}

static void rejects_cut_archives(void **state)
{
	(void)state;
	core_text pickle = make_vector_pickle(), file = {0};
	test_add_torch_zip(&file, pickle.data, pickle.size);
	check_file(&file, NULL, "whole");
	core_text_put(&file, "", 1);
	check_file(&file, "end record: ", "one byte more");
	file.size--;
	while (file.size > 4) {
		file.size--;
		check_file(&file,
			file.size < 22 + 20 + 56 + 30 ? "end record: the file is too short"
						      : "end record: ",
			"cut");
	}
	core_text_free(&pickle);
	core_text_free(&file);
}

/* --- before version 1.6 --- */

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
		check_file(&file, cases[i].message, cases[i].pickle);
		core_text_free(&pickle);
		core_text_free(&file);
	}
}

static void rejects_repeated_legacy_storage(void **state)
{
	(void)state;
	core_text pickle = make_vector_pickle(), file = {0};
	test_add_torch_legacy(&file, pickle.data, pickle.size, "'0''0'");
	test_add_little(&file, 6, 8);
	core_text_put(&file, (const char *)six, sizeof six);
	check_file(&file, "storage key: storage 0 is listed twice", "twice");
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
		check_file(&file, cases[i].message, cases[i].machine);
		core_text_free(&file);
	}
	core_text file = {0};
	core_text_put(&file, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14);
	check_file(&file, "magic: ", "short magic");
	core_text_put(&file, "\x2e", 1);
	test_add_pickle(&file, "\x80\x02#1001;.");
	test_add_pickle(&file, DOC("'protocol_version'#1001;'little_endian'\x88"));
	test_add_pickle(&file, W(VECTOR6) "\x80\x02}.");
	check_file(&file, "storage key: the object is not followed by a list of keys", "no list");
	core_text_free(&file);
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
		cmocka_unit_test(checks_archive_fields),
		cmocka_unit_test(checks_archive_records),
		cmocka_unit_test(reads_wide_descriptors),
		cmocka_unit_test(checks_central_extra),
		cmocka_unit_test(rejects_gap_before_directory),
		cmocka_unit_test(rejects_overlaps),
		cmocka_unit_test(rejects_cut_archives),
		cmocka_unit_test(checks_legacy_files),
		cmocka_unit_test(rejects_repeated_legacy_storage),
		cmocka_unit_test(checks_legacy_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
