/* SPDX-License-Identifier: Apache-2.0 */
#include "parity.h"

#include <math.h>
#include <stdlib.h>

#include "support.h"

void test_worst(const char *key, double worst, double allowed, double own)
{
	if (!(worst <= allowed))
		fail_msg("%s: %g, allowed %g (PyTorch %g)", key, worst, allowed, own);
	const char *verbose = getenv("FAIRVOX_VERBOSE");
	if (verbose && *verbose)
		print_message("%s: %g (PyTorch %g)\n", key, worst, own);
}

void test_parity(
	const json_t *tolerances, const char *key, const float *got, const double *want, int64_t n)
{
	const json_t *t = json_object_get(tolerances, key);
	if (!t)
		fail_msg("no tolerance for '%s'", key);
	double own = json_number_value(json_object_get(t, "max_abs_diff"));
	double rms = json_number_value(json_object_get(t, "rms_of_reference"));
	double worst = 0;
	for (int64_t i = 0; i < n; i++) {
		double difference = fabs((double)got[i] - want[i]);
		worst = difference > worst || isnan(difference) ? difference : worst;
	}
	test_worst(key, worst, fmax(2 * own, 2e-6 * rms), own);
}
