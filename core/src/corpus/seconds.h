/* SPDX-License-Identifier: Apache-2.0 */
/* Times within a recording, as label files write them. */
#ifndef CORE_CORPUS_SECONDS_H
#define CORE_CORPUS_SECONDS_H

#include <stdbool.h>

/* Reads a time of at least 0 as seconds: a number (of seconds), a number with a unit (s, ms, us, ns,
 * min, h), a clock time (01:02.5, 00:01:02,500) or pandas' timedelta (0 days 00:01:02.500000).
 * False: none of these. */
bool core_parse_seconds(const char *text, double *out);

#endif
