/* SPDX-License-Identifier: Apache-2.0 */
#include "base/embedded.h"

#include <stddef.h>
#include <string.h>

const char *core_embedded_text(const char *name)
{
	for (const core_embedded *file = core_embedded_files; file->name; file++)
		if (!strcmp(file->name, name))
			return file->text;
	return NULL;
}
