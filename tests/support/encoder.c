/* SPDX-License-Identifier: Apache-2.0 */
#include "encoder.h"

#include <dirent.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/params.h"
#include "contract/contract.h"
#include "device.h"
#include "nn/encode.h"
#include "plugin/registry.h"

test_encoder test_encoder_open(const char *name)
{
	test_encoder e = {.ctx = test_ctx(), .info = {.size = sizeof e.info}};
	core_registry *registry;
	test_ok(e.ctx, core_registry_open(e.ctx, NULL, 0, &registry));
	const core_plugin *plugin = core_registry_find(registry, FV_ENCODER, name);
	if (!plugin)
		fail_msg("no encoder '%s'", name);
	e.ops = plugin->descriptor->ops;
	e.state = core_alloc(e.ctx, 1, plugin->descriptor->state_size);
	test_ok(e.ctx, core_params_default(e.ctx, plugin->descriptor, "paper", e.state));
	test_ok(e.ctx, e.ops->open(e.state, e.ctx, NULL));
	test_ok(e.ctx, e.ops->info(e.state, e.ctx, &e.info));
	return e;
}

void test_encoder_close(test_encoder *encoder)
{
	if (encoder->ops->close)
		encoder->ops->close(encoder->state);
	core_ctx_free(encoder->ctx);
}

fv_status test_encode(const fv_encoder_ops *ops, const void *state, fv_ctx *worker, int32_t output,
	const float *wave, int64_t n, int32_t pooled, float *out)
{
	const core_encode_call call = {ops, state, output, pooled};
	return core_encode_wave(&call, worker, test_device(), wave, n, out);
}

float *test_encoder_run(const test_encoder *e, int32_t output, const float *wave, int64_t n)
{
	const fv_output *o = &e->info.outputs[output];
	size_t size = (size_t)o->layers * (size_t)o->dims;
	float *out = malloc(size * sizeof *out);
	assert_non_null(out);
	fv_ctx *worker = test_ctx();
	assert_true(n >= e->info.min_samples);
	test_ok(worker, test_encode(e->ops, e->state, worker, output, wave, n, 1, out));
	for (size_t i = 0; i < size; i++)
		if (!isfinite(out[i]))
			fail_msg("column %s is %g", o->columns ? o->columns[i] : "?",
				(double)out[i]);
	core_ctx_free(worker);
	return out;
}

fv_status test_encoder_with(fv_ctx *ctx, const core_registry *registry, const char *name,
	const char *weights, const char *output, const char *param, core_encoder **out)
{
	core_encoder_spec *spec = core_alloc(ctx, 1, sizeof *spec);
	char *params[1] = {param ? core_strdup(ctx, param) : NULL};
	fv_status status = core_encoder_from_flags(
		ctx, registry, name, weights, output, params, param != NULL, spec);
	return status ? status : core_encoder_open(ctx, spec, NULL, out);
}

int32_t test_encoder_column(const test_encoder *e, int32_t output, const char *name)
{
	const fv_output *o = &e->info.outputs[output];
	for (int32_t i = 0; i < o->dims; i++)
		if (!strcmp(o->columns[i], name))
			return i;
	fail_msg("no column '%s'", name);
	return -1;
}

double test_encoder_value(const test_encoder *e, int32_t output, const float *out, const char *name)
{
	return (double)out[test_encoder_column(e, output, name)];
}

static int is_flac(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot && !strcmp(dot, ".flac");
}

static void read_flac(const char *folder, test_recording *r)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, r->name);
	SF_INFO info = {0};
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	if (!file || info.channels != 1 || info.samplerate != 16000)
		fail_msg("%s: not a mono recording at 16 kHz", path);
	r->wave = malloc((size_t)info.frames * sizeof *r->wave);
	r->n = info.frames;
	assert_int_equal(sf_readf_float(file, r->wave, info.frames), info.frames);
	sf_close(file);
}

test_recordings test_ravdess(void)
{
	const char *folder = test_shared("corpora/ravdess/audio");
	struct dirent **list;
	int n = scandir(folder, &list, is_flac, alphasort);
	assert_true(n > 0);
	test_recordings all = {n, calloc((size_t)n, sizeof *all.at)};
	for (int i = 0; i < n; i++) {
		snprintf(all.at[i].name, sizeof all.at[i].name, "%s", list[i]->d_name);
		read_flac(folder, &all.at[i]);
		free(list[i]);
	}
	free(list);
	return all;
}

void test_recordings_free(test_recordings *recordings)
{
	for (int32_t i = 0; i < recordings->n; i++)
		free(recordings->at[i].wave);
	free(recordings->at);
}

void test_encoder_contract(const char *name, const char *weights)
{
	fv_ctx *ctx = test_ctx();
	core_registry *r;
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
	const core_plugin *plugin = core_registry_find(r, FV_ENCODER, name);
	assert_non_null(plugin);
	core_contract_options options = {.profile = "paper", .weights = weights};
	core_contract result;
	test_ok(ctx, core_contract_check(ctx, plugin->descriptor, &options, &result));
	for (size_t i = 0; i < result.n; i++) {
		const core_finding *f = &result.finding[i];
		print_message("%s: %s\n", f->check, f->text);
		assert_true(!f->fault && strstr(f->text, "precision: tf32: refused"));
	}
	assert_true(result.n <= 1 && result.n_checks > 20);
	core_ctx_free(ctx);
}
