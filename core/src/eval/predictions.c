/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/predictions.h"

#include <string.h>

#include "base/file.h"
#include "base/missing.h"
#include "base/nearest.h"

#define PROB "prob_"
#define LABEL "label_"

static void add_column(core_text *text, const core_text_column *column, int64_t row)
{
	if (!column->value)
		return;
	core_text_put(text, ",", 1);
	core_text_csv(text, row < 0 ? column->name : column->value[row]);
}

/* row -1: writes the header */
static void add_names(core_text *text, const core_predictions *p, int64_t row)
{
	for (int32_t a = 0; a < p->n_attributes; a++)
		add_column(text, &p->attribute[a], row);
	add_column(text, &p->speaker, row);
	add_column(text, &p->group, row);
	add_column(text, &p->split, row);
	core_text_put(text, "\n", 1);
}

static void add_header(core_text *text, const core_predictions *p, const char *prefix)
{
	for (int32_t c = 0; c < p->C; c++) {
		core_text name = {0};
		core_text_add(&name, "%s%s", prefix, p->classes[c]);
		core_text_put(text, ",", 1);
		core_text_csv(text, name.data ? name.data : "");
		text->failed = text->failed || name.failed;
		core_text_free(&name);
	}
}

void core_predictions_text(const core_predictions *p, core_text *out)
{
	core_text_add(out, "FileName");
	add_header(out, p, PROB);
	add_header(out, p, LABEL);
	add_names(out, p, -1);
	for (int64_t i = 0; i < p->n; i++) {
		core_text_csv(out, p->file[i]);
		for (int32_t c = 0; c < p->C; c++)
			core_text_add(out, ",%.9g", (double)p->prob[i * p->C + c]);
		for (int32_t c = 0; c < p->C; c++)
			core_text_add(out, ",%.9g", (double)p->label[i * p->C + c]);
		add_names(out, p, i);
	}
}

fv_status core_predictions_write(fv_ctx *ctx, const char *path, const core_predictions *p)
{
	core_text text = {0};
	core_predictions_text(p, &text);
	fv_status status = text.failed ? fv_fail(ctx, FV_FAILED, "out of memory")
				       : core_file_write(ctx, path, text.data, text.size);
	core_text_free(&text);
	return status;
}

const core_text_column *core_predictions_column(const core_predictions *p, const char *name)
{
	if (p->speaker.value && !strcmp(p->speaker.name, name))
		return &p->speaker;
	if (p->group.value && !strcmp(p->group.name, name))
		return &p->group;
	for (int32_t a = 0; a < p->n_attributes; a++)
		if (!strcmp(p->attribute[a].name, name))
			return &p->attribute[a];
	return NULL;
}

fv_status core_predictions_clean(
	fv_ctx *ctx, const core_predictions *p, const core_text_column *column)
{
	fv_status status = core_clean_column(
		ctx, p->path, column->name, p->n, column->value, p->line, 0, NULL);
	for (int64_t i = 0; i < p->n && !status; i++)
		column->value[i] = column->value[i] ? column->value[i] : "";
	return status;
}

fv_status core_predictions_need(fv_ctx *ctx, const core_predictions *p, const char *option,
	const char *name, const core_text_column **out)
{
	*out = core_predictions_column(p, name);
	if (*out)
		return FV_OK;
	const char **names = core_alloc(ctx, (size_t)p->n_attributes + 2, sizeof *names);
	size_t n = 0;
	if (!names)
		return FV_FAILED;
	for (int32_t a = 0; a < p->n_attributes; a++)
		names[n++] = p->attribute[a].name;
	if (p->speaker.value)
		names[n++] = p->speaker.name;
	if (p->group.value)
		names[n++] = p->group.name;
	const char *hint = core_suggest_name(ctx, name, names, n);
	core_text list = {0};
	for (size_t i = 0; i < n; i++)
		core_text_add(&list, "%s%s", i ? ", " : "", names[i]);
	fv_status status = *hint ? fv_fail(ctx, FV_CONFIG, "%s: %s has no column '%s'%s", option,
					   p->path ? p->path : "the table", name, hint)
				 : fv_fail(ctx, FV_CONFIG, "%s: %s has no column '%s' (it has: %s)",
					   option, p->path ? p->path : "the table", name,
					   list.data ? list.data : "none");
	core_text_free(&list);
	return status;
}
