/* SPDX-License-Identifier: Apache-2.0 */
#include "study.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "checkpoint/safetensors_write.h"
#include "support.h"

/* Returns a number in [0, 1) that looks random. */
static double make_number(int a, int b, int c)
{
	uint32_t x = (uint32_t)(a * 7919 + b * 104729 + c * 1299709 + 12345);
	x ^= x >> 16;
	x *= 0x7feb352dU;
	x ^= x >> 15;
	x *= 0x846ca68bU;
	x ^= x >> 16;
	return x / 4294967296.0;
}

static int class_of(int s, int i)
{
	return (s + i) % TOY_CLASSES;
}

void test_toy_features(int s, int i, float *x)
{
	for (int j = 0; j < TOY_LAYERS * TOY_DIMS; j++) {
		double signal = j % TOY_DIMS == class_of(s, i) ? 1.5 : 0;
		x[j] = (float)(100.0 * j + (1 + j) * (signal + make_number(s, i, j) +
							     0.3 * make_number(s, -1, j)));
	}
}

static void write_file(const char *dir, const char *name, core_text *text)
{
	fv_ctx *ctx = test_ctx();
	assert_false(text->failed);
	test_ok(ctx, core_file_write(ctx, core_path_join(ctx, dir, name), text->data, text->size));
	core_text_free(text);
	core_ctx_free(ctx);
}

/* Writes rows in reverse order of their stems, to reveal a dependence on the order of a file. */
static void write_labels(const char *dir, int turn)
{
	core_text text = {0};
	core_text_add(&text, "FileName,angry,neutral,sad,SpkrID,Gender,Split_Set\n");
	for (int s = TOY_SPEAKERS - 1; s >= 0; s--)
		for (int i = TOY_EACH - 1; i >= 0; i--) {
			double soft = 0.1 + 0.2 * make_number(s, i, 77), p[TOY_CLASSES];
			for (int c = 0; c < TOY_CLASSES; c++)
				p[c] = c == class_of(s, i) ? 1 - soft : soft / 2;
			core_text_add(&text, "u%02d_%d.wav,%.9g,%.9g,%.9g,s%02d,%s,%s\n", s, i,
				p[0], p[1], p[2], s, (s + turn) % 2 ? "Male" : "Female",
				s < 6   ? "Train"
				: s < 9 ? "Development"
					: "Test");
		}
	write_file(dir, "labels.csv", &text);
}

static void write_speakers(const char *dir, int turn)
{
	core_text text = {0};
	core_text_add(&text, "Speaker,Race\n");
	for (int s = 0; s < TOY_SPEAKERS; s++) {
		int as = (s + turn) % TOY_SPEAKERS;
		core_text_add(&text, "s%02d,%s\n", s,
			as == 11     ? "C"
			: as == 10   ? ""
			: as / 2 % 2 ? "B"
				     : "A");
	}
	write_file(dir, "speakers.csv", &text);
}

static void write_features(const char *dir)
{
	static float x[TOY_ROWS][TOY_LAYERS * TOY_DIMS];
	static char name[TOY_ROWS][16];
	core_tensor_out tensor[TOY_ROWS];
	for (int k = 0; k < TOY_ROWS; k++) {
		int s = k / TOY_EACH, i = k % TOY_EACH;
		test_toy_features(s, i, x[k]);
		snprintf(name[k], sizeof name[k], "u%02d_%d", s, i);
		tensor[k] = (core_tensor_out){.name = name[k],
			.dtype = "F32",
			.rank = 2,
			.shape = {TOY_LAYERS, TOY_DIMS},
			.data = x[k]};
	}
	fv_ctx *ctx = test_ctx();
	test_ok(ctx, core_safetensors_write(ctx, core_path_join(ctx, dir, "features.safetensors"),
			     tensor, TOY_ROWS, NULL, 0));
	core_ctx_free(ctx);
}

void test_toy_write(const char *dir, int turn)
{
	core_text plan = {0};
	write_labels(dir, turn);
	write_speakers(dir, turn);
	write_features(dir);
	core_text_add(&plan,
		"corpus:\n"
		"  labels: labels.csv\n"
		"  attributes: {file: speakers.csv, speaker: Speaker, columns: {race: Race}}\n"
		"encoder: {name: precomputed, file: features.safetensors}\n"
		"loss: {name: erm}\n"
		"head: {projection: 5}\n"
		"train: {epochs: 3, batch: 16, learning_rate: 0.01}\n"
		"eval: {attributes: [gender]}\n");
	write_file(dir, "plan.yaml", &plan);
}

core_study *test_toy_open(
	fv_ctx *ctx, const char *dir, const char *plugins, size_t n, const char *const *override)
{
	core_registry *registry;
	core_config *config;
	core_study *study;
	char *words[8];
	assert_true(n <= 8);
	for (size_t i = 0; i < n; i++)
		words[i] = core_strdup(ctx, override[i]);
	test_ok(ctx, core_registry_open(ctx, &plugins, plugins ? 1 : 0, &registry));
	test_ok(ctx, core_config_load(ctx, registry, core_path_join(ctx, dir, "plan.yaml"), words,
			     n, CORE_NEED_RUN, &config));
	const core_study_options options = {.results = core_path_join(ctx, dir, "results"),
		.cache = core_path_join(ctx, dir, "cache"),
		.keep_waves = true};
	test_ok(ctx, core_study_open(ctx, config, &options, &study));
	const core_encode_job job = {.cache = options.cache, .jobs = 1};
	test_ok(ctx, core_study_load(ctx, study, &job));
	return study;
}
