/* SPDX-License-Identifier: Apache-2.0 */
/* Grouper `file`: groups that another program found, read from a CSV with the columns FileName,
 * group (empty = unknown) and, for soft groups, one prob_<group> for every group. Rows are matched
 * to recordings by path from the end, by as many folders as the corpus needs.
 *
 * Words that mean missing are unknown, and spellings of one group are merged (fv_csv_clean).
 *
 * Without prob_ columns the groups are the values found in the training rows, sorted by bytes. With
 * them the groups are all those with such a column, sorted by bytes, and the memberships are these
 * numbers. Memberships are 0 for a row that leaves all of them empty or is not in the file. A row
 * that is not in the file, or whose value was not found in training, has group -1.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/csv.h>
#include <fairvox/fairvox.h>

static const char prefix[] = "prob_"; /* of a column of memberships; the group's name follows */

typedef struct file_row {
	const char *id;      /* fv_path_id of the file name */
	const char *group;   /* "" = unknown */
	int64_t row;         /* in the CSV */
	const float *member; /* [G] in the order of the ids, or NULL */
} file_row;

typedef struct file_state {
	const char *file;
	int64_t n;
	file_row *row; /* [n] sorted by stem, then by id */
	int32_t groups, soft;
	const char **name;    /* [G] sorted by bytes */
	int64_t *prob_column; /* [G] when soft */
} file_state;

static uint32_t file_uses(const void *state)
{
	(void)state;
	return FV_USE_FILE;
}

static const char *find_stem(const char *id)
{
	const char *slash = strrchr(id, '/');
	return slash ? slash + 1 : id;
}

