/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of further test sets, after those of the test set: a pair of aggregates each, or a short table. */
#include <string.h>

#include "report/grid_tables.h"
#include "report/short_table.h"

/* Lists the further test sets of all runs, in order of appearance. */
static fv_status list_sets(fv_ctx *ctx, const core_results *results, json_t **out)
{
	*out = json_object();
	for (size_t i = 0; *out && i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n; k++) {
			json_t *tests =
				json_object_get(results->variant[i].run[k].metrics, "tests");
			if (tests && json_object_update(*out, tests)) {
				json_decref(*out);
				*out = NULL;
				break;
			}
		}
	return *out ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
}

/* What a short table needs. */
struct short_form {
	const core_variant_axes *axes;
	const core_short_choice *choice;
};

static fv_status add_set(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, const struct short_form *form, const char *set,
	core_document *document)
{
	core_table_options own = *options;
	core_grid grid;
	own.set = core_strdup(ctx, set);
	own.compare = false;
	own.reference = NULL;
	fv_status status = own.set ? core_grid_make(ctx, results, &own, &grid) : FV_FAILED;
	if (status)
		return status;
	return form ? core_add_short(ctx, &grid, form->axes, form->choice, document)
		    : core_add_aggregates(ctx, &grid, document);
}

static fv_status add_sets(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, const struct short_form *form, core_document *document)
{
	json_t *sets, *unused;
	const char *name;
	fv_status status = list_sets(ctx, results, &sets);
	if (status)
		return status;
	json_object_foreach(sets, name, unused)
	{
		status = status ? status : add_set(ctx, results, options, form, name, document);
	}
	json_decref(sets);
	return status;
}

fv_status core_add_further_tests(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, core_document *document)
{
	return add_sets(ctx, results, options, NULL, document);
}

fv_status core_add_short_tests(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, const core_variant_axes *axes,
	const core_short_choice *choice, core_document *document)
{
	const struct short_form form = {axes, choice};
	return add_sets(ctx, results, options, &form, document);
}
