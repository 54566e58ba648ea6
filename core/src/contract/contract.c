/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/contract.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/params.h"
#include "contract/suite.h"
#include "plugin/call.h"
#include "plugin/descriptor.h"
#include "plugin/guard.h"

#define RUN_SEED 1

static const char *skip_number(const char *text, bool keep)
{
	return keep ? text : text + strspn(text, "-0123456789");
}

/* Compares texts without the numbers in them, except those behind a colon: the line and column of a place in a file. */
static bool is_same_but_for_numbers(const char *a, const char *b)
{
	bool place = false;
	while (*a && *b) {
		a = skip_number(a, place);
		b = skip_number(b, place);
		if (*a != *b)
			return false;
		place = *a == ':' || (place && *a >= '0' && *a <= '9');
		a += *a != '\0';
		b += *b != '\0';
	}
	return *skip_number(a, place) == *skip_number(b, place);
}

/* The cause of what a plugin says itself of a failure: one place in it is met by several checks. */
static const char failed_op[] = "failed op";

static bool has_same_cause(
	const struct contract *c, const core_finding *f, const char *check, const char *plain)
{
	bool both_failed = c->cause == failed_op && f->cause == failed_op;
	if (!both_failed && strcmp(f->check, check) != 0)
		return false;
	if (!both_failed && c->cause && f->cause)
		return !strcmp(c->cause, f->cause);
	return is_same_but_for_numbers(f->text + f->prefix, plain);
}

/* Finds what was found before of the same cause, perhaps with another setting, row or number; NULL: nothing. */
static core_finding *find_known(
	const struct contract *c, bool fault, const char *check, const char *plain)
{
	for (size_t i = 0; i < c->out->n; i++) {
		core_finding *f = &c->out->finding[i];
		if (f->fault == fault && has_same_cause(c, f, check, plain))
			return f;
	}
	return NULL;
}

static bool make_room(struct contract *c)
{
	if (c->out->n < c->capacity)
		return true;
	size_t capacity = c->capacity ? 2 * c->capacity : 32;
	core_finding *grown = core_alloc(c->ctx, capacity, sizeof *grown);
	if (!grown)
		return false; /* the failure is recorded in the context */
	if (c->out->n)
		memcpy(grown, c->out->finding, c->out->n * sizeof *grown);
	c->out->finding = grown;
	c->capacity = capacity;
	return true;
}

static void add_finding(
	struct contract *c, bool fault, const char *check, const char *format, va_list args)
{
	char text[1024];
	int used = 0;
	if (c->varied.name)
		used = snprintf(text, sizeof text, "with %s: %s: ", c->varied.name, c->varied.text);
	size_t prefix = (size_t)used < sizeof text ? (size_t)used : sizeof text - 1;
	vsnprintf(text + prefix, sizeof text - prefix, format, args);
	core_finding *known = c->quiet ? NULL : find_known(c, fault, check, text + prefix);
	if (known)
		known->more++;
	if (c->quiet || known || !make_room(c))
		return;
	const char *kept = core_strdup(c->ctx, text);
	if (!kept)
		return;
	const core_finding finding = {.fault = fault,
		.check = check,
		.text = kept,
		.prefix = prefix,
		.advice = c->advice ? c->advice : check,
		.cause = c->cause};
	c->out->finding[c->out->n++] = finding;
	c->out->n_faults += fault;
	if (c->options->found)
		c->options->found(c->options->user, &finding);
}

void contract_classify(struct contract *c, const char *advice, const char *cause)
{
	c->advice = advice;
	c->cause = cause;
}

void contract_tell(struct contract *c, const char *format, ...)
{
	char text[1024];
	if (c->varied.name || c->quiet || !c->options->found)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	c->options->found(c->options->user, &(core_finding){.text = text});
}

void contract_fault(struct contract *c, const char *check, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_finding(c, true, check, format, args);
	va_end(args);
}

void contract_note(struct contract *c, const char *check, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_finding(c, false, check, format, args);
	va_end(args);
}

