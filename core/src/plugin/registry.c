/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/registry.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ltdl.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/path.h"
#include "plugin/call.h"
#include "plugin/descriptor.h"
#include "plugin/loaded_files.h"
#include "plugin/noise.h"
#include "plugin/probe.h"
#include "plugin/trust.h"

#define FILES_MAX 1024
#define FOLDERS_MAX 64
#define OWN_MAX 2

struct search {
	fv_ctx *ctx;
	core_registry *registry;
	core_candidate file[FILES_MAX];
	size_t n;
	const char *own[OWN_MAX]; /* real path of the install folder, for each place it may be at */
	size_t n_own;
};

/* Is this no fault of the file, but of the system? */
static bool blames_system(const char *reason)
{
	static const int errors[] = {EIO, EMFILE, ENFILE};
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (strstr(reason, strerror(errors[i])))
			return true;
	return false;
}

static fv_status refuse_file(struct search *s, const char *path, const char *reason)
{
	core_registry *r = s->registry;
	if (strstr(reason, "out of memory") || strstr(reason, strerror(ENOMEM)))
		return fv_fail(s->ctx, FV_FAILED, "out of memory"); /* no fault of the file */
	if (blames_system(reason))
		return fv_fail(s->ctx, FV_FAILED, "%s: %s", path, reason);
	if (r->n_refused == FILES_MAX)
		return fv_fail(s->ctx, FV_CONFIG, "over %d plugin files are refused", FILES_MAX);
	r->refused[r->n_refused++] = (core_refused){path, reason};
	return FV_OK;
}

static fv_status hide_file(struct search *s, const char *path, const char *by)
{
	core_registry *r = s->registry;
	if (r->n_hidden == FILES_MAX)
		return fv_fail(s->ctx, FV_CONFIG, "over %d plugin files are hidden", FILES_MAX);
	r->hidden[r->n_hidden++] = (core_hidden){.path = path, .by = by};
	return FV_OK;
}

/* The name in "name.so", of the characters [A-Za-z0-9_-]; NULL for any other file. */
static char *parse_plugin_name(fv_ctx *ctx, const char *file)
{
	size_t n = strspn(file, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	return n && !strcmp(file + n, ".so") ? core_strndup(ctx, file, n) : NULL;
}

/* Looks at the file itself, which may be a link. One that cannot be found is left to the probe. */
static fv_status check_owner(struct search *s, const char *path, const char **untrusted)
{
	char real[PATH_MAX];
	*untrusted = NULL;
	return realpath(path, real) ? core_trust_path(s->ctx, real, untrusted) : FV_OK;
}

/* `untrusted`: why nothing in this folder is loaded; NULL: it is. */
static fv_status add_file(
	struct search *s, const char *folder, const char *file, const char *untrusted)
{
	char *name = parse_plugin_name(s->ctx, file);
	if (!name)
		return FV_OK;
	char *path = core_path_join(s->ctx, folder, file);
	if (!path)
		return FV_FAILED;
	if (untrusted)
		return refuse_file(s, path, untrusted);
	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->file[i].path, path))
			return FV_OK;
		if (!strcmp(s->file[i].name, name))
			return hide_file(s, path, s->file[i].path);
	}
	if (s->n == FILES_MAX)
		return fv_fail(s->ctx, FV_CONFIG, "over %d plugin files", FILES_MAX);
	fv_status status = check_owner(s, path, &untrusted);
	s->file[s->n++] = (core_candidate){.path = path, .name = name, .reason = untrusted};
	return status;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static fv_status add_folder(struct search *s, const char *folder, bool required)
{
	char real[PATH_MAX];
	struct stat st;
	if (!realpath(folder, real) || stat(real, &st)) {
		bool is_missing = errno == ENOENT || errno == ENOTDIR;
		return required || core_memory_note_errno()
			       ? fv_fail(s->ctx, is_missing ? FV_CONFIG : FV_DATA,
					 "%s: plugin folder: %s", folder, strerror(errno))
			       : FV_OK;
	}
	if (!S_ISDIR(st.st_mode))
		return required
			       ? fv_fail(s->ctx, FV_DATA, "%s: plugin folder: not a folder", folder)
			       : FV_OK;
	core_registry *r = s->registry;
	for (size_t i = 0; i < r->n_folders; i++)
		if (!strcmp(r->folder[i], real))
			return FV_OK;
	char *kept = core_strdup(s->ctx, real);
	if (!kept || r->n_folders == FOLDERS_MAX)
		return fv_fail(s->ctx, FV_CONFIG, "%s: too many plugin folders", folder);
	r->folder[r->n_folders++] = kept;
	struct dirent **entry;
	int n = scandir(real, &entry, NULL, compare_names);
	if (n < 0)
		return fv_fail(s->ctx, FV_DATA, "%s: plugin folder: %s", folder, strerror(errno));
	const char *untrusted;
	fv_status status = core_trust_path(s->ctx, kept, &untrusted);
	for (int i = 0; i < n; i++) {
		if (!status)
			status = add_file(s, kept, entry[i]->d_name, untrusted);
		free(entry[i]);
	}
	free(entry);
	return status;
}

