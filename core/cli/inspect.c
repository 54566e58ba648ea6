/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox inspect: prints the tensors of a file and the encoders that can load it. */
#include <getopt.h>
#include <string.h>

#include <jansson.h>

#include <fairvox/checkpoint.h>
#include <fairvox/encoder.h>

#include "base/hash.h"
#include "base/json.h"
#include "checkpoint/checkpoint_private.h"
#include "checkpoint/split.h"
#include "plugin/registry.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox inspect [--plugins DIR]... [--json] FILE\n"
	"\n"
	"Prints the contents of a weights file: its container (safetensors, torch zip or torch\n"
	"legacy), its SHA-256, each tensor's name, type and shape, and the encoders that can\n"
	"load it, with the licence of the weights if it is known. A malformed file is rejected\n"
	"with the byte and the rule it violates (exit code 4).\n"
	"\n"
	"      --plugins DIR  search DIR for plugins first; may be repeated\n"
	"      --json         print one JSON object\n";

struct fit {
	const char *encoder;
	fv_fit fit;
};

struct inspect {
	const char *path;
	char sha256[CORE_SHA256_HEX];
	fv_checkpoint *file;
	struct fit *fit;
	size_t n_fits;
	int64_t elements;
	size_t bytes; /* of all files */
};

static fv_status find_fits(fv_ctx *ctx, const core_registry *r, struct inspect *in)
{
	in->fit = core_alloc(ctx, r->n, sizeof *in->fit);
	if (!in->fit)
		return FV_FAILED;
	for (size_t i = 0; i < r->n; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		const fv_fits_1 *fits =
			d->kind == FV_ENCODER && d->extension ? d->extension(FV_FITS_1) : NULL;
		fv_fit fit = {.size = sizeof fit};
		if (fits && fits->fits(in->file, in->sha256, &fit))
			in->fit[in->n_fits++] = (struct fit){d->name, fit};
	}
	return FV_OK;
}

/* --- text --- */

static void print_text(const struct inspect *in)
{
	int64_t n = fv_checkpoint_count(in->file);
	cli_printf("container: %s\nbytes:     %zu\nsha256:    %s\ntensors:   %lld (%lld numbers)\n",
		fv_checkpoint_container(in->file), in->bytes, in->sha256, (long long)n,
		(long long)in->elements);
	for (size_t i = 0; i < in->n_fits; i++) {
		const fv_fit *fit = &in->fit[i].fit;
		cli_printf("encoder:   %s (%s)\nlicence:   %s\n", in->fit[i].encoder, fit->what,
			fit->licence ? fit->licence
				     : "not known for these weights: check their source");
	}
	if (!in->n_fits)
		puts("encoder:   no plugin found can load this file");
	for (int64_t i = 0; i < in->file->n_meta; i++) {
		fputs("metadata:  ", stdout);
		cli_printf("%s = %s\n", in->file->meta[i].key, in->file->meta[i].value);
	}
	if (n)
		putchar('\n');
	for (int64_t i = 0; i < n; i++) {
		const fv_tensor *t = fv_checkpoint_at(in->file, i);
		cli_printf("%-4s ", t->dtype);
		cli_printf("%s [", t->name);
		for (int32_t d = 0; d < t->rank; d++)
			cli_printf("%s%lld", d ? "," : "", (long long)t->shape[d]);
		puts("]");
	}
}

/* --- JSON --- */

static json_t *tensors_json(const struct inspect *in)
{
	json_t *list = json_array();
	for (int64_t i = 0; i < fv_checkpoint_count(in->file); i++) {
		const fv_tensor *t = fv_checkpoint_at(in->file, i);
		json_t *shape = json_array();
		for (int32_t d = 0; d < t->rank; d++)
			json_array_append_new(shape, json_integer(t->shape[d]));
		json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", t->name, "dtype",
						    t->dtype, "shape", shape));
	}
	return list;
}

static fv_status print_json(fv_ctx *ctx, const struct inspect *in)
{
	json_t *encoders = json_array(), *metadata = json_object();
	for (size_t i = 0; i < in->n_fits; i++)
		json_array_append_new(
			encoders, json_pack("{s:s, s:s, s:s?}", "name", in->fit[i].encoder, "what",
					  in->fit[i].fit.what, "licence", in->fit[i].fit.licence));
	for (int64_t i = 0; i < in->file->n_meta; i++)
		json_object_set_new(
			metadata, in->file->meta[i].key, json_string(in->file->meta[i].value));
	json_t *root = json_pack("{s:i, s:s, s:I, s:s, s:I, s:o, s:o, s:o}", "schema_version", 1,
		"container", fv_checkpoint_container(in->file), "bytes", (json_int_t)in->bytes,
		"sha256", in->sha256, "elements", (json_int_t)in->elements, "encoders", encoders,
		"metadata", metadata, "tensors", tensors_json(in));
	return cli_print_json(ctx, core_json_text(ctx, root, JSON_COMPACT));
}

/* --- the subcommand --- */

static fv_status inspect_file(fv_ctx *ctx, const core_registry *r, struct inspect *in, bool json)
{
	fv_status status = find_fits(ctx, r, in);
	if (status)
		return status;
	in->bytes = in->file->size;
	for (size_t i = 0; i < in->file->n_parts; i++)
		in->bytes += in->file->part[i]->size;
	for (int64_t i = 0; i < fv_checkpoint_count(in->file); i++)
		in->elements += fv_checkpoint_at(in->file, i)->count;
	if (!json)
		print_text(in);
	else if ((status = print_json(ctx, in)))
		return status;
	return cli_flush(ctx);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {
		{"plugins", required_argument, NULL, 'P'}, {"json", no_argument, NULL, 'j'}, {0}};
	cli_folders folders = {0};
	bool json = false;
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1;) {
		if (option == '?')
			return FV_CONFIG;
		if (option == 'j')
			json = true;
		else if (cli_add_folder(ctx, &folders, optarg))
			return FV_CONFIG;
	}
	if (optind + 1 != argc)
		return fv_fail(ctx, FV_CONFIG, "inspect: name one file");
	struct inspect in = {.path = argv[optind]};
	core_registry *r;
	fv_status status = core_registry_open(ctx, folders.path, folders.n, &r);
	if (!status)
		status = fv_checkpoint_open(ctx, in.path, &in.file);
	if (status)
		return status;
	status = core_weights_sha256(ctx, in.path, in.sha256);
	if (!status)
		status = inspect_file(ctx, r, &in, json);
	fv_checkpoint_close(in.file);
	return status;
}

const cli_verb cli_verb_inspect = {
	"inspect", "the contents of a weights file, and which encoders load it", usage, run};