bool contract_expect(struct contract *c, bool ok, const char *check, const char *format, ...)
{
	c->out->n_checks++;
	if (ok)
		return true;
	va_list args;
	va_start(args, format);
	add_finding(c, true, check, format, args);
	va_end(args);
	return false;
}

void *contract_alloc(struct contract *c, size_t n, size_t size)
{
	return core_alloc(c->ctx, n, size);
}

bool contract_open_instance(struct contract *c, struct instance *instance)
{
	*instance = (struct instance){.ctx = core_ctx_new()};
	if (instance->ctx) {
		core_ctx_guard(instance->ctx, true);
		core_ctx_fill_scratch(instance->ctx, c->fill);
		core_ctx_set_run(instance->ctx, RUN_SEED, 0);
		core_ctx_set_plugin(instance->ctx, c->plugin->name);
		instance->state =
			core_alloc_named(instance->ctx, 1, c->plugin->state_size, "the state");
	}
	if (!instance->state) {
		contract_fault(c, "state", "no memory for %zu bytes", c->plugin->state_size);
		return false;
	}
	return contract_expect_ok(
		c, instance, contract_fill_params(c, instance->ctx, instance->state), "parameters");
}

/* Finds what an op wrote beside memory that the plugin got from the core. */
static void check_memory(struct contract *c, const struct instance *instance, const char *check)
{
	char text[128];
	const core_fence *hit = core_ctx_find_damage(instance->ctx, text, sizeof text);
	bool state = hit && core_fence_holds(hit, instance->state);
	contract_classify(c, state ? "state_size" : "memory", NULL);
	contract_expect(c, !hit, check, "the op %s", text);
	contract_classify(c, NULL, NULL);
}

void contract_close_instance(struct contract *c, struct instance *instance)
{
	void (*close)(void *) = NULL;
	switch (c->plugin->kind) {
	case FV_ENCODER:
		close = ((const fv_encoder_ops *)c->plugin->ops)->close;
		break;
	case FV_GROUPER:
		close = ((const fv_grouper_ops *)c->plugin->ops)->close;
		break;
	case FV_LOSS:
		close = ((const fv_loss_ops *)c->plugin->ops)->close;
		break;
	}
	if (close && instance->opened) {
		contract_begin(c, "close", NULL);
		close(instance->state);
		contract_end(c, "close");
		check_memory(c, instance, "close");
	}
	core_ctx_free(instance->ctx);
	*instance = (struct instance){0};
}

/* The position of an op among those that a run calls again and again; -1: it is called once. */
static int find_repeated(const char *op)
{
	static const char *const ops[CONTRACT_REPEATED] = {"weigh", "evaluate", "mix", "order",
		"validated", "step", "encode", "prepare", "batch"};
	for (int i = 0; i < CONTRACT_REPEATED; i++)
		if (op && !strcmp(ops[i], op))
			return i;
	return -1;
}

/* Finds ops that need more memory in every call. One that is made once, when it is first needed, is right. */
static void check_growth(struct contract *c, struct instance *instance, const char *op)
{
	size_t given = core_ctx_given(instance->ctx);
	int at = find_repeated(op);
	bool grown = given > instance->given && at >= 0;
	instance->given = given;
	if (!grown || ++instance->grown[at] < 3)
		return;
	contract_classify(c, "growth", "growth");
	contract_fault(c, op,
		"the op gets memory with fv_alloc in every call: it lasts until close, so a run "
		"needs more and more");
	contract_classify(c, NULL, NULL);
}

/* A failure has a message, and a message comes with a failure. */
static void check_told(struct contract *c, fv_status status, const char *op, const char *line)
{
	bool known = core_is_op_status(status);
	if (status == FV_OK && line) {
		contract_classify(c, "dropped failure", "dropped failure");
		contract_fault(c, op, "the op returns FV_OK although it failed: %s", line);
		contract_classify(c, NULL, NULL);
	} else if (status != FV_OK && !line) {
		contract_expect(
			c, !known, op, "fails with status %d without a message", (int)status);
		contract_expect(c, known, op, "the op returns %d, which is not a status of an op",
			(int)status);
	}
}

