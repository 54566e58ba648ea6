/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DSP_STFT_H
#define CORE_DSP_STFT_H

#include <fairvox/dsp.h>

/* Numbers of a power spectrum: half the frame's samples plus 1. */
int32_t core_stft_bins(const fv_stft *stft);

#endif
