/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's parameter table.
 *
 * Each parameter is declared once, here. The core uses the table to check the YAML, to fill the
 * plugin's state, to print `fairvox describe` and for completion in the shell.
 *
 * Before open() the core writes each value into the state, at the field named in the table entry:
 *
 *     type           field in the state     value
 *     FV_INT         int64_t
 *     FV_REAL        double
 *     FV_BOOL        int32_t                0 or 1
 *     FV_CHOICE      int32_t                index into choices
 *     FV_STRING      const char *
 *     FV_PATH        const char *           absolute; relative paths start at the YAML file
 *     FV_LIST        fv_list
 *     FV_LOSS_REF    const char *           name of a loss plugin
 *
 * A number, switch or choice without a default is required: a configuration without it is refused
 * before anything starts, and its field always holds a value in range. A text, path, list or loss
 * without a default is NULL or empty if the user gives no value; with .required = 1 the user must
 * give it.
 *
 * The core owns strings and lists; they live until close(). The content of an FV_PATH file is part of the cache key and
 * of the run's fingerprint.
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
	FV_LOSS_REF, /* another loss plugin, given in YAML as its name or as {name: NAME, <its own
	              * parameters>}; stages.h says how to train with it */
} fv_param_type;

typedef struct fv_list {
	const double *value;
	int64_t n;
} fv_list;

typedef struct fv_param {
	uint32_t size;
	fv_param_type type;
	size_t offset;            /* of the field in the plugin's state */
	const char *name;         /* [a-z][a-z0-9_]* */
	const char *unit;         /* "Hz", "s", ... or NULL */
	double min, max;          /* range of an FV_INT, FV_REAL or element of an FV_LIST, both ends
	                           * included; both 0: no limit */
	const char *choices;      /* of an FV_CHOICE: "a|b|c" */
	const char *def_paper;    /* default in profile `paper`, as YAML text; NULL: none, and then
	                           * the user must give a number, switch or choice */
	const char *def_official; /* default in profile `official`; NULL: the same as def_paper */
	const char *doc;          /* one sentence for the user */
	int32_t required;         /* 1: the user must give this text, path, list or loss; only
	                           * without a default */
} fv_param;

/* --- table entries -------------------------------------------------------------------------------
 *
 *     static const fv_param params[] = {
 *             FV_PARAM_REAL(my_state, alpha, .name = "alpha", .min = 0, .max = 1,
 *                     .def_paper = "0.1", .doc = "share of the batch that counts"),
 *     };
 *
 * The first two arguments are the struct type of the state and the field in it. The rest are
 * designated initialisers of fv_param, in the order of its members (C++20 requires that order). The
 * macro fills in size, type and offset. A field whose type does not fit the parameter does not
 * compile. Without .def_paper the user must give alpha.
 */
#define FV_PARAM_INT(struct_, field_, ...)                                                         \
	FV_PARAM_ENTRY(FV_INT, int64_t, struct_, field_, __VA_ARGS__)
#define FV_PARAM_REAL(struct_, field_, ...)                                                        \
	FV_PARAM_ENTRY(FV_REAL, double, struct_, field_, __VA_ARGS__)
#define FV_PARAM_BOOL(struct_, field_, ...)                                                        \
	FV_PARAM_ENTRY(FV_BOOL, int32_t, struct_, field_, __VA_ARGS__)
#define FV_PARAM_CHOICE(struct_, field_, ...)                                                      \
	FV_PARAM_ENTRY(FV_CHOICE, int32_t, struct_, field_, __VA_ARGS__)
#define FV_PARAM_STRING(struct_, field_, ...)                                                      \
	FV_PARAM_ENTRY(FV_STRING, const char *, struct_, field_, __VA_ARGS__)
#define FV_PARAM_PATH(struct_, field_, ...)                                                        \
	FV_PARAM_ENTRY(FV_PATH, const char *, struct_, field_, __VA_ARGS__)
#define FV_PARAM_LIST(struct_, field_, ...)                                                        \
	FV_PARAM_ENTRY(FV_LIST, fv_list, struct_, field_, __VA_ARGS__)
#define FV_PARAM_LOSS_REF(struct_, field_, ...)                                                    \
	FV_PARAM_ENTRY(FV_LOSS_REF, const char *, struct_, field_, __VA_ARGS__)

#define FV_PARAM_ENTRY(type_, field_type_, struct_, field_, ...)                                   \
	{                                                                                          \
		.size = sizeof(fv_param),                                                          \
		.type = FV_PARAM_TYPE(type_, field_type_, struct_, field_),                        \
		.offset = offsetof(struct_, field_), __VA_ARGS__                                   \
	}
/* type_, if the field has type field_type_; otherwise a compiler error. */
#ifdef __cplusplus
#define FV_PARAM_TYPE(type_, field_type_, struct_, field_)                                         \
	static_cast<fv_param_type>(type_ + 0 * sizeof(static_cast<field_type_ const volatile *>(   \
						       &static_cast<struct_ *>(nullptr)->field_)))
#else
#define FV_PARAM_TYPE(type_, field_type_, struct_, field_)                                         \
	_Generic(((struct_ *)0)->field_, field_type_ : type_)
#endif

FV_END_DECLS

#endif
