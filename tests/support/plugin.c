/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/params.h"
#include "plugin/descriptor.h"

test_plugin test_plugin_open(const char *name)
{
	const char *folder = getenv("FAIRVOX_PLUGIN_PATH");
	char path[4096];
	assert_non_null(folder);
	snprintf(path, sizeof path, "%.*s/%s.so", (int)strcspn(folder, ":"), folder, name);
	test_plugin p = {.ctx = test_ctx(), .handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
	if (!p.handle)
		fail_msg("%s", dlerror());
	fv_entry entry;
	*(void **)&entry = dlsym(p.handle, FV_ENTRY_SYMBOL);
	assert_non_null(entry);
	p.descriptor = entry();
	assert_non_null(p.descriptor);
	assert_string_equal(p.descriptor->name, name);
	assert_int_equal(p.descriptor->abi, FV_ABI);
	p.ops = p.descriptor->ops;
	p.state = calloc(1, p.descriptor->state_size ? p.descriptor->state_size : 1);
	assert_non_null(p.state);
	test_ok(p.ctx, core_params_default(p.ctx, p.descriptor, "paper", p.state));
	core_ctx_set_plugin(p.ctx, p.descriptor->name);
	return p;
}

void test_plugin_set(test_plugin *plugin, const char *param, const char *text)
{
	const fv_param *found = core_param_find(plugin->descriptor, param);
	assert_non_null(found);
	test_ok(plugin->ctx, core_param_set(plugin->ctx, found, found->name, plugin->state, text));
}

void test_plugin_done(test_plugin *plugin)
{
	core_scratch_reset(plugin->ctx);
}

void test_plugin_close(test_plugin *plugin)
{
	void (*close)(void *) = NULL;
	switch (plugin->descriptor->kind) {
	case FV_ENCODER:
		close = ((const fv_encoder_ops *)plugin->ops)->close;
		break;
	case FV_GROUPER:
		close = ((const fv_grouper_ops *)plugin->ops)->close;
		break;
	case FV_LOSS:
		close = ((const fv_loss_ops *)plugin->ops)->close;
		break;
	}
	if (close)
		close(plugin->state);
	free(plugin->state);
	core_ctx_free(plugin->ctx);
}

fv_status test_plugin_fit(test_plugin *plugin, const fv_grouper_input *table)
{
	const fv_grouper_ops *ops = plugin->ops;
	fv_grouping grouping = {.size = sizeof grouping};
	return ops->fit(plugin->state, plugin->ctx, table, &grouping);
}
