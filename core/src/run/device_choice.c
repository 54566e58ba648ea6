/* SPDX-License-Identifier: Apache-2.0 */
#include "run/device_choice.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/device.h"
#include "run/pool.h"

static const char *const names[] = {"cpu", "cuda", "auto"};

fv_status core_device_parse(fv_ctx *ctx, const char *text, core_device_asked *out)
{
	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			*out = (core_device_asked)i;
			return FV_OK;
		}
	return fv_fail(ctx, FV_CONFIG, "--device: '%s' is none of cpu, cuda and auto", text);
}

const char *core_device_asked_name(core_device_asked asked)
{
	return names[asked];
}

/* What the process that tries the device tells of it, in memory that it shares. */
struct found {
	char name[64], numerics[512];
	int64_t rows;
	bool trains;
};

struct trial {
	fv_ctx *ctx;
	core_device_loader load;
	struct found *found;
	const char *failure; /* NULL: none */
};

static fv_status try_device(void *user, fv_ctx *ctx, int64_t task)
{
	const struct trial *t = user;
	const core_device_module *module;
	core_device *device;
	(void)task;
	fv_status status = t->load(ctx, &module);
	if (!status)
		status = module->open(ctx, 0, 0, &device);
	if (status)
		return status;
	struct found *f = t->found;
	f->rows = module->rows(device);
	f->trains = module->classifiers != NULL;
	snprintf(f->name, sizeof f->name, "%s", module->name);
	int n = snprintf(f->numerics, sizeof f->numerics, "%s", module->numerics(device));
	module->close(device);
	return n < (int)sizeof f->numerics
		       ? FV_OK
		       : fv_fail(ctx, FV_FAILED,
				 "%s tells more of the device than there is room for",
				 module->name);
}

static void note_failure(void *user, int64_t task, fv_status status, const char *reason)
{
	struct trial *t = user;
	(void)task;
	if (status)
		t->failure = core_strndup(t->ctx, reason, strcspn(reason, "\n"));
	if (t->failure && !strncmp(t->failure, "the worker", strlen("the worker")))
		t->failure = core_format(
			t->ctx, "the process that opened it%s", t->failure + strlen("the worker"));
}

/* Opens and closes the device in a process of its own. */
static fv_status try_alone(fv_ctx *ctx, struct trial *t, core_device_choice *out)
{
	const core_pool pool = {.jobs = 1,
		.tasks = 1,
		.keep_going = true,
		.user = t,
		.work = try_device,
		.ended = note_failure};
	int64_t failed;
	fv_status status = core_pool_run(ctx, &pool, &failed);
	if (status || t->failure)
		return status;
	if (failed)
		return FV_FAILED;
	out->name = core_strdup(ctx, t->found->name);
	out->numerics = core_strdup(ctx, t->found->numerics);
	out->rows = t->found->rows;
	out->trains = t->found->trains;
	return out->name && out->numerics ? FV_OK : FV_FAILED;
}

fv_status core_device_choose(
	fv_ctx *ctx, core_device_asked asked, core_device_loader load, core_device_choice *out)
{
	*out = (core_device_choice){.asked = asked, .load = load, .name = names[CORE_DEVICE_CPU]};
	if (asked == CORE_DEVICE_CPU)
		return FV_OK;
	size_t size = sizeof(struct found);
	struct trial t = {.ctx = ctx, .load = load};
	t.found = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.found == MAP_FAILED)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	fv_status status = try_alone(ctx, &t, out);
	munmap(t.found, size);
	if (status)
		return status;
	if (t.failure && asked == CORE_DEVICE_CUDA)
		return fv_fail(ctx, FV_FAILED, "--device cuda: %s", t.failure);
	out->why = t.failure;
	if (asked == CORE_DEVICE_AUTO && t.failure)
		core_log(ctx, CORE_INFO, "--device auto: encoding on the CPU: %s", out->why);
	else if (asked == CORE_DEVICE_AUTO)
		core_log(ctx, CORE_INFO, "--device auto: encoding on %s", out->numerics);
	return FV_OK;
}

static fv_status refuse_to_load(fv_ctx *ctx, const core_device_module **out)
{
	*out = NULL;
	return fv_fail(ctx, FV_FAILED, "the device is not on this machine");
}

void core_device_choose_elsewhere(const char *numerics, core_device_choice *out)
{
	*out = (core_device_choice){.asked = CORE_DEVICE_CUDA,
		.load = refuse_to_load,
		.name = names[CORE_DEVICE_CUDA],
		.numerics = numerics ? numerics : "of another machine",
		.trains = true};
}

fv_status core_device_open_chosen(fv_ctx *ctx, const core_device_choice *choice,
	const core_device_module **module, core_device **out)
{
	fv_status status = choice->load(ctx, module);
	if (!status)
		status = (*module)->open(ctx, 0, choice->rows, out);
	if (status)
		return status;
	const char *numerics = (*module)->numerics(*out);
	if (!strcmp(numerics, choice->numerics))
		return FV_OK;
	status = fv_fail(ctx, FV_FAILED, "the device is '%s', and was '%s' when the command began",
		numerics, choice->numerics);
	(*module)->close(*out);
	return status;
}

void core_device_tell_cpu(fv_ctx *ctx, core_device_choice *choice, const char *encoder)
{
	for (int i = 0; i < choice->n_told; i++)
		if (!strcmp(choice->told[i], encoder))
			return;
	if (choice->n_told < CORE_DEVICE_TOLD)
		choice->told[choice->n_told++] = encoder;
	core_log(ctx, CORE_WARNING,
		"encoder '%s' has no op batch: it computes on the CPU, not on %s", encoder,
		choice->name);
}
