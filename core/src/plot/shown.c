/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the variants of figures that show a few. */
#include "plot/drawing.h"
#include "report/best_on_dev.h"

/* Adds the variant that is best on development rows. */
static fv_status add_best(core_drawing *d, const char *attribute, core_shown *out)
{
	const core_grid_column *family =
		d->grid->family >= 0 ? &d->grid->column[d->grid->family] : NULL;
	core_metric_id id = family ? family->id : CORE_TPR_GAP;
	const char *of = core_metric_is_overall(id) ? NULL : attribute;
	int64_t best;
	fv_status status = core_find_best_on_dev(d->ctx, d->grid, of, id, &best);
	if (status)
		return status;
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
