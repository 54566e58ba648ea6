/* SPDX-License-Identifier: Apache-2.0 */
/* Time limits as sbatch writes them. */
#include <math.h>

#include "config/slurm_time.h"
#include "support.h"

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double seconds; /* NAN: none */
	} rows[] = {{"90", 5400}, {"2:30", 150}, {"1:02:03", 3723}, {"1-0", 86400},
		{"2-12", 216000}, {"1-02:30", 95400}, {"1-02:30:15", 95415}, {"0", INFINITY},
		{"UNLIMITED", INFINITY}, {"infinite", INFINITY}, {"", NAN}, {"1 hour", NAN},
		{"1:2:3:4", NAN}, {"-5", NAN}, {"1-", NAN}, {"1:", NAN}, {"1.5", NAN},
		{"12345678", NAN}, {"a", NAN}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double seconds = -1;
		bool good = core_slurm_parse_time(rows[i].text, &seconds);
		assert_int_equal(good, !isnan(rows[i].seconds));
		if (good)
			assert_true(seconds == rows[i].seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_times)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
