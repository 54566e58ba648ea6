/* SPDX-License-Identifier: Apache-2.0 */
#include "cairo/fonts.h"

#include <cairo-ft.h>

#include "base/memory.h"

/* Finds a font of the family, or, if `characters` is given, one that has these. */
static bool match_font(bool bold, FcCharSet *characters, core_font *out)
{
	FcResult result;
	FcPattern *wanted = FcPatternCreate();
	if (!wanted) {
		core_memory_note_failure();
		return false;
	}
	int weight = bold ? FC_WEIGHT_BOLD : FC_WEIGHT_NORMAL;
	bool complete = FcPatternAddString(wanted, FC_FAMILY, (const FcChar8 *)"DejaVu Sans") &&
			FcPatternAddInteger(wanted, FC_WEIGHT, weight) &&
			FcPatternAddBool(wanted, FC_SCALABLE, FcTrue) &&
			(!characters || FcPatternAddCharSet(wanted, FC_CHARSET, characters)) &&
			FcConfigSubstitute(NULL, wanted, FcMatchPattern);
	FcDefaultSubstitute(wanted);
	out->pattern = complete ? FcFontMatch(NULL, wanted, &result) : NULL;
	FcPatternDestroy(wanted);
	if (!complete || (!out->pattern && result == FcResultOutOfMemory))
		core_memory_note_failure(); /* nothing else keeps a pattern incomplete */
	if (!out->pattern)
		return false;
	if (FcPatternGetCharSet(out->pattern, FC_CHARSET, 0, &out->characters) == FcResultMatch) {
		out->face = cairo_ft_font_face_create_for_pattern(out->pattern);
		return true;
	}
	FcPatternDestroy(out->pattern);
	return false;
}

fv_status core_fonts_open(fv_ctx *ctx, core_fonts *fonts)
{
	*fonts = (core_fonts){0};
	for (int bold = 0; bold < 2; bold++) {
		if (!match_font(bold, NULL, &fonts->font[bold][0])) {
			core_fonts_free(fonts);
			return fv_fail(ctx, FV_FAILED,
				"no font is installed: install fonts-dejavu-core, or write .svg");
		}
		fonts->n[bold] = 1;
	}
	return FV_OK;
}

void core_fonts_free(core_fonts *fonts)
{
	for (int bold = 0; bold < 2; bold++)
		for (int k = 0; k < fonts->n[bold]; k++) {
			cairo_font_face_destroy(fonts->font[bold][k].face);
			FcPatternDestroy(fonts->font[bold][k].pattern);
		}
	*fonts = (core_fonts){0};
}

/* Adds a font that has the character; returns its index, -1: there is none. */
static int add_fallback(core_fonts *fonts, int32_t character, bool bold)
{
	core_font *slot = &fonts->font[bold][fonts->n[bold]];
	if (fonts->n[bold] == CORE_FALLBACKS)
		return -1;
	FcCharSet *characters = FcCharSetCreate();
	bool found = characters && FcCharSetAddChar(characters, (FcChar32)character) &&
		     match_font(bold, characters, slot);
	if (characters)
		FcCharSetDestroy(characters);
	if (found && FcCharSetHasChar(slot->characters, (FcChar32)character))
		return fonts->n[bold]++;
	if (found) {
		cairo_font_face_destroy(slot->face);
		FcPatternDestroy(slot->pattern);
	}
	return -1;
}

cairo_font_face_t *core_fonts_find(core_fonts *fonts, int32_t character, bool bold)
{
	for (int k = 0; k < fonts->n[bold]; k++)
		if (FcCharSetHasChar(fonts->font[bold][k].characters, (FcChar32)character))
			return fonts->font[bold][k].face;
	int added = character == fonts->missing ? -1 : add_fallback(fonts, character, bold);
	if (added >= 0)
		return fonts->font[bold][added].face;
	fonts->missing = fonts->missing ? fonts->missing : character;
	return fonts->font[bold][0].face;
}
