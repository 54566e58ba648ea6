/* SPDX-License-Identifier: Apache-2.0 */
/* Notes runs whose features or models come from different devices, which differ in the last digits. */
#include <string.h>

#include "report/notes.h"

enum { MOST_DEVICES = 16 /* of all encoders together */ };

struct device_use {
	const char *encoder, *device; /* text of env.json; encoder NULL: of training */
	size_t runs;
};

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Counts a use. Those of further devices than the first are left out. */
static void count_use(struct device_use *use, size_t *n, const char *encoder, const char *device)
{
	size_t i = 0;
	while (i < *n && !(is_same_text(use[i].encoder, encoder) && !strcmp(use[i].device, device)))
		i++;
	if (i == MOST_DEVICES)
		return;
	if (i == *n)
		use[(*n)++] = (struct device_use){encoder, device, 0};
	use[i].runs++;
}

static void count_run(struct device_use *use, size_t *n, const core_run_result *run)
{
	const json_t *host = json_object_get(run->env, "host");
	const char *device = json_string_value(json_object_get(host, "device"));
	const char *trained_on = json_string_value(json_object_get(host, "trained_on"));
	if (!device || !run->facts)
		return;
	count_use(use, n, run->facts->encoder, device);
	count_use(use, n, NULL, trained_on ? trained_on : "cpu");
}

/* "cpu: 4 runs, cuda ...: 2 runs" of an encoder, or of training; *devices: how many */
static const char *list_devices(
	fv_ctx *ctx, const struct device_use *use, size_t n, const char *encoder, size_t *devices)
{
	const char *text = "";
	*devices = 0;
	for (size_t i = 0; i < n && text; i++)
		if (is_same_text(use[i].encoder, encoder))
			text = core_format(ctx, "%s%s%s: %zu run%s", text, (*devices)++ ? ", " : "",
				use[i].device, use[i].runs, use[i].runs == 1 ? "" : "s");
	return text;
}

fv_status core_note_devices(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	struct device_use use[MOST_DEVICES];
	size_t n = 0, devices;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_variant_result *v = grid->row[i].variant;
		if (!v)
			continue;
		for (size_t k = 0; k < (size_t)v->n_folds * (size_t)v->n_seeds; k++)
			count_run(use, &n, v->used[k]);
	}
	fv_status status = FV_OK;
	for (size_t i = 0; i < n && !status; i++) {
		bool told = false;
		for (size_t k = 0; k < i; k++)
			told |= is_same_text(use[k].encoder, use[i].encoder);
		const char *text = told ? "" : list_devices(ctx, use, n, use[i].encoder, &devices);
		if (!text)
			return FV_FAILED;
		if (!told && devices > 1 && !use[i].encoder)
			status = core_document_note(ctx, d,
				"models were trained on different devices (%s): they differ in the "
				"last digits",
				text);
		else if (!told && devices > 1)
			status = core_document_note(ctx, d,
				"%s was encoded on different devices (%s): its features differ in "
				"the last digits",
				use[i].encoder, text);
	}
	return status;
}