fv_status contract_finish_op(struct contract *c, struct instance *instance, fv_status status,
	const char *check, char words[512])
{
	const char *op = c->op ? c->op : check;
	check_growth(c, instance, c->op ? c->op : core_call_current()->op);
	contract_end(c, check);
	check_memory(c, instance, op);
	const char *line = core_error_line(instance->ctx, 0);
	snprintf(words, 512, "%s", line ? line : "");
	check_told(c, status, op, line);
	if (status == FV_FAILED && line) /* fv_dct_open and others return no status */
		status = core_error_status(instance->ctx);
	core_error_clear(instance->ctx);
	c->used_scratch |= core_scratch_peak(instance->ctx) > 0;
	core_scratch_reset(instance->ctx);
	return status;
}

bool contract_expect_status(
	struct contract *c, fv_status status, const char *check, const char *words)
{
	if (status && !words[0])
		return false;
	const char *cause = c->cause;
	c->cause = status == FV_FAILED ? failed_op : cause;
	bool ok = contract_expect(c, status == FV_OK, check, "%s", words);
	c->cause = cause;
	return ok;
}

bool contract_expect_ok(
	struct contract *c, struct instance *instance, fv_status status, const char *check)
{
	char words[512];
	status = contract_finish_op(c, instance, status, check, words);
	return contract_expect_status(c, status, check, words);
}

/* A plugin refuses with FV_CONFIG or FV_DATA. FV_FAILED, which a panic or an exception becomes too, says that
 * something went wrong. Returns true if nothing was refused. */
static bool judge_refusal(
	struct contract *c, fv_status status, const char *check, const char *words)
{
	if (status && !words[0])
		return false;
	if (status == FV_CONFIG || status == FV_DATA)
		contract_note(c, check, "refused: %s", words);
	else if (status) {
		contract_classify(c, "refusal", NULL);
		contract_fault(c, check, "neither works nor refuses: %s", words);
		contract_classify(c, NULL, NULL);
	}
	return status == FV_OK;
}

bool contract_allow_refusal(
	struct contract *c, struct instance *instance, fv_status status, const char *check)
{
	char words[512];
	status = contract_finish_op(c, instance, status, check, words);
	return judge_refusal(c, status, check, words);
}

bool contract_judge_start(
	struct contract *c, fv_status status, const char *check, const char *words)
{
	if (c->varied.name)
		return judge_refusal(c, status, check, words);
	if (status != FV_CONFIG || !words[0] || !contract_can_be_set(c))
		return contract_expect_status(c, status, check, words);
	contract_refuse_settings(c, words);
	return false;
}

bool contract_expect_start(
	struct contract *c, struct instance *instance, fv_status status, const char *check)
{
	char words[512];
	status = contract_finish_op(c, instance, status, check, words);
	return contract_judge_start(c, status, check, words);
}

void contract_expect_refusal(
	struct contract *c, struct instance *instance, fv_status status, const char *check)
{
	char words[512];
	status = contract_finish_op(c, instance, status, check, words);
	contract_expect(c, status != FV_OK, check, "accepted");
}

uint64_t contract_hash_state(const struct contract *c, const struct instance *in)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	const unsigned char *byte = in->state;
	for (size_t i = 0; i < c->plugin->state_size; i++)
		hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
	for (size_t a = 0; a < core_array_count(in->ctx); a++) {
		const core_array *array = core_array_at(in->ctx, a);
		size_t size = (size_t)(array->n0 * array->n1) * core_type_size(array->type);
		byte = array->data;
		for (size_t i = 0; i < size; i++)
			hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
	}
	return hash;
}

