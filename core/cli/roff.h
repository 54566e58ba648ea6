/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a man page, in the macros of man(7). */
#ifndef CLI_ROFF_H
#define CLI_ROFF_H

#include "base/text.h"

void cli_roff_title(core_text *out, const char *name, int section, const char *summary);
void cli_roff_section(core_text *out, const char *title);
/* Adds text with everything escaped that roff would read; blanks at its start stay away from the margin. */
void cli_roff_text(core_text *out, const char *text);
/* Starts an item with a tag in bold, and what follows it in italics; the text of the item comes after it. */
void cli_roff_item(core_text *out, const char *tag, const char *value);
/* Lines of the form "  WORD  text", as items. */
void cli_roff_items(core_text *out, const char *lines);

#endif
