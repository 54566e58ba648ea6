/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox predict: predicts emotion distributions of new recordings with a finished run, or with the mean
 * of a variant's finished runs. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sheet.h"
#include "device.h"
#include "nn/base_loss.h"
#include "run/encode_files.h"
#include "run/model.h"
#include "train/predict.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox predict [OPTION...] RUN FILE...\n"
	"\n"
	"Prints the predicted emotion distribution of each recording as CSV (FileName,\n"
	"prob_<class>...). RUN is the folder of a run, or of a variant: then the mean over its\n"
	"finished runs.\n"
	"\n"
	"      --spreadsheet  names that a spreadsheet would run as a formula (=1+1) get an\n"
	"                     apostrophe, as in tables; without, they are as they came\n"
	"      --weights W    weights of the encoder, if they are not where the run found them\n"
	"      --plugins DIR  search DIR for plugins first; may be repeated\n" CLI_OP_TIMEOUT_HELP
		CLI_DEVICE_HELP;

#define MODELS_MAX 1024

struct predict {
	core_registry *registry;
	const char *path[MODELS_MAX]; /* model files */
	size_t n_models, n_files;
	char **file;
	core_model first;
	core_device_asked device;
	core_device_choice choice;
	bool spreadsheet;    /* the output is for one */
	const char *weights; /* NULL: use the path in the run's config.yaml */
	const char *encoder; /* the encoder behind x, as JSON from the model; NULL: none yet */
	size_t width;        /* L D */
	float *x;            /* [files, L, D] */
	double *sum;         /* [files, C] */
	bool *told;          /* [files] the user knows that it is silent */
};

static fv_status add_model(fv_ctx *ctx, struct predict *p, const char *dir)
{
	char *done = core_path_join(ctx, dir, "done");
	char *model = core_path_join(ctx, dir, "model.safetensors");
	if (!done || !model)
		return FV_FAILED;
	if (core_is_file(done) && p->n_models < MODELS_MAX)
		p->path[p->n_models++] = model;
	return FV_OK;
}

static fv_status find_models(fv_ctx *ctx, struct predict *p, const char *dir)
{
	fv_status status = add_model(ctx, p, dir);
	if (status || p->n_models)
		return status;
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort);
	if (n < 0)
		return fv_fail(ctx, FV_DATA, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		char *run = core_path_join(ctx, dir, list[i]->d_name);
		if (!status && !strncmp(list[i]->d_name, "fold", 4))
			status = run ? add_model(ctx, p, run) : FV_FAILED;
		free(list[i]);
	}
	free(list);
	if (!status && !p->n_models)
		status = fv_fail(ctx, FV_DATA, "%s: no finished run in this folder", dir);
	return status;
}

static fv_status check_same_classes(
	fv_ctx *ctx, const struct predict *p, const core_model *model, const char *path)
{
	bool same = p->first.plan->shape.classes == model->plan->shape.classes;
	for (int32_t c = 0; same && c < model->plan->shape.classes; c++)
		same = !strcmp(p->first.class_name[c], model->class_name[c]);
	if (same)
		return FV_OK;
	return fv_fail(ctx, FV_DATA, "%s: its classes differ from those of %s", path, p->path[0]);
}

/* Encodes one recording into out [L,D]: only the layers that the model reads. */
static fv_status encode_one(fv_ctx *ctx, const core_encoder *e, const char *path, size_t width,
	float *out, bool *silent)
{
	float *all = core_alloc(ctx, (size_t)e->layers * (size_t)e->dims, sizeof *all);
	if (!all)
		return FV_FAILED;
	fv_status status;
	if (e->info.by_name) {
		char *id = core_path_id(ctx, path);
		status = id ? core_encoder_lookup(ctx, e, id, 1, all) : FV_FAILED;
	} else {
		status = core_encoder_encode_file(ctx, e, path, NULL, all, silent);
	}
	size_t skipped = e->spec->layer > 0 ? (size_t)e->spec->layer * (size_t)e->dims : 0;
	if (!status)
		memcpy(out, all + skipped, width * sizeof *out);
	return status;
}

