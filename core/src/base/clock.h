/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

/* Seconds since an arbitrary start; never goes backwards. */
double core_clock_s(void);

#endif
