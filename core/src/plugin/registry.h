/* SPDX-License-Identifier: Apache-2.0 */
/* Finds and loads plugins. Every file is examined in a child process before it is loaded here. */
#ifndef CORE_PLUGIN_REGISTRY_H
#define CORE_PLUGIN_REGISTRY_H

#include <stdbool.h>

#include <fairvox/plugin.h>

#include "base/context.h"
#include "base/hash.h"

typedef struct core_plugin {
	const char *path; /* absolute */
	char sha256[CORE_SHA256_HEX];
	const fv_descriptor *descriptor;
	bool own;             /* in the install folder, or beside the library in a build tree */
	const char *replaces; /* path of the program's own plugin that it hides; NULL: none */
} core_plugin;

typedef struct core_refused {
	const char *path, *reason;
} core_refused;

/* A file whose plugin is not used, because a file of this name was found before. */
typedef struct core_hidden {
	const char *path, *by;
	bool own; /* one of the program's own */
} core_hidden;

typedef struct core_registry {
	size_t n, n_refused, n_hidden;
	core_plugin *plugin; /* sorted by kind, then name */
	core_refused *refused;
	core_hidden *hidden;
	const char **folder; /* the folders searched, in order */
	size_t n_folders;
} core_registry;

/* Searches, in this order: the folders given, FAIRVOX_PLUGIN_PATH (separated by colons), the
 * program's own folder, which lies beside libfairvox wherever that was copied to. The first plugin of a name is used; later ones are listed as hidden. A given
 * folder that does not exist is an error (FV_CONFIG). The registry lives as long as the context. */
FV_NODISCARD fv_status core_registry_open(
	fv_ctx *ctx, const char *const *folders, size_t n_folders, core_registry **out);

const core_plugin *core_registry_find(
	const core_registry *registry, fv_kind kind, const char *name); /* NULL: none */
/* The refused file of that name or of a name that was meant: libNAME.so, other capitals, or a
 * file of another name with that plugin. NULL: none. */
const core_refused *core_registry_find_refused(const core_registry *registry, const char *name);
/* The path of the first file that this one hides; NULL: none. */
const char *core_registry_find_hidden(const core_registry *registry, const char *path);
const char *core_kind_name(fv_kind kind); /* "encoder", "grouper", "loss" */

#endif
