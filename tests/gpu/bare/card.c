/* SPDX-License-Identifier: Apache-2.0 */
/* What tests ask the emulated GPU for, where the GPU is a real one. */
#include "emulated.h"

emulated_gpu emulated;

void emulated_reset(void)
{
}
