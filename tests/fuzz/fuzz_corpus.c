/* SPDX-License-Identifier: Apache-2.0 */
/* A corpus: label file, table of speakers, and excluded names are the parts of the input behind its first byte, which
 * chooses the configuration. Every row that is read has a class, a split and a speaker. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "corpus/corpus.h"
#include "fuzz.h"
#include "registry.h"

static const char *const names[] = {"labels.csv", "speakers.csv"};
static const char *const configs[] = {
	"{labels: labels.csv, attributes: {file: speakers.csv, speaker: Id, columns: {race: "
	"Race}}}",
	"{labels: labels.csv, speaker: none, splits: {a: train, b: test}, dev: {share: 0.2}}",
	"{labels: labels.csv, columns: {file: path, emotion: emotion, speaker: [session, who]}, "
	"make_folds: 2}",
	"{labels: labels.csv, columns: {age: Age}, bins: {age: {Young: [0, 35], Old: [36, 99]}}, "
	"map: {happy: joy}}",
};
enum { CONFIGS = sizeof configs / sizeof *configs };

/* Reads each configuration once. NULL: it is not valid. */
static const core_corpus_spec *get_spec(size_t k)
{
	static core_config *config[CONFIGS];
	if (!config[k]) {
		static fv_ctx *ctx;
		ctx = ctx ? ctx : core_ctx_new();
		static const char *const name[] = {"config.yaml"};
		core_text text = {0};
		core_text_add(&text,
			"corpus: %s\nencoder: {name: waves}\nloss: {name: plain}\n"
			"eval: {attributes: [gender]}\n",
			configs[k]);
		fuzz_write_parts((const uint8_t *)text.data, text.size, name, 1);
		core_text_free(&text);
		char path[512];
		snprintf(path, sizeof path, "%s/config.yaml", fuzz_make_folder());
		if (core_config_load(
			    ctx, test_registry(), path, NULL, 0, CORE_NEED_RUN, &config[k])) {
			for (size_t i = 0; i < core_error_lines(ctx); i++)
				fprintf(stderr, "%s\n", core_error_line(ctx, i));
			fuzz_require(0, "a configuration of this target is not valid");
		}
	}
	return &config[k]->variants[0].corpus;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	const core_corpus_spec *spec = get_spec(data[0] % CONFIGS);
	fuzz_write_parts(data + 1, size - 1, names, sizeof names / sizeof *names);
	fv_ctx *ctx = core_ctx_new();
	core_corpus *corpus;
	fv_status status = core_corpus_read(ctx, spec, 1, &corpus);
	fuzz_check_status(ctx, status);
	for (int32_t i = 0; !status && i < corpus->n; i++) {
		fuzz_require(corpus->klass[i] >= 0 && corpus->klass[i] < corpus->classes,
			"a row without a class");
		fuzz_require(
			corpus->split[i] >= 0 && corpus->split[i] < CORE_SPLITS + corpus->n_sets,
			"a row without a split");
		fuzz_require(corpus->speaker[i] >= 0 && corpus->speaker[i] < corpus->n_speakers,
			"a row without a speaker");
	}
	core_ctx_free(ctx);
	return 0;
}
