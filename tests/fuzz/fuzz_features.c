/* SPDX-License-Identifier: Apache-2.0 */
/* Features that another program wrote, and the names of its rows, behind a line of "====": the precomputed encoder opens
 * them, and looks a recording up. The first byte chooses the name of the file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "plugin.h"

static void look_up(test_plugin *p)
{
	const fv_encoder_ops *ops = p->ops;
	fv_encoder_info info;
	fuzz_require(!ops->info(p->state, p->ctx, &info), "open features without outputs");
	size_t n = (size_t)info.outputs[0].layers * (size_t)info.outputs[0].dims;
	float *out = calloc(n + 1, sizeof *out);
	fuzz_require(out != NULL, "out of memory");
	fv_status status = ops->lookup(p->state, p->ctx, 0, "a", 1, out);
	fuzz_check_status(p->ctx, status);
	for (size_t i = 0; !status && i < n; i++)
		fuzz_require(isfinite(out[i]), "a number that is not finite");
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = {"x.csv", "x.npy", "x.npz", "x.safetensors"};
	char path[512];
	if (!size)
		return 0;
	const char *names[] = {files[data[0] % 4], "x.txt"};
	fuzz_write_parts(data + 1, size - 1, names, 2);
	snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), names[0]);
	test_plugin p = test_plugin_open("precomputed");
	const fv_encoder_ops *ops = p.ops;
	test_plugin_set(&p, "file", path);
	fv_status status = ops->open(p.state, p.ctx, NULL);
	fuzz_check_status(p.ctx, status);
	if (!status)
		look_up(&p);
	test_plugin_close(&p);
	return 0;
}
