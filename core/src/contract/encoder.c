/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "contract/encoder_fixture.h"
#include "contract/static_memory.h"
#include "nn/encode.h"
#include "plugin/lists.h"

static const fv_encoder_ops *get_ops(const struct contract *c)
{
	return c->plugin->ops;
}

static bool check_info(struct contract *c, const fv_encoder_info *info)
{
	const fv_encoder_ops *ops = get_ops(c);
	bool ok = contract_expect(c, info->n_outputs > 0 && info->outputs, "info", "no outputs");
	ok &= contract_expect(c, info->by_name ? ops->lookup != NULL : ops->encode || ops->batch,
		"info", "by_name is %d without the op for it", info->by_name);
	ok &= contract_expect(c, info->by_name || (info->rate_hz > 0 && info->min_samples > 0),
		"info", "rate %d Hz, at least %d samples", info->rate_hz, info->min_samples);
	for (int32_t i = 0; i < info->n_outputs && ok; i++) {
		const fv_output *o = &info->outputs[i];
		ok &= contract_expect(c, o->name && *o->name && o->layers > 0 && o->dims > 0,
			"info", "output %d has no name or no size", i);
		ok &= contract_expect(c, !o->has_frames || ops->frames, "info",
			"output %d has frames, there is no op frames", i);
		for (int32_t j = 0; j < i && ok; j++)
			contract_expect(c, strcmp(o->name, info->outputs[j].name) != 0, "info",
				"two outputs '%s'", o->name);
	}
	return ok;
}

/* Numbers in the output for a wave: frames (1 when pooled) x layers x dims. */
static int64_t count_values(
	struct contract *c, const struct encoder *e, int32_t output, int32_t kind, bool pooled)
{
	const fv_output *o = &e->info.outputs[output];
	int64_t frames = 1;
	if (!pooled) {
		frames = contract_call(c, "frames", contract_waves[kind],
			get_ops(c)->frames(e->instance.state, output, e->n[kind]));
		contract_end(c, "frames");
	}
	return frames > 0 ? frames * o->layers * o->dims : 0;
}

static void check_numbers(
	struct contract *c, const fv_output *o, int32_t kind, const float *out, int64_t count)
{
	contract_expect(c, contract_is_finite_f32(out, count), "encode",
		"output '%s' of %s is not finite", o->name, contract_waves[kind]);
	for (int64_t i = 0; i < count && o->roles; i++)
		if (o->roles[i % o->dims] == FV_COL_PROBABILITY)
			contract_expect(c, out[i] >= 0 && out[i] <= 1.00001f, "encode",
				"probability %g in output '%s' of %s",
				core_printable((double)out[i]), o->name, contract_waves[kind]);
}

/* Encodes a wave; the caller frees the result. NULL (and a fault) when that fails or not all is written. */
static float *encode_wave(
	struct contract *c, struct encoder *e, int32_t output, int32_t kind, bool pooled)
{
	const fv_output *o = &e->info.outputs[output];
	struct instance *in = &e->instance;
	int64_t count = count_values(c, e, output, kind, pooled);
	if (!contract_expect(c, count > 0, "frames", "output '%s' has no frame of %s", o->name,
		    contract_waves[kind]))
		return NULL;
	size_t size = (size_t)count * sizeof(float);
	float *out = malloc(size), *written = contract_make_output(c, "out", size);
	if (written)
		contract_mark_unwritten(written, count);
	const core_encode_call call = {get_ops(c), in->state, output, pooled};
	const char *op = get_ops(c)->batch ? "batch" : "encode";
	uint64_t before = contract_hash_state(c, in);
	bool ok = out && written &&
		  contract_expect_ok(c, in,
			  contract_call(c, op, contract_waves[kind],
				  core_encode_wave(&call, in->ctx, core_device_cpu(), e->wave[kind],
					  e->n[kind], written)),
			  contract_waves[kind]);
	contract_classify(c, "state", NULL);
	contract_expect(c, contract_hash_state(c, in) == before, "encode",
		"changes the state, which it may only read");
	contract_classify(c, NULL, NULL);
	if (ok)
		memcpy(out, written, size);
	contract_drop_outputs(c);
	const int64_t frames = pooled ? 0 : count / ((int64_t)o->layers * o->dims);
	if (!ok || !contract_expect_written(c, "encode", o, out, frames, contract_waves[kind])) {
		free(out);
		return NULL;
	}
	check_numbers(c, o, kind, out, count);
	return out;
}

struct worker {
	struct contract *c;
	struct encoder *e;
	int32_t output, kind;
	bool pooled, failed;
	int64_t count;
	float *out;
	pthread_t thread;
};

