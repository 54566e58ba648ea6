/* SPDX-License-Identifier: Apache-2.0 */
/* Times as label files write them. */
#include "support.h"

#include "corpus/seconds.h"

static void times_become_seconds(void **state)
{
	static const struct {
		const char *text;
		double seconds;
	} cases[] = {{"0", 0}, {"1.25", 1.25}, {" 7 ", 7}, {"2s", 2}, {"250ms", 0.25},
		{"1.5 min", 90}, {"2h", 7200}, {"1e3us", 0.001}, {"0 days 00:00:01.250000", 1.25},
		{"0 days", 0}, {"1 day 00:00:00", 86400}, {"0 days 02:03:04", 7384},
		{"0 days 00:00:01.877812500", 1.8778125}, {"00:20:57,256", 1257.256},
		{"01:02.5", 62.5}, {"90:00", 5400}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double seconds = -1;
		if (!core_parse_seconds(cases[i].text, &seconds))
			fail_msg("'%s' is refused", cases[i].text);
		test_close(seconds, cases[i].seconds, 1e-12);
	}
}

static void other_texts_are_refused(void **state)
{
	static const char *const cases[] = {"", " ", "NaT", "-1", "-1 days 00:00:01", "1:2:3:4",
		"00:61:00", "00:00:60", "1 week", "3 days ago", "0 days 5", "x", "1,5", "inf",
		"nan", "0x10", "1..2:3", ":", "::", "5e", "0 days 00:00:-1"};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double seconds = -1;
		if (core_parse_seconds(cases[i], &seconds))
			fail_msg("'%s' is read as %g s", cases[i], seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_become_seconds),
		cmocka_unit_test(other_texts_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
