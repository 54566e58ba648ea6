/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/params.h"

#include <string.h>

#include "base/csv.h"

static fv_status refuse(fv_ctx *ctx, const fv_param *param, const char *text, const char *want)
{
	return fv_fail(ctx, FV_CONFIG, "parameter '%s': '%s' is not %s", param->name, text, want);
}

static fv_status check_range(fv_ctx *ctx, const fv_param *param, double value)
{
	if (param->min == 0 && param->max == 0)
		return FV_OK;
	if (value >= param->min && value <= param->max)
		return FV_OK;
	return fv_fail(ctx, FV_CONFIG, "parameter '%s': %.9g lies outside %.9g to %.9g",
		param->name, value, param->min, param->max);
}

static fv_status set_int(fv_ctx *ctx, const fv_param *param, void *at, const char *text)
{
	int64_t value;
	if (!core_parse_int(text, &value))
		return refuse(ctx, param, text, "a whole number");
	memcpy(at, &value, sizeof value);
	return check_range(ctx, param, (double)value);
}

static fv_status set_real(fv_ctx *ctx, const fv_param *param, void *at, const char *text)
{
	double value;
	if (!core_parse_double(text, &value))
		return refuse(ctx, param, text, "a number");
	memcpy(at, &value, sizeof value);
	return check_range(ctx, param, value);
}

static fv_status set_bool(fv_ctx *ctx, const fv_param *param, void *at, const char *text)
{
	int32_t value = !strcmp(text, "true");
	if (!value && strcmp(text, "false"))
		return refuse(ctx, param, text, "true or false");
	memcpy(at, &value, sizeof value);
	return FV_OK;
}

static fv_status set_choice(fv_ctx *ctx, const fv_param *param, void *at, const char *text)
{
	int32_t index = 0;
	const char *choice = param->choices;
	for (;; index++) {
		size_t n = strcspn(choice, "|");
		if (n == strlen(text) && !strncmp(choice, text, n))
			break;
		if (!choice[n])
			return fv_fail(ctx, FV_CONFIG, "parameter '%s': '%s' is not one of %s",
				param->name, text, param->choices);
		choice += n + 1;
	}
	memcpy(at, &index, sizeof index);
	return FV_OK;
}

static fv_status set_text(fv_ctx *ctx, const fv_param *param, void *at, const char *text)
{
	size_t n = strlen(text);
	bool quoted = n >= 2 && (*text == '"' || *text == '\'') && text[n - 1] == *text;
	const char *copy = quoted ? core_strndup(ctx, text + 1, n - 2) : core_strdup(ctx, text);
	(void)param;
	if (!copy)
		return FV_FAILED;
	memcpy(at, &copy, sizeof copy);
	return FV_OK;
}

static fv_status set_list(fv_ctx *ctx, const fv_param *param, void *at, const char *text)
{
	size_t size = strlen(text);
	if (size < 2 || text[0] != '[' || text[size - 1] != ']')
		return refuse(ctx, param, text, "a list such as [1, 2]");
	double *value = core_alloc(ctx, size, sizeof *value);
	char *copy = core_strndup(ctx, text + 1, size - 2);
	if (!value || !copy)
		return FV_FAILED;
	fv_list list = {value, 0};
	while (copy[strspn(copy, " ")]) {
		size_t n = strcspn(copy, ",");
		bool last = !copy[n];
		copy[n] = '\0';
		if (!core_parse_double(copy, &value[list.n]))
			return refuse(ctx, param, copy, "a number");
		fv_status status = check_range(ctx, param, value[list.n]);
		if (status)
			return status;
		list.n++;
		copy += last ? n : n + 1;
	}
	memcpy(at, &list, sizeof list);
	return FV_OK;
}

fv_status core_param_set(fv_ctx *ctx, const fv_param *param, void *state, const char *text)
{
	void *at = (char *)state + param->offset;
	if (!text || !strcmp(text, "null") || !strcmp(text, "~")) {
		static const fv_list empty;
		static const char *const nothing;
		if (param->type == FV_LIST)
			memcpy(at, &empty, sizeof empty);
		else if (param->type == FV_STRING || param->type == FV_PATH ||
			 param->type == FV_LOSS_REF)
			memcpy(at, &nothing, sizeof nothing);
		else if (text)
			return refuse(ctx, param, text, "a value");
		return FV_OK; /* a number without default stays 0: the plugin asks for it */
	}
	switch (param->type) {
	case FV_INT:
		return set_int(ctx, param, at, text);
	case FV_REAL:
		return set_real(ctx, param, at, text);
	case FV_BOOL:
		return set_bool(ctx, param, at, text);
	case FV_CHOICE:
		return set_choice(ctx, param, at, text);
	case FV_STRING:
	case FV_PATH:
	case FV_LOSS_REF:
		return set_text(ctx, param, at, text);
	case FV_LIST:
		return set_list(ctx, param, at, text);
	}
	return fv_fail(ctx, FV_DATA, "parameter '%s' is of unknown type %d", param->name,
		(int)param->type);
}

fv_status core_params_default(
	fv_ctx *ctx, const fv_descriptor *descriptor, const char *profile, void *state)
{
	fv_status first = FV_OK;
	for (uint32_t i = 0; i < descriptor->n_params; i++) {
		const fv_param *param = &descriptor->params[i];
		const char *text = param->def_paper;
		if (!strcmp(profile, "official") && param->def_official)
			text = param->def_official;
		fv_status status = core_param_set(ctx, param, state, text);
		if (!first)
			first = status;
	}
	return first;
}

const fv_param *core_param_find(const fv_descriptor *descriptor, const char *name)
{
	for (uint32_t i = 0; i < descriptor->n_params; i++)
		if (!strcmp(descriptor->params[i].name, name))
			return &descriptor->params[i];
	return NULL;
}