static void *run_worker(void *user)
{
	struct worker *w = user;
	fv_ctx *ctx = core_ctx_new();
	if (ctx)
		core_ctx_fill_scratch(ctx, w->c->fill);
	w->out = malloc((size_t)w->count * sizeof *w->out);
	w->failed = !ctx || !w->out;
	const core_encode_call call = {get_ops(w->c), w->e->instance.state, w->output, w->pooled};
	for (int32_t round = 0; round < 3 && !w->failed; round++) {
		w->failed = core_encode_wave(&call, ctx, core_device_cpu(), w->e->wave[w->kind],
				    w->e->n[w->kind], w->out) != FV_OK;
		core_scratch_reset(ctx);
	}
	core_ctx_free(ctx);
	return NULL;
}

/* Two threads encode different recordings with one state at once. */
static void check_threads(
	struct contract *c, struct encoder *e, int32_t output, bool pooled, float *const *alone)
{
	struct worker w[2];
	int started = 0;
	for (int32_t i = 0; i < 2; i++) {
		w[i] = (struct worker){.c = c,
			.e = e,
			.output = output,
			.kind = i ? TONE : NOISE,
			.pooled = pooled};
		w[i].count = count_values(c, e, output, w[i].kind, pooled);
	}
	contract_begin(c, "encode", "two threads at once");
	for (int32_t i = 0; i < 2; i++) {
		started += !pthread_create(&w[i].thread, NULL, run_worker, &w[i]);
		if (started == i)
			break;
	}
	for (int32_t i = 0; i < started; i++)
		pthread_join(w[i].thread, NULL);
	contract_end(c, "threads");
	for (int32_t i = 0; i < started; i++) {
		contract_expect(c,
			!w[i].failed && !memcmp(w[i].out, alone[w[i].kind],
						(size_t)w[i].count * sizeof(float)),
			"threads", "output '%s' of %s differs beside another thread",
			e->info.outputs[output].name, contract_waves[w[i].kind]);
		free(w[i].out);
	}
}

static void (*find_function(const fv_encoder_ops *ops))(void)
{
	return ops->batch ? (void (*)(void))ops->batch : (void (*)(void))ops->encode;
}

/* Finds what encoding writes to static variables, after all recordings were encoded: what is made once is made by
 * then. False: it does, so that threads would disturb each other. */
static bool check_static(struct contract *c, struct encoder *e, int32_t output, bool pooled)
{
	char text[256] = "";
	const fv_encoder_ops *ops = get_ops(c);
	free(encode_wave(c, e, output, NOISE, pooled));
	contract_static *memory = c->quiet ? NULL : contract_static_copy(find_function(ops));
	free(encode_wave(c, e, output, TONE, pooled));
	size_t changed = memory ? contract_static_compare(memory, text, sizeof text) : 0;
	contract_static_free(memory);
	contract_classify(c, "static", "static");
	contract_expect(c, !changed, "threads",
		"%s writes to static memory of the plugin (%s): several threads call it at once",
		ops->batch ? "batch" : "encode", text);
	contract_classify(c, NULL, NULL);
	return !changed;
}

/* The network's inputs of all waves, by kind, in memory of the contract. */
struct feeds {
	int64_t count[WAVES], width;
	float *data[WAVES];
};

static bool feed_waves(
	struct contract *c, struct encoder *e, const core_encode_call *call, struct feeds *feeds)
{
	for (int32_t kind = 0; kind < WAVES; kind++) {
		fv_feed feed;
		fv_status status = contract_call(c, "prepare", contract_waves[kind],
			core_encode_feed(call, e->instance.ctx, e->wave[kind], e->n[kind], &feed));
		size_t numbers = status ? 0 : (size_t)(feed.rows * feed.width);
		float *copy = contract_alloc(c, numbers, sizeof *copy);
		if (copy && numbers)
			memcpy(copy, feed.data, numbers * sizeof *copy);
		if (!contract_expect_ok(c, &e->instance, status, "prepare") || !copy)
			return false;
		feeds->width = kind ? feeds->width : feed.width;
		feeds->count[kind] = feed.rows;
		feeds->data[kind] = copy;
		if (!contract_expect(c, feed.width == feeds->width, "prepare",
			    "rows of %lld numbers, and of %lld for another recording",
			    (long long)feed.width, (long long)feeds->width))
			return false;
	}
	return true;
}

/* Puts the inputs one behind the other, in the given order. */
static float *join_feeds(
	struct contract *c, const struct feeds *feeds, const int32_t *order, int64_t *count)
{
	int64_t rows = 0, width = feeds->width;
	for (int32_t i = 0; i < WAVES; i++)
		rows += count[i] = feeds->count[order[i]];
	float *input = contract_alloc(c, (size_t)(rows * width), sizeof *input), *at = input;
	for (int32_t i = 0; i < WAVES && input; at += count[i++] * width)
		memcpy(at, feeds->data[order[i]], (size_t)(count[i] * width) * sizeof *at);
	return input;
}

