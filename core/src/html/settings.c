/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that variants were run with, from their config.yaml. */
#include <string.h>

#include "html/page.h"

enum { LISTED = 6 };

static const core_yaml *find_setting(const core_yaml *tree, const char *block, const char *key)
{
	const core_yaml *inner = tree ? core_yaml_get(tree, block) : NULL;
	return inner && inner->kind == CORE_YAML_MAP ? core_yaml_get(inner, key) : NULL;
}

static const char *format_setting(const core_html_page *page, const core_yaml *node)
{
	core_text text = {0};
	core_yaml_write_flow(node, &text);
	return core_text_move(page->ctx, &text);
}

/* Joins "a", "b" and "c" as "a, b or c". */
static const char *join_values(
	const core_html_page *page, size_t n, const char *const *value, bool more)
{
	core_text text = {0};
	for (size_t k = 0; k < n; k++)
		core_text_add(&text, "%s%s", !k ? "" : k + 1 < n || more ? ", " : " or ", value[k]);
	if (more)
		core_text_add(&text, " or others");
	return core_text_move(page->ctx, &text);
}

const char *core_html_setting(const core_html_page *page, const char *block, const char *key)
{
	const char *value[LISTED];
	size_t n = 0;
	bool more = false;
	for (size_t i = 0; i < page->results->n; i++) {
		const core_yaml *node = find_setting(page->settings[i], block, key);
		const char *own = node ? format_setting(page, node) : NULL;
		size_t k = 0;
		while (own && k < n && strcmp(value[k], own) != 0)
			k++;
		if (own && k == n && n < LISTED)
			value[n++] = own;
		else
			more |= own && k == n;
	}
	return n ? join_values(page, n, value, more) : NULL;
}
