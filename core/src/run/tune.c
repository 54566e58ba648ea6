/* SPDX-License-Identifier: Apache-2.0 */
#include "run/tune.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/numerics.h"
#include "base/plural.h"
#include "run/failures.h"
#include "run/fingerprint.h"
#include "run/folder.h"
#include "run/output.h"
#include "run/plugin_list.h"

static const char *get_sha256(const core_identity *identity)
{
	return identity->sha256;
}

static const char *get_family(const core_identity *identity)
{
	return identity->family;
}

static const char *get_settings(const core_identity *identity)
{
	return identity->settings;
}

/* Hashes `by` and one of the hashes of each trial, in their order. */
static fv_status hash_trials(fv_ctx *ctx, const core_study *study, const core_variant *variant,
	const char *(*get_hash)(const core_identity *), char hex[CORE_SHA256_HEX])
{
	core_text text = {0};
	core_text_add(&text, "tune %s\n", variant->tune->by);
	for (int32_t i = 0; i < variant->tune->n_trials; i++) {
		const core_identity *trial = &study->identity[variant->tune->trial[i]];
		core_text_add(&text, "%s\n", get_hash(trial));
	}
	return core_sha256_text(ctx, &text, hex);
}

fv_status core_tune_identify(
	fv_ctx *ctx, const core_study *study, const core_variant *variant, core_identity *out)
{
	fv_status status = hash_trials(ctx, study, variant, get_sha256, out->sha256);
	if (!status)
		status = hash_trials(ctx, study, variant, get_settings, out->settings);
	return status ? status : hash_trials(ctx, study, variant, get_family, out->family);
}

/* Finds the run of a variant, or of the variant with the same content that it repeats. */
static const core_run *find_run(
	const core_study *study, int32_t variant, int32_t fold, int64_t seed)
{
	const char *sha256 = study->identity[variant].sha256;
	for (int64_t i = 0; i < study->n_runs; i++) {
		const core_run *run = &study->run[i];
		if (study->fold[run->fold].fold == study->fold[fold].fold && run->seed == seed &&
			!strcmp(study->identity[run->variant].sha256, sha256))
			return run;
	}
	return NULL;
}

/* Is this a run of the variant, or of the one with the same content that it repeats? */
static bool is_run_of(const core_study *study, const core_run *run, int32_t variant)
{
	const char *sha256 = study->identity[variant].sha256;
	return run->variant == variant ||
	       (*sha256 && !strcmp(study->identity[run->variant].sha256, sha256));
}

fv_status core_tune_pass_on_failure(fv_ctx *ctx, const core_study *study, core_run *run)
{
	const core_tune *tune = core_run_variant(study, run)->tune;
	for (int32_t i = 0; tune && i < tune->n_trials && !run->failure; i++)
		for (int64_t k = 0; k < study->n_runs && !run->failure; k++) {
			const core_run *of = &study->run[k];
			if (!of->failure || of->fold != run->fold ||
				!is_run_of(study, of, tune->trial[i]))
				continue;
			core_reason *reason = core_alloc(ctx, 1, sizeof *reason);
			if (!reason)
				return FV_FAILED;
			reason->status = of->failure->status;
			reason->text = core_format(ctx, "its trial %s failed: %s",
				study->config->variants[tune->trial[i]].slug, of->failure->text);
			if (!reason->text)
				return FV_FAILED;
			run->failure = reason;
		}
	return FV_OK;
}

/* Hashes the fingerprints of a trial's runs of one fold. */
static fv_status hash_runs(fv_ctx *ctx, const core_study *study, int32_t trial, int32_t fold,
	char hex[CORE_SHA256_HEX])
{
	const core_train_spec *train = &study->config->variants[trial].train;
	core_text text = {0};
	for (int32_t s = 0; s < train->n_seeds; s++)
		core_text_add(
			&text, "%s", find_run(study, trial, fold, train->seeds[s])->fingerprint);
	return core_sha256_text(ctx, &text, hex);
}