/* Encodes all waves in one pack, in the given order: each must be as it is alone. */
static void check_pack(struct contract *c, struct encoder *e, int32_t output, bool pooled,
	const struct feeds *feeds, const int32_t *order, float *const *alone)
{
	const core_encode_call call = {get_ops(c), e->instance.state, output, pooled};
	int64_t count[WAVES];
	float *out[WAVES], *input = join_feeds(c, feeds, order, count);
	const char *reason[WAVES];
	size_t size[WAVES];
	bool all = input;
	for (int32_t i = 0; i < WAVES; i++)
		size[i] = (size_t)count_values(c, e, output, order[i], pooled) * sizeof **out;
	for (int32_t i = 0; i < WAVES && all; i++)
		all = (out[i] = contract_make_output(c, "out", size[i])) != NULL;
	if (!all)
		return;
	fv_status status = contract_call(c, "batch", "a pack of all recordings",
		core_encode_pack(&call, e->instance.ctx, core_device_cpu(), WAVES, count,
			feeds->width, input, out, reason));
	bool done = contract_expect_ok(c, &e->instance, status, "batch");
	for (int32_t i = 0; i < WAVES && done; i++)
		contract_expect(c, !reason[i] && !memcmp(out[i], alone[order[i]], size[i]), "packs",
			"output '%s' of %s differs in a pack with others",
			e->info.outputs[output].name, contract_waves[order[i]]);
	contract_drop_outputs(c);
}

static void check_packs(
	struct contract *c, struct encoder *e, int32_t output, bool pooled, float *const *alone)
{
	const core_encode_call call = {get_ops(c), e->instance.state, output, pooled};
	struct feeds feeds;
	int32_t order[WAVES];
	bool fed = feed_waves(c, e, &call, &feeds);
	for (int32_t turn = 0; turn < 2 && fed; turn++) {
		for (int32_t i = 0; i < WAVES; i++)
			order[i] = turn ? WAVES - 1 - i : i;
		check_pack(c, e, output, pooled, &feeds, order, alone);
	}
}

/* The mean over the frames must be the pooled result. Told of the first recording of which it is not. */
static void check_frames(
	struct contract *c, struct encoder *e, int32_t output, float *const *frames)
{
	const fv_output *o = &e->info.outputs[output];
	const int64_t width = (int64_t)o->layers * o->dims;
	bool ok = true;
	for (int32_t kind = 0; kind < WAVES && ok; kind++) {
		int64_t n = count_values(c, e, output, kind, false) / width;
		float *pooled = encode_wave(c, e, output, kind, true);
		ok = pooled &&
		     contract_compare_frames(c, o, contract_waves[kind], frames[kind], n, pooled);
		free(pooled);
	}
}

static void check_output(struct contract *c, struct encoder *e, int32_t output, bool pooled)
{
	float *out[WAVES] = {0};
	bool all = true;
	for (int32_t kind = 0; kind < WAVES; kind++)
		all &= (out[kind] = encode_wave(c, e, output, kind, pooled)) != NULL;
	for (int32_t kind = WAVES - 1; kind >= 0 && all; kind--) {
		float *again = encode_wave(c, e, output, kind, pooled);
		size_t size = (size_t)count_values(c, e, output, kind, pooled) * sizeof *again;
		contract_expect(c, again && !memcmp(again, out[kind], size), "repeat",
			"output '%s' of %s differs the second time", e->info.outputs[output].name,
			contract_waves[kind]);
		free(again);
	}
	if (all && pooled)
		contract_check_features(c, &e->info.outputs[output], out);
	if (all && !pooled)
		check_frames(c, e, output, out);
	if (all && check_static(c, e, output, pooled))
		check_threads(c, e, output, pooled, out);
	if (all && get_ops(c)->batch)
		check_packs(c, e, output, pooled, out);
	for (int32_t kind = 0; kind < WAVES; kind++)
		free(out[kind]);
}

/* Looks features up -> out [count], marked where nothing is written. */
static fv_status call_lookup(struct contract *c, struct encoder *e, int32_t output, const char *id,
	float *out, int64_t count)
{
	struct instance *in = &e->instance;
	size_t size = (size_t)count * sizeof *out;
	float *written = contract_make_output(c, "out", size);
	if (!written)
		return FV_FAILED;
	contract_mark_unwritten(written, count);
	fv_status status = contract_call(
		c, "lookup", id, get_ops(c)->lookup(in->state, in->ctx, output, id, 1, written));
	memcpy(out, written, size);
	return status;
}

