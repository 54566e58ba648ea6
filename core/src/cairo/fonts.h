/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses fonts for text: DejaVu Sans, and for each character that it lacks a font that has it. */
#ifndef CORE_CAIRO_FONTS_H
#define CORE_CAIRO_FONTS_H

#include <cairo.h>
#include <fontconfig/fontconfig.h>

#include "base/context.h"

enum { CORE_FALLBACKS = 8 };

typedef struct core_font {
	FcPattern *pattern;    /* what fontconfig found */
	FcCharSet *characters; /* part of pattern */
	cairo_font_face_t *face;
} core_font;

/* The fonts of a drawing, one list each for regular and bold; the first of each is the main one. */
typedef struct core_fonts {
	core_font font[2][CORE_FALLBACKS];
	int n[2];
	int32_t missing; /* a character that no font has; 0: none so far */
} core_fonts;

/* Errors: FV_FAILED if fontconfig finds no font at all. Release with core_fonts_free. */
FV_NODISCARD fv_status core_fonts_open(fv_ctx *ctx, core_fonts *fonts);
void core_fonts_free(core_fonts *fonts);

/* Returns the font for a character. */
cairo_font_face_t *core_fonts_find(core_fonts *fonts, int32_t character, bool bold);

#endif
