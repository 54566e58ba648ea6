/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox encode: writes features of any recordings as safetensors, NumPy arrays or CSV. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "checkpoint/npy_write.h"
#include "config/config.h"
#include "device.h"
#include "run/encode_files.h"
#include "run/pool.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox encode --encoder NAME [OPTION...] --out FILE RECORDING...\n"
	"\n"
	"Encodes recordings and writes one tensor for each, named by the stem of its file:\n"
	"[L,D] (mean over frames), or [L,T,D] with --frames. FILE ends in .safetensors, .npz\n"
	"(an array per recording), .npy (one array [N,L,D], or [N,D] where L is 1, and the\n"
	"names in the same file with .txt) or .csv (one row per recording); .npy and .csv not\n"
	"with --frames. By default whole recordings are encoded, neither cut nor normalised.\n"
	"\n"
	"      --encoder NAME  encoder plugin; 'fairvox plugins' lists them\n"
	"      --weights W     weights of the encoder\n"
	"  -p KEY=VALUE        set a parameter of the encoder, max_seconds, normalize or layer\n"
	"      --output O      output of the encoder (default: its first)\n"
	"      --frames        write frames instead of their mean\n"
	"  -j, --jobs N        worker processes (default 1); does not change the results\n"
	"      --out FILE      output file\n"
	"      --plugins DIR   search DIR for plugins first; may be repeated\n"
	"      --op-timeout S  give up if the plugin does not return from an op within S\n"
	"                      seconds (default 600; 0: never)\n" CLI_DEVICE_HELP;

#define FLAGS_MAX 128

struct encode {
	cli_folders folders;
	const char *encoder, *weights, *output, *out;
	char *flag[FLAGS_MAX];
	size_t n_flags, n_files;
	char **file;
	bool frames;
	enum format { SAFETENSORS, CSV, NPY, NPZ, FORMATS } format;
	int64_t jobs;
	core_device_asked device;
	core_device_choice choice;
	core_encoder *open;
	core_spool *spool; /* holds the data of the tensors */
	core_tensor_out *tensor;
};

static fv_status apply_option(fv_ctx *ctx, struct encode *e, int option)
{
	switch (option) {
	case 'e':
		e->encoder = optarg;
		return FV_OK;
	case 'w':
		e->weights = optarg;
		return FV_OK;
	case 'o':
		e->output = optarg;
		return FV_OK;
	case 'O':
		e->out = optarg;
		return FV_OK;
	case 'F':
		e->frames = true;
		return FV_OK;
	case 'Q':
		return core_device_parse(ctx, optarg, &e->device);
	case 'T':
		return cli_set_op_timeout(ctx, optarg);
	case 'P':
		return cli_add_folder(ctx, &e->folders, optarg);
	case 'j':
		return cli_int(ctx, "-j", optarg, 1, 256, &e->jobs);
	case 'p':
		if (e->n_flags == FLAGS_MAX)
			return fv_fail(ctx, FV_CONFIG, "-p: more than %d parameters", FLAGS_MAX);
		e->flag[e->n_flags++] = optarg;
		return FV_OK;
	}
	return FV_CONFIG;
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n > m && !strcmp(text + n - m, end);
}

static fv_status parse_options(fv_ctx *ctx, int argc, char **argv, struct encode *e)
{
	static const struct option longs[] = {{"encoder", required_argument, NULL, 'e'},
		{"weights", required_argument, NULL, 'w'}, {"output", required_argument, NULL, 'o'},
		{"out", required_argument, NULL, 'O'}, {"frames", no_argument, NULL, 'F'},
		{"jobs", required_argument, NULL, 'j'}, {"plugins", required_argument, NULL, 'P'},
		CLI_OP_TIMEOUT, CLI_DEVICE, {0}};
	static const char *const ends[FORMATS] = {
		[SAFETENSORS] = ".safetensors", [CSV] = ".csv", [NPY] = ".npy", [NPZ] = ".npz"};
	e->jobs = 1;
	for (int option; (option = cli_option(ctx, argc, argv, "p:j:", longs)) != -1;)
		if (option == '?' || apply_option(ctx, e, option))
			return FV_CONFIG;
	if (!e->encoder || !e->out || optind == argc)
		return fv_fail(ctx, FV_CONFIG,
			"encode: --encoder, --out or the recordings are missing: see "
			"'fairvox encode --help'");
	while (e->format < FORMATS && !ends_in(e->out, ends[e->format]))
		e->format++;
	if (e->format == FORMATS)
		return fv_fail(ctx, FV_CONFIG,
			"--out: '%s' ends in none of .safetensors, .npz, .npy and .csv", e->out);
	if (e->frames && (e->format == CSV || e->format == NPY))
		return fv_fail(ctx, FV_CONFIG,
			"--frames: a %s file cannot hold frames: use .safetensors or .npz",
			ends[e->format]);
	e->file = argv + optind;
	e->n_files = (size_t)(argc - optind);
	return FV_OK;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(const core_tensor_out *const *)a)->name,
		(*(const core_tensor_out *const *)b)->name);
}

/* Names the tensors by the stems of the files. Two files with one stem are reported before hours of
 * work. */
static fv_status name_tensors(fv_ctx *ctx, struct encode *e)
{
	const core_tensor_out **sorted = core_alloc(ctx, e->n_files, sizeof *sorted);
	e->tensor = core_alloc(ctx, e->n_files, sizeof *e->tensor);
	if (!sorted || !e->tensor)
		return FV_FAILED;
	for (size_t i = 0; i < e->n_files; i++) {
		e->tensor[i].name = core_path_stem(ctx, e->file[i]);
		if (!e->tensor[i].name)
			return FV_FAILED;
		sorted[i] = &e->tensor[i];
	}
	qsort(sorted, e->n_files, sizeof *sorted, compare_names);
	fv_status status = FV_OK;
	for (size_t i = 1; i < e->n_files; i++)
		if (!compare_names(&sorted[i - 1], &sorted[i]))
			status = fv_fail(ctx, FV_DATA, "%s and %s have the same stem",
				e->file[sorted[i - 1] - e->tensor], e->file[sorted[i] - e->tensor]);
	return status;
}

