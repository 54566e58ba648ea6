/* SPDX-License-Identifier: Apache-2.0 */
#include "report/confusion_table.h"

#include "eval/rates.h"

static void fill_row(
	core_result_table *t, size_t row, int32_t C, const char *name, const int64_t *count)
{
	int64_t sum = 0;
	for (int32_t k = 0; k < C; k++)
		sum += count[k];
	*core_table_at(t, row, 0) = core_value_text(name);
	*core_table_at(t, row, 1) = core_value_count(sum);
	for (int32_t k = 0; k < C && sum; k++)
		*core_table_at(t, row, 2 + (size_t)k) =
			core_value_number(core_divide_counts(count[k], sum));
}

fv_status core_add_confusion(fv_ctx *ctx, int32_t C, const char *const *classes,
	const int64_t *count, const char *group, core_document *document)
{
	const char *title = core_format(ctx,
		"confusion, argmax%s%s: share of each true class that is predicted as",
		group ? ", " : "", group ? group : "");
	core_result_table *t =
		core_document_add(ctx, document, "confusion", title, (size_t)C, 2 + (size_t)C);
	if (!t || !title)
		return FV_FAILED;
	t->column[0] = core_plain_column("class", "true class", CORE_FOR_PEOPLE);
	t->column[1] = core_plain_column("rows", "rows", CORE_FOR_PEOPLE);
	for (int32_t k = 0; k < C; k++) {
		t->column[2 + k] = core_plain_column(classes[k], classes[k], CORE_FOR_PEOPLE);
		fill_row(t, (size_t)k, C, classes[k], count + (size_t)k * (size_t)C);
	}
	return FV_OK;
}
