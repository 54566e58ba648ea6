/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/guard.h"

#include <stdio.h>
#include <string.h>

#include "plugin/call.h"
#include "plugin/noise.h"
#include "plugin/registry.h"

#define CHANGES 512

void core_guard_open(core_guard *g, fv_ctx *ctx, fv_kind kind, const char *plugin)
{
	g->ctx = ctx;
	g->kind = kind;
	g->plugin = plugin;
	g->op = g->quick_op = g->absent = NULL;
	g->step = g->quick_since = 0;
	g->quick = g->late = false;
	core_surroundings_record(&g->before);
}

static fv_status report_change(const core_guard *g, const char *op, const char *changes)
{
	return fv_fail(g->ctx, FV_FAILED, "%s '%s': %s changed %s", core_kind_name(g->kind),
		g->plugin, op, changes);
}

/* Tells that the plugin printed. A worker leaves it to the process that waits for it, once. */
static void report_noise(const core_guard *g, const char *op)
{
	core_call *call = core_call_current();
	char line[80], text[sizeof call->noise];
	if (!core_noise_read(line, sizeof line))
		return;
	snprintf(text, sizeof text,
		"%s '%s': %s printed to standard output, which was dropped: \"%s\": use fv_note",
		core_kind_name(g->kind), g->plugin, op, line);
	if (!core_call_is_worker())
		fv_warn(g->ctx, "%s", text);
	else if (!call->noise[0])
		memcpy(call->noise, text, sizeof text);
}

/* Restores and reports what earlier quick calls changed, for which signals and the file mask were
 * not checked at once. */
static void check_quick_calls(core_guard *g)
{
	char op[64], changes[CHANGES];
	if (!g->quick_since)
		return;
	snprintf(op, sizeof op, "%s%s at step %lld or later", g->quick_op ? "op " : "an op",
		g->quick_op ? g->quick_op : "", (long long)g->quick_since);
	g->quick_since = 0;
	report_noise(g, op);
	if (core_surroundings_restore(&g->before, true, changes, sizeof changes)) {
		(void)report_change(g, op, changes);
		g->late = true;
	}
}

static void note_quick_call(core_guard *g)
{
	if (!g->quick_since) {
		g->quick_since = g->step;
		g->quick_op = g->op;
	} else if (g->quick_op && g->quick_op != g->op) {
		g->quick_op = strcmp(g->quick_op, g->op) ? NULL : g->op;
	}
}

void core_guard_enter(core_guard *g, const char *op, int64_t step, bool quick)
{
	g->op = op;
	g->step = step;
	g->quick = quick;
	if (quick)
		note_quick_call(g);
	else
		check_quick_calls(g);
	core_ctx_set_plugin(g->ctx, g->plugin);
	g->errors = core_error_count(g->ctx);
	core_call_set_absent(g->absent);
	core_call_enter(g->kind, g->plugin, op, step, quick);
}

static void name_op(const core_guard *g, char *op, size_t size)
{
	if (g->step)
		snprintf(op, size, "op %s at step %lld", g->op, (long long)g->step);
	else
		snprintf(op, size, "op %s", g->op);
}

fv_status core_guard_fail(core_guard *g, const char *what)
{
	char op[64];
	name_op(g, op, sizeof op);
	return fv_fail(
		g->ctx, FV_FAILED, "%s '%s': %s %s", core_kind_name(g->kind), g->plugin, op, what);
}

/* Makes sure that a failure has a message, and a status that ops return, and that a message comes with a failure. */
static fv_status check_status(core_guard *g, fv_status status)
{
	char text[64];
	if (status == FV_OK && core_error_count(g->ctx) > g->errors)
		return core_guard_fail(g, "returned FV_OK although it failed");
	bool known = core_is_op_status(status);
	if (status == FV_OK || (known && core_error_count(g->ctx) != g->errors))
		return status;
	snprintf(text, sizeof text,
		known ? "failed with status %d and no message"
		      : "returned %d, which is not a status of an op",
		(int)status);
	(void)core_guard_fail(g, text);
	return known ? status : FV_FAILED;
}

fv_status core_guard_leave(core_guard *g, fv_status status)
{
	char op[64], changes[CHANGES];
	if (core_surroundings_in_copy(&g->before))
		core_end_copy();
	core_call_leave(g->quick);
	core_ctx_set_plugin(g->ctx, NULL);
	status = check_status(g, status);
	bool changed = core_surroundings_restore(&g->before, !g->quick, changes, sizeof changes);
	if (changed || !g->quick)
		name_op(g, op, sizeof op);
	if (!g->quick)
		report_noise(g, op);
	if (changed) {
		fv_status failed = report_change(g, op, changes);
		status = status ? status : failed;
	}
	return status == FV_OK && g->late ? FV_FAILED : status;
}

fv_status core_guard_check_quick_calls(core_guard *g, fv_status status)
{
	check_quick_calls(g);
	return status == FV_OK && g->late ? FV_FAILED : status;
}
