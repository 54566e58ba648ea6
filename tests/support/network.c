/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "base/file.h"

test_network test_network_load(fv_ctx *ctx, const char *golden)
{
	test_network net = {.n = 0};
	fv_checkpoint *file;
	test_ok(ctx, fv_checkpoint_open(ctx, test_golden(golden), &file));
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		const bool is_float = !strcmp(t->dtype, "F32");
		assert_true(net.n < TEST_TENSORS && (is_float || !strcmp(t->dtype, "I64")));
		core_tensor_out *out = &net.tensor[net.n++];
		/* with space for larger shapes */
		float *data = core_alloc(ctx, (size_t)t->count * 4, sizeof *data);
		if (is_float)
			test_ok(ctx, fv_tensor_to_f32(ctx, t, data));
		else
			memcpy(data, t->data, (size_t)t->count * sizeof(int64_t));
		*out = (core_tensor_out){
			core_strdup(ctx, t->name), core_strdup(ctx, t->dtype), t->rank, {0}, data};
		memcpy(out->shape, t->shape, (size_t)t->rank * sizeof *t->shape);
	}
	fv_checkpoint_close(file);
	return net;
}

core_tensor_out *test_network_find(test_network *net, const char *name)
{
	for (size_t i = 0; i < net->n; i++)
		if (!strcmp(net->tensor[i].name, name))
			return &net->tensor[i];
	fail_msg("no tensor '%s'", name);
	return NULL;
}

size_t test_network_size(const core_tensor_out *t)
{
	size_t n = 1;
	for (int32_t d = 0; d < t->rank; d++)
		n *= (size_t)t->shape[d];
	return n;
}

void test_network_drop(test_network *net, size_t i)
{
	memmove(&net->tensor[i], &net->tensor[i + 1], (--net->n - i) * sizeof *net->tensor);
}

const char *test_network_write(fv_ctx *ctx, const test_network *net, const char *config,
	const char *preprocessor, const core_meta_out *meta, size_t n_meta)
{
	static char folder[4200];
	if (!*folder)
		snprintf(folder, sizeof folder, "%s", test_folder("network"));
	const char *names[] = {"config.json", "preprocessor_config.json"};
	const char *texts[] = {config, preprocessor};
	for (int i = 0; i < 2; i++) {
		const char *path = core_format(ctx, "%s/%s", folder, names[i]);
		if (texts[i])
			test_ok(ctx, core_file_write(ctx, path, texts[i], strlen(texts[i])));
		else
			assert_true(!remove(path) || errno == ENOENT);
	}
	const char *path = core_format(ctx, "%s/model.safetensors", folder);
	test_ok(ctx, core_safetensors_write(ctx, path, net->tensor, net->n, meta, n_meta));
	return path;
}
