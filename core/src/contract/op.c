/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of ops: what is shown to them, where they write, and what they may not change. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/fence.h"
#include "contract/process.h"
#include "contract/suite.h"
#include "plugin/call.h"
#include "plugin/noise.h"
#include "train/shown.h"

/* Fills the part of the stack where the op that is called next has its local variables. */
static __attribute__((noinline)) void fill_stack(void)
{
	volatile unsigned char below[16384];
	memset((void *)(uintptr_t)below, CONTRACT_OTHER_BYTE, sizeof below);
	__asm__ volatile("" ::: "memory");
}

void contract_begin(struct contract *c, const char *op, const char *what)
{
	core_call *call = core_call_current();
	bool varied = c->varied.name != NULL;
	what = what && strcmp(what, op) != 0 ? what : NULL;
	if (c->fill != CORE_FILL_ZERO || c->beside)
		snprintf(call->check, sizeof call->check, "%s%s%s", what ? what : "",
			what ? ", " : "",
			c->beside ? "other bytes beside its arrays"
				  : "memory from fv_scratch full of other bytes before the call");
	else
		snprintf(call->check, sizeof call->check, "%s%s%s%s%s%s", what ? what : "",
			what && varied ? ", " : "", varied ? "with " : "",
			varied ? c->varied.name : "", varied ? ": " : "",
			varied ? c->varied.text : "");
	c->op = c->trail->op = op;
	c->trail->what = what;
	core_call_set_absent(c->absent);
	core_call_enter(c->plugin->kind, c->plugin->name, op, 0, true);
	if (c->fill_stack)
		fill_stack();
}

/* Reports a change of the process once, although every op may repeat it. */
static void check_changes(struct contract *c, const char *check)
{
	char changes[512], more[256], line[80];
	const char *advice;
	contract_classify(c, "surroundings", NULL);
	if (core_surroundings_restore(&c->before, true, changes, sizeof changes) &&
		strcmp(changes, c->changes) != 0) {
		contract_fault(c, check, "the op changed %s", changes);
		strcpy(c->changes, changes);
	}
	advice = core_process_changed(&c->process, more, sizeof more);
	contract_classify(c, advice, advice);
	if (advice)
		contract_fault(c, check, "the op %s", more);
	contract_classify(c, "stdout", NULL);
	if (core_noise_read(line, sizeof line) && !c->printed) {
		c->printed = true;
		contract_fault(c, check,
			"the op prints to standard output, which belongs to results: \"%s\"", line);
	}
	contract_classify(c, NULL, NULL);
}

void contract_end(struct contract *c, const char *check)
{
	char text[128];
	if (core_surroundings_in_copy(&c->before))
		core_end_copy();
	core_call_leave(true);
	core_call_current()->check[0] = '\0';
	check = c->op ? c->op : check;
	c->op = NULL;
	check_changes(c, check);
	contract_classify(c, "memory", NULL);
	for (size_t i = 0; i < c->n_outputs; i++)
		contract_expect(c, core_fence_check(c->output[i].fence, text, sizeof text), check,
			"the op %s", text);
	contract_classify(c, NULL, NULL);
}

void contract_record(struct contract *c, const void *data, size_t size)
{
	contract_trail_add(c->trail, data, size);
}

void *contract_make_output(struct contract *c, const char *name, size_t size)
{
	core_fence *fence =
		c->n_outputs < CONTRACT_OUTPUTS ? core_fence_open(c->ctx, name, size) : NULL;
	if (!fence)
		return contract_alloc(c, size, 1); /* the failure is recorded in the context */
	void *data = memset(core_fence_place(fence, size), 0, size);
	c->output[c->n_outputs++] = (struct contract_output){fence, data, size};
	return data;
}

void contract_drop_outputs(struct contract *c)
{
	for (size_t i = 0; i < c->n_outputs; i++) {
		contract_record(c, c->output[i].data, c->output[i].size);
		core_fence_close(c->output[i].fence);
	}
	c->n_outputs = 0;
}

const fv_batch *contract_show_batch(struct contract *c, const fv_batch *batch)
{
	c->batch_fence = core_show_batch(c->ctx, batch, &c->batch);
	if (!c->batch_fence)
		return batch; /* the failure is recorded in the context */
	memcpy(&c->batch_before, &c->batch, sizeof c->batch);
	return &c->batch;
}

void contract_hide_batch(struct contract *c, const char *check)
{
	if (!c->batch_fence)
		return;
	contract_classify(c, "memory", NULL);
	contract_expect(c, !memcmp(&c->batch_before, &c->batch, sizeof c->batch), check,
		"the op wrote into the batch, which it may only read");
	contract_classify(c, NULL, NULL);
	core_fence_close(c->batch_fence);
	c->batch_fence = NULL;
}