/* Says of a recording, once, that nothing can be heard in it. */
static void warn_silent(fv_ctx *ctx, struct predict *p, size_t i)
{
	if (!p->told[i])
		core_log(ctx, CORE_WARNING,
			"%s is silent: nothing can be heard in it, so its prediction says nothing",
			p->file[i]);
	p->told[i] = true;
}

/* Encodes the recordings one by one, in this process. */
static fv_status encode_here(fv_ctx *ctx, struct predict *p, const core_encoder *e)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < p->n_files; i++) {
		bool silent = false;
		fv_ctx *own = core_ctx_aside(ctx);
		if (!own)
			return FV_FAILED;
		core_ctx_copy_log(own, ctx);
		fv_status one =
			encode_one(own, e, p->file[i], p->width, p->x + i * p->width, &silent);
		one = core_ctx_rejoin(ctx, own, one);
		status = status ? status : one;
		if (silent)
			warn_silent(ctx, p, i);
	}
	return status;
}

/* Encodes the recordings on the encoder's device. */
static fv_status encode_on_device(fv_ctx *ctx, struct predict *p, const core_encoder *e)
{
	const char *folder = getenv("TMPDIR");
	core_spool *spool;
	core_encoded *encoded = core_alloc(ctx, p->n_files, sizeof *encoded);
	uint8_t *silent = core_alloc(ctx, p->n_files, sizeof *silent);
	if (!encoded || !silent)
		return FV_FAILED;
	const core_encode_files job = {.encoder = e,
		.n = (int64_t)p->n_files,
		.path = (const char *const *)p->file,
		.jobs = 1,
		.folder = folder && *folder ? folder : P_tmpdir,
		.silent = silent};
	fv_status status = core_encode_files_run(ctx, &job, encoded, &spool);
	size_t skipped = e->spec->layer > 0 ? (size_t)e->spec->layer * (size_t)e->dims : 0;
	for (size_t i = 0; i < p->n_files && !status; i++) {
		memcpy(p->x + i * p->width, encoded[i].data + skipped, p->width * sizeof *p->x);
		if (silent[i])
			warn_silent(ctx, p, i);
	}
	core_spool_close(spool);
	return status;
}

/* Encodes all recordings with the model's encoder, unless the previous model had the same one. */
static fv_status encode_recordings(
	fv_ctx *ctx, struct predict *p, const core_model *model, const char *path)
{
	size_t width = (size_t)model->plan->shape.layers * (size_t)model->plan->shape.dims;
	bool same = p->encoder && !strcmp(p->encoder, model->encoder_json);
	if (same && p->width == width)
		return FV_OK;
	core_encoder *e;
	fv_status status =
		core_model_open_encoder(ctx, p->registry, model, path, p->weights, &p->choice, &e);
	if (status)
		return status;
	p->encoder = model->encoder_json;
	p->width = width;
	p->x = core_alloc(ctx, p->n_files * width, sizeof *p->x);
	if (!p->x)
		status = FV_FAILED;
	else
		status = e->device ? encode_on_device(ctx, p, e) : encode_here(ctx, p, e);
	core_encoder_close(e);
	return status;
}

static fv_status apply_model(fv_ctx *ctx, struct predict *p, const core_model *model)
{
	size_t classes = (size_t)model->plan->shape.classes;
	float *prob = core_alloc(ctx, classes, sizeof *prob);
	fv_status first = prob ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < p->n_files && prob; i++) {
		const char *stem = core_path_stem(ctx, p->file[i]);
		const core_train_data data = {.rows = {.size = sizeof(fv_rows),
						      .n = 1,
						      .classes = model->plan->shape.classes,
						      .stem = &stem},
			.x = p->x + i * p->width,
			.mean = model->scaling.mean,
			.scale = model->scaling.scale};
		fv_status status = core_train_predict(ctx, model->plan, model->params, &data, prob);
		first = first ? first : status;
		if (status)
			continue;
		core_base_predict(model->sigmoid ? FV_BCE : FV_SOFT_CE, 1,
			model->plan->shape.classes, prob, prob);
		for (size_t c = 0; c < classes; c++)
			p->sum[i * classes + c] += (double)prob[c];
	}
	return first;
}