static int compare_rows(const void *a, const void *b)
{
	const file_row *x = a, *y = b;
	int order = strcmp(find_stem(x->id), find_stem(y->id));
	if (!order)
		order = strcmp(x->id, y->id);
	return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int compare_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* True if `end` is the whole path or its last parts. */
static bool is_end_of(const char *end, const char *path)
{
	size_t n = strlen(path), m = strlen(end);
	return m <= n && !strcmp(path + n - m, end) && (m == n || path[n - m - 1] == '/');
}

/* Sets *out to the row of a recording, whose path is the recording's name or ends with it, or NULL
 * if there is none. A recording's name has as many folders as it takes to tell it from the others of
 * the corpus. Errors: FV_DATA if two rows may be meant. */
static fv_status find_row(const file_state *s, fv_ctx *ctx, const char *name, const file_row **out)
{
	const char *stem = find_stem(name);
	int64_t low = 0, high = s->n;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		if (strcmp(find_stem(s->row[middle].id), stem) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*out = NULL;
	const file_row *other = NULL;
	for (; low < s->n && !strcmp(find_stem(s->row[low].id), stem); low++) {
		const file_row *row = &s->row[low];
		if (!is_end_of(name, row->id))
			continue;
		other = *out;
		*out = row;
	}
	return other ? fv_fail(ctx, FV_DATA,
			       "%s: '%s' and '%s' may both be the recording '%s': leave out the "
			       "one that it is not",
			       s->file, other->id, (*out)->id, name)
		     : FV_OK;
}

/* Finds the rows of all recordings of a table and counts those without one. */
static fv_status find_rows(const file_state *s, fv_ctx *ctx, const fv_grouper_input *table,
	const file_row **row, int32_t *missing)
{
	*missing = 0;
	for (int32_t i = 0; i < table->n; i++) {
		fv_status status = find_row(s, ctx, table->stem[i], &row[i]);
		if (status)
			return status;
		*missing += !row[i];
	}
	return FV_OK;
}

static int32_t find_group(const file_state *s, const char *name)
{
	const char **found =
		bsearch(&name, s->name, (size_t)s->groups, sizeof *s->name, compare_bytes);
	return found ? (int32_t)(found - s->name) : -1;
}

/* Reads names and groups, sorted. Two rows with the same name are an error. */
static fv_status read_rows(file_state *s, fv_ctx *ctx, const fv_csv *csv)
{
	int64_t name = fv_csv_find(csv, "FileName"), group = fv_csv_find(csv, "group");
	if (name < 0 || group < 0)
		return fv_csv_fail_column(ctx, csv, name < 0 ? "FileName" : "group");
	fv_status status = fv_csv_clean(ctx, csv, group);
	if (status)
		return status;
	s->n = fv_csv_rows(csv);
	s->row = fv_alloc(ctx, (size_t)s->n * sizeof *s->row);
	if (!s->row)
		return FV_FAILED;
	for (int64_t i = 0; i < s->n; i++) {
		s->row[i] = (file_row){.id = fv_path_id(ctx, fv_csv_cell(csv, i, name)),
			.group = fv_csv_cell(csv, i, group),
			.row = i};
		if (!s->row[i].id)
			return FV_FAILED;
	}
	qsort(s->row, (size_t)s->n, sizeof *s->row, compare_rows);
	for (int64_t i = 1; i < s->n; i++)
		if (!strcmp(s->row[i].id, s->row[i - 1].id))
			status = fv_csv_fail(
				ctx, csv, s->row[i].row, "a second row for '%s'", s->row[i].id);
	return status;
}

static bool is_member_column(const char *column)
{
	return !strncmp(column, prefix, sizeof prefix - 1) && column[sizeof prefix - 1];
}

/* Reads the groups from the prob_ columns. Without such columns s->groups stays 0. */
static fv_status read_soft_groups(file_state *s, fv_ctx *ctx, const fv_csv *csv)
{
	size_t columns = (size_t)fv_csv_columns(csv);
	s->name = fv_alloc(ctx, columns * sizeof *s->name);
	s->prob_column = fv_alloc(ctx, columns * sizeof *s->prob_column);
	if (!s->name || !s->prob_column)
		return FV_FAILED;
	for (int64_t c = 0; c < (int64_t)columns; c++) {
		const char *column = fv_csv_name(csv, c);
		if (!is_member_column(column))
			continue;
		if (strpbrk(column, "\n\r"))
			return fv_csv_fail(ctx, csv, -1,
				"column '%s' has a line break: write the group's name in one line",
				column);
		s->name[s->groups++] = column + sizeof prefix - 1;
	}
	qsort(s->name, (size_t)s->groups, sizeof *s->name, compare_bytes);
	for (int64_t c = 0; c < (int64_t)columns; c++) {
		const char *column = fv_csv_name(csv, c);
		if (is_member_column(column))
			s->prob_column[find_group(s, column + sizeof prefix - 1)] = c;
	}
	s->soft = s->groups > 0;
	fv_status status = FV_OK;
	for (int64_t i = 0; i < s->n && s->soft; i++)
		if (*s->row[i].group && find_group(s, s->row[i].group) < 0)
			status = fv_csv_fail(ctx, csv, s->row[i].row,
				"no prob_ column for group '%s'", s->row[i].group);
	return status;
}

/* Reads the memberships of one row. They must be all given or all empty. */
static fv_status read_member(
	file_state *s, fv_ctx *ctx, const fv_csv *csv, file_row *row, float *out)
{
	int32_t empty = 0;
	fv_status status = FV_OK;
	for (int32_t g = 0; g < s->groups; g++) {
		const char *cell = fv_csv_cell(csv, row->row, s->prob_column[g]);
		double value = 0;
		empty += !*cell;
		if (*cell && fv_csv_probability(ctx, csv, row->row, s->prob_column[g], &value))
			status = FV_DATA;
		out[g] = (float)value;
	}
	if (empty && empty < s->groups)
		status = fv_csv_fail(ctx, csv, row->row,
			"some but not all prob_ cells of '%s' are empty", row->id);
	row->member = empty ? NULL : out;
	return status;
}

static fv_status read_file(file_state *s, fv_ctx *ctx)
{
	const fv_csv *csv;
	fv_status status = fv_csv_read(ctx, s->file, &csv);
	if (!status)
		status = read_rows(s, ctx, csv);
	if (!status)
		status = read_soft_groups(s, ctx, csv);
	if (status || !s->soft)
		return status;
	float *member = fv_alloc(ctx, (size_t)s->n * (size_t)s->groups * sizeof *member);
	if (!member)
		return FV_FAILED;
	for (int64_t i = 0; i < s->n; i++) {
		fv_status row = read_member(
			s, ctx, csv, &s->row[i], member + (size_t)i * (size_t)s->groups);
		status = status ? status : row;
	}
	return status;
}

/* Collects the distinct values of the training rows, sorted. */
static fv_status collect_hard_groups(
	file_state *s, fv_ctx *ctx, int32_t n_rows, const file_row *const *row)
{
	s->name = fv_alloc(ctx, (size_t)n_rows * sizeof *s->name);
	if (!s->name)
		return FV_FAILED;
	int32_t n = 0;
	for (int32_t i = 0; i < n_rows; i++)
		if (row[i] && *row[i]->group)
			s->name[n++] = row[i]->group;
	qsort(s->name, (size_t)n, sizeof *s->name, compare_bytes);
	for (int32_t i = 0; i < n; i++)
		if (!s->groups || strcmp(s->name[s->groups - 1], s->name[i]))
			s->name[s->groups++] = s->name[i];
	return FV_OK;
}

static fv_status file_fit(void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	file_state *s = state;
	s->groups = 0;
	fv_status status = read_file(s, ctx);
	if (status)
		return status;
	int32_t missing;
	const file_row **row = fv_alloc(ctx, (size_t)train->n * sizeof *row);
	status = row ? find_rows(s, ctx, train, row, &missing) : FV_FAILED;
	if (status)
		return status;
	if (missing == train->n)
		return fv_fail(ctx, FV_DATA,
			"%s: holds none of the %d training rows: its first recording is '%s', the "
			"first training row '%s'",
			s->file, train->n, s->n ? s->row[0].id : "",
			train->n ? train->stem[0] : "");
	if (!s->soft)
		status = collect_hard_groups(s, ctx, train->n, row);
	if (status)
		return status;
	if (!s->groups)
		return fv_fail(ctx, FV_DATA, "%s: no training row has a group", s->file);
	*out = (fv_grouping)FV_GROUPING(.groups = s->groups, .name = s->name, .soft = s->soft,
		.probability = s->soft);
	return FV_OK;
}

static fv_status file_assign(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	const file_state *s = state;
	size_t groups = (size_t)s->groups;
	if (s->soft && member)
		memset(member, 0, (size_t)rows->n * groups * sizeof *member);
	int32_t missing = 0;
	for (int32_t i = 0; i < rows->n; i++) {
		const file_row *row;
		fv_status status = find_row(s, ctx, rows->stem[i], &row);
		if (status)
			return status;
		missing += !row;
		id[i] = row && *row->group ? find_group(s, row->group) : -1;
		if (s->soft && member && row && row->member)
			memcpy(member + (size_t)i * groups, row->member, groups * sizeof *member);
	}
	if (missing)
		fv_warn(ctx, "%s: %d of %d rows are not in this file, so their group is unknown",
			s->file, missing, rows->n);
	return FV_OK;
}

static const fv_param file_params[] = {
	FV_PARAM_PATH(file_state, file, .name = "file",
		.doc = "CSV with FileName, group (empty = unknown) and optional prob_<group>",
		.required = 1),
};

static const fv_grouper_ops file_ops =
	FV_GROUPER_OPS(.uses = file_uses, .fit = file_fit, .assign = file_assign);

static const fv_descriptor file_descriptor = FV_GROUPER(.name = "file", .version = "1.0",
	.summary = "Groups and memberships read from a CSV that another program wrote",
	.source = "The fairvox groups CSV: FileName, group, prob_<group>", .licence = "Apache-2.0",
	.state_size = sizeof(file_state), FV_PARAMS(file_params), .ops = &file_ops);

FV_PLUGIN_ENTRY
{
	return &file_descriptor;
}
