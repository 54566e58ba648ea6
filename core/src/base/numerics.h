/* SPDX-License-Identifier: Apache-2.0 */
/* Raised by every change to the core that can change a number: cached features and finished runs of
 * another value are computed again. Plugin files are hashed and need no such number. */
#ifndef CORE_BASE_NUMERICS_H
#define CORE_BASE_NUMERICS_H

#define CORE_NUMERICS 3

#endif