static fv_status use_model(fv_ctx *ctx, struct predict *p, size_t index)
{
	core_model model;
	const char *path = p->path[index];
	fv_status status = core_model_read(ctx, path, &model);
	if (status)
		return status;
	core_ctx_set_run(ctx, model.seed, model.fold);
	if (!index) {
		p->first = model;
		p->sum = core_alloc(
			ctx, p->n_files * (size_t)model.plan->shape.classes, sizeof *p->sum);
		if (!p->sum)
			return FV_FAILED;
	}
	status = check_same_classes(ctx, p, &model, path);
	if (!status && !model.scaling.mean)
		status = fv_fail(ctx, FV_DATA,
			"%s: features are standardised per speaker, which needs all recordings of "
			"each speaker: this model cannot predict single recordings",
			path);
	if (!status)
		status = encode_recordings(ctx, p, &model, path);
	return status ? status : apply_model(ctx, p, &model);
}

static void add_name(core_text *text, const struct predict *p, const char *name)
{
	name = name ? name : "";
	if (p->spreadsheet)
		core_text_sheet(text, name);
	else
		core_text_csv(text, name);
}

static fv_status print_predictions(fv_ctx *ctx, const struct predict *p)
{
	size_t classes = (size_t)p->first.plan->shape.classes;
	core_text text = {0};
	core_text_add(&text, "FileName");
	for (size_t c = 0; c < classes; c++) {
		char *name = core_format(ctx, "prob_%s", p->first.class_name[c]);
		core_text_add(&text, ",");
		add_name(&text, p, name);
	}
	core_text_add(&text, "\n");
	for (size_t i = 0; i < p->n_files; i++) {
		char *id = core_path_stem(ctx, p->file[i]);
		add_name(&text, p, id);
		for (size_t c = 0; c < classes; c++)
			core_text_add(
				&text, ",%.9g", p->sum[i * classes + c] / (double)p->n_models);
		core_text_add(&text, "\n");
	}
	fv_status status = cli_print_csv(ctx, &text);
	core_text_free(&text);
	return status ? status : cli_flush(ctx);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"plugins", required_argument, NULL, 'P'},
		{"weights", required_argument, NULL, 'w'}, {"spreadsheet", no_argument, NULL, 's'},
		CLI_OP_TIMEOUT, CLI_DEVICE, {0}};
	struct predict *p = core_alloc(ctx, 1, sizeof *p);
	cli_folders folders = {0};
	if (!p)
		return FV_FAILED;
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1;) {
		fv_status status = FV_OK;
		if (option == 'w')
			p->weights = optarg;
		else if (option == 's')
			p->spreadsheet = true;
		else if (option == 'T')
			status = cli_set_op_timeout(ctx, optarg);
		else if (option == 'Q')
			status = core_device_parse(ctx, optarg, &p->device);
		else
			status = option == '?' ? FV_CONFIG : cli_add_folder(ctx, &folders, optarg);
		if (status)
			return status;
	}
	if (optind + 2 > argc)
		return fv_fail(
			ctx, FV_CONFIG, "predict: name the folder of a run, then recordings");
	p->file = argv + optind + 1;
	p->n_files = (size_t)(argc - optind - 1);
	p->told = core_alloc(ctx, p->n_files, sizeof *p->told);
	if (!p->told)
		return FV_FAILED;
	fv_status status = core_registry_open(ctx, folders.path, folders.n, &p->registry);
	if (!status)
		status = cli_check_exists(ctx, argv[optind]);
	if (!status)
		status = find_models(ctx, p, argv[optind]);
	if (!status)
		status = cli_choose_device(ctx, p->device, &p->choice);
	for (size_t i = 0; i < p->n_models && !status; i++)
		status = use_model(ctx, p, i);
	return status ? status : print_predictions(ctx, p);
}

const cli_verb cli_verb_predict = {
	"predict", "predict emotions of new recordings with a finished run", usage, run};
