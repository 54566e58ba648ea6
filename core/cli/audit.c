/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox audit: metrics, nulls and intervals for the predictions of any system. */
#include <getopt.h>
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/plural.h"
#include "cli.h"
#include "config/spec.h"
#include "eval/attribute_columns.h"
#include "eval/report_json.h"
#include "eval/slope.h"
#include "report/audit_tables.h"
#include "report/low_support.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox audit PRED.csv [PRED2.csv] --group-columns COLUMN[,COLUMN...] [OPTION...]\n"
	"\n"
	"Measures how well a system recognises emotions, and how evenly over groups of\n"
	"speakers. PRED.csv has the columns FileName, prob_<class> and label_<class> for each\n"
	"class, one column per attribute (empty: unknown) and SpkrID. A class counts as\n"
	"predicted, or as true, if its value is above 1 / number of classes.\n"
	"\n"
	"Every gap is shown with its null: the gap expected if the groups were assigned to the\n"
	"speakers at random. Intervals come from a bootstrap over speakers; a group of fewer\n"
	"than 10 speakers gets none. Given two files of the same recordings, in any order, it\n"
	"also shows the differences between the systems, first minus second.\n"
	"\n"
	"  --group-columns LIST  attributes to audit, separated by commas; may be repeated;\n"
	"                        gender*race: every pair of values that has --min-support rows\n"
	"  --numeric-columns LIST\n"
	"                        attributes that are numbers, such as an age in years: the slope\n"
	"                        of the speakers' recall on them instead of groups\n"
	"  --speaker-column C    column that names the speaker (default SpkrID); without one\n"
	"                        there are no nulls and no intervals\n"
	"  --threshold T         threshold for probabilities and labels, above 0 and below 1,\n"
	"                        instead of 1 / number of classes\n"
	"  --prediction-threshold T\n"
	"                        threshold for probabilities alone: 0.5 for a model of\n"
	"                        train.base_loss bce\n"
	"  --split NAME          rows of this split, for files with a column 'split' (default\n"
	"                        test)\n"
	"  --majority-only       leave utterances whose label has no strict majority out of the\n"
	"                        metrics of the largest class (argmax)\n"
	"  --min-support N       mark figures that rest on fewer positives (default 10)\n"
	"  --json                print one JSON object\n";

struct audit {
	const char *path[2];
	int n_paths;
	core_strings group, numeric; /* names of columns, and of products of columns */
	const char *speaker_column;  /* NULL: SpkrID */
	const char *split;           /* NULL: the test rows, if the file has a column split */
	bool has_threshold, has_cut, majority_only, json;
	double threshold, cut;
	int64_t min_support;
	core_predictions file[2];     /* the second file's rows are in the first's order */
	bool *cleaned, cleaned_group; /* columns whose missing values were found */
	core_eval_attribute *attribute;
	core_numeric_attribute *slope;
	core_eval_set set[2];
	core_eval_rows rows;
	core_metrics metrics[2];
	core_comparison comparison;
};

/* Cuts the blanks around a name. */
static char *trim_blanks(char *name)
{
	name += strspn(name, " ");
	size_t n = strlen(name);
	while (n && name[n - 1] == ' ')
		name[--n] = '\0';
	return name;
}

/* Adds the columns of a list; the option may be given several times. */
static fv_status add_columns(
	fv_ctx *ctx, const char *option, const char *list, core_strings *columns)
{
	char *copy = core_strdup(ctx, list), *rest = NULL;
	const char **column =
		core_alloc(ctx, (size_t)columns->n + strlen(list) + 1, sizeof *column);
	if (!copy || !column)
		return FV_FAILED;
	for (int32_t k = 0; k < columns->n; k++)
		column[k] = columns->item[k];
	columns->item = column;
	for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		name = trim_blanks(name);
		for (int32_t k = 0; k < columns->n; k++)
			if (!strcmp(column[k], name))
				return fv_fail(
					ctx, FV_CONFIG, "%s: '%s' is given twice", option, name);
		column[columns->n++] = name;
	}
	if (!columns->n)
		return fv_fail(ctx, FV_CONFIG, "%s: no column given", option);
	return FV_OK;
}

