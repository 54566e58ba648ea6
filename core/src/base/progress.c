/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include <math.h>

#include "base/clock.h"
#include "base/context_private.h"

/* Below this time there is no rate that could be trusted. */
#define FIRST_RATE_S 0.5

core_progress core_progress_begin(fv_ctx *ctx, const char *what, const char *unit)
{
	return (core_progress){ctx, what, unit, core_clock_s(), 0};
}

static void send_report(
	const core_progress *p, double done, double total, bool has_left, double left_s)
{
	if (!p->ctx->progress_sink || done < 0 || (total > 0 && done >= total))
		return;
	double elapsed_s = core_clock_s() - p->begin_s;
	core_progress_state state = {p->what, p->unit, done, total, 0, NAN};
	if (elapsed_s >= FIRST_RATE_S)
		state.rate = (done - p->before) / elapsed_s;
	if (state.rate > 0 && total > 0)
		state.left_s = (total - done) / state.rate;
	if (has_left)
		state.left_s = left_s;
	p->ctx->progress_sink(p->ctx->progress_user, &state);
}

void core_progress_report(const core_progress *progress, double done, double total)
{
	send_report(progress, done, total, false, NAN);
}

void core_progress_report_left(
	const core_progress *progress, double done, double total, double left_s)
{
	send_report(progress, done, total, true, left_s);
}

void core_put_duration(core_text *out, double seconds)
{
	long long s = llround(seconds > 0 ? fmin(seconds, 1e15) : 0),
		  minutes = llround(seconds / 60);
	if (s < 120)
		core_text_add(out, "%lld s", s);
	else if (s < 600)
		core_text_add(out, "%lld min %02lld s", s / 60, s % 60);
	else if (minutes < 120)
		core_text_add(out, "%lld min", minutes);
	else if (minutes < 48 * 60)
		core_text_add(out, "%lld h %02lld min", minutes / 60, minutes % 60);
	else
		core_text_add(out, "%lld d %lld h", minutes / 1440, minutes / 60 % 24);
}

static void put_amount(core_text *out, double amount)
{
	bool whole = amount == floor(amount);
	core_text_add(out, "%.*f", whole ? 0 : 1, amount);
}

static void put_rate(core_text *out, const core_progress_state *state)
{
	double rate = state->rate;
	const char *per = "s";
	if (rate < 0.1) {
		rate *= 60;
		per = "min";
	}
	core_text_add(out, ", %.*f %s/%s", rate < 10 ? 1 : 0, rate, state->unit, per);
}

void core_progress_line(const core_progress_state *state, core_text *out)
{
	for (const char *c = state->what; *c; c++) /* a file may be called anything */
		core_text_add(out, "%c", (unsigned char)*c < ' ' || *c == 127 ? '?' : *c);
	core_text_add(out, ": ");
	put_amount(out, state->done);
	if (state->total > 0) {
		core_text_add(out, " of ");
		put_amount(out, state->total);
	}
	core_text_add(out, " %s", state->unit);
	if (state->rate > 0)
		put_rate(out, state);
	if (!isnan(state->left_s)) {
		core_text_add(out, ", ");
		core_put_duration(out, state->left_s);
		core_text_add(out, " left");
	}
}

void core_progress_bar(const core_progress_state *state, int width, core_text *out)
{
	if (!(state->total > 0) || width <= 0)
		return;
	int full = (int)(state->done / state->total * width);
	core_text_add(out, "[");
	for (int i = 0; i < width; i++)
		core_text_add(out, "%s", i < full ? "#" : "-");
	core_text_add(out, "] ");
}
