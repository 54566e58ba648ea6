/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the recordings that label files name, and the reasons for those that are missing. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "corpus/audio.h"

static void create_file(fv_ctx *ctx, const char *dir, const char *name)
{
	char *path = core_path_join(ctx, dir, name);
	test_ok(ctx, core_make_dirs(ctx, core_path_dir(ctx, path)));
	test_ok(ctx, core_file_write(ctx, path, "", 0));
}

static core_audio_index *open_index(fv_ctx *ctx, const char *dir)
{
	core_audio_index *index;
	test_ok(ctx, core_audio_index_open(ctx, dir, &index));
	return index;
}

/* Checks which file, below the folder of the index, a name of so many parts finds. */
static void check_found(fv_ctx *ctx, const core_audio_index *index, const char *name, int32_t parts,
	const char *expected)
{
	const char *why = NULL;
	const core_recording *found =
		core_audio_find(ctx, index, core_path_id(ctx, name), parts, &why);
	if (!found)
		fail_msg("%s: %s", name, why);
	assert_string_equal(found->path, core_path_join(ctx, index->folder, expected));
	assert_string_equal(found->id, core_path_id(ctx, expected));
}

static void check_missing(fv_ctx *ctx, const core_audio_index *index, const char *name,
	int32_t parts, const char *reason)
{
	const char *why = NULL;
	assert_null(core_audio_find(ctx, index, core_path_id(ctx, name), parts, &why));
	assert_non_null(why);
	assert_string_equal(why, reason);
}

static void folders_are_indexed(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("audio"), *sub = core_path_join(ctx, dir, "a/b");
	create_file(ctx, dir, "z.WAV");
	create_file(ctx, dir, "notes.txt");
	create_file(ctx, dir, "._z.wav");
	create_file(ctx, dir, ".cache/y.wav");
	create_file(ctx, sub, "y.v2.flac");
	assert_int_equal(symlink("..", core_path_join(ctx, sub, "loop")), 0);
	assert_int_equal(symlink("b", core_path_join(ctx, dir, "a/same")), 0);
	core_audio_index *index = open_index(ctx, dir);
	assert_int_equal(index->n, 2);
	assert_int_equal(index->n_others, 1);
	check_found(ctx, index, "z", 1, "z.WAV");
	check_found(ctx, index, "y.v2", 1, "a/b/y.v2.flac");
	check_missing(ctx, index, "y", 1, "");
	core_corpus corpus = {.n = 3,
		.source = (const char *[]){"l.csv", "l.csv", "m.csv"},
		.stem = (const char *[]){"q", "y.v2", "x"},
		.file = (const char *[]){"q.wav", "y.v2.wav", "x"},
		.line = (int32_t[]){7, 8, 9}};
	const char *path[3];
	fv_status status = core_audio_locate(ctx, index, &corpus, path);
	assert_int_equal(core_error_count(ctx), 2);
	assert_string_equal(path[1], core_path_join(ctx, sub, "y.v2.flac"));
	test_fails(ctx, status, FV_DATA, "l.csv:7: no recording 'q' below ");
	test_fails(ctx, core_audio_index_open(ctx, core_path_join(ctx, dir, "no"), &index), FV_DATA,
		"no such folder");
	core_ctx_free(ctx);
}

