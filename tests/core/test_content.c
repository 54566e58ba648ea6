/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is, told by its first bytes: one start of each kind, text that only looks like one,
 * and files cut off anywhere. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/content.h"
#include "base/file.h"
#include "base/text.h"
#include "torch_files.h"

/* --- zip archives --- */

/* Adds the local header of an entry with its data, without a central directory. */
static void add_entry(core_text *out, const char *name, const char *data)
{
	core_text_put(out, "PK\3\4", 4);
	test_add_little(out, 20, 2);
	test_add_little(out, 0, 16);
	test_add_little(out, strlen(data), 4);
	test_add_little(out, strlen(name), 2);
	test_add_little(out, 0, 2);
	core_text_put(out, name, strlen(name));
	core_text_put(out, data, strlen(data));
}

static void check_zip(const char *first, const char *data, const char *second, const char *want)
{
	core_text zip = {0};
	add_entry(&zip, first, data);
	if (second)
		add_entry(&zip, second, "data");
	assert_string_equal(core_content_name(zip.data, zip.size), want);
	core_text_free(&zip);
}

static void names_zip_archives(void **state)
{
	(void)state;
	check_zip("[Content_Types].xml", "<x/>", "xl/workbook.xml", "an Excel workbook (xlsx)");
	check_zip("[Content_Types].xml", "<x/>", "word/document.xml", "a Word document (docx)");
	check_zip(
		"[Content_Types].xml", "<x/>", "ppt/presentation.xml", "a PowerPoint file (pptx)");
	check_zip("[Content_Types].xml", "<x/>", NULL, "an Office file (xlsx, docx)");
	check_zip("mimetype", "application/vnd.oasis.opendocument.spreadsheet", "content.xml",
		"an OpenDocument spreadsheet (ods)");
	check_zip("mimetype", "application/vnd.oasis.opendocument.text", "content.xml",
		"an OpenDocument file");
	check_zip("mimetype", "application/epub+zip", "META-INF/x", "an e-book (epub)");
	check_zip("1001_DFA_ANG_XX.npy", "", NULL, "a NumPy .npz archive");
	check_zip("archive/data.pkl", "", "archive/version", "a PyTorch file");
	check_zip("archive/.format_version", "1", NULL, "a PyTorch file");
	check_zip("net/code/x.py", "", "net/constants.pkl", "a TorchScript archive");
	check_zip("a.txt", "text", "b/c.wav", "a zip archive");
	assert_string_equal(core_content_name("PK\5\6\0\0", 6), "an empty zip archive");
}

/* --- files whose start is fixed --- */

#define CASE(bytes, name)                                                                          \
	{                                                                                          \
		bytes, sizeof(bytes) - 1, name                                                     \
	}
