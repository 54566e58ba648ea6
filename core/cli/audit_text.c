/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/few.h"

#define NAME_WIDTH 16
#define CELL_WIDTH 26
#define DIFFERENCE_WIDTH 32

/* Characters, not bytes, so that columns line up. */
static int width_of(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void left(const char *text, int width)
{
	int pad = width - width_of(text);
	printf("%s%*s", text, pad > 0 ? pad : 0, "");
}

static void number(double value, int width, const char *format)
{
	char text[32];
	snprintf(text, sizeof text, format, value);
	printf("%*s", width, isnan(value) ? "undefined" : text);
}

/* "0.719 (0.571 to 0.862)", without the interval where there is none; a star behind a figure that
 * rests on few */
static void cell(const core_estimate *e, bool few, int width)
{
	char text[64];
	const char *star = few ? " *" : "";
	if (isnan(e->value))
		snprintf(text, sizeof text, "undefined");
	else if (isnan(e->low))
		snprintf(text, sizeof text, "%.3f%s", e->value, star);
	else
		snprintf(text, sizeof text, "%.3f (%.3f to %.3f)%s", e->value, e->low, e->high,
			star);
	left(text, width);
}

static void line(const char *name, const core_estimate *e)
{
	left(name, NAME_WIDTH);
	cell(e, false, 0);
	putchar('\n');
}

static void print_groups(const core_attribute_metrics *a)
{
	printf("\n%s\n", a->name);
	for (int32_t g = 0; g < a->G; g++) {
		printf("  ");
		left(a->group[g], NAME_WIDTH);
		printf(" %7lld rows", (long long)a->rows[g]);
		if (a->speakers)
			printf(", %lld speaker%s", (long long)a->speakers[g],
				a->speakers[g] == 1 ? "" : "s");
		putchar('\n');
	}
	if (a->unknown_rows) {
		printf("  ");
		left("unknown", NAME_WIDTH);
		printf(" %7lld rows, left out\n", (long long)a->unknown_rows);
	}
}

static void print_gaps(const core_attribute_metrics *a, int32_t C, int64_t least)
{
	bool nulls = false;
	for (int k = CORE_TPR_GAP; k <= CORE_EO_MAX; k++)
		nulls = nulls || !isnan(a->metric[k].p);
	putchar('\n');
	left("", NAME_WIDTH);
	printf("%9s%s\n", "value", nulls ? "  null mean   null 95%     excess         p" : "");
	for (int k = CORE_TPR_GAP; k <= CORE_EO_MAX; k++) {
		const core_estimate *e = &a->metric[k];
		left(core_metric_at((core_metric_id)k)->name, NAME_WIDTH);
		number(e->value, 9, "%.3f");
		if (!isnan(e->p)) {
			number(e->null_mean, 11, "%.3f");
			number(e->null_p95, 11, "%.3f");
			number(e->excess, 11, "%+.3f");
			number(e->p, 10, "%.4f");
		}
		puts(core_few_gap(a, C, (core_metric_id)k, least) ? " *" : "");
	}
	left("worst_group_f1", NAME_WIDTH);
	number(a->metric[CORE_WORST_GROUP_F1].value, 9, "%.3f");
	putchar('\n');
}

/* A line of one entry for each group that is there; columns are as wide as the widest name, the
 * last is not padded. */
struct columns {
	const core_attribute_metrics *a;
	int32_t last;
	int width;
	int64_t least;
};

static struct columns columns_of(const core_attribute_metrics *a, int64_t least)
{
	struct columns t = {a, -1, CELL_WIDTH, least};
	for (int32_t g = 0; g < a->G; g++) {
		if (width_of(a->group[g]) + 2 > t.width)
			t.width = width_of(a->group[g]) + 2;
		if (a->rows[g])
			t.last = g;
	}
	return t;
}

static void heading(const struct columns *t, const char *name)
{
	left(name, NAME_WIDTH);
	for (int32_t g = 0; g < t->a->G; g++)
		if (t->a->rows[g])
			left(t->a->group[g], g == t->last ? 0 : t->width);
	putchar('\n');
}

static void rates(const struct columns *t, const char *name, int32_t c)
{
	const core_attribute_metrics *a = t->a;
	left(name, NAME_WIDTH);
	for (int32_t g = 0; g < a->G; g++) {
		int32_t at = c * a->G + g;
		bool few = core_metric_low_support(
			CORE_TPR_GAP, a->rows[g], a->positives[at], t->least);
		if (a->rows[g])
			cell(&a->tpr[at], few, g == t->last ? 0 : t->width);
	}
	putchar('\n');
}

static void values(const struct columns *t, const char *name, const double *value, size_t stride)
{
	left(name, NAME_WIDTH);
	for (int32_t g = 0; g < t->a->G; g++) {
		core_estimate e = core_estimate_of(*value);
		if (t->a->rows[g])
			cell(&e, false, g == t->last ? 0 : t->width);
		value = (const double *)((const char *)value + stride);
	}
	putchar('\n');
}

/* TPR of one group less that of another, class by class, of the pairs that fit beside each other. */
static void print_differences(const core_metrics *m, const core_attribute_metrics *a)
{
	if (!a->n_differences)
		return;
	putchar('\n');
	if (a->n_differences > 3) {
		printf("TPR differences of %d pairs of groups: see --json\n",
			(int)a->n_differences);
		return;
	}
	left("TPR, less TPR", NAME_WIDTH);
	for (int32_t k = 0; k < a->n_differences; k++) {
		char name[128];
		const core_tpr_difference *d = &a->difference[k];
		snprintf(name, sizeof name, "%s - %s", a->group[d->g], a->group[d->h]);
		left(name, k + 1 < a->n_differences ? DIFFERENCE_WIDTH : 0);
	}
	putchar('\n');
	for (int32_t c = 0; c < m->C; c++) {
		left(m->classes[c], NAME_WIDTH);
		for (int32_t k = 0; k < a->n_differences; k++)
			cell(&a->difference[k].value[c], false,
				k + 1 < a->n_differences ? DIFFERENCE_WIDTH : 0);
		putchar('\n');
	}
}

static void print_rates(const core_metrics *m, const core_attribute_metrics *a, int64_t least)
{
	struct columns t = columns_of(a, least);
	if (t.last < 0)
		return;
	putchar('\n');
	heading(&t, "TPR");
	for (int32_t c = 0; c < m->C; c++)
		rates(&t, m->classes[c], c);
	values(&t, "F1", a->group_f1, sizeof *a->group_f1);
	values(&t, "ACC", a->group_acc, sizeof *a->group_acc);
	values(&t, "AUC", &a->sharpness[0].auc, sizeof *a->sharpness);
}

static bool any_few(const core_metrics *m, int64_t least)
{
	for (int32_t k = 0; k < m->n_attributes; k++)
		for (int s = CORE_TPR_GAP; s <= CORE_EO_MAX; s++)
			if (core_few_gap(&m->attribute[k], m->C, (core_metric_id)s, least))
				return true;
	return false;
}

static void print_undefined(const core_metrics *m)
{
	if (m->n_undefined)
		puts("\nundefined");
	for (int32_t i = 0; i < m->n_undefined; i++) {
		const core_undefined *u = &m->undefined[i];
		printf("  %s", u->metric);
		if (u->attribute)
			printf(", %s", u->attribute);
		if (u->class_name)
			printf(", %s", u->class_name);
		if (u->group)
			printf(", %s", u->group);
		printf(": %s\n", u->reason);
	}
}

void audit_print(const char *path, const core_metrics *m, int64_t least)
{
	printf("%s\n  %lld rows", path, (long long)m->n);
	if (m->n_speakers)
		printf(", %d speaker%s", (int)m->n_speakers, m->n_speakers == 1 ? "" : "s");
	printf(", %d classes; positive above %.9g", (int)m->C, (double)m->threshold);
	if (m->draws)
		printf("; %lld draws", (long long)m->draws);
	puts("\n");
	line("F1", &m->metric[CORE_F1]);
	line("ACC", &m->metric[CORE_ACC]);
	core_estimate auc = core_estimate_of(m->sharpness.auc);
	line("AUC", &auc);
	left("labels a row", NAME_WIDTH);
	printf("%.3f predicted, %.3f true\n", m->sharpness.labels_predicted,
		m->sharpness.labels_true);
	for (int32_t k = 0; k < m->n_attributes; k++) {
		print_groups(&m->attribute[k]);
		print_gaps(&m->attribute[k], m->C, least);
		print_rates(m, &m->attribute[k], least);
		print_differences(m, &m->attribute[k]);
	}
	if (any_few(m, least))
		printf("\n* rests on a cell of class and group with fewer than %lld positives "
		       "(negatives for an\n  FPR, rows for a DP gap)\n",
			(long long)least);
	print_undefined(m);
}

static void print_difference(const char *name, const core_estimate *e)
{
	left(name, NAME_WIDTH);
	number(e->value, 9, "%+.3f");
	if (!isnan(e->low))
		printf("  %+.3f to %+.3f", e->low, e->high);
	else
		printf("%18s", "");
	if (!isnan(e->p))
		number(e->p, 10, "%.4f");
	putchar('\n');
}

static void print_levelling(const core_comparison *m, const core_attribute_comparison *a)
{
	puts("\nTPR of the groups that are best and worst in B, change to A");
	for (int32_t c = 0; c < m->C; c++) {
		const core_level_change *level = &a->levelling.per_class[c];
		left(m->classes[c], NAME_WIDTH);
		if (level->best < 0)
			puts("undefined");
		else
			printf("%s %+.3f, %s %+.3f%s\n", a->group[level->best], level->best_change,
				a->group[level->worst], level->worst_change,
				level->flag ? "  levelled down" : "");
	}
	const core_level_change *mean = &a->levelling.mean;
	if (!isnan(mean->best_change)) {
		left("mean", NAME_WIDTH);
		printf("best %+.3f, worst %+.3f%s\n", mean->best_change, mean->worst_change,
			mean->flag ? "  levelled down" : "");
	}
}

void audit_print_comparison(const char *path_a, const char *path_b, const core_comparison *m)
{
	printf("A - B, A = %s, B = %s\n\n", path_a, path_b);
	left("", NAME_WIDTH);
	printf("%9s  %16s%10s\n", "value", "95% interval", "p");
	print_difference("F1", &m->metric[CORE_F1]);
	print_difference("ACC", &m->metric[CORE_ACC]);
	for (int32_t k = 0; k < m->n_attributes; k++) {
		const core_attribute_comparison *a = &m->attribute[k];
		printf("\n%s\n", a->name);
		for (int s = CORE_TPR_GAP; s <= CORE_EO_MAX; s++)
			print_difference(core_metric_at((core_metric_id)s)->name, &a->metric[s]);
		print_levelling(m, a);
	}
}
