/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a study: one HTML page that holds everything it shows, to be read in any browser, printed and
 * handed on. Its numbers are those of the result tables, its figures those of `fairvox plot`. The same results
 * give the same bytes. core/docs/report.md describes the page. */
#ifndef CORE_HTML_REPORT_H
#define CORE_HTML_REPORT_H

#include "plot/figure.h"
#include "plugin/registry.h"
#include "report/axes.h"
#include "report/claims_file.h"
#include "report/grid.h"
#include "report/write.h"

typedef struct core_html_options {
	core_table_options table;
	const core_registry *registry; /* for licences and sources of plugins; NULL: not told */
	const char *name;              /* of the study: the heading */
	const core_map *map;           /* for t-SNE; NULL: it is not drawn */
	const char *no_map;            /* why there is none, one line; NULL: not told */
	const core_claims *claims;     /* to answer; NULL: none */
	bool all_claims;               /* say so even if the study can answer none of them */
	bool anonymous;                /* no name of the study, path, or text of a failure */
} core_html_options;

typedef struct core_html_figure {
	const char *name; /* "effects", "lines-k" */
	const core_canvas *canvas;
} core_html_figure;

enum { CORE_HTML_FIGURES = 32 };

typedef struct core_html_report {
	core_text page;
	core_text methods;      /* the paragraph on methods, plain text */
	core_document *main;    /* Table 1 with its notes */
	core_document *details; /* the other tables */
	core_document *claims;  /* answers to claims; it has no tables without claims */
	size_t n_figures;
	core_html_figure figure[CORE_HTML_FIGURES];
} core_html_report;

/* Makes the report of results whose trials are hidden and whose axes were found. Release it with
 * core_html_report_free, also after an error. Errors: those of core_grid_make and FV_FAILED (memory). */
FV_NODISCARD fv_status core_html_report_make(fv_ctx *ctx, const core_results *results,
	const core_variant_axes *axes, const core_html_options *options, core_html_report *out);
void core_html_report_free(core_html_report *report);

#endif