#define GZIP "\x1f\x8b\x08\0"
static const struct start {
	const char *bytes;
	size_t n;
	const char *name;
} starts[] = {
	CASE("", "an empty file"),
	CASE(GZIP, "a gzip archive"),
	CASE("BZh91AY&SY", "a bzip2 archive"),
	CASE("\xfd\x37zXZ\0\0", "an xz archive"),
	CASE("\x28\xb5\x2f\xfd\x04", "a zstd archive"),
	CASE("7z\xbc\xaf\x27\x1c\0\4", "a 7z archive"),
	CASE("Rar!\x1a\x07\1\0", "a RAR archive"),
	CASE("\x93NUMPY\1\0v\0", "a NumPy .npy array"),
	CASE("\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
	CASE("MATLAB 5.0 MAT-file, Platform", "a MATLAB file"),
	CASE("PAR1\x15\4", "a Parquet table"),
	CASE("ARROW1\0\0", "an Arrow table"),
	CASE("SQLite format 3\0\x10", "an SQLite database"),
	CASE("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (xls, doc)"),
	CASE("\x7f\x45LF\2\1\1", "an ELF program or library"),
	CASE("%PDF-1.7\n", "a PDF document"),
	CASE("GGUF\3\0\0\0\x01", "a GGUF model"),
	CASE("lmgg\x01", "a GGML model"),
	CASE("\x08\x07\x12\x07pytorch\x1a\x05", "an ONNX model"),
	CASE("\x08\x08\x3a\xf4\x03", "an ONNX model"),
	CASE("\x08\x0a\x42\x02\x10\x11", "an ONNX model"),
	CASE("\x08\x01\x12\xf3\xa5\x02\x0a", "a TensorFlow SavedModel"),
	CASE("\x1c\0\0\0TFL3", "a TensorFlow Lite model"),
	CASE("\0\0\x06\x08\x01\x1a\x02\x08\x01\0", "the index of a TensorFlow checkpoint"),
	CASE("model_checkpoint_path: \"model.ckpt-100\"\n",
		"the list of files of a TensorFlow checkpoint"),
	CASE("\x82\xa6params\x81", "a MessagePack file, the form of Flax"),
	CASE("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e",
		"a PyTorch file in the form before 1.6"),
	CASE("\x80\x04\x95\x10\0", "a pickle of Python"),
	CASE("(dp0\nS'a'\np1\n", "a pickle of Python"),
	CASE("1001_DFA \0BFM \4", "a Kaldi archive"),
	CASE("\x40\0\0\0\0\0\0\0{\"x\":{", "a safetensors file"),
	CASE("RIFF\x24\x08\0\0WAVEfmt ", "a WAVE recording"),
	CASE("RF64\xff\xff\xff\xffWAVEds64", "a WAVE recording"),
	CASE("RIFF\x24\x08\0\0AVI LIST", "an AVI video"),
	CASE("FORM\0\0\0\x2e"
	     "AIFFCOMM",
		"an AIFF recording"),
	CASE("fLaC\0\0\0\x22", "a FLAC recording"),
	CASE("OggS\0\2\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1\x13OpusHead",
		"an Opus recording in Ogg"),
	CASE("OggS\0\2\0\0", "an Ogg file"),
	CASE(".snd\0\0\0\x18", "an AU recording"),
	CASE("NIST_1A\n   1024\n", "a NIST SPHERE recording"),
	CASE("ID3\4\0\0\0\0\0\x23TSSE", "an MP3 recording"),
	CASE("\xff\xfb\x90\x64\0", "an MP3 recording"),
	CASE("\xff\xf1\x50\x80\x02", "an AAC recording"),
	CASE("\0\0\0\x20"
	     "ftypM4A \0",
		"an M4A recording (MPEG-4 audio)"),
	CASE("\0\0\0\x20"
	     "ftypisom\0",
		"an MP4 video (MPEG-4)"),
	CASE("\0\0\0\x14"
	     "ftypqt  \0",
		"a QuickTime video (mov)"),
	CASE("\0\0\x80\x14"
	     "moov\0\0",
		"a QuickTime video (mov)"),
	CASE("\x1a\x45\xdf\xa3\x9f\x42\x82\x84webmB\x87", "a WebM video"),
	CASE("\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska", "a Matroska video (mkv)"),
	CASE("\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file (wma, wmv)"),
	CASE("\x89PNG\r\n\x1a\n", "a PNG image"),
	CASE("\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
	CASE("GIF89a\1", "a GIF image"),
	CASE("version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
		"a Git LFS pointer, whose file was not downloaded"),
	CASE("version 1\noid sha256:05\n", "a Git LFS pointer, whose file was not downloaded"),
	CASE("/annex/objects/SHA256E-s1--2.wav\n",
		"a git-annex pointer, whose file was not downloaded"),
	CASE("<!DOCTYPE html>\n<html lang=\"en\">", "an HTML page"),
	CASE("\n  <HTML><head>", "an HTML page"),
	CASE("<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC", "an HTML page"),
	CASE("<?xml version=\"1.0\"?><Error><Code>AccessDenied",
		"an error message of a server in XML"),
	CASE("\xef\xbb\xbf<?xml version=\"1.0\"?><a/>", "an XML file"),
	CASE("{\"error\": \"Repository not found\"}", "a JSON file"),
	CASE("[\n {\"a\": 1}]", "a JSON file"),
	CASE("[0.25, 1e-3]", "a JSON file"),
	CASE("\xff\xfe"
	     "F\0i\0",
		"text in UTF-16"),
	CASE("\xfe\xff\0F\0i", "text in UTF-16"),
	CASE("F\0i\0l\0e\0N\0a\0m\0e\0,\0", "text in UTF-16"),
	CASE("\0F\0i\0l\0e\0N\0a\0m\0e\0,", "text in UTF-16"),
	CASE("\xff\xfe\0\0F\0\0\0", "text in UTF-32"),
	CASE("F\0\0\0i\0\0\0l\0\0\0e\0\0\0", "text in UTF-32"),
	CASE("\0\0\0F\0\0\0i\0\0\0l\0\0\0e", "text in UTF-32"),
	CASE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		"a file that starts with zero bytes (a download that broke off?)"),
};

static void names_starts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		const char *name = core_content_name(starts[i].bytes, starts[i].n);
		if (!name || strcmp(name, starts[i].name))
			print_error("case %zu: %s, not %s\n", i, name ? name : "nothing",
				starts[i].name);
		assert_non_null(name);
		assert_string_equal(name, starts[i].name);
	}
	char tar[300] = "data/";
	memcpy(tar + 257, "ustar", 5);
	assert_string_equal(core_content_name(tar, sizeof tar), "a tar archive");
}

