/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of label files. Each reader gives a table with a header; the first form that matches
 * reads the file. A new form is one reader and one line in the table below. */
#include <unistd.h>

#include "base/file.h"
#include "base/io.h"
#include "corpus/forms.h"
#include "corpus/label_table.h"

#define HEAD_BYTES 4096

struct form {
	/* whether a file is in this form, by its path and its first n bytes (NUL after them) */
	bool (*matches)(const char *path, const char *head, size_t n);
	fv_status (*read)(fv_ctx *ctx, const char *path, const core_corpus_spec *spec,
		core_files *files, core_csv *out);
};

static bool matches_any(const char *path, const char *head, size_t n)
{
	(void)path;
	(void)head;
	(void)n;
	return true;
}

/* Tables of one row a recording: CSV and what base/csv.h reads like it. */
static fv_status read_table(fv_ctx *ctx, const char *path, const core_corpus_spec *spec,
	core_files *files, core_csv *out)
{
	(void)spec;
	(void)files;
	return core_csv_read(ctx, path, out);
}

static bool matches_folder(const char *path, const char *head, size_t n)
{
	(void)head;
	(void)n;
	return core_is_dir(path);
}

static fv_status read_names(fv_ctx *ctx, const char *path, const core_corpus_spec *spec,
	core_files *files, core_csv *out)
{
	(void)files;
	return core_read_names(ctx, path, spec, out);
}

static bool matches_emo_evaluation(const char *path, const char *head, size_t n)
{
	(void)path;
	return core_is_emo_evaluation(head, n);
}

static fv_status read_emo_evaluation(fv_ctx *ctx, const char *path, const core_corpus_spec *spec,
	core_files *files, core_csv *out)
{
	(void)spec;
	(void)files;
	return core_read_emo_evaluation(ctx, path, out);
}

static bool matches_audformat(const char *path, const char *head, size_t n)
{
	(void)head;
	(void)n;
	return core_is_audformat(path);
}

static fv_status read_audformat(fv_ctx *ctx, const char *path, const core_corpus_spec *spec,
	core_files *files, core_csv *out)
{
	return core_read_audformat(
		ctx, path, spec->label_column ? spec->label_column : "emotion", files, out);
}

static bool matches_nkululeko(const char *path, const char *head, size_t n)
{
	(void)head;
	(void)n;
	return core_is_nkululeko(path);
}

static fv_status read_nkululeko(fv_ctx *ctx, const char *path, const core_corpus_spec *spec,
	core_files *files, core_csv *out)
{
	return core_read_nkululeko(ctx, path, spec->make_folds == 0 && !spec->fold_by, files, out);
}

static const struct form forms[] = {
	{matches_folder, read_names},
	{matches_emo_evaluation, read_emo_evaluation},
	{matches_audformat, read_audformat},
	{matches_nkululeko, read_nkululeko},
	{matches_any, read_table},
};

/* The first bytes of a file; 0 when it cannot be read, which its reader reports. */
static size_t read_head(const char *path, char head[HEAD_BYTES + 1])
{
	int fd = core_open_regular(path, NULL);
	ssize_t n = fd < 0 ? 0 : core_read_fully(fd, head, HEAD_BYTES);
	if (fd >= 0)
		close(fd);
	head[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

fv_status core_label_form_read(fv_ctx *ctx, const char *path, const core_corpus_spec *spec,
	core_files *files, core_csv *out)
{
	char head[HEAD_BYTES + 1];
	size_t n = read_head(path, head);
	const struct form *form = forms;
	while (!form->matches(path, head, n))
		form++;
	return form->read(ctx, path, spec, files, out);
}