static fv_status parse_threshold(
	fv_ctx *ctx, const char *option, const char *text, double *out, bool *given)
{
	*given = core_parse_double(text, out);
	if (!*given)
		return fv_fail(ctx, FV_CONFIG, "%s: '%s' is not a number", option, text);
	if (!((float)*out > 0 && (float)*out < 1))
		return fv_fail(ctx, FV_CONFIG,
			"%s: '%s' is not above 0 and below 1: probabilities are compared with it",
			option, text);
	return FV_OK;
}

static fv_status parse_options(fv_ctx *ctx, int argc, char **argv, struct audit *a)
{
	static const struct option options[] = {{"group-columns", required_argument, NULL, 'g'},
		{"speaker-column", required_argument, NULL, 's'},
		{"threshold", required_argument, NULL, 't'},
		{"prediction-threshold", required_argument, NULL, 'p'},
		{"json", no_argument, NULL, 'j'}, {"split", required_argument, NULL, 'S'},
		{"min-support", required_argument, NULL, 'm'},
		{"majority-only", no_argument, NULL, 'M'},
		{"numeric-columns", required_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
	fv_status status = FV_OK;
	for (int option; (option = cli_option(ctx, argc, argv, "", options)) != -1;) {
		if (option == '?')
			return FV_CONFIG;
		if (option == 'g')
			status = add_columns(ctx, "--group-columns", optarg, &a->group);
		if (option == 'n')
			status = add_columns(ctx, "--numeric-columns", optarg, &a->numeric);
		if (option == 's')
			a->speaker_column = optarg;
		if (option == 'S')
			a->split = optarg;
		if (option == 't')
			status = parse_threshold(
				ctx, "--threshold", optarg, &a->threshold, &a->has_threshold);
		if (option == 'p')
			status = parse_threshold(
				ctx, "--prediction-threshold", optarg, &a->cut, &a->has_cut);
		if (option == 'm')
			status = cli_int(ctx, "--min-support", optarg, 0, 1000000, &a->min_support);
		a->json = a->json || option == 'j';
		a->majority_only = a->majority_only || option == 'M';
		if (status)
			return status;
	}
	a->n_paths = argc - optind;
	if (a->n_paths < 1 || a->n_paths > 2)
		return fv_fail(ctx, FV_CONFIG,
			"audit: name one prediction file, or two to compare: see "
			"'fairvox audit --help'");
	for (int k = 0; k < a->n_paths; k++)
		a->path[k] = argv[optind + k];
	if (!a->group.n && !a->numeric.n)
		return fv_fail(ctx, FV_CONFIG,
			"audit: --group-columns is missing: for example --group-columns "
			"gender,race");
	return FV_OK;
}

/* Warns of rows whose probabilities do not sum to 1, but for rounding to two decimals. */
static void warn_of_sums(fv_ctx *ctx, const core_predictions *p)
{
	int64_t n = 0, first = 0;
	double first_sum = 0;
	for (int64_t i = 0; i < p->n; i++) {
		double sum = 0;
		for (int32_t c = 0; c < p->C; c++)
			sum += (double)p->prob[i * p->C + c];
		if (fabs(sum - 1) <= 0.005 * p->C + 1e-6)
			continue;
		if (!n++) {
			first = i;
			first_sum = sum;
		}
	}
	if (n)
		fv_warn(ctx,
			"%s:%lld: the probabilities sum to %.4g, and in %lld of %lld row%s not to "
			"1: if each class has a sigmoid of its own, say --prediction-threshold 0.5",
			p->path, (long long)p->line[first], first_sum, (long long)n,
			(long long)p->n, core_plural(p->n));
}

static fv_status read_files(fv_ctx *ctx, struct audit *a)
{
	fv_status status = core_predictions_read_split(
		ctx, a->path[0], a->speaker_column, a->split, &a->file[0]);
	if (!status && !a->has_cut)
		warn_of_sums(ctx, &a->file[0]);
	if (status || a->n_paths == 1)
		return status;
	core_predictions second;
	/* the speakers are those of the first file */
	status = core_predictions_read_split(ctx, a->path[1], NULL, a->split, &second);
	if (!status && !a->has_cut)
		warn_of_sums(ctx, &second);
	return status ? status : core_predictions_align(ctx, &a->file[0], &second, &a->file[1]);
}

/* Cleans the columns of an attribute that were not cleaned before. */
static fv_status clean_columns(fv_ctx *ctx, struct audit *a, const char *option, const char *name)
{
	const core_text_column **column;
	int32_t n = core_attribute_columns(ctx, &a->file[0], option, name, &column);
	fv_status status = n ? FV_OK : core_error_status(ctx);
	for (int32_t k = 0; k < n && !status; k++) {
		bool *cleaned = column[k] == &a->file[0].group
					? &a->cleaned_group
					: &a->cleaned[column[k] - a->file[0].attribute];
		if (column[k] == &a->file[0].speaker || *cleaned)
			continue;
		*cleaned = true;
		status = core_predictions_clean(ctx, &a->file[0], column[k]);
	}
	return status;
}

static fv_status find_attribute(
	fv_ctx *ctx, struct audit *a, const char *name, core_eval_attribute *out)
{
	static const char option[] = "--group-columns";
	fv_status status = clean_columns(ctx, a, option, name);
	if (!status)
		status = core_attribute_from_columns(
			ctx, &a->file[0], option, name, a->min_support, out);
	if (!status && core_attribute_is_raw_number(out->G, out->group))
		status = fv_fail(ctx, FV_CONFIG,
			"%s: '%s' has %d numeric values, too many for groups: bin them into a "
			"column "
			"of its own, or ask for the slope on it with --numeric-columns %s",
			option, name, (int)out->G, name);
	return status;
}

static fv_status find_attributes(fv_ctx *ctx, struct audit *a)
{
	fv_status first = FV_OK;
	size_t columns = (size_t)a->file[0].n_attributes;
	a->attribute = core_alloc(ctx, (size_t)a->group.n + 1, sizeof *a->attribute);
	a->slope = core_alloc(ctx, (size_t)a->numeric.n + 1, sizeof *a->slope);
	a->cleaned = core_alloc(ctx, columns + 1, sizeof *a->cleaned);
	if (!a->attribute || !a->slope || !a->cleaned)
		return FV_FAILED;
	for (int32_t k = 0; k < a->group.n; k++) {
		fv_status status = find_attribute(ctx, a, a->group.item[k], &a->attribute[k]);
		first = first ? first : status;
	}
	for (int32_t k = 0; k < a->numeric.n; k++) {
		static const char option[] = "--numeric-columns";
		const char *name = a->numeric.item[k];
		double *value;
		fv_status status = clean_columns(ctx, a, option, name);
		if (!status)
			status = core_number_from_column(ctx, &a->file[0], option, name, &value);
		a->slope[k] = (core_numeric_attribute){name, status ? NULL : value};
		first = first ? first : status;
	}
	return first;
}

static fv_status set_cut(fv_ctx *ctx, struct audit *a, int k)
{
	int32_t C = a->file[k].C;
	float *by_class = core_alloc(ctx, (size_t)C, sizeof *by_class);
	for (int32_t c = 0; by_class && c < C; c++)
		by_class[c] = (float)a->cut;
	return by_class ? core_predictions_set_cut(ctx, &a->file[k], by_class) : FV_FAILED;
}

static fv_status load_files(fv_ctx *ctx, struct audit *a)
{
	fv_status status = read_files(ctx, a);
	if (!status && a->file[0].speaker.value)
		status = core_predictions_clean(ctx, &a->file[0], &a->file[0].speaker);
	if (!status)
		status = find_attributes(ctx, a);
	if (status)
		return status;
	for (int k = 0; k < a->n_paths; k++) {
		if (a->has_cut && set_cut(ctx, a, k))
			return FV_FAILED;
		a->set[k] = core_predictions_set(&a->file[k]);
		a->set[k].has_threshold = a->has_threshold;
		a->set[k].threshold = (float)a->threshold;
		a->set[k].majority_only = a->majority_only;
	}
	const core_predictions *p = &a->file[0];
	a->rows = (core_eval_rows){
		.n = p->n, .speaker = p->speaker.value, .path = p->path, .line = p->line};
	return FV_OK;
}

/* Warns about the groups of an attribute that have `low` to `high` speakers, naming the first five. */
static void warn_groups(
	fv_ctx *ctx, const core_attribute_metrics *a, int64_t low, int64_t high, const char *what)
{
	core_text names = {0};
	int found = 0;
	for (int32_t g = 0; g < a->G; g++) {
		if (a->speakers[g] < low || a->speakers[g] > high)
			continue;
		if (found++ < 5)
			core_text_add(&names, "%s'%s'", found > 1 ? ", " : "", a->group[g]);
	}
	if (found > 5)
		core_text_add(&names, " and %d more", found - 5);
	if (found)
		fv_warn(ctx, "%s: %s: %s", a->name, what, names.failed ? "?" : names.data);
	core_text_free(&names);
}

static void warn_small_groups(fv_ctx *ctx, const core_metrics *m, int32_t min_speakers)
{
	char what[80];
	snprintf(what, sizeof what, "fewer than %d speakers: no intervals", (int)min_speakers);
	for (int32_t k = 0; k < m->n_attributes; k++) {
		warn_groups(ctx, &m->attribute[k], 1, 1,
			"only one speaker: the figures describe that person, not the group");
		warn_groups(ctx, &m->attribute[k], 2, min_speakers - 1, what);
	}
}

static fv_status compute_metrics(fv_ctx *ctx, struct audit *a)
{
	core_assess_options options = core_assess_default();
	options.min_support = a->min_support;
	fv_status status = FV_OK;
	for (int k = 0; k < a->n_paths && !status; k++) {
		status = core_metrics_compute(ctx, &a->set[k], a->file[0].classes, a->group.n,
			a->attribute, &a->metrics[k]);
		if (!status && a->rows.speaker)
			status = core_assess(
				ctx, &a->set[k], &a->rows, a->attribute, &options, &a->metrics[k]);
		if (!status && a->rows.speaker)
			status = core_slopes_add(ctx, &a->set[k], &a->rows, a->numeric.n, a->slope,
				&options, &a->metrics[k]);
	}
	if (status)
		return status;
	if (!a->rows.speaker) {
		if (a->n_paths == 2)
			return fv_fail(ctx, FV_CONFIG,
				"%s: no column SpkrID, which a comparison needs: name the speaker "
				"column with --speaker-column",
				a->path[0]);
		fv_warn(ctx,
			"%s: no column SpkrID, so no nulls and no intervals: name the speaker "
			"column with --speaker-column",
			a->path[0]);
		return FV_OK;
	}
	warn_small_groups(ctx, &a->metrics[0], options.min_speakers);
	if (a->n_paths == 1)
		return FV_OK;
	return core_compare(ctx, 1, &a->set[0], &a->set[1], &a->rows, a->file[0].classes,
		a->group.n, a->attribute, &options.draws, &a->comparison);
}

static fv_status print_json(fv_ctx *ctx, const struct audit *a)
{
	json_t *report = core_report_metrics(ctx, &a->metrics[0]);
	core_mark_low_support(report, a->min_support);
	if (report && a->n_paths == 2) {
		json_t *comparison = core_report_comparison(ctx, &a->comparison);
		json_t *second = core_report_metrics(ctx, &a->metrics[1]);
		core_mark_low_support(second, a->min_support);
		if (json_object_set_new(report, "comparison", comparison) ||
			json_object_set_new(report, "second", second)) {
			json_decref(report);
			return fv_fail(ctx, FV_FAILED, "cannot build the report");
		}
	}
	return cli_print_json(ctx, core_report_dump(ctx, report));
}

static fv_status print_text(fv_ctx *ctx, const struct audit *a)
{
	core_text text = {0};
	core_document *document = core_document_new(ctx);
	fv_status status = document ? FV_OK : FV_FAILED;
	for (int k = 0; k < a->n_paths && !status; k++)
		status = core_audit_tables(
			ctx, a->path[k], &a->metrics[k], a->min_support, document);
	if (!status && a->n_paths == 2)
		status = core_comparison_tables(
			ctx, a->path[0], a->path[1], &a->comparison, document);
	if (!status)
		status = core_document_write(ctx, document, CORE_TABLE_TEXT, &text);
	if (!status)
		status = cli_print(ctx, &text);
	core_document_free(document);
	core_text_free(&text);
	return status;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	struct audit a = {.min_support = 10};
	fv_status status = parse_options(ctx, argc, argv, &a);
	if (!status)
		status = load_files(ctx, &a);
	if (!status)
		status = compute_metrics(ctx, &a);
	if (!status)
		status = a.json ? print_json(ctx, &a) : print_text(ctx, &a);
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_audit = {
	.name = "audit",
	.summary = "metrics, nulls and intervals for any system's predictions",
	.usage = usage,
	.run = run,
};
