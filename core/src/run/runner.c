/* SPDX-License-Identifier: Apache-2.0 */
#include "run/runner.h"

#include <string.h>

#include <cblas.h>
#include <fairvox/checkpoint.h>

#include "backend/kernels.h"
#include "base/hash.h"
#include "base/path.h"
#include "nn/base_loss.h"
#include "plugin/loaded_files.h"
#include "plugin/surroundings.h"
#include "run/output.h"
#include "run/pool.h"
#include "run/refresh.h"
#include "run/selection.h"
#include "train/predict.h"

static fv_status read_order(fv_ctx *ctx, const core_run_data *r, core_train_job *job)
{
	const char *pattern = r->variant->train.order;
	if (!pattern)
		return FV_OK;
	char *path = core_expand_fold(ctx, pattern, r->study->fold[r->run->fold].fold);
	fv_checkpoint *file;
	fv_status status = path ? fv_checkpoint_open(ctx, path, &file) : FV_FAILED;
	if (status)
		return status;
	const fv_tensor *order = fv_checkpoint_find(file, "order");
	if (!order || strcmp(order->dtype, "I32") || order->rank != 2) {
		status = fv_fail(
			ctx, FV_DATA, "%s: no I32 tensor 'order' of shape [epochs, rows]", path);
	} else {
		int32_t *copy = core_alloc(ctx, (size_t)order->count, sizeof *copy);
		status = copy ? FV_OK : FV_FAILED;
		if (copy)
			memcpy(copy, order->data, (size_t)order->count * sizeof *copy);
		job->order = copy;
		job->order_epochs = order->shape[0];
		job->order_n = order->shape[1];
	}
	fv_checkpoint_close(file);
	return status;
}

struct history {
	fv_ctx *ctx;
	core_run_data *runner;
};

static fv_status add_epoch(void *user, const core_train_epoch *epoch)
{
	struct history *h = user;
	return core_output_add_epoch(h->ctx, h->runner, epoch);
}

/* Reads start values from train.init. */
static fv_status read_start_params(void *user, const core_plan *plan, float *params)
{
	const struct history *h = user;
	const core_run_data *r = h->runner;
	char *path =
		core_expand_fold(h->ctx, r->variant->train.init, r->study->fold[r->run->fold].fold);
	return path ? core_model_read_params(h->ctx, path, plan, params) : FV_FAILED;
}

/* Makes the job without start values, order, checkpoint and callbacks. */
static fv_status make_job(fv_ctx *ctx, core_run_data *r, core_train_job *job)
{
	const fv_descriptor *loss = r->variant->loss.plugin->descriptor;
	*job = (core_train_job){.shape = r->shape,
		.train = core_run_data_make_split(r, CORE_TRAIN, r->train),
		.dev = core_run_data_make_split(r, CORE_DEV, r->dev),
		.spec = &r->variant->train,
		.loss = loss,
		.member_is_probability = r->groups.probability,
		.class_name = (const char *const *)r->corpus->class_name};
	job->loss_state = core_alloc(ctx, 1, loss->state_size);
	if (!job->loss_state)
		return FV_FAILED;
	memcpy(job->loss_state, r->variant->loss.state, loss->state_size);
	core_train_delegate *to = core_alloc(ctx, (size_t)r->variant->loss.n_delegates, sizeof *to);
	for (int32_t i = 0; to && i < r->variant->loss.n_delegates; i++) {
		const core_delegate *from = &r->variant->loss.delegate[i];
		to[i] = (core_train_delegate){
			from->param, from->use.plugin->descriptor, from->use.state};
	}
	job->delegate = to;
	job->n_delegates = r->variant->loss.n_delegates;
	return to ? core_selection_make(ctx, r, job) : FV_FAILED;
}

static fv_status train_on_device(fv_ctx *ctx, core_run_data *r, core_train_job *job)
{
	core_train_device *where = core_alloc(ctx, 1, sizeof *where);
	if (!where)
		return FV_FAILED;
	fv_status status = core_training_device_join(ctx, r->trainer, r->study->device,
		&r->study->encoding[r->run->encoding].features, where);
	job->device = where;
	if (!status)
		status = core_train_run(ctx, job, &r->result);
	core_training_device_leave(r->trainer);
	return status;
}

