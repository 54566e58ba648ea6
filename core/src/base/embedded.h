/* SPDX-License-Identifier: Apache-2.0 */
/* Small files embedded in the library; CMakeLists.txt lists them. */
#ifndef CORE_BASE_EMBEDDED_H
#define CORE_BASE_EMBEDDED_H

typedef struct core_embedded {
	const char *name; /* path in the source tree */
	const char *text;
} core_embedded;

extern const core_embedded core_embedded_files[]; /* ends with a NULL name */

const char *core_embedded_text(const char *name); /* NULL: no such file */

#endif