static void check_lookup_of(struct contract *c, struct encoder *e, int32_t output)
{
	struct instance *in = &e->instance;
	const fv_output *o = &e->info.outputs[output];
	const char *stem = c->options->stem;
	int64_t count = (int64_t)o->layers * o->dims;
	float *one = contract_alloc(c, (size_t)count, sizeof *one);
	float *two = contract_alloc(c, (size_t)count, sizeof *two);
	if (!one || !two)
		return;
	contract_expect_refusal(
		c, in, call_lookup(c, e, output, "no such recording", one, count), "lookup");
	contract_drop_outputs(c);
	if (!stem)
		return;
	bool found =
		contract_expect_ok(c, in, call_lookup(c, e, output, stem, one, count), "lookup");
	contract_drop_outputs(c);
	if (!found || !contract_expect_written(c, "lookup", o, one, 0, stem))
		return;
	contract_expect(c, contract_is_finite_f32(one, count), "lookup",
		"'%s' gives a number that is not finite", stem);
	(void)contract_expect_ok(c, in, call_lookup(c, e, output, stem, two, count), "lookup");
	contract_drop_outputs(c);
	contract_expect(c, !memcmp(one, two, (size_t)count * sizeof *one), "repeat",
		"output '%s' differs the second time", o->name);
}

static void check_lookup(struct contract *c, struct encoder *e)
{
	if (!c->options->stem)
		contract_note(c, "lookup",
			"only an unknown recording was looked up: name a known one with --stem");
	for (int32_t output = 0; output < e->info.n_outputs; output++)
		check_lookup_of(c, e, output);
}

static bool open_encoder(struct contract *c, struct encoder *e)
{
	const fv_encoder_ops *ops = get_ops(c);
	struct instance *in = &e->instance;
	if (!contract_open_instance(c, in))
		return false;
	in->opened = true;
	fv_status status =
		contract_call(c, "open", NULL, ops->open(in->state, in->ctx, c->options->weights));
	if (!c->options->weights && !c->options->n_settings &&
		!(status == FV_CONFIG && contract_can_be_set(c)))
		return contract_allow_refusal(c, in, status, "open without weights");
	return contract_expect_start(c, in, status, "open");
}

/* ", columns a, b, c and 85 more", or "". */
static const char *list_columns(struct contract *c, const fv_output *o)
{
	enum { SHOWN = 8 };
	const char *text = o->columns ? ", columns" : "";
	for (int32_t d = 0; o->columns && d < o->dims && d < SHOWN && text; d++)
		text = core_format(c->ctx, "%s%s %s", text, d ? "," : "", o->columns[d]);
	if (text && o->columns && o->dims > SHOWN)
		text = core_format(c->ctx, "%s and %d more", text, o->dims - SHOWN);
	return text ? text : "";
}

static void tell_outputs(struct contract *c, const fv_encoder_info *info)
{
	const fv_encoder_ops *ops = get_ops(c);
	contract_tell(c, "ops: open info%s%s%s%s%s%s", ops->frames ? " frames" : "",
		ops->encode ? " encode" : "", ops->prepare ? " prepare" : "",
		ops->batch ? " batch" : "", ops->lookup ? " lookup" : "",
		ops->close ? " close" : "");
	for (int32_t i = 0; i < info->n_outputs; i++) {
		const fv_output *o = &info->outputs[i];
		contract_tell(c, "output %s: [%d, %d]%s%s", o->name, o->layers, o->dims,
			o->has_frames ? ", also by frame" : "", list_columns(c, o));
	}
	if (!info->by_name)
		contract_tell(c, "shown: %d recordings at %d Hz: %s, %s, %s, %s, %s, %s", WAVES,
			info->rate_hz, contract_waves[0], contract_waves[1], contract_waves[2],
			contract_waves[3], contract_waves[4], contract_waves[5]);
}

void contract_check_encoder(struct contract *c)
{
	struct encoder e = {.info = {.size = sizeof e.info}};
	struct instance *in = &e.instance;
	bool ok = open_encoder(c, &e) &&
		  contract_expect_ok(c, in,
			  contract_call(
				  c, "info", NULL, get_ops(c)->info(in->state, in->ctx, &e.info)),
			  "info") &&
		  contract_expect_ok(c, in, core_outputs_copy(in->ctx, &e.info), "info") &&
		  check_info(c, &e.info);
	if (ok)
		tell_outputs(c, &e.info);
	if (ok && e.info.by_name)
		check_lookup(c, &e);
	if (ok && !e.info.by_name && contract_make_waves(c, &e)) {
		for (int32_t output = 0; output < e.info.n_outputs; output++) {
			check_output(c, &e, output, true);
			if (e.info.outputs[output].has_frames)
				check_output(c, &e, output, false);
		}
	}
	contract_close_instance(c, in);
	core_fence_close(e.fence);
	if (!c->varied.name && !c->needs)
		contract_check_weights(c);
}
