/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_suite STEP [--small] [--fixtures FOLDER] [--network NAME] [--rows N]: one step on the first GPU. Exit status 1 if
 * something is wrong. tests/gpu/run builds it and runs all steps. */
#include "suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulated.h"

extern const core_device_module fairvox_device_module;

const char *const suite_precisions[4] = {"fp32", "bf16x3", "bf16", "tf32"};
const char *const suite_networks[NETWORKS] = {"base-plus", "large", "ecapa", "ge2e"};

void suite_row(suite *s, const char *what, double value, double limit, const char *unit)
{
	if (limit < 0)
		printf("row\t%s\t%.4g\t-\t%s\n", what, value, unit);
	else
		printf("row\t%s\t%.4g\t%.4g\t%s\n", what, value, limit, unit);
	if (limit >= 0 && !(value <= limit))
		suite_fault(s, "%s: %.4g %s, allowed %.4g", what, value, unit, limit);
	fflush(stdout);
}

void suite_note(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("note\t", stdout);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

void suite_fault(suite *s, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("fault\t", stdout);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	s->faults++;
}

bool suite_open(suite *s, int64_t rows, fv_ctx **ctx, core_device **device)
{
	*device = NULL;
	*ctx = core_ctx_new();
	if (*ctx && !fairvox_device_module.open(*ctx, 0, rows, device)) {
		core_ctx_set_device(*ctx, *device);
		return true;
	}
	suite_fault(s, "%s", *ctx ? core_error_line(*ctx, 0) : "out of memory");
	core_ctx_free(*ctx);
	return false;
}

void suite_close(fv_ctx *ctx, core_device *device)
{
	fairvox_device_module.close(device);
	core_ctx_free(ctx);
}

/* Opens the GPU and tells what it is. */
static void open_card(suite *s)
{
	fv_ctx *ctx;
	core_device *device;
	if (!suite_open(s, s->rows, &ctx, &device))
		return;
	suite_note("%s", fairvox_device_module.numerics(device));
	suite_close(ctx, device);
}

static const suite_step steps[] = {
	{"card", open_card},
	{"ops", suite_ops},
	{"places", suite_places},
	{"encoders", suite_encoders},
	{"speed", suite_speed},
	{"memory", suite_memory},
	{"grid", suite_grid},
};

static bool read_option(suite *s, const char *name, const char *value)
{
	if (!strcmp(name, "--fixtures"))
		s->fixtures = value;
	else if (!strcmp(name, "--network"))
		s->network = value;
	else if (!strcmp(name, "--rows"))
		s->rows = atoll(value);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	suite s = {.fixtures = "."};
	const suite_step *step = NULL;
	for (size_t i = 0; i < sizeof steps / sizeof *steps && argc > 1; i++)
		if (!strcmp(argv[1], steps[i].name))
			step = &steps[i];
	for (int i = 2; i < argc && step; i++)
		if (!strcmp(argv[i], "--small"))
			s.small = true;
		else if (i + 1 == argc || !read_option(&s, argv[i], argv[i + 1]))
			step = NULL;
		else
			i++;
	if (!step) {
		fprintf(stderr,
			"usage: gpu_suite card|ops|places|encoders|speed|memory|grid [--small] "
			"[--fixtures "
			"FOLDER] [--network NAME] [--rows N]\n");
		return 2;
	}
	emulated_reset();
	step->run(&s);
	return s.faults != 0;
}
