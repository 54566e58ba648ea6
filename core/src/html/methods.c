/* SPDX-License-Identifier: Apache-2.0 */
/* The paragraph on methods, to be pasted into a paper, and the list of what it rests on: plain text, which the
 * page shows as it is. */
#include <math.h>
#include <string.h>

#include "base/markup.h"
#include "html/page.h"
#include "report/columns.h"

enum { LISTED = 8 };

/* Different texts, in order of appearance. */
struct list {
	size_t n;
	const char *text[LISTED];
	bool more;
};

static void add_once(struct list *list, const char *text)
{
	size_t k = 0;
	while (text && k < list->n && strcmp(list->text[k], text) != 0)
		k++;
	if (text && k == list->n && list->n < LISTED)
		list->text[list->n++] = text;
	else
		list->more |= text && k == list->n;
}

static void put_list(core_text *out, const struct list *list)
{
	for (size_t k = 0; k < list->n; k++)
		core_text_add(out, "%s%s", k ? ", " : "", list->text[k]);
	core_text_add(out, "%s", list->more ? " and others" : "");
}

/* Returns a list "[1, 2]" without its brackets. */
static const char *strip_brackets(fv_ctx *ctx, const char *text)
{
	size_t n = strlen(text);
	bool one = n > 1 && text[0] == '[' && text[n - 1] == ']' && !strchr(text + 1, '[');
	return one ? core_strndup(ctx, text + 1, n - 2) : text;
}

/* --- what was trained ------------------------------------------------------------------------- */

static void put_setting(
	core_html_page *page, core_text *out, const char *words, const char *block, const char *key)
{
	const char *value = core_html_setting(page, block, key);
	value = value ? strip_brackets(page->ctx, value) : NULL;
	if (value && *value && strcmp(value, "none") != 0 && strcmp(value, "null") != 0)
		core_text_add(out, ", %s %s", words, value);
}

static void put_axes(core_html_page *page, core_text *out)
{
	for (size_t k = 0; k < page->axes->n; k++) {
		const core_variant_axis *axis = &page->axes->axis[k];
		struct list values = {0};
		for (size_t i = 0; i < page->results->n && axis->varies; i++)
			if (page->results->variant[i].n_folds)
				add_once(&values, axis->text[i] ? axis->text[i] : "none");
		if (!values.n)
			continue;
		core_text_add(out, " %s: ", axis->title);
		put_list(out, &values);
		core_text_put(out, ".", 1);
	}
}

static void put_encoders(core_html_page *page, core_text *out)
{
	struct list encoders = {0};
	for (size_t i = 0; i < page->grid->n_rows; i++)
		if (page->grid->row[i].facts)
			add_once(&encoders, page->grid->row[i].facts->encoder);
	core_text_add(out, "Features came from the encoder ");
	put_list(out, &encoders);
}

static void put_training(core_html_page *page, core_text *out)
{
	put_encoders(page, out);
	core_text_add(out, "; a head was trained on them (projection %s",
		core_html_setting(page, "head", "projection")
			? core_html_setting(page, "head", "projection")
			: "of the program's default");
	put_setting(page, out, "hidden layers", "head", "hidden");
	put_setting(page, out, "dropout", "head", "dropout");
	core_text_add(out, ")");
	put_setting(page, out, "base loss", "train", "base_loss");
	put_setting(page, out, "class weights", "train", "class_weights");
	put_setting(page, out, "optimizer", "train", "optimizer");
	put_setting(page, out, "learning rate", "train", "learning_rate");
	put_setting(page, out, "batches of", "train", "batch");
	put_setting(page, out, "sampler", "train", "sampler");
	put_setting(page, out, "schedule", "train", "schedule");
	put_setting(page, out, "gradients clipped at", "train", "clip");
	put_setting(page, out, "epochs", "train", "epochs");
	put_setting(page, out, "seeds", "train", "seed");
	put_setting(page, out, "profile", "loss", "profile");
	core_text_add(out, ". Variants differ in:");
	put_axes(page, out);
	core_text_add(out, "\n\n");
}

