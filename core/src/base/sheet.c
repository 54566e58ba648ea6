/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sheet.h"

#include <string.h>

#include "base/number.h"

void core_text_sheet(core_text *text, const char *field)
{
	core_text quoted = {0};
	double number;
	if (!*field || !strchr("=+-@\t\r\n", *field) || core_parse_double(field, &number)) {
		core_text_csv(text, field);
		return;
	}
	core_text_add(&quoted, "'%s", field);
	core_text_csv(text, quoted.data ? quoted.data : "");
	text->failed |= quoted.failed;
	core_text_free(&quoted);
}
