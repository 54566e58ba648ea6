/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the variants of figures that show a few. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "eval/predictions.h"
#include "eval/report_json.h"
#include "plot/drawing.h"

/* Computes a metric of the development rows of a run; NaN: undefined, or there are none. */
static fv_status measure_run(fv_ctx *own, const core_run_result *run, const char *attribute,
	core_metric_id id, double *out)
{
	core_predictions p;
	core_eval_attribute groups;
	double values[CORE_METRICS];
	*out = NAN;
	char *path = core_path_join(own, run->dir, "predictions.csv");
	fv_status status =
		path ? core_predictions_read_split(own, path, NULL, "dev", &p) : FV_FAILED;
	if (status == FV_CONFIG) { /* no such split */
		core_error_clear(own);
		return FV_OK;
	}
	if (!status)
		status = core_report_read_options(own, run->metrics, &p);
	if (status)
		return status;
	core_eval_set set = core_predictions_set(&p);
	const core_text_column *column = attribute ? core_predictions_column(&p, attribute) : NULL;
	if (attribute && !column)
		return FV_OK;
	if (column)
		status = core_eval_attribute_make(
			own, column->name, p.n, column->value, NULL, 0, &groups);
	if (!status)
		status = core_metric_values(own, &set, column ? &groups : NULL, values);
	*out = status ? NAN : values[id];
	return status;
}

/* Computes the mean over the runs of a variant; NaN: not all of them have the value. */
static fv_status measure_variant(fv_ctx *ctx, const core_variant_result *variant,
	const char *attribute, core_metric_id id, double *out)
{
	int32_t runs = variant->n_folds * variant->n_seeds;
	*out = runs ? 0 : NAN;
	for (int32_t k = 0; k < runs && !isnan(*out); k++) {
		double value;
		fv_ctx *own = core_ctx_aside(ctx); /* holds the text of the file */
		if (!own)
			return FV_FAILED;
		fv_status status = core_ctx_rejoin(
			ctx, own, measure_run(own, variant->used[k], attribute, id, &value));
		if (status)
			return status;
		*out += value / runs;
	}
	return FV_OK;
}

static bool is_better(core_metric_id id, double a, double b)
{
	return isnan(b) || (core_metric_at(id)->higher_is_better ? a > b : a < b);
}

/* Adds the variant that is best on development rows. */
static fv_status add_best(core_drawing *d, const char *attribute, core_shown *out)
{
	const core_grid_column *family =
		d->grid->family >= 0 ? &d->grid->column[d->grid->family] : NULL;
	core_metric_id id = family ? family->id : CORE_TPR_GAP;
	const char *of = core_metric_is_overall(id) ? NULL : attribute;
	int64_t best = -1;
	double least = NAN;
	for (size_t i = 0; i < d->grid->n_rows; i++) {
		const core_grid_row *row = &d->grid->row[i];
		double value;
		if (!row->facts || row->facts->plain || core_row_unranked(row) || !row->scores.test)
			continue;
		fv_status status = measure_variant(d->ctx, row->variant, of, id, &value);
		if (status)
			return status;
		if (!isnan(value) && is_better(id, value, least)) {
			least = value;
			best = (int64_t)i;
		}
	}
	if (best < 0)
		return FV_OK;
	out->row[out->n++] = (size_t)best;
	out->note = core_format(d->ctx,
		" %s has the %s mean %s%s%s on development rows of the variants with groups.",
		d->names.row[best].label,
		core_metric_at(id)->higher_is_better ? "largest" : "smallest", of ? of : "",
		of ? " " : "", core_metric_at(id)->title);
	return out->note ? FV_OK : FV_FAILED;
}

fv_status core_find_shown(core_drawing *d, const char *attribute, core_shown *out)
{
	int64_t reference = core_find_reference(d, -1);
	*out = (core_shown){.note = ""};
	if (d->options->selected) {
		for (size_t i = 0; i < d->grid->n_rows; i++) {
			if (!d->grid->row[i].variant->n_folds)
				continue;
			if (out->n == CORE_SHOWN_MAX)
				return fv_fail(d->ctx, FV_CONFIG,
					"%s: shows at most %d variants: select fewer with --rows",
					d->kind->name, (int)CORE_SHOWN_MAX);
			out->row[out->n++] = i;
		}
		return FV_OK;
	}
	if (reference >= 0)
		out->row[out->n++] = (size_t)reference;
	fv_status status = add_best(d, attribute, out);
	for (size_t i = 0; i < d->grid->n_rows && !out->n && !status; i++)
		if (d->grid->row[i].variant->n_folds)
			out->row[out->n++] = i;
	return status;
}