static void put_bias(core_html_page *page, core_text *out)
{
	struct list biases = {0};
	for (size_t i = 0; i < page->grid->n_rows; i++) {
		const core_run_facts *f = page->grid->row[i].facts;
		const char *attribute =
			f ? json_string_value(json_object_get(f->bias, "attribute")) : NULL;
		if (attribute)
			add_once(&biases,
				core_format(page->ctx, "%s with a ratio of %g to 1", attribute,
					json_number_value(
						json_object_get(f->bias, "minority_ratio"))));
	}
	if (!biases.n)
		return;
	core_text_add(out, "Training and development rows were subsampled so that, in each class, "
			   "one group has most rows: ");
	put_list(out, &biases);
	core_text_add(out, ". ");
}

/* --- how it was chosen and tested ------------------------------------------------------------- */

static void put_selection(core_html_page *page, core_text *out)
{
	struct list rules = {0};
	bool labels = false, tuned = false;
	for (size_t i = 0; i < page->grid->n_rows; i++) {
		const core_run_facts *f = page->grid->row[i].facts;
		if (!f)
			continue;
		labels |= f->selection.uses_group_labels;
		tuned |= f->tune != NULL;
		add_once(&rules, core_format(page->ctx, "%s on the %s split, among %lld epochs",
					 f->selection.rule, f->selection.split,
					 (long long)f->selection.epochs));
	}
	core_text_add(out, "The epoch of each run was chosen by ");
	put_list(out, &rules);
	core_text_add(out, "%s; seeds were averaged, never chosen.",
		labels ? " (some rules use true group labels)" : "");
	if (tuned)
		core_text_add(out, " Tuned variants took, fold by fold, the trial with the best "
				   "development value.");
	if (page->best >= 0)
		core_text_add(out,
			" The variant named as best is the one with the best mean of the "
			"main metric on development rows.");
	core_text_add(out, "\n\n");
}

static size_t count_comparisons(const core_grid *grid)
{
	size_t n = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		n += grid->row[i].effect.reference >= 0 && !grid->row[i].effect.reason;
	return n;
}

static void put_tests(core_html_page *page, core_text *out)
{
	const core_grid *grid = page->grid;
	long long draws = (long long)grid->options.draws.n;
	core_text_add(out,
		"Figures are those of all folds pooled, each test recording once, averaged over "
		"%lld "
		"seed%s, where nothing else is said. The null of a gap is its distribution when "
		"group "
		"labels are permuted over speakers within folds (%lld draws); excess is the gap "
		"minus "
		"the mean of the null, and p the share of draws with a gap at least as large. Gaps "
		"have "
		"no interval, since one of a quantity that is never negative would always exclude "
		"0. ",
		(long long)grid->seeds, grid->seeds == 1 ? "" : "s", draws);
	size_t n = count_comparisons(grid);
	if (!n)
		return;
	core_text_add(out,
		"Variants were compared with training without debiasing by a two-sided paired "
		"permutation test that exchanges the two systems' predictions speaker by speaker "
		"(%lld "
		"draws); intervals are 95%% percentile intervals of a bootstrap over speakers "
		"within "
		"groups. ",
		draws);
	if (grid->family >= 0)
		core_text_add(out,
			"The %zu comparison%s of %s were declared in advance and adjusted by Holm; "
			"all "
			"others are exploratory and adjusted by Benjamini-Hochberg within a "
			"metric. ",
			n, n == 1 ? "" : "s", core_html_name_column(page, (size_t)grid->family));
	else
		core_text_add(out, "No comparison was declared in advance: all p are exploratory, "
				   "adjusted by Benjamini-Hochberg within a metric. ");
}

/* --- what it rests on ------------------------------------------------------------------------- */