static fv_status train_model(fv_ctx *ctx, core_run_data *r)
{
	struct history history = {ctx, r};
	core_train_job job;
	fv_status status = make_job(ctx, r, &job);
	if (status)
		return status;
	if (r->variant->train.init)
		job.start = read_start_params;
	job.checkpoint = r->checkpoint;
	job.on_epoch = add_epoch;
	job.user = &history;
	status = read_order(ctx, r, &job);
	if (status)
		return status;
	return r->trainer ? train_on_device(ctx, r, &job) : core_train_run(ctx, &job, &r->result);
}

fv_status core_runner_preview(fv_ctx *ctx, core_run_data *r, bool groups, core_train_preview *out)
{
	core_train_job job;
	fv_status status =
		groups ? core_run_data_make_groups(ctx, r) : core_run_data_find_rows(ctx, r);
	if (!status)
		status = core_run_data_make_training(ctx, r);
	r->shape = core_run_data_shape(r->variant, 1, 1, r->corpus->classes);
	if (!status)
		status = make_job(ctx, r, &job);
	return status ? status : core_train_preview_run(ctx, &job, out);
}

/* Remarks in the log that the kept epoch is the first or the last of those it was chosen from, so that
 * another number of epochs or another learning rate may do better. */
static void remark_on_epoch(fv_ctx *ctx, const core_run_data *r)
{
	const core_train_result *result = &r->result;
	if (result->use_last || result->epochs < 2)
		return;
	if (result->selected_epoch == result->epochs)
		core_log(ctx, CORE_INFO,
			"the last epoch (%d) is kept: longer training may do better",
			(int)result->epochs);
	if (result->selected_epoch == 1)
		core_log(ctx, CORE_INFO,
			"the first of %d epochs is kept: a lower learning rate may do better",
			(int)result->epochs);
}

static fv_status predict_split(fv_ctx *ctx, core_run_data *r, int split)
{
	size_t n = (size_t)r->rows.n[split];
	float *prob = core_alloc(ctx, n * (size_t)r->corpus->classes, sizeof *prob);
	const char **stem = core_alloc(ctx, n, sizeof *stem);
	if (!prob || !stem)
		return FV_FAILED;
	r->prob[split] = prob;
	for (size_t i = 0; i < n; i++)
		stem[i] = r->corpus->stem[r->rows.row[split][i]];
	const fv_rows rows = {
		.size = sizeof rows, .n = (int32_t)n, .classes = r->corpus->classes, .stem = stem};
	core_train_data data = core_run_data_make_split(r, split, rows);
	data.index = r->input.index[split]; /* in the order of stems, unlike the trainer */
	fv_status status = core_train_predict(ctx, r->result.plan, r->result.params, &data, prob);
	if (!status)
		core_base_predict(
			r->variant->train.base_loss, (int32_t)n, r->corpus->classes, prob, prob);
	return status;
}

static fv_status compute_results(fv_ctx *ctx, core_run_data *r)
{
	fv_status status = core_run_data_make_groups(ctx, r);
	if (!status)
		status = core_run_data_make_input(ctx, r);
	if (!status)
		status = core_run_data_make_training(ctx, r);
	if (!status)
		status = core_run_data_order_dev_index(ctx, r);
	if (!status)
		status = train_model(ctx, r);
	if (!status)
		remark_on_epoch(ctx, r);
	for (int split = CORE_DEV; split < core_rows_splits(&r->rows) && !status; split++)
		status = predict_split(ctx, r, split);
	return status ? status : core_loaded_files_check(ctx);
}

/* Warns about plugins that called fork() and let the child return from an op; the guard has ended
 * the children. */
static void warn_about_forks(fv_ctx *ctx, const core_run_data *r)
{
	int copies;
	(void)core_reap_copies(&copies);
	if (copies)
		fv_warn(ctx,
			"loss '%s' or a grouper called fork() in an op and let the child return "
			"from it (%d children were ended): end them with _exit() or exec()",
			r->variant->loss.plugin->descriptor->name, copies);
}

/* Returns true if the log, which a resumed run continues, already has the line. */
static bool has_line(const core_text *log, const char *line)
{
	size_t n = strlen(line);
	for (const char *at = log->data; at && (at = strstr(at, line)); at++)
		if (at[n] == '\n')
			return true;
	return false;
}

