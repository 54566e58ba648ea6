/* SPDX-License-Identifier: Apache-2.0 */
#include "roff.h"

#include <stdio.h>
#include <string.h>

void cli_roff_text(core_text *out, const char *text)
{
	bool at_start = true;
	for (; *text; text++) {
		if (at_start && (*text == '.' || *text == '\''))
			core_text_add(out, "\\&");
		at_start = *text == '\n';
		if (*text == '\\')
			core_text_add(out, "\\e");
		else if (*text == '-')
			core_text_add(out, "\\-");
		else if (*text == '\'')
			core_text_add(out, "\\(aq");
		else if (*text == '^')
			core_text_add(out, "\\(ha");
		else if (*text == '~')
			core_text_add(out, "\\(ti");
		else if (*text == '`')
			core_text_add(out, "\\(ga");
		else
			core_text_put(out, text, 1);
		if (*text == '|' || *text == ',' || *text == '/')
			core_text_add(out, "\\:"); /* a line may break here */
	}
}

void cli_roff_title(core_text *out, const char *name, int section, const char *summary)
{
	core_text_add(out, ".\\\" Made by fairvox help --man-pages: do not edit.\n.TH ");
	for (const char *c = name; *c; c++) {
		char upper[2] = {(char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c), '\0'};
		cli_roff_text(out, upper);
	}
	core_text_add(out,
		" %d \"\" \"fairvox " FAIRVOX_VERSION "\" \"fairvox\"\n.ad l\n.SH NAME\n", section);
	cli_roff_text(out, name);
	core_text_add(out, " \\- ");
	cli_roff_text(out, summary);
	core_text_add(out, "\n");
}

void cli_roff_section(core_text *out, const char *title)
{
	core_text_add(out, ".SH \"%s\"\n", title);
}

void cli_roff_item(core_text *out, const char *tag, const char *value)
{
	core_text_add(out, ".TP\n\\fB");
	cli_roff_text(out, tag);
	core_text_add(out, "\\fR");
	if (value) {
		core_text_add(out, " \\fI");
		cli_roff_text(out, value);
		core_text_add(out, "\\fR");
	}
	core_text_add(out, "\n");
}

void cli_roff_items(core_text *out, const char *lines)
{
	char part[256];
	while (*lines) {
		size_t size = strcspn(lines, "\n"), blanks = strspn(lines, " ");
		size_t word = strcspn(lines + blanks, " \n"), text = blanks + word;
		if (blanks < 4) {
			snprintf(part, sizeof part, "%.*s", (int)word, lines + blanks);
			cli_roff_item(out, part, NULL);
			text += strspn(lines + text, " ");
		} else {
			text = blanks;
		}
		if (text < size) {
			snprintf(part, sizeof part, "%.*s", (int)(size - text), lines + text);
			cli_roff_text(out, part);
			core_text_add(out, "\n");
		}
		lines += size + (lines[size] == '\n');
	}
}
