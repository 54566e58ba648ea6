/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor: everything the core knows about a plugin before it runs.
 *
 * A plugin is a shared object that exports one function,
 *     FV_PLUGIN_ENTRY { return &descriptor; }
 * which returns a constant with static storage. It may be called more than once and does nothing
 * else. The file's name is the plugin's name plus ".so".
 */
#ifndef FAIRVOX_PLUGIN_H
#define FAIRVOX_PLUGIN_H

#include <fairvox/abi.h>
#include <fairvox/param.h>

FV_BEGIN_DECLS

typedef enum fv_kind { FV_ENCODER = 1, FV_GROUPER = 2, FV_LOSS = 3 } fv_kind;

/* A value that a profile gives to a key of the train block, e.g. {official, train.clip, none}.
 * An explicit key in the YAML wins. */
typedef struct fv_preset {
	uint32_t size;
	const char *profile; /* "paper" or "official" */
	const char *key;     /* "train.<key>" */
	const char *value;   /* YAML text */
} fv_preset;

typedef struct fv_descriptor {
	uint32_t size; /* sizeof(fv_descriptor) where the plugin was built */
	uint32_t abi;  /* FV_ABI there */
	fv_kind kind;
	const char *name;    /* [a-z][a-z0-9_]*, the file's name without .so */
	const char *version; /* of the plugin */
	const char *summary; /* one line */
	const char *source;  /* paper and equation, or what defines the method */
	const char *licence; /* SPDX identifier */
	size_t state_size;   /* the core allocates this much, zeroed, for each instance */
	const fv_param *params;
	uint32_t n_params;
	const fv_preset *presets;
	uint32_t n_presets;
	const void *ops; /* fv_encoder_ops, fv_grouper_ops or fv_loss_ops */
	const void *(*extension)(
		const char *id); /* optional interfaces by versioned name; NULL: none */
} fv_descriptor;

typedef const fv_descriptor *(*fv_entry)(void);

#define FV_ENTRY_SYMBOL "fv_plugin_entry"
#ifdef __cplusplus
#define FV_PLUGIN_ENTRY extern "C" FV_EXPORT const fv_descriptor *fv_plugin_entry(void)
#else
#define FV_PLUGIN_ENTRY                                                                            \
	FV_EXPORT const fv_descriptor *fv_plugin_entry(void);                                      \
	const fv_descriptor *fv_plugin_entry(void)
#endif

FV_END_DECLS

#endif