bool contract_copy_arrays(struct contract *c, const struct instance *from, struct instance *to)
{
	for (size_t i = 0; i < core_array_count(from->ctx); i++) {
		const core_array *array = core_array_at(from->ctx, i);
		void *data = fv_array(to->ctx, array->name, array->type, array->n0, array->n1);
		if (!contract_expect_ok(c, to, data ? FV_OK : FV_FAILED, "restore"))
			return false;
		memcpy(data, array->data,
			(size_t)(array->n0 * array->n1) * core_type_size(array->type));
	}
	return true;
}

const char *contract_make_stem(struct contract *c, int32_t row)
{
	return core_format(c->ctx, "row_%02d", row);
}

static void check_preset(struct contract *c, const fv_preset *preset)
{
	fv_ctx *own = core_ctx_aside(c->ctx);
	if (!own)
		return;
	fv_status status = core_preset_check(own, preset);
	contract_expect(c, !status, "presets", "%s", status ? core_error_line(own, 0) : "");
	core_ctx_free(own);
}

void contract_check_descriptor(struct contract *c)
{
	char reason[512];
	bool sound = core_descriptor_check(c->plugin, c->plugin->name, reason, sizeof reason);
	if (!contract_expect(c, sound, "descriptor", "%s", reason))
		return;
	for (uint32_t i = 0; i < c->plugin->n_presets; i++)
		check_preset(c, &c->plugin->presets[i]);
	struct instance instance;
	(void)contract_open_instance(c, &instance);
	contract_close_instance(c, &instance);
}

void contract_check_kind(struct contract *c)
{
	switch (c->plugin->kind) {
	case FV_ENCODER:
		contract_check_encoder(c);
		break;
	case FV_GROUPER:
		contract_check_grouper(c);
		break;
	case FV_LOSS:
		contract_check_loss(c);
		break;
	}
}

static void check_value(struct contract *c, const fv_param *p, const char *text)
{
	if (!text)
		return;
	c->varied = (core_contract_setting){p->name, text};
	contract_check_kind(c);
	contract_drop_outputs(c);
	c->varied = (core_contract_setting){0};
}

/* Repeats the suite with every value of a choice or switch. */
static void check_values(struct contract *c, const fv_param *p)
{
	if (contract_is_given(c, p->name))
		return;
	if (p->type == FV_BOOL) {
		check_value(c, p, "false");
		check_value(c, p, "true");
	}
	for (const char *word = p->type == FV_CHOICE ? p->choices : ""; *word;) {
		size_t n = strcspn(word, "|");
		check_value(c, p, core_strndup(c->ctx, word, n));
		word += n + (word[n] == '|');
	}
}

/* Reports child processes that an op made by fork(). Those that returned from it have ended or are
 * about to. */
static void check_copies(struct contract *c)
{
	int copies;
	if (core_reap_copies(&copies))
		contract_note(c, "processes", "leaves a process behind");
	contract_expect(c, !copies, "processes",
		"a copy made by fork() came back from an op: it must end with _exit() or exec()");
}

fv_status core_contract_check(fv_ctx *ctx, const fv_descriptor *descriptor,
	const core_contract_options *options, core_contract *out)
{
	size_t before = core_error_count(ctx);
	*out = (core_contract){0};
	struct contract c = {.ctx = ctx,
		.plugin = descriptor,
		.options = options,
		.out = out,
		.fill = CORE_FILL_ZERO};
	if (!(c.trail = core_alloc(ctx, 1, sizeof *c.trail)))
		return FV_FAILED;
	core_surroundings_record(&c.before);
	core_process_record(&c.process);
	fv_status status = contract_check_settings(&c);
	if (status)
		return status;
	contract_check_descriptor(&c);
	if (out->n_faults)
		return core_error_count(ctx) > before ? FV_FAILED : FV_OK;
	contract_tell_parameters(&c);
	contract_check_kind(&c);
	if (c.needs)
		return FV_CONFIG;
	contract_drop_outputs(&c);
	contract_check_rounds(&c);
	for (uint32_t i = 0; i < descriptor->n_params; i++)
		check_values(&c, &descriptor->params[i]);
	check_copies(&c);
	return core_error_count(ctx) > before ? FV_FAILED : FV_OK;
}
