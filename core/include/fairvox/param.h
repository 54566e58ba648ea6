/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's parameters. The table is all there is: the core checks the YAML against it, fills the
 * state, prints `fairvox describe` and completes on the shell from it.
 *
 * The core writes each value into the state at `offset` before open():
 *   FV_INT int64_t   FV_REAL double   FV_BOOL int32_t (0, 1)   FV_CHOICE int32_t (index into choices)
 *   FV_STRING, FV_PATH, FV_LOSS_REF const char *   FV_LIST fv_list   (all owned by the core until
 *   close; NULL or empty where the default is NULL)
 * FV_PATH values are made absolute (relative ones start at the YAML file's folder), and the content
 * of the file becomes part of the cache key and of the run's hash.
 */
#ifndef FAIRVOX_PARAM_H
#define FAIRVOX_PARAM_H

#include <fairvox/abi.h>

FV_BEGIN_DECLS

typedef enum fv_param_type {
	FV_INT = 1,
	FV_REAL,
	FV_BOOL,
	FV_CHOICE,
	FV_STRING,
	FV_PATH,
	FV_LIST,
	FV_LOSS_REF, /* another loss plugin: its name, or {name: NAME, its own parameters}; the state
	              * gets the name, stages.h says how to train with it */
} fv_param_type;

typedef struct fv_list {
	const double *value;
	int64_t n;
} fv_list;

typedef struct fv_param {
	uint32_t size;
	fv_param_type type;
	const char *name; /* [a-z][a-z0-9_]* */
	const char *unit; /* "Hz", "s", ... or NULL */
	double min,
		max; /* FV_INT, FV_REAL, elements of FV_LIST; both inclusive; both 0: no limit */
	const char *choices;      /* FV_CHOICE: "a|b|c" */
	const char *def_paper;    /* default as YAML text in profile paper; NULL: none */
	const char *def_official; /* the same in profile official; NULL: as in paper */
	size_t offset;            /* into the plugin's state */
	const char *doc;          /* one sentence */
} fv_param;

FV_END_DECLS

#endif
