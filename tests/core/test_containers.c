/* SPDX-License-Identifier: Apache-2.0 */
/* Files of every container, written by the reference libraries, are read value by value; bad
 * files are rejected by the expected rule. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

/* --- files of the reference library --- */

static double parse_value(const json_t *value)
{
	if (json_is_string(value)) {
		const char *word = json_string_value(value);
		return !strcmp(word, "nan") ? NAN : !strcmp(word, "inf") ? INFINITY : -INFINITY;
	}
	return json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
}

static int64_t get_integer(const fv_tensor *t, int64_t i)
{
	int64_t i64;
	int32_t i32;
	int16_t i16;
	const unsigned char *data = t->data;
	if (!strcmp(t->dtype, "I64"))
		return memcpy(&i64, data + 8 * i, 8), i64;
	if (!strcmp(t->dtype, "I32"))
		return memcpy(&i32, data + 4 * i, 4), i32;
	if (!strcmp(t->dtype, "I16"))
		return memcpy(&i16, data + 2 * i, 2), i16;
	if (!strcmp(t->dtype, "I8"))
		return (int8_t)data[i];
	return data[i];
}

static void check_values(fv_ctx *ctx, const fv_tensor *t, const json_t *want)
{
	const json_t *shape = json_object_get(want, "shape"),
		     *values = json_object_get(want, "values");
	assert_string_equal(t->dtype, json_string_value(json_object_get(want, "dtype")));
	assert_int_equal(t->rank, json_array_size(shape));
	for (int32_t d = 0; d < t->rank; d++)
		assert_int_equal(t->shape[d], json_integer_value(json_array_get(shape, (size_t)d)));
	assert_int_equal(t->count, json_array_size(values));
	bool floats = strstr(t->dtype, "F") != NULL;
	float *got = calloc((size_t)t->count + 1, sizeof *got);
	if (floats)
		test_ok(ctx, fv_tensor_to_f32(ctx, t, got));
	else
		test_fails(ctx, fv_tensor_to_f32(ctx, t, got), FV_DATA, t->dtype);
	for (int64_t i = 0; i < t->count; i++) {
		const json_t *value = json_array_get(values, (size_t)i);
		float f = (float)parse_value(value);
		if (!floats && json_is_integer(value))
			assert_int_equal(get_integer(t, i), json_integer_value(value));
		else if (!floats)
			assert_int_equal(get_integer(t, i), json_is_true(value));
		else if (isnan(f))
			assert_true(isnan(got[i]));
		else
			assert_true(got[i] == f && !signbit(got[i]) == !signbit(f));
	}
	free(got);
}

/* Whether the message names the rule; `rule` may list several with " or " between them. */
static bool has_rule(const char *message, const char *rule)
{
	for (const char *next; rule; rule = next ? next + 4 : NULL) {
		char wanted[64];
		next = strstr(rule, " or ");
		int n = next ? (int)(next - rule) : (int)strlen(rule);
		snprintf(wanted, sizeof wanted, ": %.*s:", n, rule);
		if (strstr(message, wanted))
			return true;
	}
	return false;
}

static void reference_files_are_read(void **state)
{
	(void)state;
	json_t *list = test_json(test_golden("containers/containers.json")), *item;
	json_t *values = test_json(test_golden("containers/values.json"));
	size_t i;
	int accepted = 0;
	json_array_foreach(list, i, item)
	{
		fv_ctx *ctx = test_ctx();
		const char *name = json_string_value(json_object_get(item, "file"));
		const char *rule = json_string_value(json_object_get(item, "rule"));
		const char *path = test_golden(core_format(ctx, "containers/%s", name));
		fv_checkpoint *file;
		fv_status status = fv_checkpoint_open(ctx, path, &file);
		json_t *tensors = json_object_get(values, name), *tensor;
		if (!tensors) {
			const char *message = core_error_line(ctx, 0);
			assert_int_equal(status, FV_DATA);
			if (!has_rule(message, rule))
				fail_msg("%s: %s (want rule %s)", name, message, rule);
			test_fails(ctx, status, FV_DATA, core_format(ctx, "%s: byte ", path));
			core_ctx_free(ctx);
			continue;
		}
		test_ok(ctx, status);
		accepted++;
		const char *key;
		const char *note = json_string_value(json_object_get(item, "note"));
		size_t more = strstr(note, "other tensors beside them") ? 1 : 0;
		assert_int_equal(fv_checkpoint_count(file), json_object_size(tensors) + more);
		json_object_foreach(tensors, key, tensor)
		{
			const fv_tensor *found = fv_checkpoint_find(file, key);
			assert_non_null(found);
			check_values(ctx, found, tensor);
		}
		for (int64_t t = 1; t < fv_checkpoint_count(file); t++)
			assert_true(strcmp(fv_checkpoint_at(file, t - 1)->name,
					    fv_checkpoint_at(file, t)->name) < 0);
		assert_null(fv_checkpoint_find(file, "no such tensor"));
		fv_checkpoint_close(file);
		core_ctx_free(ctx);
	}
	assert_int_equal(accepted, 17);
	assert_int_equal(i, 152);
	json_decref(list);
	json_decref(values);
}

/* Nested dicts with integer keys: 'optimizer_state' holds {140123456789012: {"exp_avg": [1,
 * 1]}}. */
static void nested_names_are_joined(void **state)
{
	(void)state;
	static const char *const files[] = {
		"containers/zip_nested.pt", "containers/legacy_nested.pt"};
	static const char *const containers[] = {"torch zip", "torch legacy"};
	for (size_t i = 0; i < 2; i++) {
		fv_ctx *ctx = test_ctx();
		fv_checkpoint *file;
		test_ok(ctx, fv_checkpoint_open(ctx, test_golden(files[i]), &file));
		assert_string_equal(fv_checkpoint_container(file), containers[i]);
		const fv_tensor *found =
			fv_checkpoint_find(file, "optimizer_state.state.140123456789012.exp_avg");
		assert_non_null(found);
		float ones[2] = {0};
		assert_int_equal(found->count, 2);
		test_ok(ctx, fv_tensor_to_f32(ctx, found, ones));
		assert_true(ones[0] == 1 && ones[1] == 1);
		fv_checkpoint_close(file);
		core_ctx_free(ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_files_are_read),
		cmocka_unit_test(nested_names_are_joined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
