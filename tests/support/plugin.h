/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a plugin of this build as the core does: dlopen, entry point, and a zeroed state with the
 * defaults of profile paper. */
#ifndef TEST_PLUGIN_H
#define TEST_PLUGIN_H

#include <fairvox/fairvox.h>

#include "support.h"

typedef struct test_plugin {
	fv_ctx *ctx;
	const fv_descriptor *descriptor;
	const void *ops;
	void *state;
	void *handle;
} test_plugin;

/* Loads a plugin from the first folder of $FAIRVOX_PLUGIN_PATH; fails the test if it cannot be
 * loaded. */
test_plugin test_plugin_open(const char *name);
void test_plugin_set(test_plugin *plugin, const char *param, const char *text);
/* Calls the op fit of a grouper, whose groups are dropped. */
fv_status test_plugin_fit(test_plugin *plugin, const fv_grouper_input *table);
/* Reclaims scratch memory, as the core does after every op. */
void test_plugin_done(test_plugin *plugin);
void test_plugin_close(test_plugin *plugin); /* calls the op close; the file is not unloaded */

#endif
