/* SPDX-License-Identifier: Apache-2.0 */
#include "losses.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

const fv_descriptor *test_loss(const char *name)
{
	char path[4096];
	const char *dir = getenv("FAIRVOX_PLUGIN_PATH");
	snprintf(path, sizeof path, "%s/%s.so", dir ? dir : ".", name);
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fail_msg("%s", dlerror());
	union {
		void *object;
		fv_entry function;
	} entry = {dlsym(library, FV_ENTRY_SYMBOL)};
	assert_non_null(entry.object);
	const fv_descriptor *descriptor = entry.function();
	assert_string_equal(descriptor->name, name);
	assert_int_equal(descriptor->abi, FV_ABI);
	assert_int_equal(descriptor->kind, FV_LOSS);
	return descriptor;
}

static int32_t find_choice(const char *choices, const char *word)
{
	size_t length = strlen(word);
	for (int32_t i = 0; choices; i++) {
		const char *end = strchr(choices, '|');
		size_t n = end ? (size_t)(end - choices) : strlen(choices);
		if (n == length && !strncmp(choices, word, n))
			return i;
		choices = end ? end + 1 : NULL;
	}
	fail_msg("'%s' is no choice", word);
	return -1;
}

static void set_value(const fv_param *param, void *state, const char *text)
{
	char *at = (char *)state + param->offset;
	double real;
	if (param->type == FV_CHOICE) {
		*(int32_t *)(void *)at = find_choice(param->choices, text);
	} else if (param->type == FV_BOOL) {
		assert_true(!strcmp(text, "true") || !strcmp(text, "false"));
		*(int32_t *)(void *)at = !strcmp(text, "true");
	} else if (param->type == FV_LOSS_REF) {
		*(const char **)(void *)at = text;
	} else if (param->type == FV_REAL) {
		assert_true(core_parse_double(text, &real));
		assert_true(real >= param->min && real <= param->max);
		*(double *)(void *)at = real;
	} else {
		assert_int_equal(param->type, FV_INT);
		assert_true(core_parse_int(text, (int64_t *)(void *)at));
	}
}

static void set_by_name(const fv_descriptor *loss, void *state, const char *setting)
{
	const char *equals = strchr(setting, '=');
	assert_non_null(equals);
	for (uint32_t i = 0; i < loss->n_params; i++) {
		const fv_param *param = &loss->params[i];
		if (strlen(param->name) == (size_t)(equals - setting) &&
			!strncmp(param->name, setting, (size_t)(equals - setting))) {
			set_value(param, state, equals + 1);
			return;
		}
	}
	fail_msg("loss %s has no parameter '%s'", loss->name, setting);
}

void *test_loss_state(fv_ctx *ctx, const fv_descriptor *loss, const char *profile, ...)
{
	void *state = core_alloc(ctx, 1, loss->state_size ? loss->state_size : 1);
	for (uint32_t i = 0; i < loss->n_params; i++) {
		const fv_param *param = &loss->params[i];
		const char *text = param->def_paper;
		if (!strcmp(profile, "official") && param->def_official)
			text = param->def_official;
		assert_non_null(text);
		set_value(param, state, text);
	}
	va_list settings;
	va_start(settings, profile);
	for (const char *s = va_arg(settings, const char *); s; s = va_arg(settings, const char *))
		set_by_name(loss, state, s);
	va_end(settings);
	return state;
}

static size_t count_numbers(const json_t *value)
{
	if (!json_is_array(value))
		return 1;
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(value); i++)
		n += count_numbers(json_array_get(value, i));
	return n;
}

static double *flatten_numbers(const json_t *value, double *out)
{
	if (!json_is_array(value)) {
		assert_true(json_is_number(value) || json_is_null(value));
		*out = json_is_null(value) ? NAN : json_number_value(value);
		return out + 1;
	}
	for (size_t i = 0; i < json_array_size(value); i++)
		out = flatten_numbers(json_array_get(value, i), out);
	return out;
}

double *test_numbers(const json_t *array, size_t *n)
{
	assert_true(json_is_array(array));
	*n = count_numbers(array);
	double *out = malloc((*n ? *n : 1) * sizeof *out);
	assert_non_null(out);
	flatten_numbers(array, out);
	return out;
}

int32_t *test_ints(const json_t *array, size_t *n)
{
	double *numbers = test_numbers(array, n);
	int32_t *out = malloc((*n ? *n : 1) * sizeof *out);
	assert_non_null(out);
	for (size_t i = 0; i < *n; i++)
		out[i] = (int32_t)numbers[i];
	free(numbers);
	return out;
}

float *test_floats(const json_t *array, size_t *n)
{
	double *numbers = test_numbers(array, n);
	float *out = malloc((*n ? *n : 1) * sizeof *out);
	assert_non_null(out);
	for (size_t i = 0; i < *n; i++)
		out[i] = (float)numbers[i];
	free(numbers);
	return out;
}
