/* SPDX-License-Identifier: Apache-2.0 */
/* env.json: program, libraries, processor, plugins and inputs of a run. */
#include "run/output.h"

#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <jansson.h>
#include <sndfile.h>
#include <soxr.h>
#include <yaml.h>

#include "base/numerics.h"

/* The processor's name from the system, "" when it does not say. */
static void processor(char *out, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[512];
	out[0] = '\0';
	while (file && fgets(line, sizeof line, file)) {
		char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) || !colon)
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(out, size, "%s", colon + 2);
		break;
	}
	if (file)
		fclose(file);
}

static json_t *cell_json(const core_runner *r)
{
	const core_cell *cell = r->cell;
	json_t *axes = json_object(), *groupers = json_array();
	for (int32_t i = 0; i < cell->n_axes; i++)
		json_object_set_new(axes, cell->axis[i], json_string(cell->axis_value[i]));
	for (int32_t i = 0; i < cell->n_groupers; i++)
		json_array_append_new(groupers,
			json_string(cell->groupers[i].use.plugin->descriptor->name));
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:o}", "slug", cell->slug, "hash",
		cell->hash, "index", r->run->cell, "loss",
		cell->loss.plugin->descriptor->name, "encoder",
		cell->encoder.use.plugin->descriptor->name, "profile", cell->profile, "groupers",
		groupers, "axes", axes);
}

static json_t *rows_json(const core_runner *r)
{
	return json_pack("{s:i, s:i, s:i, s:i}", "train", r->rows.n[CORE_TRAIN], "kept",
		r->result.kept, "dev", r->rows.n[CORE_DEV], "test", r->rows.n[CORE_TEST]);
}

static json_t *host_json(void)
{
	char cpu[256];
	processor(cpu, sizeof cpu);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "processor", cpu, "blas",
		openblas_get_config(), "blas_kernel", openblas_get_corename(), "sndfile",
		sf_version_string(), "soxr", soxr_version(), "yaml", yaml_get_version_string());
}

fv_status core_output_env(fv_ctx *ctx, const core_runner *r, char **out)
{
	const core_fold *fold = &r->study->fold[r->run->fold];
	json_t *inputs = json_loads(r->run->inputs, 0, NULL);
	json_t *root = json_pack("{s:i, s:s, s:i, s:i, s:o, s:I, s:I, s:b, s:b, s:b, s:o, s:o, s:o}",
		"schema_version", 1, "fairvox", FAIRVOX_VERSION, "abi", (int)FV_ABI, "numerics",
		CORE_NUMERICS, "cell", cell_json(r), "fold", (json_int_t)fold->fold, "seed",
		(json_int_t)r->run->seed, "synthetic", r->study->set[fold->set].synthetic,
		"transductive", r->transductive, "shared_speakers",
		r->cell->corpus.shared_speakers, "rows", rows_json(r), "host", host_json(), "inputs",
		inputs ? inputs : json_null());
	char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	if (!text)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	*out = core_format(ctx, "%s\n", text);
	free(text);
	return *out ? FV_OK : FV_FAILED;
}
