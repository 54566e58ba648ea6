/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of further test sets: one pair of aggregates each, after the tables of the test set. */
#include <string.h>

#include "report/grid_tables.h"

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

static fv_status add_set(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, const char *set, core_document *document)
{
	core_table_options own = *options;
	core_grid grid;
	own.set = core_strdup(ctx, set);
	own.compare = false;
	own.reference = NULL;
	fv_status status = own.set ? core_grid_make(ctx, results, &own, &grid) : FV_FAILED;
	return status ? status : core_add_aggregates(ctx, &grid, document);
}

fv_status core_add_further_tests(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, core_document *document)
{
	json_t *sets, *unused;
	const char *name;
	fv_status status = list_sets(ctx, results, &sets);
	if (status)
		return status;
	json_object_foreach(sets, name, unused)
	{
		status = status ? status : add_set(ctx, results, options, name, document);
	}
	json_decref(sets);
	return status;
}
