/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin descriptor: everything the core knows about a plugin before it runs.
 *
 * A plugin is a shared object, named after the plugin plus ".so", that exports one function:
 *
 *     static const fv_descriptor descriptor = FV_LOSS(.name = "my_loss", ..., .ops = &ops);
 *
 *     FV_PLUGIN_ENTRY
 *     {
 *             return &descriptor;
 *     }
 *
 * The function returns a constant with static storage and does nothing else. The core may call it
 * more than once.
 */
#ifndef FAIRVOX_PLUGIN_H
#define FAIRVOX_PLUGIN_H

#include <fairvox/abi.h>
#include <fairvox/param.h>

FV_BEGIN_DECLS

typedef enum fv_kind { FV_ENCODER = 1, FV_GROUPER = 2, FV_LOSS = 3 } fv_kind;

/* A value that a profile gives to a key of the train block, such as {"official", "train.clip",
 * "none"}. A key that the user sets in the YAML wins. */
typedef struct fv_preset {
	uint32_t size;
	const char *profile; /* "paper" or "official" */
	const char *key;     /* "train.<key>" */
	const char *value;   /* YAML text */
} fv_preset;

typedef struct fv_descriptor {
	uint32_t size; /* sizeof(fv_descriptor) when the plugin was compiled */
	uint32_t abi;  /* FV_ABI when the plugin was compiled */
	fv_kind kind;
	const char *name;    /* [a-z][a-z0-9_]*, the same as the file's name without ".so" */
	const char *version; /* of the plugin */
	const char *summary; /* one line */
	const char *source;  /* paper and equation, or what else defines the method */
	const char *licence; /* SPDX identifier */
	size_t state_size;   /* the core allocates this many bytes, zeroed, for each instance */
	const fv_param *params;
	uint32_t n_params;
	const fv_preset *presets;
	uint32_t n_presets;
	const void *ops; /* fv_encoder_ops, fv_grouper_ops or fv_loss_ops */
	/* Optional interfaces by their versioned name, such as FV_STAGES_1; NULL for a name that
	 * the plugin does not have. The pointer itself is NULL if the plugin has none at all. A
	 * plugin that sets it but answers no name this fairvox asks for is refused: the name was
	 * mistyped. */
	const void *(*extension)(const char *id);
} fv_descriptor;

/* --- initialisers: designated initialisers of fv_descriptor, in the order of its members. They
 * fill in size, abi and kind.
 * ------------------------------------------------------------------------- */

#define FV_ENCODER(...)                                                                            \
	{                                                                                          \
		.size = sizeof(fv_descriptor), .abi = FV_ABI, .kind = FV_ENCODER, __VA_ARGS__      \
	}
#define FV_GROUPER(...)                                                                            \
	{                                                                                          \
		.size = sizeof(fv_descriptor), .abi = FV_ABI, .kind = FV_GROUPER, __VA_ARGS__      \
	}
#define FV_LOSS(...)                                                                               \
	{                                                                                          \
		.size = sizeof(fv_descriptor), .abi = FV_ABI, .kind = FV_LOSS, __VA_ARGS__         \
	}

/* The members params and n_params, or presets and n_presets, of an array. */
#define FV_PARAMS(array_) .params = array_, .n_params = sizeof(array_) / sizeof *(array_)
#define FV_PRESETS(array_) .presets = array_, .n_presets = sizeof(array_) / sizeof *(array_)

#define FV_PRESET(profile_, key_, value_)                                                          \
	{                                                                                          \
		sizeof(fv_preset), profile_, key_, value_                                          \
	}

/* --- entry point ------------------------------------------------------------------------------ */

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
