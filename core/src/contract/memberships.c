/* SPDX-License-Identifier: Apache-2.0 */
/* What the memberships of a soft grouping must be besides numbers in range. */
#include <math.h>

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
