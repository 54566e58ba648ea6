/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/descriptor.h"

#include <stdio.h>
#include <string.h>

#include <fairvox/encoder.h>
#include <fairvox/grouper.h>
#include <fairvox/loss.h>
#include <fairvox/networks.h>
#include <fairvox/stages.h>

#include "plugin/registry.h"

/* Sizes of the structs in the first version of this ABI; a smaller struct is invalid. */
#define SIZE_UP_TO(type, last) (offsetof(type, last) + sizeof(void *))
#define DESCRIPTOR_MIN SIZE_UP_TO(fv_descriptor, extension)
#define PARAM_MIN SIZE_UP_TO(fv_param, doc)
#define PRESET_MIN SIZE_UP_TO(fv_preset, value)
#define PARAMS_MAX 256
#define STATE_MAX ((size_t)1 << 24)

struct fault {
	char *reason;
	size_t size;
};

#define FAULT(fault, ...) (snprintf((fault)->reason, (fault)->size, __VA_ARGS__), false)

bool core_name_is_valid(const char *name)
{
	if (!name || name[0] < 'a' || name[0] > 'z')
		return false;
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return n == strlen(name) && n <= 64;
}

const char *core_kind_name(fv_kind kind)
{
	switch (kind) {
	case FV_ENCODER:
		return "encoder";
	case FV_GROUPER:
		return "grouper";
	case FV_LOSS:
		return "loss";
	}
	return "unknown";
}

/* The i-th entry of a table whose entries may be larger than this core's. */
static const fv_param *param_at(const fv_descriptor *d, uint32_t i)
{
	return (const fv_param *)(const void *)((const char *)d->params +
						(size_t)i * d->params->size);
}

static const fv_preset *preset_at(const fv_descriptor *d, uint32_t i)
{
	return (const fv_preset *)(const void *)((const char *)d->presets +
						 (size_t)i * d->presets->size);
}

size_t core_param_width(fv_param_type type)
{
	switch (type) {
	case FV_INT:
		return sizeof(int64_t);
	case FV_REAL:
		return sizeof(double);
	case FV_BOOL:
	case FV_CHOICE:
		return sizeof(int32_t);
	case FV_STRING:
	case FV_PATH:
	case FV_LOSS_REF:
		return sizeof(char *);
	case FV_LIST:
		return sizeof(fv_list);
	}
	return 0;
}

/* Keys of the configuration that a plugin's parameter would stand beside, and could never be set. */
static bool is_reserved(fv_kind kind, const char *name)
{
	return !strcmp(name, "name") || (kind == FV_LOSS && !strcmp(name, "profile")) ||
	       (kind == FV_GROUPER && (!strcmp(name, "encoder") || !strcmp(name, "product")));
}

/* Entries of older plugins end before this member. */
static bool is_required(const fv_param *p)
{
	return p->size >= offsetof(fv_param, required) + sizeof p->required && p->required;
}

/* Checks that the choices "a|b|c" are there, not empty and distinct. */
static bool check_choices(const fv_param *p, struct fault *fault)
{
	if (!p->choices || !*p->choices)
		return FAULT(fault, "parameter '%s' has no choices", p->name);
	for (const char *word = p->choices;; word += strcspn(word, "|") + 1) {
		size_t n = strcspn(word, "|");
		if (!n)
			return FAULT(fault, "parameter '%s' has an empty choice", p->name);
		for (const char *other = p->choices; other < word; other += strcspn(other, "|") + 1)
			if (strcspn(other, "|") == n && !strncmp(other, word, n))
				return FAULT(fault, "parameter '%s' offers '%.*s' twice", p->name,
					(int)n, word);
		if (!word[n])
			return true;
	}
}

/* Checks that the parameter has bytes of its own in the state. */
static bool check_place(const fv_descriptor *d, uint32_t index, struct fault *fault)
{
	const fv_param *p = param_at(d, index);
	size_t width = core_param_width(p->type);
	size_t align = p->type == FV_LIST ? sizeof(void *) : width;
	if (p->offset > d->state_size || d->state_size - p->offset < width)
		return FAULT(fault,
			"parameter '%s' lies outside the state: is state_size the size of the "
			"struct?",
			p->name);
	if (p->offset % align)
		return FAULT(fault, "parameter '%s' is not aligned in the state", p->name);
	for (uint32_t j = 0; j < index; j++) {
		const fv_param *q = param_at(d, j);
		if (q->offset < p->offset + width &&
			p->offset < q->offset + core_param_width(q->type))
			return FAULT(fault, "parameters '%s' and '%s' share bytes of the state",
				q->name, p->name);
	}
	return true;
}