/* SAVEE, MELD and others use the same file names in each folder. */
static void paths_tell_equal_stems_apart(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("audio");
	static const char *const names[] = {"DC/a00.wav", "JE/a00.flac", "x/DC/a00.wav",
		"x/KL/a00.wav", "JE/b.wav", "c.wav", "x/c.wav"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		create_file(ctx, dir, names[i]);
	core_audio_index *index = open_index(ctx, dir);
	assert_int_equal(index->n, 7);
	check_found(ctx, index, "JE/a00", 2, "JE/a00.flac");
	check_found(ctx, index, "KL/a00", 2, "x/KL/a00.wav");
	check_found(ctx, index, "DC/a00", 2, "DC/a00.wav"); /* the whole id */
	check_found(ctx, index, "x/DC/a00", 2, "x/DC/a00.wav");
	check_found(ctx, index, "y/KL/a00", 2, "x/KL/a00.wav");
	check_found(ctx, index, "any/where/b.wav", 1, "JE/b.wav");
	check_missing(ctx, index, "c", 1,
		core_format(ctx,
			"%s/c.wav and %s/x/c.wav both have that name: write enough of the path "
			"into the label file to tell them apart",
			dir, dir));
	check_found(ctx, index, "D:\\corpus\\x\\c.wav", 1, "x/c.wav");
	char *absolute = realpath(dir, NULL);
	check_found(ctx, index, core_format(ctx, "%s/DC/a00.wav", absolute), 1, "DC/a00.wav");
	check_found(ctx, index, core_format(ctx, "%s/c.wav", absolute), 1, "c.wav");
	free(absolute);
	check_missing(ctx, index, "XY/b", 2,
		core_format(ctx, "%s/JE/b.wav has that name, but lies in another folder", dir));
	check_missing(ctx, index, "a00", 1,
		core_format(ctx,
			"%s/DC/a00.wav and %s/x/DC/a00.wav both have that name: write enough of "
			"the path into the label file to tell them apart",
			dir, dir));
	check_missing(ctx, index, "y/DC/a00", 1,
		core_format(ctx,
			"%s/DC/a00.wav and %s/x/DC/a00.wav both have that name: write enough of "
			"the path into the label file to tell them apart",
			dir, dir));
	create_file(ctx, dir, "JE/b.mp3");
	check_missing(ctx, open_index(ctx, dir), "b", 1,
		core_format(ctx,
			"%s/JE/b.mp3 and %s/JE/b.wav both have that name: move one of them out of "
			"the "
			"folder",
			dir, dir));
	core_ctx_free(ctx);
}

/* What became of a name on its way through spreadsheets, pandas, URLs and converters. */
static void changed_names_are_recognised(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("audio");
	static const char *const names[][2] = {{"007", "007.wav"}, {"12", "0012.wav"},
		{"5.0", "5.wav"}, {"3.0", "0003.wav"}, {"x", "x.wav.flac"}, {"y", "y .wav"},
		{"a%20b", "a b.wav"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		create_file(ctx, dir, names[i][1]);
	core_audio_index *index = open_index(ctx, dir);
	for (size_t i = 1; i < sizeof names / sizeof *names; i++)
		check_missing(ctx, index, names[i][0], 1,
			core_format(ctx,
				"%s/%s is there: write its name into the label file, or rename it",
				dir, names[i][1]));
	check_missing(ctx, index, "7", 1,
		core_format(ctx,
			"%s/007.wav is there: write its name into the label file, or rename it",
			dir));
	check_missing(ctx, index, "8", 1, "");
	check_missing(ctx, index, "0.5", 1, "");
	check_missing(ctx, index, "z%20", 1, "");
	core_ctx_free(ctx);
}

static void missing_recordings_are_explained(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("audio");
	create_file(ctx, dir, "notes.txt");
	core_audio_index *index = open_index(ctx, dir);
	check_missing(ctx, index, "q", 1, "the folder has no recording at all");
	static const char *const names[] = {"dia0_utt0.mp4", "dia0_utt1.mp4", "dia0_utt1.wav",
		"dia0_utt1.txt", "dia0_utt2.txt", "dia0_utt2.m4a", "plain", "Upper.wav", "t.pcm"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		create_file(ctx, dir, names[i]);
	index = open_index(ctx, dir);
	assert_int_equal(index->n, 2);
	check_missing(ctx, index, "dia0_utt0.mp4", 1,
		core_format(ctx,
			"%s/dia0_utt0.mp4 is there, but mp4 is not read: convert it, for example "
			"with ffmpeg -i IN OUT.wav",
			dir));
	check_missing(ctx, index, "dia0_utt0.wav", 1,
		core_format(ctx,
			"%s/dia0_utt0.mp4 is there, but mp4 is not read: convert it, for example "
			"with ffmpeg -i IN OUT.wav",
			dir));
	check_found(ctx, index, "dia0_utt1.mp4", 1, "dia0_utt1.wav"); /* converted */
	check_missing(ctx, index, "dia0_utt2", 1,
		core_format(ctx,
			"%s/dia0_utt2.m4a is there, but m4a is not read: convert it, for example "
			"with ffmpeg -i IN OUT.wav",
			dir));
	check_missing(ctx, index, "plain.wav", 1,
		core_format(ctx,
			"%s/plain is there, but its name has no extension of audio: rename it",
			dir));
	check_missing(ctx, index, "upper.wav", 1,
		core_format(ctx, "%s/Upper.wav differs in upper and lower case", dir));
	check_missing(ctx, index, "t.wav", 1,
		core_format(ctx,
			"%s/t.pcm is there, but '.pcm' is no extension of audio that is "
			"read",
			dir));
	check_missing(ctx, index, "nowhere", 1, "");
	core_ctx_free(ctx);
}

/* macOS writes decomposed characters, label files have composed ones. */
static void spellings_of_names_are_joined(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("audio");
	create_file(ctx, dir, "fro\xcc\x88hlich.wav");
	create_file(ctx, dir, "\xc3\xa4.wav");
	core_audio_index *index = open_index(ctx, dir);
	const char *why = NULL;
	const core_recording *found =
		core_audio_find(ctx, index, core_path_id(ctx, "fr\xc3\xb6hlich.wav"), 1, &why);
	assert_non_null(found);
	assert_string_equal(found->path, core_path_join(ctx, dir, "fro\xcc\x88hlich.wav"));
	check_found(ctx, index, "a\xcc\x88.wav", 1, "\xc3\xa4.wav");
	check_found(ctx, index, "C:\\data\\\xc3\xa4.wav", 1, "\xc3\xa4.wav");
	core_ctx_free(ctx);
}

static void segments_have_names(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	assert_string_equal(core_segment_name(ctx, "b/a", 1.25, 3.5), "b/a@1.25-3.5");
	assert_string_equal(core_segment_name(ctx, "a", 0, 3.5), "a@0-3.5");
	assert_string_equal(core_segment_name(ctx, "a", 1.25, INFINITY), "a@1.25-");
	assert_string_equal(core_segment_name(ctx, "a", 0, INFINITY), "a");
	core_ctx_free(ctx);
}

static void real_corpus_is_located(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {.labels = test_shared("corpora/ravdess/labels_consensus_1.csv")};
	core_corpus *c;
	core_audio_index *index;
	test_ok(ctx, core_corpus_read(ctx, &spec, 1, &c));
	test_ok(ctx, core_audio_index_open(ctx, test_shared("corpora/ravdess/audio"), &index));
	const char **path = core_alloc(ctx, (size_t)c->n, sizeof *path);
	test_ok(ctx, core_audio_locate(ctx, index, c, path));
	assert_int_equal(index->n, 1440);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_indexed),
		cmocka_unit_test(paths_tell_equal_stems_apart),
		cmocka_unit_test(changed_names_are_recognised),
		cmocka_unit_test(missing_recordings_are_explained),
		cmocka_unit_test(spellings_of_names_are_joined),
		cmocka_unit_test(segments_have_names),
		cmocka_unit_test(real_corpus_is_located),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
