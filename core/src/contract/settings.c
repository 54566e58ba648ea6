/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters that the suite runs with: those that were given (-p KEY=VALUE), varied, or the defaults. */
#include <string.h>

#include "base/nearest.h"
#include "config/loader.h"
#include "config/params.h"
#include "contract/suite.h"
#include "plugin/descriptor.h"

bool contract_is_given(const struct contract *c, const char *name)
{
	for (size_t i = 0; i < c->options->n_settings; i++)
		if (!strcmp(c->options->setting[i].name, name))
			return true;
	return false;
}

static core_key make_key(const struct contract *c, const fv_param *p)
{
	return core_schema_from_param(p, !strcmp(c->options->profile, "official"));
}

const char *contract_find_value(const struct contract *c, const fv_param *p)
{
	if (c->varied.name && !strcmp(c->varied.name, p->name))
		return c->varied.text;
	for (size_t i = 0; i < c->options->n_settings; i++)
		if (!strcmp(c->options->setting[i].name, p->name))
			return c->options->setting[i].text;
	return make_key(c, p).def;
}

/* Does the state point to the value of such a parameter? */
static bool is_pointed_to(const fv_param *p)
{
	return p->type == FV_STRING || p->type == FV_PATH || p->type == FV_LIST ||
	       p->type == FV_LOSS_REF;
}

/* Sets a parameter; without a text to its default. Memory that only the reading of the text needs has no fences, which would
 * take longer than all else. */
static fv_status fill_param(
	const struct contract *c, fv_ctx *ctx, void *state, const fv_param *p, const char *text)
{
	core_ctx_guard(ctx, is_pointed_to(p));
	fv_status status = text ? core_param_set(ctx, p, p->name, state, text)
				: core_param_default(ctx, p, c->options->profile, state);
	core_ctx_guard(ctx, true);
	return status;
}

fv_status contract_fill_params(const struct contract *c, fv_ctx *ctx, void *state)
{
	const core_contract_options *o = c->options;
	const core_contract_setting *varied = &c->varied;
	fv_status first = FV_OK;
	for (uint32_t i = 0; i < c->plugin->n_params; i++) {
		fv_status status = fill_param(c, ctx, state, &c->plugin->params[i], NULL);
		first = first ? first : status;
	}
	for (size_t i = 0; i < o->n_settings && !first; i++)
		first = fill_param(c, ctx, state, core_param_find(c->plugin, o->setting[i].name),
			o->setting[i].text);
	if (varied->name && !first)
		first = fill_param(
			c, ctx, state, core_param_find(c->plugin, varied->name), varied->text);
	return first;
}

/* --- what was given ------------------------------------------------------------------------------ */

static fv_status refuse_name(const struct contract *c, const char *name)
{
	const fv_descriptor *d = c->plugin;
	const char **names = core_alloc(c->ctx, d->n_params, sizeof *names);
	if (!names)
		return FV_FAILED;
	for (uint32_t i = 0; i < d->n_params; i++)
		names[i] = d->params[i].name;
	return fv_fail(c->ctx, FV_CONFIG, "-p %s: %s %s has no parameter '%s'%s", name,
		core_kind_name(d->kind), d->name, name,
		core_suggest_name(c->ctx, name, names, d->n_params));
}

/* Checks that a parameter of this name takes the value. */
static fv_status check_setting(const struct contract *c, const core_contract_setting *s)
{
	const fv_param *p = core_param_find(c->plugin, s->name);
	if (!p)
		return refuse_name(c, s->name);
	void *state = core_alloc(c->ctx, 1, c->plugin->state_size);
	const char *path = core_format(c->ctx, "-p %s", s->name);
	return state && path ? core_param_set(c->ctx, p, path, state, s->text) : FV_FAILED;
}

static fv_status refuse_missing(const struct contract *c, const fv_param *p)
{
	static const core_registry none;
	core_loader loader = {.ctx = c->ctx, .registry = &none};
	const core_key key = make_key(c, p);
	return fv_fail(c->ctx, FV_CONFIG,
		"%s %s has no default for '%s' (%s): give it with -p %s=VALUE, %s",
		core_kind_name(c->plugin->kind), c->plugin->name, p->name, p->doc, p->name,
		core_check_want(&loader, &key));
}

fv_status contract_check_settings(const struct contract *c)
{
	fv_status first = FV_OK;
	for (size_t i = 0; i < c->options->n_settings; i++) {
		fv_status status = check_setting(c, &c->options->setting[i]);
		first = first ? first : status;
	}
	for (uint32_t i = 0; i < c->plugin->n_params; i++) {
		const fv_param *p = &c->plugin->params[i];
		fv_status status = make_key(c, p).required && !contract_is_given(c, p->name)
					   ? refuse_missing(c, p)
					   : FV_OK;
		first = first ? first : status;
	}
	return first;
}

/* --- refusals ------------------------------------------------------------------------------------ */

/* Lists the parameters without a value: "k (number of clusters), file (...)"; "" if there are none. */
static const char *list_unset(const struct contract *c)
{
	const char *list = "";
	for (uint32_t i = 0; i < c->plugin->n_params && list; i++) {
		const fv_param *p = &c->plugin->params[i];
		if (!contract_find_value(c, p))
			list = core_format(
				c->ctx, "%s%s%s (%s)", list, *list ? ", " : "", p->name, p->doc);
	}
	return list ? list : "";
}

/* " with -p k=3 -p x=1" */
static const char *list_given(const struct contract *c)
{
	const char *list = "";
	for (size_t i = 0; i < c->options->n_settings && list; i++)
		list = core_format(c->ctx, "%s%s-p %s=%s", list, i ? " " : " with ",
			c->options->setting[i].name, c->options->setting[i].text);
	return list ? list : "";
}

bool contract_can_be_set(const struct contract *c)
{
	return c->options->n_settings || *list_unset(c);
}

void contract_refuse_settings(struct contract *c, const char *words)
{
	const char *unset = list_unset(c);
	if (!c->needs)
		(void)fv_fail(c->ctx, FV_CONFIG, "%s refuses to start%s: %s%s%s", c->plugin->name,
			list_given(c), words,
			*unset ? ": parameters without a value, for -p KEY=VALUE: " : "", unset);
	c->needs = true;
}

/* Tells the settings and what is varied. */
void contract_tell_parameters(struct contract *c)
{
	for (uint32_t i = 0; i < c->plugin->n_params; i++) {
		const fv_param *p = &c->plugin->params[i];
		const char *value = contract_find_value(c, p);
		bool given = contract_is_given(c, p->name);
		bool varied = !given && (p->type == FV_BOOL || p->type == FV_CHOICE);
		const char *also = p->type == FV_BOOL ? "true|false" : p->choices;
		contract_tell(c, "parameter %s: %s%s%s%s", p->name, value ? value : "no value",
			given ? " (given)" : "", varied ? "; also tried: " : "",
			varied ? also : "");
	}
}
