/* SPDX-License-Identifier: Apache-2.0 */
/* What the memberships of a soft grouping must be besides numbers in range. */
#include <math.h>

#include "base/number.h"
#include "contract/suite.h"

/* What rounding may add: products with other numbers of rows are summed in another order. */
#define ROUNDING 1e-4

bool contract_compare_memberships(
	struct contract *c, int32_t row, int32_t groups, const float *alone, const float *among)
{
	int32_t g = 0;
	double a = 0, b = 0;
	for (; g < groups; g++) {
		a = (double)alone[g];
		b = (double)among[g];
		if (fabs(a - b) > ROUNDING * fmax(1, fabs(b)))
			break;
	}
	contract_classify(c, "memberships", NULL);
	bool same = contract_expect(c, g == groups, "independence",
		"row %d has membership %g in group %d alone and %g among others", row, a, g, b);
	contract_classify(c, NULL, NULL);
	return same;
}

/* The first row of which `is_odd` says so; n: none. Rows without a group are not looked at. */
static int32_t find_row(const int32_t *id, const float *member, int32_t n, int32_t groups,
	bool (*is_odd)(const float *member, int32_t groups, int32_t id))
{
	int32_t i = 0;
	while (i < n && (id[i] < 0 || !is_odd(member + (int64_t)i * groups, groups, id[i])))
		i++;
	return i;
}

static int32_t find_largest(const float *member, int32_t groups)
{
	int32_t largest = 0;
	for (int32_t g = 1; g < groups; g++)
		largest = member[g] > member[largest] ? g : largest;
	return largest;
}

static bool is_other_group(const float *member, int32_t groups, int32_t id)
{
	return member[id] < member[find_largest(member, groups)];
}

static double sum_memberships(const float *member, int32_t groups)
{
	double sum = 0;
	for (int32_t g = 0; g < groups; g++)
		sum += (double)member[g];
	return sum;
}

static bool is_other_sum(const float *member, int32_t groups, int32_t id)
{
	(void)id;
	return fabs(sum_memberships(member, groups) - 1) > CORE_PROBABILITY_EXCESS;
}

void contract_note_probabilities(struct contract *c, const int32_t *id, const float *member,
	int32_t n, int32_t groups, bool pooled)
{
	int32_t i = find_row(id, member, n, groups, is_other_group);
	if (i < n) {
		const float *row = member + (int64_t)i * groups;
		int32_t largest = find_largest(row, groups);
		contract_note(c, "assign",
			"row %d is in group %d with probability %g, and group %d has %g: are "
			"memberships in the order of the ids?",
			i, id[i], (double)row[id[i]], largest, (double)row[largest]);
	}
	i = pooled ? n : find_row(id, member, n, groups, is_other_sum);
	if (i < n)
		contract_note(c, "assign",
			"the probabilities of row %d sum to %g, not 1: right only if the "
			"classifier knows other groups, or several at once",
			i, sum_memberships(member + (int64_t)i * groups, groups));
}