/* Sets shape and data: [L,D] or [L,T,D]; L is 1 if a layer was chosen. */
static void shape_tensor(const struct encode *e, const core_encoded *encoded, core_tensor_out *out)
{
	const core_encoder *open = e->open;
	bool one = open->spec->layer >= 0;
	out->dtype = "F32";
	out->data = encoded->data +
		    (one ? (int64_t)open->spec->layer * encoded->frames * open->dims : 0);
	out->rank = e->frames ? 3 : 2;
	out->shape[0] = one ? 1 : open->layers;
	out->shape[1] = encoded->frames;
	out->shape[out->rank - 1] = open->dims;
}

/* Tries every recording, so that all bad ones are reported. */
static fv_status encode_recordings(fv_ctx *ctx, struct encode *e)
{
	const char **stem = core_alloc(ctx, e->n_files, sizeof *stem);
	core_encoded *encoded = core_alloc(ctx, e->n_files, sizeof *encoded);
	fv_status status = stem && encoded ? name_tensors(ctx, e) : FV_FAILED;
	if (status)
		return status;
	for (size_t i = 0; i < e->n_files; i++)
		stem[i] = e->tensor[i].name;
	const core_encode_files job = {.encoder = e->open,
		.n = (int64_t)e->n_files,
		.path = (const char *const *)e->file,
		.stem = stem,
		.frames = e->frames,
		.jobs = (int)e->jobs,
		.folder = core_path_dir(ctx, e->out)};
	status = core_encode_files_run(ctx, &job, encoded, &e->spool);
	if (core_pool_was_stopped(status))
		core_log(ctx, CORE_INFO, "stopped: nothing was written to '%s'", e->out);
	for (size_t i = 0; i < e->n_files && !status; i++)
		shape_tensor(e, &encoded[i], &e->tensor[i]);
	return status;
}

static fv_status write_csv(fv_ctx *ctx, const struct encode *e)
{
	const core_encoder *open = e->open;
	const fv_output *output = &open->info.outputs[open->output];
	core_text text = {0};
	core_text_add(&text, "FileName");
	int32_t layers = open->spec->layer >= 0 ? 1 : open->layers;
	for (int32_t l = 0; l < layers; l++)
		for (int32_t d = 0; d < open->dims; d++) {
			char *number = core_format(ctx, "%d", d);
			const char *name = output->columns ? output->columns[d] : number;
			char *full = layers > 1 ? core_format(ctx, "%d.%s", l, name)
						: core_format(ctx, "%s", name);
			core_text_add(&text, ",");
			core_text_csv(&text, full ? full : "");
		}
	core_text_add(&text, "\n");
	for (size_t i = 0; i < e->n_files; i++) {
		const float *x = e->tensor[i].data;
		core_text_csv(&text, e->tensor[i].name);
		for (int32_t j = 0; j < layers * open->dims; j++)
			core_text_add(&text, ",%.9g", (double)x[j]);
		core_text_add(&text, "\n");
	}
	fv_status status = text.failed ? fv_fail(ctx, FV_FAILED, "out of memory")
				       : core_file_write(ctx, e->out, text.data, text.size);
	core_text_free(&text);
	return status;
}

static fv_status write_safetensors(fv_ctx *ctx, const struct encode *e)
{
	const core_encoder *open = e->open;
	const core_meta_out meta[] = {{"encoder", open->name}, {"key", open->key},
		{"output", open->info.outputs[open->output].name}};
	return core_safetensors_write(ctx, e->out, e->tensor, e->n_files, meta, 3);
}

static fv_status write_features(fv_ctx *ctx, const struct encode *e)
{
	if (e->format == CSV)
		return write_csv(ctx, e);
	if (e->format == SAFETENSORS)
		return write_safetensors(ctx, e);
	if (e->format == NPZ)
		return core_npz_write(ctx, e->out, e->tensor, e->n_files);
	const char *names =
		core_format(ctx, "%.*s.txt", (int)(strlen(e->out) - strlen(".npy")), e->out);
	return names ? core_npy_write(ctx, e->out, names, e->tensor, e->n_files) : FV_FAILED;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	struct encode *e = core_alloc(ctx, 1, sizeof *e);
	core_encoder_spec *spec = core_alloc(ctx, 1, sizeof *spec);
	core_registry *registry;
	if (!e || !spec)
		return FV_FAILED;
	fv_status status = parse_options(ctx, argc, argv, e);
	if (!status)
		status = core_registry_open(ctx, e->folders.path, e->folders.n, &registry);
	if (!status)
		status = core_encoder_from_flags(ctx, registry, e->encoder, e->weights, e->output,
			e->flag, e->n_flags, spec);
	if (!status && spec->normalize == CORE_NORMALIZE_CORPUS)
		status = fv_fail(ctx, FV_CONFIG,
			"normalize: 'corpus' needs a corpus: use none or utterance");
	if (!status)
		status = cli_choose_device(ctx, e->device, &e->choice);
	if (!status)
		status = core_encoder_open(ctx, spec, &e->choice, &e->open);
	if (status)
		return status;
	status = encode_recordings(ctx, e);
	if (!status)
		status = write_features(ctx, e);
	core_spool_close(e->spool);
	core_encoder_close(e->open);
	return status;
}

const cli_verb cli_verb_encode = {"encode", "write features of any recordings", usage, run};
