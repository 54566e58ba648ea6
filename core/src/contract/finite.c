/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "contract/suite.h"

bool contract_is_finite_f32(const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return false;
	return true;
}

bool contract_is_finite_f64(const double *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return false;
	return true;
}
