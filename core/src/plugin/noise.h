/* SPDX-License-Identifier: Apache-2.0 */
/* Output of plugins on standard output, which belongs to the program's results: it is caught in
 * memory, so that it can be told and never mixes with them. */
#ifndef CORE_PLUGIN_NOISE_H
#define CORE_PLUGIN_NOISE_H

#include <stdbool.h>
#include <stddef.h>

/* From here on, catches all standard output of this process, a worker. */
void core_noise_catch(void);

/* Catches standard output from core_noise_begin to core_noise_end. */
void core_noise_begin(void);
void core_noise_end(void);

/* Returns true if something was caught since the last call, and writes the start of it to `line`. */
bool core_noise_read(char *line, size_t size);

#endif
