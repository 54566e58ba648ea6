/* SPDX-License-Identifier: Apache-2.0 */
/* Values written as Python writes them: ['a', 'b'], {'x': 'y'}, 3, True. Nothing is evaluated. */
#ifndef CORE_CORPUS_PYTHON_VALUE_H
#define CORE_CORPUS_PYTHON_VALUE_H

#include "base/context.h"

typedef enum core_python_kind {
	CORE_PYTHON_TEXT,
	CORE_PYTHON_NUMBER, /* text holds it as written */
	CORE_PYTHON_WORD,   /* True, False or None */
	CORE_PYTHON_LIST,   /* also a tuple */
	CORE_PYTHON_DICT
} core_python_kind;

typedef struct core_python_value core_python_value;
struct core_python_value {
	core_python_kind kind;
	const char *text;
	int32_t n;
	core_python_value *key;  /* [n] of a dict */
	core_python_value *item; /* [n] of a list or dict */
};

/* Returns NULL, or what is wrong with the text. Lives as long as the context. */
const char *core_python_parse(fv_ctx *ctx, const char *text, core_python_value *out);

#endif
