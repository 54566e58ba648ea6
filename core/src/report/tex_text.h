/* SPDX-License-Identifier: Apache-2.0 */
/* Text for LaTeX. */
#ifndef CORE_REPORT_TEX_TEXT_H
#define CORE_REPORT_TEX_TEXT_H

#include "base/text.h"

/* Adds text that pdflatex prints as it stands, whatever a name holds. Letters that its usual fonts lack become
 * \fairvoxchar{CODE}{letter}, which core_tex_prologue defines: the letter itself in XeTeX and LuaTeX. */
void core_put_tex(core_text *out, const char *text);

/* The definition of \fairvoxchar. */
extern const char core_tex_prologue[];

#endif
