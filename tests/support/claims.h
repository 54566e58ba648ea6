/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of a paper, for tests. */
#ifndef TEST_CLAIMS_H
#define TEST_CLAIMS_H

#include "report/claims.h"
#include "support.h"

/* Writes the text into a file claims.yaml, and reads it. */
fv_status test_claims_read(fv_ctx *ctx, const char *text, core_claims *out);

#endif
