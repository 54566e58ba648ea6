/* SPDX-License-Identifier: Apache-2.0 */
/* Reports the progress of a long task to the context's sink: how much is done, how fast, and how much
 * time is left. */
#ifndef CORE_BASE_PROGRESS_H
#define CORE_BASE_PROGRESS_H

#include "base/context.h"
#include "base/text.h"

typedef struct core_progress_state {
	const char *what, *unit; /* "run" and "runs": a command or stage, and what is counted */
	double done, total;      /* total 0: not known */
	double rate;             /* units a second; 0: not known yet */
	double left_s;           /* NaN: not known */
} core_progress_state;

typedef struct core_progress {
	fv_ctx *ctx;
	const char *what, *unit;
	double begin_s;
	double before; /* done before the beginning, which does not count in the rate */
} core_progress;

/* `what` and `unit` must live as long as the progress. */
core_progress core_progress_begin(fv_ctx *ctx, const char *what, const char *unit);
/* Reports what has been done since the beginning. The time left assumes the rate so far. */
void core_progress_report(const core_progress *progress, double done, double total);
/* The same with the caller's estimate of the time left, for units that differ in cost. NaN: not known. */
void core_progress_report_left(
	const core_progress *progress, double done, double total, double left_s);

/* Appends "run: 52 of 60 runs, 3.1 runs/s, 12 s left". */
void core_progress_line(const core_progress_state *state, core_text *out);
/* Appends "[####------] ", which is `width` cells wide without the brackets and the space; nothing if
 * the total is not known. */
void core_progress_bar(const core_progress_state *state, int width, core_text *out);
/* Appends a duration as people say it: "12 s", "3 min 20 s", "2 h 05 min", "3 d 4 h". */
void core_put_duration(core_text *out, double seconds);

#endif