/* Adds a line to the log of the run: warnings only once, progress never. The program later shows new
 * warnings from there. */
static void write_log_line(void *user, core_level level, const char *line)
{
	core_text *log = user;
	static const char *const words[] = {"debug", "info", "warning"};
	if (level < CORE_WARNING || (level == CORE_WARNING && !has_line(log, line)))
		core_text_add(log, "%s: %s\n", words[level], line);
}

/* Makes the checkpoint. Its key covers the fingerprint and the kernels, because only the same
 * kernels give the same bits. */
static fv_status make_checkpoint(
	fv_ctx *ctx, core_run_data *r, const core_folder *folder, double save_every_s)
{
	char *text = core_format(ctx, "%s%s %s", r->run->fingerprint, core_kernels_used()->name,
		openblas_get_corename());
	core_run_checkpoint_options options = {.path = core_folder_find_checkpoint(ctx, folder),
		.every_s = save_every_s,
		.should_stop = core_pool_should_stop};
	char key[CORE_SHA256_HEX];
	if (!text || !options.path)
		return FV_FAILED;
	core_sha256_bytes(text, strlen(text), key);
	options.key = core_strdup(ctx, key);
	fv_status status =
		options.key ? core_run_checkpoint_new(ctx, &options, &r->checkpoint) : FV_FAILED;
	if (status)
		return status;
	core_run_checkpoint_add_text(r->checkpoint, "metrics.jsonl", &r->history);
	core_run_checkpoint_add_text(r->checkpoint, "log", &r->log);
	return FV_OK;
}

static fv_status refresh_run(fv_ctx *ctx, const core_study *study, const core_run *run,
	core_lease_view *view, core_run_outcome *outcome)
{
	bool judged, taken;
	fv_status status = core_refresh_run(ctx, study, run, view, &taken, &judged);
	*outcome = !taken ? CORE_RUN_SKIPPED : judged ? CORE_RUN_JUDGED : CORE_RUN_REFRESHED;
	return status;
}

/* On a disk that is nearly full, what was saved for a restart gives way to the results. */
static fv_status write_outputs(fv_ctx *ctx, core_run_data *r, const core_folder *folder)
{
	fv_status status = core_output_write(ctx, r, folder);
	return status && core_folder_make_room(ctx, folder) ? core_output_write(ctx, r, folder)
							    : status;
}

fv_status core_runner_run(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_run_options *options, core_run_outcome *outcome)
{
	core_folder folder;
	core_folder_answer claim = CORE_TAKEN;
	if (run->done && run->stale)
		return refresh_run(ctx, study, run, options->view, outcome);
	fv_status status =
		core_folder_claim(ctx, run, options->force, options->view, &folder, &claim);
	*outcome = claim == CORE_CLAIMED ? CORE_RUN_COMPUTED : CORE_RUN_SKIPPED;
	if (status || claim != CORE_CLAIMED)
		return status;
	core_run_data *r = core_alloc(ctx, 1, sizeof *r);
	if (!r)
		return FV_FAILED;
	*r = (core_run_data){.study = study,
		.run = run,
		.matrices = options->matrices,
		.trainer = core_run_trains_on_device(study, run) ? options->trainer : NULL};
	core_ctx_set_log(ctx, write_log_line, &r->log);
	status = make_checkpoint(ctx, r, &folder, options->save_every_s);
	if (!status)
		status = compute_results(ctx, r);
	warn_about_forks(ctx, r);
	bool kept = core_folder_is_kept(&folder);
	if (!kept) { /* another process computes it, after this one stood still for too long */
		*outcome = CORE_RUN_SKIPPED;
		status = FV_OK;
	}
	if (!status && kept)
		status = write_outputs(ctx, r, &folder);
	if (!status && kept)
		status = core_folder_finish(ctx, &folder, run);
	if (status && status != FV_STOPPED)
		core_folder_fail(ctx, &folder);
	core_run_checkpoint_close(r->checkpoint);
	core_matrix_unshare(r->shared_input);
	core_text_free(&r->history);
	core_text_free(&r->log);
	core_folder_release(&folder);
	return status;
}
