/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX instructions under the names of amx_tile.h; compiled for AMX. */
#if defined(__x86_64__)
#include <immintrin.h>

#define amx_config(p) _tile_loadconfig(p)
#define amx_release() _tile_release()
#define amx_zero(t) _tile_zero(t)
#define amx_load(t, p, stride) _tile_loadd(t, p, stride)
#define amx_store(t, p, stride) _tile_stored(t, p, stride)
#define amx_dot(c, a, b) _tile_dpbf16ps(c, a, b)

#include "backend/amx_tile.h"
#include "backend/kernels_private.h"

const core_tiles core_tiles_amx = AMX_TILES;
#else
typedef int core_tiles_amx_none;
#endif