static bool check_param(const fv_descriptor *d, uint32_t index, struct fault *fault)
{
	const fv_param *p = param_at(d, index);
	if (p->size != d->params->size)
		return FAULT(fault,
			"parameter %u has size %u, the first one %u: all entries need the same "
			".size",
			index, p->size, d->params->size);
	if (!core_name_is_valid(p->name))
		return FAULT(fault, "the name of parameter %u is not of the form [a-z][a-z0-9_]*",
			index);
	if (is_reserved(d->kind, p->name))
		return FAULT(fault,
			"parameter '%s' could not be set: the key is fairvox's own: give it "
			"another name",
			p->name);
	if (!core_param_width(p->type))
		return FAULT(fault, "parameter '%s' has type %d, which does not exist", p->name,
			(int)p->type);
	if (p->type == FV_CHOICE && !check_choices(p, fault))
		return false;
	if (p->min > p->max)
		return FAULT(fault, "parameter '%s' has an empty range, from %g to %g", p->name,
			p->min, p->max);
	if (is_required(p) && (p->def_paper || p->def_official))
		return FAULT(fault,
			"parameter '%s' is required and has a default: leave out .required, or the "
			"default",
			p->name);
	if (!p->doc || !*p->doc)
		return FAULT(fault, "parameter '%s' is not documented", p->name);
	for (uint32_t j = 0; j < index; j++)
		if (!strcmp(param_at(d, j)->name, p->name))
			return FAULT(fault, "parameter '%s' is declared twice", p->name);
	return check_place(d, index, fault);
}

static bool check_params(const fv_descriptor *d, struct fault *fault)
{
	if (d->n_params > PARAMS_MAX || (d->n_params && !d->params))
		return FAULT(
			fault, "parameter table is missing or has over %d entries", PARAMS_MAX);
	if (d->n_params && d->params->size < PARAM_MIN)
		return FAULT(fault,
			"parameter entries of %u bytes, at least %zu expected: use FV_PARAM_REAL "
			"and its like, which set .size",
			d->params->size, PARAM_MIN);
	for (uint32_t i = 0; i < d->n_params; i++)
		if (!check_param(d, i, fault))
			return false;
	return true;
}

static bool check_presets(const fv_descriptor *d, struct fault *fault)
{
	if (d->n_presets > PARAMS_MAX || (d->n_presets && !d->presets))
		return FAULT(fault, "preset table is missing or too long");
	if (d->n_presets && d->presets->size < PRESET_MIN)
		return FAULT(fault,
			"preset entries of %u bytes, at least %zu expected: use FV_PRESET, which "
			"sets .size",
			d->presets->size, PRESET_MIN);
	for (uint32_t i = 0; i < d->n_presets; i++) {
		const fv_preset *p = preset_at(d, i);
		if (p->size != d->presets->size)
			return FAULT(fault,
				"preset %u has size %u, the first one %u: all entries need the "
				"same .size",
				i, p->size, d->presets->size);
		if (!p->profile || !p->key || !p->value || strncmp(p->key, "train.", 6))
			return FAULT(fault, "preset %u is incomplete or not of the train block", i);
		if (strcmp(p->profile, "paper") && strcmp(p->profile, "official"))
			return FAULT(fault, "preset %u names profile '%s'", i, p->profile);
	}
	return true;
}

static size_t find_ops_size(fv_kind kind)
{
	switch (kind) {
	case FV_ENCODER:
		return sizeof(fv_encoder_ops);
	case FV_GROUPER:
		return sizeof(fv_grouper_ops);
	case FV_LOSS:
		return sizeof(fv_loss_ops);
	}
	return 0;
}

static size_t find_min_ops_size(fv_kind kind)
{
	switch (kind) {
	case FV_ENCODER:
		return SIZE_UP_TO(fv_encoder_ops, close);
	case FV_GROUPER:
		return SIZE_UP_TO(fv_grouper_ops, close);
	case FV_LOSS:
		return SIZE_UP_TO(fv_loss_ops, close);
	}
	return 0;
}

/* Every struct from a plugin starts with its size. */
static uint32_t read_size(const void *with_size)
{
	uint32_t size;
	memcpy(&size, with_size, sizeof size);
	return size;
}

static void copy_ops(const fv_descriptor *d, void *out)
{
	uint32_t size = read_size(d->ops);
	size_t ours = find_ops_size(d->kind);
	memset(out, 0, ours);
	memcpy(out, d->ops, size < ours ? size : ours);
}

/* The extensions that this core requests from each kind of plugin. */
static const struct extension {
	fv_kind kind;
	const char *id;
	size_t min;
} extensions[] = {
	{FV_ENCODER, FV_FITS_1, SIZE_UP_TO(fv_fits_1, fits)},
	{FV_LOSS, FV_NETWORKS_1, SIZE_UP_TO(fv_networks_1, evaluate)},
	{FV_LOSS, FV_STAGES_1, SIZE_UP_TO(fv_stages_1, next)},
};