fv_status core_tune_make_fingerprint(fv_ctx *ctx, const core_study *study, core_run *run)
{
	const core_variant *variant = core_run_variant(study, run);
	const core_tune *tune = variant->tune;
	json_t *trials = json_array(), *seeds = json_array();
	fv_status status = FV_OK;
	for (int32_t i = 0; i < tune->n_trials && !status; i++) {
		char hex[CORE_SHA256_HEX];
		status = hash_runs(ctx, study, tune->trial[i], run->fold, hex);
		if (!status)
			json_array_append_new(trials, json_string(hex));
	}
	for (int32_t s = 0; s < variant->train.n_seeds; s++)
		json_array_append_new(seeds, json_integer((json_int_t)variant->train.seeds[s]));
	json_t *root = json_pack("{s:i, s:i, s:s, s:I, s:I, s:s, s:o, s:o, s:o, s:o}",
		"schema_version", CORE_RESULTS_SCHEMA, "numerics", CORE_NUMERICS, "variant",
		study->identity[run->variant].sha256, "fold",
		(json_int_t)study->fold[run->fold].fold, "seed", (json_int_t)run->seed, "by",
		tune->by, "seeds", seeds, "eval", json_loads(run->evaluation->json, 0, NULL),
		"axes", json_loads(variant->axes_json, 0, NULL), "trials", trials);
	const char *text = root ? core_json_text(ctx, root, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
	run->fingerprint = text ? core_format(ctx, "%s\n", text) : NULL;
	return status || run->fingerprint ? status : FV_FAILED;
}

/* The choice of one fold. */
struct choice {
	fv_ctx *ctx;
	const core_study *study;
	int32_t variant, fold; /* indices */
	const core_variant *own;
	const core_tune *tune;
	double *value; /* [n_trials] means over the seeds */
	int32_t best;
};

static const core_run *find_trial_run(const struct choice *c, int32_t trial, int32_t seed)
{
	return find_run(c->study, c->tune->trial[trial], c->fold, c->own->train.seeds[seed]);
}

/* Sets *ready if the runs of all trials in this fold are done. Errors: with keep_going, that of a trial that
 * has failed: the others alone would be another choice. */
static fv_status check_trials(const struct choice *c, fv_ctx *own, bool *ready)
{
	*ready = true;
	for (int32_t i = 0; i < c->tune->n_trials; i++)
		for (int32_t s = 0; s < c->own->train.n_seeds; s++) {
			const core_run *run = find_trial_run(c, i, s);
			const char *reason = NULL;
			if (core_folder_is_done(own, run))
				continue;
			*ready = false;
			if (run->aside) /* its own process reports why it failed */
				continue;
			if (c->study->keep_going &&
				core_folder_read_failure(c->ctx, run->dir, &reason))
				return FV_FAILED;
			if (reason)
				return fv_fail(c->ctx, FV_FAILED, "its trial %s failed: %s",
					c->study->config->variants[c->tune->trial[i]].slug, reason);
		}
	return FV_OK;
}

static fv_status compute_values(struct choice *c)
{
	int32_t seeds = c->own->train.n_seeds;
	c->value = core_alloc(c->ctx, (size_t)c->tune->n_trials, sizeof *c->value);
	fv_status status = c->value ? FV_OK : FV_FAILED;
	for (int32_t i = 0; i < c->tune->n_trials && !status; i++) {
		for (int32_t s = 0; s < seeds && !status; s++) {
			double value;
			status = core_tune_read_value(
				c->ctx, find_trial_run(c, i, s)->dir, c->tune->by, &value);
			c->value[i] += status ? 0 : value / seeds;
		}
	}
	if (status)
		return status;
	c->best = core_tune_find_best(c->tune->by, c->tune->n_trials, c->value);
	return c->best >= 0 ? FV_OK
			    : fv_fail(c->ctx, FV_FAILED, "no trial has a finite %s", c->tune->by);
}

/* ---- the folder of a run ---- */

static const char *find_trial_name(const struct choice *c, int32_t trial)
{
	return core_path_base(c->study->identity[c->tune->trial[trial]].dir);
}

/* Links a file of the trial's run, relative to the folder, so that a copied study stays whole. Where the
 * file system has no links, the file is copied. */
static fv_status link_file(
	fv_ctx *ctx, const core_folder *folder, const core_run *from, const char *name)
{
	char *source = core_path_join(ctx, from->dir, name), *text;
	char *variant = core_path_dir(ctx, from->dir);
	char *link = core_path_join(ctx, folder->dir, name);
	if (!source || !variant || !link)
		return FV_FAILED;
	if (!core_file_exists(source))
		return FV_OK;
	const char *target = core_format(
		ctx, "../../%s/%s/%s", core_path_base(variant), core_path_base(from->dir), name);
	if (!target || !symlink(target, link))
		return target ? FV_OK : FV_FAILED;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return fv_fail(ctx, FV_FAILED, "%s: %s", link, strerror(errno));
	size_t size;
	fv_status status = core_file_read(ctx, source, 0, &text, &size);
	return status ? status : core_folder_write(ctx, folder, name, text, size);
}

static fv_status write_json(
	fv_ctx *ctx, const core_folder *folder, const char *name, json_t *root, size_t flags)
{
	const char *text = core_json_text(ctx, root, flags | JSON_INDENT(1));
	char *line = text ? core_format(ctx, "%s\n", text) : NULL;
	return line ? core_folder_write(ctx, folder, name, line, strlen(line)) : FV_FAILED;
}

/* {"variant", "axes", "by", "value", "values"} of the choice. */
static json_t *make_chosen_json(const struct choice *c)
{
	json_t *values = json_array();
	for (int32_t i = 0; i < c->tune->n_trials; i++)
		json_array_append_new(values, core_json_number(c->value[i]));
	return json_pack("{s:s, s:o, s:s, s:o, s:o}", "variant", find_trial_name(c, c->best),
		"axes", json_loads(c->tune->axes_json[c->best], 0, NULL), "by", c->tune->by,
		"value", core_json_number(c->value[c->best]), "values", values);
}

static fv_status write_metrics(
	const struct choice *c, const core_folder *folder, const core_run *from)
{
	json_t *root;
	fv_status status = core_json_read(c->ctx, from->dir, "metrics.json", &root);
	if (status)
		return status;
	json_object_set_new(root, "chosen", make_chosen_json(c));
	return write_json(c->ctx, folder, "metrics.json", root, JSON_REAL_PRECISION(17));
}

/* The trials of the variant as env.json lists them, with the epochs that each was chosen from in this
 * run. */
static fv_status make_trials_json(const struct choice *c, int32_t seed, json_t **out)
{
	json_t *list = json_array();
	fv_status status = FV_OK;
	for (int32_t i = 0; i < c->tune->n_trials && !status; i++) {
		json_t *env;
		status = core_json_read(c->ctx, find_trial_run(c, i, seed)->dir, "env.json", &env);
		if (status)
			break;
		json_t *selection = json_object_get(json_object_get(env, "variant"), "selection");
		json_array_append_new(
			list, json_pack("{s:s, s:o, s:b, s:O*}", "variant", find_trial_name(c, i),
				      "axes", json_loads(c->tune->axes_json[i], 0, NULL), "row",
				      !c->study->config->variants[c->tune->trial[i]].trial,
				      "epochs", json_object_get(selection, "epochs")));
		json_decref(env);
	}
	*out = list;
	return status;
}

/* Writes the env.json of the trial's run with the name and axes of the tuned variant, and its trials. */
static fv_status write_env(const struct choice *c, const core_folder *folder, const core_run *run,
	int32_t seed, const core_run *from)
{
	const core_identity *identity = &c->study->identity[c->variant];
	json_t *root, *trials;
	fv_status status = core_json_read(c->ctx, from->dir, "env.json", &root);
	if (status)
		return status;
	status = make_trials_json(c, seed, &trials);
	json_t *variant = json_object_get(root, "variant");
	json_object_set_new(variant, "slug", json_string(c->own->slug));
	json_object_set_new(variant, "hash", json_stringn(identity->sha256, 8));
	json_object_set_new(variant, "family", json_stringn(identity->family, 8));
	json_object_set_new(variant, "settings", json_stringn(identity->settings, 8));
	json_object_set_new(variant, "plugins", core_plugin_list(c->study->config, c->own));
	json_object_set_new(variant, "index", json_integer(c->variant));
	json_object_set_new(variant, "axes", json_loads(c->own->axes_json, 0, NULL));
	json_object_set_new(
		variant, "tune", json_pack("{s:s, s:o}", "by", c->tune->by, "trials", trials));
	json_object_set_new(root, "fingerprint", json_loads(run->fingerprint, 0, NULL));
	if (!status)
		return write_json(c->ctx, folder, "env.json", root, 0);
	json_decref(root);
	return status;
}

/* Writes the log: the value of each trial, and which one is chosen. */
static fv_status write_log(const struct choice *c, const core_folder *folder)
{
	core_text text = {0};
	for (int32_t i = 0; i < c->tune->n_trials; i++)
		core_text_add(&text, "info: %s: %s %.9g, mean of %d seed%s%s\n",
			find_trial_name(c, i), c->tune->by, c->value[i], (int)c->own->train.n_seeds,
			core_plural(c->own->train.n_seeds), i == c->best ? ": chosen" : "");
	fv_status status = text.failed
				   ? fv_fail(c->ctx, FV_FAILED, "out of memory")
				   : core_folder_write(c->ctx, folder, "log", text.data, text.size);
	core_text_free(&text);
	return status;
}

static fv_status fill_folder(
	const struct choice *c, const core_folder *folder, const core_run *run, int32_t seed)
{
	static const char *const linked[] = {
		"predictions.csv", "model.safetensors", "metrics.jsonl", "groups.csv"};
	const core_run *from = find_trial_run(c, c->best, seed);
	fv_status status = FV_OK;
	for (size_t i = 0; i < sizeof linked / sizeof *linked && !status; i++)
		status = link_file(c->ctx, folder, from, linked[i]);
	if (!status)
		status = core_output_write_config(c->ctx, c->study, run, folder);
	if (!status)
		status = write_metrics(c, folder, from);
	if (!status)
		status = write_env(c, folder, run, seed, from);
	if (!status)
		status = write_log(c, folder);
	return status ? status : core_folder_finish(c->ctx, folder, run);
}

/* Claims the folder of a run as soon as no other process writes it, which does not take long. */
static fv_status claim_folder(fv_ctx *ctx, const core_run *run, bool force, core_folder *folder,
	core_folder_answer *answer)
{
	static const struct timespec pause = {.tv_nsec = 100000000};
	core_lease_view view = {0};
	fv_status status;
	for (;; nanosleep(&pause, NULL)) {
		core_mark before = core_ctx_mark(ctx);
		status = core_folder_claim(ctx, run, force, &view, folder, answer);
		if (status || *answer != CORE_TAKEN)
			return status;
		core_ctx_release(ctx, before);
	}
}

/* Writes the run folder of one seed. */
static fv_status write_run(const struct choice *c, const core_run *run, int32_t seed, bool force)
{
	core_folder folder;
	core_folder_answer claim;
	fv_status status = claim_folder(c->ctx, run, force, &folder, &claim);
	if (status || claim != CORE_CLAIMED)
		return status;
	status = fill_folder(c, &folder, run, seed);
	if (status)
		core_folder_fail(c->ctx, &folder);
	core_folder_release(&folder);
	return status;
}

/* ---- all choices ---- */

/* Returns the seed's index, or -1 for a seed that the study does not have. */
static int32_t find_seed(const core_variant *variant, int64_t seed)
{
	for (int32_t s = 0; s < variant->train.n_seeds; s++)
		if (variant->train.seeds[s] == seed)
			return s;
	return -1;
}

/* Removes the runs of other seeds from the fold: their choice was made with other seeds, and a table
 * would mix it with this one. They hold nothing but links. */
static fv_status remove_other_seeds(const struct choice *c)
{
	const char *dir = c->study->identity[c->variant].dir;
	long long fold = (long long)c->study->fold[c->fold].fold;
	char *start = core_format(c->ctx, "fold%lld-seed", fold);
	DIR *entries = start ? opendir(dir) : NULL;
	fv_status status = FV_OK;
	if (!entries)
		return start && !core_memory_note_errno() ? FV_OK : FV_FAILED;
	for (struct dirent *entry; (entry = readdir(entries)) && !status;) {
		int64_t seed;
		if (strncmp(entry->d_name, start, strlen(start)) ||
			!core_parse_int(entry->d_name + strlen(start), &seed) ||
			find_seed(c->own, seed) >= 0)
			continue;
		char *path = core_path_join(c->ctx, dir, entry->d_name);
		status = path ? core_folder_remove(c->ctx, path) : FV_FAILED;
	}
	closedir(entries);
	return status;
}

/* Is the choice of the fold made? */
static bool is_chosen(const struct choice *c, fv_ctx *own)
{
	bool made = true;
	for (int64_t i = 0; i < c->study->n_runs; i++) {
		const core_run *run = &c->study->run[i];
		if (run->variant == c->variant && run->fold == c->fold)
			made &= core_folder_is_done(own, run);
	}
	return made;
}

static fv_status make_choice(struct choice *c, bool force)
{
	const core_study *study = c->study;
	fv_status status = compute_values(c);
	if (!status)
		status = remove_other_seeds(c);
	for (int64_t i = 0; i < study->n_runs && !status; i++) {
		const core_run *run = &study->run[i];
		if (run->variant == c->variant && run->fold == c->fold)
			status = write_run(c, run, find_seed(c->own, run->seed), force);
	}
	return status;
}

static fv_status choose_fold(struct choice *c, bool force, core_tune_summary *out)
{
	fv_ctx *own = core_ctx_aside(c->ctx);
	bool ready = false, made = own && !force && is_chosen(c, own);
	fv_status status = own ? FV_OK : FV_FAILED;
	if (own && !made)
		status = check_trials(c, own, &ready);
	core_ctx_free(own);
	if (!status && ready) {
		status = make_choice(c, force);
		out->now += !status;
		made = !status;
	}
	out->chosen += made;
	return status;
}

/* Records the reason in the run folders of the fold. */
static void record_failure(const struct choice *c, const char *reason)
{
	for (int64_t i = 0; i < c->study->n_runs; i++) {
		const core_run *run = &c->study->run[i];
		if (run->variant == c->variant && run->fold == c->fold)
			core_folder_record_failure(c->ctx, run->dir, reason);
	}
}

fv_status core_tune_choose(fv_ctx *ctx, const core_study *study, bool force, core_tune_summary *out)
{
	fv_status first = FV_OK;
	for (int64_t i = 0; i < study->n_runs; i++) {
		const core_run *run = &study->run[i], *before = i ? run - 1 : NULL;
		const core_variant *variant = core_run_variant(study, run);
		if (!variant->tune ||
			(before && before->variant == run->variant && before->fold == run->fold))
			continue;
		fv_ctx *own = core_ctx_aside(ctx);
		if (!own)
			return FV_FAILED;
		struct choice c = {.ctx = own,
			.study = study,
			.variant = run->variant,
			.fold = run->fold,
			.own = variant,
			.tune = variant->tune};
		out->folds++;
		fv_status status = choose_fold(&c, force, out);
		const char *reason = core_error_line(own, 0);
		if (status && reason)
			(void)fv_fail(ctx, status, "%s, fold %lld: %s",
				study->identity[run->variant].dir,
				(long long)study->fold[run->fold].fold, reason);
		if (core_study_goes_on(study, status)) {
			record_failure(&c, reason ? reason : "failed");
			out->failed++;
			status = FV_OK;
		}
		core_ctx_free(own);
		first = first ? first : status;
	}
	return first;
}