/* Searches FAIRVOX_PLUGIN_PATH; missing folders are skipped, as in PATH. */
static fv_status add_search_path(struct search *s, const char *path)
{
	while (path && *path) {
		size_t n = strcspn(path, ":");
		char *folder = core_strndup(s->ctx, path, n);
		if (!folder)
			return FV_FAILED;
		fv_status status = *folder ? add_folder(s, folder, false) : FV_OK;
		if (status)
			return status;
		path += n + (path[n] == ':');
	}
	return FV_OK;
}

/* Plugins in this folder count as the program's own, even if the user has given the same folder. */
static fv_status add_own_folder(struct search *s, const char *folder)
{
	char real[PATH_MAX];
	if (!realpath(folder, real)) {
		(void)core_memory_note_errno();
	} else {
		s->own[s->n_own] = core_strdup(s->ctx, real);
		if (!s->own[s->n_own++])
			return FV_FAILED;
	}
	return add_folder(s, folder, false);
}

/* Searches the folders beside the library: "fairvox" when installed, "plugins" in a build tree. */
static fv_status add_own_folders(struct search *s)
{
	Dl_info info;
	if (dladdr((const void *)&core_registry_find, &info) && info.dli_fname) {
		char *dir = core_path_dir(s->ctx, info.dli_fname);
		static const char *const names[] = {"fairvox", "plugins"};
		for (size_t i = 0; dir && i < 2; i++) {
			char *folder = core_format(s->ctx, "%s/%s", dir, names[i]);
			fv_status status = folder ? add_own_folder(s, folder) : FV_FAILED;
			if (status)
				return status;
		}
	}
	return FV_OK;
}

static bool is_own(const struct search *s, const char *path)
{
	size_t dir = (size_t)(core_path_base(path) - path) - 1;
	for (size_t i = 0; i < s->n_own; i++)
		if (strlen(s->own[i]) == dir && !strncmp(s->own[i], path, dir))
			return true;
	return false;
}

/* Tells why a file could not be loaded. libltdl keeps the reasons of the system to itself, which is therefore asked
 * again; a file that it does load was refused by libltdl, which only lacks memory then. */
static const char *describe_failure(fv_ctx *ctx, const char *path, bool loaded)
{
	if (loaded)
		return "its " FV_ENTRY_SYMBOL " is NULL";
	errno = 0;
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	bool lacks_memory = handle || errno == ENOMEM;
	if (handle)
		dlclose(handle);
	if (lacks_memory)
		return "out of memory";
	const char *error = dlerror();
	const char *reason = core_strdup(ctx, error ? error : "out of memory");
	return reason ? reason : "out of memory";
}

/* Loads a file that has passed the probe. Returns the reason of a failure, or NULL. Keeps locale
 * and floating-point mode. */
static const char *load_library(fv_ctx *ctx, lt_dladvise advise, const char *path, fv_entry *entry)
{
	fenv_t mode;
	char *locale = core_strdup(ctx, setlocale(LC_ALL, NULL));
	if (!locale || fegetenv(&mode))
		return "cannot keep locale and floating-point mode";
	lt_dlhandle handle = lt_dlopenadvise(path, advise);
	if (handle)
		*(void **)entry = lt_dlsym(handle, FV_ENTRY_SYMBOL);
	fesetenv(&mode);
	setlocale(LC_ALL, locale);
	if (handle && *entry)
		return NULL;
	return describe_failure(ctx, path, handle != NULL);
}

/* Marks the hidden files in the program's own folders, which are known after the others were searched. */
static void mark_own_files(struct search *s)
{
	core_registry *r = s->registry;
	for (size_t i = 0; i < r->n_hidden; i++)
		r->hidden[i].own = is_own(s, r->hidden[i].path);
}

/* The program's own plugin that this file hides; NULL: none. */
static const char *find_replaced(const struct search *s, const char *path)
{
	const core_registry *r = s->registry;
	for (size_t i = 0; i < r->n_hidden; i++)
		if (!strcmp(r->hidden[i].by, path) && r->hidden[i].own)
			return r->hidden[i].path;
	return NULL;
}

/* Is the plugin written in Rust? Its standard library leaves this name. */
static bool is_rust(fv_ctx *ctx, const char *path)
{
	static const char mark[] = "rust_panic";
	char *text;
	size_t size;
	fv_ctx *own = core_ctx_aside(ctx);
	bool found = own && core_file_read(own, path, 1 << 28, &text, &size) == FV_OK &&
		     memmem(text, size, mark, sizeof mark - 1) != NULL;
	core_ctx_free(own);
	return found;
}