static const json_t *read_env(const core_html_page *page, size_t row)
{
	const core_variant_result *v = page->grid->row[row].variant;
	return v->n_folds ? v->used[0]->env : NULL;
}

/* Adds a member of an object of env.json, over the first runs of all variants. */
static void put_facts(core_html_page *page, core_text *out, const char *words, const char *object,
	const char *key, int digits)
{
	struct list values = {0};
	for (size_t i = 0; i < page->grid->n_rows; i++) {
		const json_t *env = read_env(page, i);
		const json_t *of = object ? json_object_get(env, object) : env;
		const char *text = json_string_value(json_object_get(of, key));
		if (text && *text)
			add_once(&values, core_format(page->ctx, "%.*s", digits, text));
	}
	if (!values.n)
		return;
	core_text_add(out, "%s ", words);
	put_list(out, &values);
	core_text_add(out, ". ");
}

static void put_software(core_html_page *page, core_text *out)
{
	core_text_add(out, "\n\n");
	put_facts(page, out, "Computed with fairvox", NULL, "fairvox", 40);
	put_facts(page, out, "Libraries:", "host", "blas", 15);
	put_facts(page, out, "Kernels:", "host", "kernels", 40);
	put_facts(page, out, "Recordings encoded on:", "host", "device", 80);
	put_facts(page, out, "Models trained on:", "host", "trained_on", 80);
	put_facts(page, out, "Audio read with", "host", "sndfile", 40);
	put_facts(page, out, "Resampled with", "host", "soxr", 40);
	core_text_add(out, "SHA-256, first digits, of the first fold and seed: ");
	put_facts(page, out, "labels", "fingerprint", "labels", 12);
	put_facts(page, out, "attributes", "fingerprint", "attributes", 12);
	put_facts(page, out, "audio", "fingerprint", "audio", 12);
	put_facts(page, out, "features", "fingerprint", "features", 12);
	core_text_add(out, "Every variant's hash is the end of its folder's name.\n");
}

static void put_plugin(core_html_page *page, core_text *out, fv_kind kind, const char *name)
{
	const core_plugin *plugin = core_registry_find(page->options->registry, kind, name);
	if (plugin)
		core_text_add(out, "- %s %s (%s): %s\n", core_kind_name(kind), name,
			plugin->descriptor->licence, plugin->descriptor->source);
	else
		core_text_add(out, "- %s %s: not installed here, so its source is not known\n",
			core_kind_name(kind), name);
}

/* Licences and sources of the plugins of all variants. */
static void put_plugins(core_html_page *page, core_text *out)
{
	struct list list[3] = {{0}};
	static const fv_kind kinds[] = {FV_ENCODER, FV_GROUPER, FV_LOSS};
	for (size_t i = 0; i < page->grid->n_rows; i++) {
		const core_run_facts *f = page->grid->row[i].facts;
		if (!f)
			continue;
		add_once(&list[0], f->encoder);
		for (int32_t g = 0; g < f->n_groupers; g++)
			add_once(&list[1], f->grouper[g].name);
		add_once(&list[2], f->loss);
	}
	core_text_add(out, "\nMethods, licences of their plugins, and sources:\n");
	for (int k = 0; k < 3; k++)
		for (size_t i = 0; i < list[k].n; i++)
			if (*list[k].text[i])
				put_plugin(page, out, kinds[k], list[k].text[i]);
}

fv_status core_html_methods(core_html_page *page)
{
	core_text *out = &page->report->methods;
	put_bias(page, out);
	put_training(page, out);
	put_selection(page, out);
	put_tests(page, out);
	put_software(page, out);
	if (page->options->registry)
		put_plugins(page, out);
	if (out->failed)
		return fv_fail(page->ctx, FV_FAILED, "out of memory");
	core_text_add(page->out, "<div class=methods id=methods-text>");
	core_text_markup(page->out, out->data);
	core_text_add(page->out, "</div>\n");
	return FV_OK;
}
