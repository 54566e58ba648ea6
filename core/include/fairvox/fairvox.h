/* SPDX-License-Identifier: Apache-2.0 */
/* All public headers of fairvox: everything a plugin may use. */
#ifndef FAIRVOX_FAIRVOX_H
#define FAIRVOX_FAIRVOX_H

#include <fairvox/abi.h>
#include <fairvox/checkpoint.h>
#include <fairvox/context.h>
#include <fairvox/csv.h>
#include <fairvox/dsp.h>
#include <fairvox/encoder.h>
#include <fairvox/grouper.h>
#include <fairvox/linear.h>
#include <fairvox/loss.h>
#include <fairvox/networks.h>
#include <fairvox/nn.h>
#include <fairvox/pack.h>
#include <fairvox/param.h>
#include <fairvox/plugin.h>
#include <fairvox/stages.h>
#include <fairvox/status.h>
#include <fairvox/stream.h>
#include <fairvox/trunk.h>
#include <fairvox/vector.h>

#endif
