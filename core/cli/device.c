/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include <dlfcn.h>
#include <string.h>

#include "backend/device.h"

/* The loader's text begins with the file that it did not find: the module, or a library of CUDA that the module
 * needs. */
static const char *name_remedy(const char *text)
{
	if (!strncmp(text, CORE_CUDA_MODULE ":", strlen(CORE_CUDA_MODULE ":")))
		return "install the package fairvox-cuda, or build fairvox where nvcc is";
	return "install the libraries of the CUDA Toolkit that fairvox-cuda was built with";
}

static fv_status load_module(fv_ctx *ctx, const core_device_module **out)
{
	void *handle = dlopen(CORE_CUDA_MODULE, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		const char *text = dlerror();
		return fv_fail(ctx, FV_FAILED, "cannot load %s: %s: %s", CORE_CUDA_MODULE, text,
			name_remedy(text));
	}
	const core_device_module *module = dlsym(handle, CORE_DEVICE_ENTRY);
	if (!module || module->size != sizeof *module || strcmp(module->version, FAIRVOX_VERSION))
		return fv_fail(ctx, FV_FAILED, "%s does not belong to this version of fairvox (%s)",
			CORE_CUDA_MODULE, FAIRVOX_VERSION);
	*out = module;
	return FV_OK;
}

fv_status cli_choose_device(fv_ctx *ctx, core_device_asked asked, core_device_choice *out)
{
	return core_device_choose(ctx, asked, load_module, out);
}
