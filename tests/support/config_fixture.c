/* SPDX-License-Identifier: Apache-2.0 */
#include "config_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "registry.h"

#define ARGUMENTS_MAX 8

int test_config_open(void **state)
{
	if (chdir(test_folder("config")))
		return -1;
	test_config *w = calloc(1, sizeof *w);
	w->ctx = test_ctx();
	w->needs = CORE_NEED_RUN;
	*state = w;
	return 0;
}

int test_config_close(void **state)
{
	test_config *w = *state;
	core_ctx_free(w->ctx);
	free(w);
	return 0;
}

void test_config_write(test_config *w, const char *path, const char *text)
{
	test_ok(w->ctx, core_make_dirs(w->ctx, core_path_dir(w->ctx, path)));
	FILE *file = fopen(path, "wb"); /* faster than core_file_write, which waits for the disk */
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

void test_config_load(test_config *w, const char *path, const char *arguments)
{
	char *argument[ARGUMENTS_MAX], *p = core_strdup(w->ctx, arguments);
	size_t n = 0;
	while (*p) {
		int nested = 0;
		argument[n++] = p;
		for (; *p && (*p != ' ' || nested); p++)
			nested += (*p == '[' || *p == '{') - (*p == ']' || *p == '}');
		if (*p)
			*p++ = '\0';
	}
	core_error_clear(w->ctx);
	w->config = NULL;
	w->status =
		core_config_load(w->ctx, test_registry(), path, argument, n, w->needs, &w->config);
}

const char *test_config_errors(test_config *w)
{
	const char *all = "";
	for (size_t i = 0; core_error_line(w->ctx, i); i++)
		all = core_format(w->ctx, "%s%s\n", all, core_error_line(w->ctx, i));
	return all;
}

void test_config_expect_errors(test_config *w, fv_status status, const char *lines)
{
	assert_string_equal(test_config_errors(w), lines);
	assert_int_equal(w->status, status);
}

core_variant *test_config_variant(test_config *w, size_t index)
{
	test_ok(w->ctx, w->status);
	assert_true(index < w->config->n_variants);
	return &w->config->variants[index];
}

const char *test_config_slugs(test_config *w)
{
	const char *all = "";
	test_ok(w->ctx, w->status);
	for (size_t i = 0; i < w->config->n_variants; i++)
		all = core_format(w->ctx, i ? "%s %s" : "%s%s", all, w->config->variants[i].slug);
	return all;
}

const char *test_config_notes(test_config *w)
{
	const char *all = "";
	test_ok(w->ctx, w->status);
	for (size_t i = 0; i < w->config->n_notes; i++)
		all = core_format(w->ctx, "%s%s\n", all, w->config->notes[i].text);
	return all;
}

const char *test_config_origin(test_config *w, const char *key)
{
	core_text text = {0};
	test_ok(w->ctx, w->status);
	core_config_origins(w->ctx, w->config, 0, &text);
	const char *found = NULL;
	char *rest = text.data, *line;
	while ((line = strsep(&rest, "\n"))) {
		size_t n = strcspn(line, " ");
		if (n == strlen(key) && !strncmp(line, key, n))
			found = core_strdup(w->ctx, line + n + strspn(line + n, " "));
	}
	core_text_free(&text);
	return found ? found : "(not there)";
}