#define N_EXTENSIONS (sizeof extensions / sizeof *extensions)

/* Copies an extension of at least its first size -> *out; false: the plugin does not have it. */
static bool copy_extension(const fv_descriptor *d, const char *id, void *out, size_t size)
{
	const void *theirs = d->extension(id);
	if (!theirs)
		return false;
	memset(out, 0, size);
	memcpy(out, theirs, read_size(theirs) < size ? read_size(theirs) : size);
	return true;
}

/* An op that a plugin must have. */
struct required {
	const char *name; /* NULL: end of the list */
	bool there;
};

/* Names those that are missing behind the rule. */
static bool check_required(const char *rule, const struct required *op, struct fault *fault)
{
	char missing[128] = "";
	for (; op->name; op++) {
		size_t used = strlen(missing);
		if (!op->there)
			snprintf(missing + used, sizeof missing - used, "%s%s", used ? ", " : "",
				op->name);
	}
	return !*missing || FAULT(fault, "%s; missing: %s", rule, missing);
}

static bool check_networks(const fv_descriptor *d, struct fault *fault)
{
	fv_networks_1 ops;
	if (!copy_extension(d, FV_NETWORKS_1, &ops, sizeof ops))
		return true;
	return check_required(FV_NETWORKS_1 " needs the ops build, predict and step",
		(const struct required[]){{"build", ops.build != NULL},
			{"predict", ops.predict != NULL}, {"step", ops.step != NULL}, {0}},
		fault);
}

static bool check_stages(const fv_descriptor *d, struct fault *fault)
{
	fv_stages_1 stages;
	fv_loss_ops ops;
	if (!copy_extension(d, FV_STAGES_1, &stages, sizeof stages))
		return true;
	if (!stages.next)
		return FAULT(fault, FV_STAGES_1 " needs the op next");
	copy_ops(d, &ops);
	if (ops.subsample)
		return FAULT(fault, "the op subsample is not called in a loss with " FV_STAGES_1
				    ": leave it out, and name the rows of a stage in fv_stage.row");
	return true;
}

/* An extension() that knows no id of this core would have no effect, so it is reported as a
 * mistake. */
static bool check_extensions(const fv_descriptor *d, struct fault *fault)
{
	size_t known = 0;
	if (!d->extension)
		return true;
	for (size_t i = 0; i < N_EXTENSIONS; i++) {
		const struct extension *e = &extensions[i];
		const void *theirs = d->kind == e->kind ? d->extension(e->id) : NULL;
		if (!theirs)
			continue;
		known++;
		if (read_size(theirs) < e->min)
			return FAULT(fault,
				"extension %s of %u bytes, at least %zu expected: set its .size",
				e->id, read_size(theirs), e->min);
	}
	if (known == 0 && d->kind == FV_LOSS)
		return FAULT(fault, "extension() knows neither " FV_NETWORKS_1 " nor " FV_STAGES_1
				    ": compare the id with FV_NETWORKS_1 or FV_STAGES_1, or leave "
				    ".extension out");
	if (known == 0 && d->kind == FV_ENCODER)
		return FAULT(fault, "extension() does not know " FV_FITS_1
				    ": compare the id with FV_FITS_1, or leave .extension out");
	if (known == 0)
		return FAULT(
			fault, "a grouper has no extensions in this ABI: leave .extension out");
	if (known == 2)
		return FAULT(fault, "has both " FV_NETWORKS_1 " and " FV_STAGES_1
				    ": a loss can have one of them");
	return d->kind != FV_LOSS || (check_networks(d, fault) && check_stages(d, fault));
}

static bool check_loss_ops(const fv_descriptor *d, const fv_loss_ops *ops, struct fault *fault)
{
	if (ops->subsample || ops->order || ops->mix || ops->weigh || d->extension)
		return true;
	return FAULT(fault,
		"a loss needs an op that trains (subsample, order, mix or weigh) or the "
		"extension " FV_NETWORKS_1 " or " FV_STAGES_1 ": with neither it would train as "
		"if there were no objective");
}

