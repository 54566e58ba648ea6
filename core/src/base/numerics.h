/* SPDX-License-Identifier: Apache-2.0 */
/* Raised whenever a change to the core can change a number: cached features and finished runs of
 * another version are computed again. Plugins need no such number, their files are hashed. */
#ifndef CORE_BASE_NUMERICS_H
#define CORE_BASE_NUMERICS_H

#define CORE_NUMERICS 2

#endif