/* Tables, settings and transcripts that must not be taken for another kind of file. */
static void leaves_text_alone(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"FileName,angry,neutral\na.wav,1,0\n",
		"\357\273\277FileName;angry\n",
		"sep=;\nFileName;angry\n",
		"[DATA]\ndatabases = ['train']\n",
		"[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n",
		"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n",
		"ID3,file,emotion\n1,a,b\n",
		"GGUF,b\n1,2\n",
		"corpus:\n  audio: wav\n",
		"{train,dev}\n",
		"J\xc3\xbcrgen,Zo\xc3\xab\nx,y\n",
		"Caf\xe9,na\xefve\n",
		"version 2 of the labels\nFileName,angry\n",
		"MZ,a\n",
		"RDX,b\n",
		"\"unfftyp of a word\"\n",
		"RIFF,class\n1,2\n",
		"FORM,a,bAIFF,class\n",
		"GIF89a: yes\n",
		"fLaC,class\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_null(core_content_name(texts[i], strlen(texts[i])));
}

static void quotes_text(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	assert_string_equal(
		core_content_describe(ctx, "Entry not found", 15), "text: 'Entry not found'");
	assert_string_equal(
		core_content_describe(ctx, "\xef\xbb\xbf\nNot Found\r\n", 15), "text: 'Not Found'");
	assert_string_equal(core_content_describe(ctx, "\n\n", 2), "a file of empty lines");
	assert_string_equal(core_content_describe(ctx, "FileName,f0,f1\na,1,2\n", 21),
		"a table of text: 'FileName,f0,f1'");
	assert_string_equal(
		core_content_describe(ctx, "a,b and c.\nNo table.\n", 21), "text: 'a,b and c.'");
	assert_string_equal(core_content_describe(ctx, GZIP, 4), "a gzip archive");
	assert_null(core_content_describe(ctx, "a\0b", 3));
	assert_null(core_content_name("textTFL3", 8));
	assert_null(core_content_describe(ctx, "Caf\xe9", 4));
	/* cut after whole characters, the last of which starts at byte 59 */
	char line[200];
	memset(line, 'x', sizeof line);
	memcpy(line + 59, "\xc3\xa9", 2);
	const char *text = core_content_describe(ctx, line, sizeof line);
	assert_int_equal(strlen(text), strlen("text: '...'") + 59);
	/* the last character of what was read may be cut off */
	line[199] = (char)0xc3;
	assert_non_null(core_content_describe(ctx, line, sizeof line));
	core_ctx_free(ctx);
}

static void names_files(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("content"), "x.bin");
	test_ok(ctx, core_file_write(ctx, path, "Invalid username or password.", 29));
	assert_string_equal(
		core_content_of_file(ctx, path), "text: 'Invalid username or password.'");
	test_ok(ctx, core_file_write(ctx, path, "", 0));
	assert_string_equal(core_content_of_file(ctx, path), "an empty file");
	char *large = calloc(10000, 1);
	memcpy(large, "\x93NUMPY", 6);
	test_ok(ctx, core_file_write(ctx, path, large, 10000));
	free(large);
	assert_string_equal(core_content_of_file(ctx, path), "a NumPy .npy array");
	assert_null(core_content_of_file(ctx, "/nowhere/x"));
	assert_null(core_content_of_file(ctx, "/"));
	assert_int_equal(core_error_count(ctx), 0);
	core_ctx_free(ctx);
}

/* Every start, cut off anywhere, in memory of exactly that size: the sanitizers see a byte too
 * many. */
static void survives_any_cut(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		for (size_t n = 1; n <= starts[i].n; n++) {
			char *cut = malloc(n);
			assert_non_null(cut);
			memcpy(cut, starts[i].bytes, n);
			(void)core_content_describe(ctx, cut, n);
			free(cut);
		}
	assert_int_equal(core_error_count(ctx), 0);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_zip_archives),
		cmocka_unit_test(names_starts),
		cmocka_unit_test(leaves_text_alone),
		cmocka_unit_test(quotes_text),
		cmocka_unit_test(names_files),
		cmocka_unit_test(survives_any_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