static bool check_ops(const fv_descriptor *d, struct fault *fault)
{
	union {
		fv_encoder_ops encoder;
		fv_grouper_ops grouper;
		fv_loss_ops loss;
	} ops;
	if (!d->ops)
		return FAULT(fault, "has no ops: set .ops in the descriptor");
	if (read_size(d->ops) < find_min_ops_size(d->kind))
		return FAULT(fault,
			"ops of %u bytes, at least %zu expected: use FV_%s_OPS, which sets .size",
			read_size(d->ops), find_min_ops_size(d->kind),
			d->kind == FV_ENCODER   ? "ENCODER"
			: d->kind == FV_GROUPER ? "GROUPER"
						: "LOSS");
	copy_ops(d, &ops);
	switch (d->kind) {
	case FV_ENCODER:
		if (!check_required("an encoder needs the ops open and info",
			    (const struct required[]){{"open", ops.encoder.open != NULL},
				    {"info", ops.encoder.info != NULL}, {0}},
			    fault))
			return false;
		if (!ops.encoder.encode && !ops.encoder.batch && !ops.encoder.lookup)
			return FAULT(fault, "an encoder needs the op encode, batch or lookup");
		return true;
	case FV_GROUPER:
		return check_required("a grouper needs the ops uses, fit and assign",
			(const struct required[]){{"uses", ops.grouper.uses != NULL},
				{"fit", ops.grouper.fit != NULL},
				{"assign", ops.grouper.assign != NULL}, {0}},
			fault);
	case FV_LOSS:
		return check_loss_ops(d, &ops.loss, fault);
	}
	return FAULT(fault, "is of unknown kind %d", (int)d->kind);
}

static bool is_text(const char *text)
{
	return text && *text;
}

#define OTHER_NAME "its name is '%s', the name of its file '"

bool core_descriptor_is_named(const char *reason, const char *name)
{
	char start[256];
	int n = snprintf(start, sizeof start, OTHER_NAME, name);
	return n < (int)sizeof start && !strncmp(reason, start, (size_t)n);
}

bool core_descriptor_check(const fv_descriptor *d, const char *file_name, char *reason, size_t size)
{
	struct fault fault = {reason, size};
	if (!d)
		return FAULT(&fault, FV_ENTRY_SYMBOL " returned NULL");
	if (d->abi != FV_ABI)
		return FAULT(&fault, "built for ABI %u, this fairvox has ABI %u", d->abi, FV_ABI);
	if (d->size < DESCRIPTOR_MIN)
		return FAULT(&fault,
			"descriptor of %u bytes, at least %zu expected: use FV_LOSS, FV_GROUPER or "
			"FV_ENCODER, which set .size",
			d->size, DESCRIPTOR_MIN);
	if (!find_ops_size(d->kind))
		return FAULT(&fault, "is of unknown kind %d", (int)d->kind);
	if (!core_name_is_valid(d->name))
		return FAULT(&fault, "its name is not of the form [a-z][a-z0-9_]*");
	if (strcmp(d->name, file_name))
		return FAULT(&fault, OTHER_NAME "%s'", d->name, file_name);
	if (!is_text(d->version) || !is_text(d->summary) || !is_text(d->source) ||
		!is_text(d->licence))
		return FAULT(&fault, "version, summary, source or licence is missing");
	if (d->state_size > STATE_MAX)
		return FAULT(&fault, "declares a state of %zu bytes", d->state_size);
	return check_params(d, &fault) && check_presets(d, &fault) && check_ops(d, &fault) &&
	       check_extensions(d, &fault);
}

const fv_descriptor *core_descriptor_copy(fv_ctx *ctx, const fv_descriptor *d)
{
	fv_descriptor *copy = core_alloc(ctx, 1, sizeof *copy);
	fv_param *params = core_alloc(ctx, d->n_params, sizeof *params);
	fv_preset *presets = core_alloc(ctx, d->n_presets, sizeof *presets);
	void *ops = core_alloc(ctx, 1, find_ops_size(d->kind));
	if (!copy || !params || !presets || !ops)
		return NULL;
	memcpy(copy, d, d->size < sizeof *copy ? d->size : sizeof *copy);
	for (uint32_t i = 0; i < d->n_params; i++) {
		const fv_param *p = param_at(d, i);
		memcpy(&params[i], p, p->size < sizeof *p ? p->size : sizeof *p);
		params[i].size = sizeof *params; /* the copy is a table of this core's entries */
	}
	for (uint32_t i = 0; i < d->n_presets; i++) {
		const fv_preset *p = preset_at(d, i);
		memcpy(&presets[i], p, p->size < sizeof *p ? p->size : sizeof *p);
		presets[i].size = sizeof *presets;
	}
	copy_ops(d, ops);
	copy->size = sizeof *copy;
	copy->params = params;
	copy->presets = presets;
	copy->ops = ops;
	return copy;
}

const fv_param *core_param_find(const fv_descriptor *descriptor, const char *name)
{
	for (uint32_t i = 0; i < descriptor->n_params; i++)
		if (!strcmp(descriptor->params[i].name, name))
			return &descriptor->params[i];
	return NULL;
}
