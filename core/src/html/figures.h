/* SPDX-License-Identifier: Apache-2.0 */
/* Figures on the page of a report. */
#ifndef CORE_HTML_FIGURES_H
#define CORE_HTML_FIGURES_H

#include "html/page.h"

/* Draws a figure, by the name of its kind, onto the page. `part`: what tells apart several figures of one kind,
 * also the axis of lines; NULL: there is one. Where the study lacks what it shows, a line says why; a kind that
 * does not exist is left out. */
FV_NODISCARD fv_status core_html_figure_add(
	core_html_page *page, const char *kind, const char *part);

#endif