/* Tells that a plugin prints, which would mix with results. */
static void report_noise(fv_ctx *ctx, const char *path)
{
	char line[80];
	if (core_noise_read(line, sizeof line))
		fv_warn(ctx,
			"%s: prints to standard output when it is loaded, which was dropped: "
			"\"%s\"",
			path, line);
}

static fv_status load_file(struct search *s, lt_dladvise advise, const core_candidate *file)
{
	core_registry *r = s->registry;
	core_plugin *plugin = &r->plugin[r->n];
	fv_entry entry = NULL;
	const char *reason = file->reason;
	if (!reason) {
		core_noise_begin();
		reason = load_library(s->ctx, advise, file->path, &entry);
		core_noise_end();
		report_noise(s->ctx, file->path);
	}
	if (reason)
		return refuse_file(s, file->path, reason);
	plugin->path = file->path;
	plugin->own = is_own(s, file->path);
	plugin->replaces = find_replaced(s, file->path);
	fv_status status = core_sha256_file(s->ctx, file->path, plugin->sha256);
	if (status)
		return status;
	core_loaded_file_note(file->path, plugin->sha256);
	plugin->descriptor = core_descriptor_copy(s->ctx, entry());
	if (!plugin->descriptor)
		return FV_FAILED;
	if (!plugin->own && is_rust(s->ctx, file->path))
		core_call_add_rust(plugin->descriptor->name);
	r->n++;
	return FV_OK;
}

static int compare_plugins(const void *a, const void *b)
{
	const fv_descriptor *x = ((const core_plugin *)a)->descriptor;
	const fv_descriptor *y = ((const core_plugin *)b)->descriptor;
	return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind)
				  : strcmp(x->name, y->name);
}

static fv_status probe_and_load(struct search *s)
{
	fv_status status = core_probe_files(s->ctx, s->file, s->n);
	if (status)
		return status;
	lt_dladvise advise;
	/* They fail for want of memory alone, whatever lt_dlerror says. */
	if (lt_dlinit() || lt_dladvise_init(&advise))
		return fv_fail(s->ctx, FV_FAILED, "out of memory");
	if (lt_dladvise_local(&advise) || lt_dladvise_resident(&advise))
		status = fv_fail(s->ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < s->n && !status; i++)
		status = load_file(s, advise, &s->file[i]);
	lt_dladvise_destroy(&advise);
	core_call_hook_exceptions();
	qsort(s->registry->plugin, s->registry->n, sizeof *s->registry->plugin, compare_plugins);
	return status;
}

fv_status core_registry_open(
	fv_ctx *ctx, const char *const *folders, size_t n_folders, core_registry **out)
{
	struct search *s = core_alloc(ctx, 1, sizeof *s);
	core_registry *r = core_alloc(ctx, 1, sizeof *r);
	if (!s || !r)
		return FV_FAILED;
	*s = (struct search){.ctx = ctx, .registry = r};
	r->plugin = core_alloc(ctx, FILES_MAX, sizeof *r->plugin);
	r->refused = core_alloc(ctx, FILES_MAX, sizeof *r->refused);
	r->hidden = core_alloc(ctx, FILES_MAX, sizeof *r->hidden);
	r->folder = core_alloc(ctx, FOLDERS_MAX, sizeof *r->folder);
	if (!r->plugin || !r->refused || !r->hidden || !r->folder)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (size_t i = 0; i < n_folders && !status; i++)
		status = add_folder(s, folders[i], true);
	if (!status)
		status = add_search_path(s, getenv("FAIRVOX_PLUGIN_PATH"));
	if (!status)
		status = add_own_folders(s);
	mark_own_files(s);
	if (!status)
		status = probe_and_load(s);
	*out = r;
	return status;
}

const core_plugin *core_registry_find(const core_registry *registry, fv_kind kind, const char *name)
{
	for (size_t i = 0; i < registry->n; i++) {
		const fv_descriptor *d = registry->plugin[i].descriptor;
		if (d->kind == kind && !strcmp(d->name, name))
			return &registry->plugin[i];
	}
	return NULL;
}

const core_refused *core_registry_find_refused(const core_registry *registry, const char *name)
{
	const core_refused *meant = NULL;
	size_t n = strlen(name);
	for (size_t i = 0; i < registry->n_refused; i++) {
		const core_refused *refused = &registry->refused[i];
		const char *base = core_path_base(refused->path);
		if (!strncmp(base, name, n) && !strcmp(base + n, ".so"))
			return refused;
		if (core_descriptor_is_named(refused->reason, name))
			meant = refused;
		base += strncmp(base, "lib", 3) ? 0 : 3;
		if (!strncasecmp(base, name, n) && !strcmp(base + n, ".so"))
			meant = refused;
	}
	return meant;
}

const char *core_registry_find_hidden(const core_registry *registry, const char *path)
{
	for (size_t i = 0; i < registry->n_hidden; i++)
		if (!strcmp(registry->hidden[i].by, path))
			return registry->hidden[i].path;
	return NULL;
}
