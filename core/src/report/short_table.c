/* SPDX-License-Identifier: Apache-2.0 */
#include "report/short_table.h"

#include <math.h>
#include <string.h>

#include "report/axis_text.h"
#include "report/decimal.h"
#include "report/grid_tables.h"
#include "report/low_support.h"
#include "report/short_order.h"

/* What the functions of this file work on. */
struct making {
	fv_ctx *ctx;
	const core_grid *grid;
	const core_variant_axes *axes;
	const core_short_choice *choice;
	core_short_order order;
	size_t n_picks;
	core_pick *pick; /* the columns for people */
	core_result_table *t;
};

/* --- the columns ------------------------------------------------------------------------------ */

static bool have_same_axes(const struct making *m, size_t a, size_t b)
{
	for (size_t k = 0; k < m->axes->n; k++) {
		const core_variant_axis *axis = &m->axes->axis[k];
		const char *x = axis->text[a], *y = axis->text[b];
		if (axis->varies && strcmp(x ? x : "", y ? y : "") != 0)
			return false;
	}
	return true;
}

/* Do the axes tell all rows apart? */
static bool are_axes_enough(const struct making *m)
{
	for (size_t i = 0; i < m->order.n; i++)
		for (size_t k = i + 1; k < m->order.n; k++)
			if (have_same_axes(m, m->order.row[i], m->order.row[k]))
				return false;
	return m->order.n > 1;
}

/* Does the axis have a column? What only rows below the line differ in is said in their first column. */
static bool is_column(const struct making *m, size_t axis)
{
	const core_variant_axis *a = &m->axes->axis[axis];
	bool differs = false;
	for (size_t i = 1; i < m->order.ranked; i++) {
		const char *x = a->text[m->order.row[0]], *y = a->text[m->order.row[i]];
		differs |= strcmp(x ? x : "", y ? y : "") != 0;
	}
	return a->varies && (a->is_block || differs);
}

static int64_t count_used_runs(const core_grid_row *row)
{
	return (int64_t)row->variant->n_folds * row->variant->n_seeds;
}

/* Have all rows the same runs, all of them finished? */
static bool are_runs_alike(const struct making *m)
{
	for (size_t i = 0; i < m->order.n; i++) {
		const core_grid_row *row = &m->grid->row[m->order.row[i]];
		if (count_used_runs(row) != row->runs ||
			row->runs != m->grid->row[m->order.row[0]].runs)
			return false;
	}
	return true;
}

/* Has any row something to show in the column? */
static bool is_filled(const struct making *m, const core_pick *pick)
{
	for (size_t i = 0; i < m->order.n; i++)
		if (!isnan(core_short_number(m->grid, m->order.row[i], pick)))
			return true;
	return false;
}

/* Puts what names the rows before the usual figures, and the runs behind them where they differ. */
static fv_status choose_picks(struct making *m, bool usual)
{
	const core_short_choice *c = m->choice;
	m->pick = core_alloc(m->ctx, c->n + m->axes->n + 3, sizeof *m->pick);
	if (!m->pick)
		return FV_FAILED;
	if (usual && !are_axes_enough(m))
		m->pick[m->n_picks++] = (core_pick){.kind = CORE_PICK_VARIANT};
	for (size_t k = 0; k < m->axes->n && usual; k++)
		if (is_column(m, k))
			m->pick[m->n_picks++] = (core_pick){.kind = CORE_PICK_AXIS, .axis = k};
	for (size_t k = 0; k < c->n; k++)
		if (!usual || c->pick[k].part == CORE_PART_VALUE || is_filled(m, &c->pick[k]))
			m->pick[m->n_picks++] = c->pick[k];
	if (usual && !are_runs_alike(m))
		m->pick[m->n_picks++] = (core_pick){.kind = CORE_PICK_RUNS, .importance = 55};
	return FV_OK;
}

static bool are_same_metric(const core_column_request *a, const core_column_request *b)
{
	bool same = a->attribute && b->attribute ? !strcmp(a->attribute, b->attribute)
						 : a->attribute == b->attribute;
	return same && a->id == b->id;
}

/* Returns "TPR gap", or "race TPR gap" for an attribute that the table is not about. */
static const char *make_metric_title(const struct making *m, const core_column_request *what)
{
	const char *title = core_metric_at(what->id)->title;
	if (!what->attribute ||
		(m->choice->main.attribute && !strcmp(what->attribute, m->choice->main.attribute)))
		return title;
	return core_format(m->ctx, "%s %s", what->attribute, title);
}

/* Returns the title of a statistic; it names its metric unless the column before it does. */
static const char *make_title(const struct making *m, size_t k)
{
	const core_pick *p = &m->pick[k];
	if (p->kind == CORE_PICK_AXIS)
		return m->axes->axis[p->axis].title;
	if (p->kind != CORE_PICK_FIGURE)
		return p->kind == CORE_PICK_RUNS ? "runs" : "variant";
	int64_t column = core_grid_find_column(m->grid, &p->what);
	const char *const parts[CORE_PARTS] = {"", "null", "excess", "p", "change", "[95%]",
		column >= 0 && column == m->grid->family ? "p (Holm)" : "p (BH)"};
	const char *metric = make_metric_title(m, &p->what);
	if (p->part == CORE_PART_VALUE || !metric)
		return metric;
	bool follows = k && m->pick[k - 1].kind == CORE_PICK_FIGURE &&
		       are_same_metric(&m->pick[k - 1].what, &p->what);
	return follows ? parts[p->part] : core_format(m->ctx, "%s %s", metric, parts[p->part]);
}

/* Programs read values and changes, as figures with all their statistics, under the keys of the other
 * tables. */
static void set_path(
	const core_grid *grid, size_t column, core_pick_part part, core_table_column *c)
{
	core_table_column plain = core_grid_figures(grid, column, 0);
	bool change = part == CORE_PART_CHANGE;
	c->metric = plain.metric;
	c->attribute = plain.attribute;
	if (part != CORE_PART_VALUE && !change)
		return;
	c->audience |= CORE_FOR_JSON;
	c->has_support = plain.has_support && !change;
	c->path[0] = "change";
	memcpy(c->path + change, plain.path, sizeof plain.path - sizeof *plain.path);
}

static fv_status set_columns(struct making *m)
{
	static const core_number_format formats[CORE_PARTS] = {[CORE_PART_EXCESS] = CORE_SIGNED,
		[CORE_PART_CHANGE] = CORE_SIGNED,
		[CORE_PART_P] = CORE_FOUR_DECIMALS,
		[CORE_PART_CHANGE_P] = CORE_FOUR_DECIMALS};
	for (size_t k = 0; k < m->n_picks; k++) {
		const core_pick *p = &m->pick[k];
		core_table_column *c = &m->t->column[k];
		*c = core_plain_column(NULL, make_title(m, k), CORE_FOR_PEOPLE);
		c->importance = p->importance;
		if (!c->title)
			return FV_FAILED;
		if (p->kind != CORE_PICK_FIGURE)
			continue;
		int64_t column = core_grid_find_column(m->grid, &p->what);
		c->format = formats[p->part];
		if (column >= 0)
			set_path(m->grid, (size_t)column, p->part, c);
	}
	m->t->column[m->n_picks] = core_plain_column("variant", "variant", CORE_FOR_JSON);
	for (size_t k = 0; k < m->axes->n; k++)
		m->t->column[m->n_picks + 1 + k] =
			(core_table_column){.path = {"axes", m->axes->axis[k].key},
				.title = m->axes->axis[k].title,
				.audience = CORE_FOR_JSON};
	return FV_OK;
}

/* --- the values ------------------------------------------------------------------------------- */

/* Returns "15", or "3 of 15" where runs are missing. */
static const char *format_runs(fv_ctx *ctx, const core_grid_row *row)
{
	int64_t used = count_used_runs(row);
	if (used == row->runs)
		return core_format(ctx, "%lld", (long long)used);
	return core_format(ctx, "%lld of %lld", (long long)used, (long long)row->runs);
}

/* Returns "[-0.201, -0.116]". */
static fv_status make_interval(fv_ctx *ctx, const core_estimate *e, core_table_value *out)
{
	core_text text = {0};
	if (isnan(e->low))
		return FV_OK;
	core_text_add(&text, "[");
	core_put_signed(&text, e->low);
	core_text_add(&text, ", ");
	core_put_signed(&text, e->high);
	core_text_add(&text, "]");
	*out = core_value_text(core_text_move(ctx, &text));
	return out->text ? FV_OK : FV_FAILED;
}

/* The change of a row against its reference. */
static core_table_value make_change(const core_grid *grid, size_t row, size_t column)
{
	const core_effect *effect = &grid->row[row].effect;
	core_figure f = core_figure_of(effect->diff[column]);
	if ((int64_t)column == grid->family)
		f.p_holm = effect->adjusted[column];
	else
		f.p_bh = effect->adjusted[column];
	return core_value_figure(f);
}

/* The value of a metric with its statistics. */
static core_table_value make_value(const core_grid *grid, const core_grid_row *row, size_t column)
{
	const core_mean *mean = &row->value[column];
	bool pooled = core_short_is_pooled(grid);
	core_figure f = core_figure_of(pooled ? mean->pooled : mean->fold_mean);
	if (!pooled) {
		f.e.value = mean->mean;
		f.sd = mean->sd;
		f.folds = mean->folds;
	}
	core_table_value v = core_value_figure(f);
	v.low_support = core_column_has_low_support(grid, row, column, pooled);
	return v;
}

static fv_status fill_figure(
	struct making *m, size_t row, const core_pick *p, core_table_value *out)
{
	const core_grid_row *r = core_grid_row_at(m->grid, row);
	int64_t column = core_grid_find_column(m->grid, &p->what);
	double number = core_short_number(m->grid, row, p);
	if (column < 0)
		return FV_OK;
	if (p->part == CORE_PART_VALUE)
		*out = isnan(number) ? *out : make_value(m->grid, r, (size_t)column);
	else if (p->part == CORE_PART_CHANGE && row < m->grid->n_rows &&
		 core_row_is_reference(m->grid, row))
		*out = core_value_text("ref");
	else if (isnan(number))
		return FV_OK;
	else if (p->part == CORE_PART_CHANGE)
		*out = make_change(m->grid, row, (size_t)column);
	else if (p->part == CORE_PART_INTERVAL)
		return make_interval(m->ctx, &r->effect.diff[column], out);
	else
		*out = core_value_number(number);
	return FV_OK;
}

static fv_status fill_value(struct making *m, size_t row, const core_pick *p, core_table_value *out)
{
	const core_grid_row *r = core_grid_row_at(m->grid, row);
	if (p->kind == CORE_PICK_FIGURE)
		return fill_figure(m, row, p, out);
	if (!r->variant)
		return FV_OK;
	if (p->kind == CORE_PICK_AXIS)
		*out = core_value_text(m->axes->axis[p->axis].text[row]);
	else if (p->kind == CORE_PICK_VARIANT)
		*out = core_value_text(r->label);
	else
		*out = core_value_text(format_runs(m->ctx, r));
	return p->kind == CORE_PICK_RUNS && !out->text ? FV_FAILED : FV_OK;
}

/* Returns what the first column says of a variant: its value there, and values on axes without a column that
 * are not those of the heading: "erm, no bias". */
static const char *format_first(struct making *m, size_t row, const char *value)
{
	core_text text = {0};
	core_text_add(&text, "%s", value ? value : "—");
	for (size_t k = 0; k < m->axes->n; k++) {
		const core_variant_axis *a = &m->axes->axis[k];
		const char *own = a->text[row], *common = a->text[m->order.row[0]];
		if (!a->varies || is_column(m, k) || !strcmp(own ? own : "", common ? common : ""))
			continue;
		if (own && !strcmp(own, "none"))
			core_text_add(&text, ", no %s", a->title);
		else
			core_text_add(&text, ", %s %s", a->title, own ? own : "—");
	}
	return core_text_move(m->ctx, &text);
}

/* Names a variant in its first column. */
static fv_status name_variant(struct making *m, size_t row, core_table_value *first)
{
	if (m->pick[0].kind == CORE_PICK_FIGURE)
		return FV_OK;
	if (m->pick[0].kind == CORE_PICK_AXIS && m->choice->usual) {
		*first = core_value_text(format_first(m, row, first->text));
		if (!first->text)
			return FV_FAILED;
	}
	first->mark = core_row_marks(&m->grid->row[row]);
	return FV_OK;
}

/* A baseline has a name in the first column, and nothing where it has no figures. */
static void name_baseline(struct making *m, size_t i, const char *name)
{
	for (size_t k = 0; k < m->n_picks; k++) {
		core_table_value *v = core_table_at(m->t, i, k);
		if (v->kind == CORE_NO_VALUE)
			*v = core_value_text("");
	}
	if (m->pick[0].kind != CORE_PICK_FIGURE)
		*core_table_at(m->t, i, 0) = core_value_text(name);
}

/* Fills line i of the table with a variant or baseline. The first column names a baseline; marks follow the
 * first column. */
static fv_status fill_row(struct making *m, size_t i, size_t row)
{
	const core_grid_row *r = core_grid_row_at(m->grid, row);
	fv_status status = FV_OK;
	for (size_t k = 0; k < m->n_picks && !status; k++)
		status = fill_value(m, row, &m->pick[k], core_table_at(m->t, i, k));
	if (!r->variant)
		name_baseline(m, i, r->label);
	else if (!status)
		status = name_variant(m, row, core_table_at(m->t, i, 0));
	*core_table_at(m->t, i, m->n_picks) = core_value_text(core_row_name(r));
	for (size_t k = 0; k < m->axes->n && r->variant; k++)
		*core_table_at(m->t, i, m->n_picks + 1 + k) =
			core_value_json(m->axes->axis[k].value[row]);
	return status;
}

static fv_status rank_rows(struct making *m)
{
	bool *skip = core_alloc(m->ctx, m->t->n_rows + 1, sizeof *skip);
	fv_status status = skip ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < m->t->n_rows && skip; i++)
		skip[i] = i >= m->order.ranked || core_row_unranked(&m->grid->row[m->order.row[i]]);
	for (size_t k = 0; k < m->n_picks && !status; k++)
		if (m->pick[k].kind == CORE_PICK_FIGURE && m->pick[k].part == CORE_PART_VALUE)
			status = core_rank_table(m->ctx, m->t, k, skip,
				core_metric_at(m->pick[k].what.id)->higher_is_better);
	return status;
}

/* --- what all variants have in common --------------------------------------------------------- */

/* Returns "3 seeds", "2 to 5 seeds". */
static void put_range(core_text *out, int64_t low, int64_t high, const char *what)
{
	core_text_add(out, "%s", out->size ? ", " : "");
	if (low != high)
		core_text_add(out, "%lld to ", (long long)low);
	core_text_add(out, "%lld %s%s", (long long)high, what, high == 1 ? "" : "s");
}

static void put_runs(const struct making *m, core_text *out)
{
	int64_t least[2] = {INT64_MAX, INT64_MAX}, most[2] = {0, 0};
	static const char *const names[] = {"fold", "seed"};
	for (size_t i = 0; i < m->order.n; i++) {
		const core_variant_result *v = m->grid->row[m->order.row[i]].variant;
		const int64_t n[2] = {v->n_folds, v->n_seeds};
		for (int k = 0; k < 2; k++) {
			least[k] = n[k] < least[k] ? n[k] : least[k];
			most[k] = n[k] > most[k] ? n[k] : most[k];
		}
	}
	for (int k = 0; k < 2 && m->order.n; k++)
		put_range(out, least[k], most[k], names[k]);
}

/* Is the axis a column that was asked for? */
static bool is_picked(const struct making *m, size_t axis)
{
	for (size_t k = 0; k < m->n_picks; k++)
		if (m->pick[k].kind == CORE_PICK_AXIS && m->pick[k].axis == axis)
			return true;
	return false;
}

/* Returns "encoder NAME, bias attribute=gender ratio=20, select dev_loss, 5 folds, 3 seeds". */
static const char *make_heading(const struct making *m)
{
	core_text text = {0};
	for (size_t k = 0; k < m->axes->n && m->order.n; k++) {
		const core_variant_axis *axis = &m->axes->axis[k];
		const char *value = axis->text[m->order.row[0]];
		if (!is_column(m, k) && !is_picked(m, k) && value && strcmp(value, "none") != 0)
			core_text_add(&text, "%s%s %s", text.size ? ", " : "", axis->title, value);
	}
	put_runs(m, &text);
	return core_text_move(m->ctx, &text);
}

/* Returns "gender TPR gap, lowest first; all folds pooled". */
static const char *make_caption(const struct making *m)
{
	const core_column_request *what = &m->choice->main;
	bool high = core_metric_at(what->id)->higher_is_better;
	const char *set = m->grid->options.set;
	return core_format(m->ctx, "%s%s%s%s%s%s; %s", set ? set : "", set ? ": " : "",
		what->attribute ? what->attribute : "", what->attribute ? " " : "",
		core_metric_at(what->id)->title,
		m->choice->sorts ? ""
		: high           ? ", highest first"
				 : ", lowest first",
		core_short_is_pooled(m->grid) ? "all folds pooled" : "means over folds");
}

static fv_status fill_rows(struct making *m)
{
	fv_status status = FV_OK;
	size_t n = m->order.n;
	for (size_t i = 0; i < n + m->grid->n_baselines && !status; i++)
		status = fill_row(m, i, i < n ? m->order.row[i] : m->grid->n_rows + i - n);
	m->t->line[m->order.ranked] = m->order.ranked < m->t->n_rows;
	m->t->line[n] |= m->grid->n_baselines > 0;
	return status ? status : rank_rows(m);
}

fv_status core_add_short(fv_ctx *ctx, const core_grid *grid, const core_variant_axes *axes,
	const core_short_choice *choice, core_document *document)
{
	struct making m = {.ctx = ctx, .grid = grid, .axes = axes, .choice = choice};
	fv_status status = core_short_order_make(ctx, grid, axes, choice, &m.order);
	if (!status)
		status = choose_picks(&m, choice->usual);
	if (status)
		return status;
	const char *caption = make_caption(&m);
	document->heading = grid->options.set ? document->heading : make_heading(&m);
	m.t = core_document_add(ctx, document, "summary", caption, m.order.n + grid->n_baselines,
		m.n_picks + 1 + axes->n);
	if (!m.t || !caption || !document->heading)
		return FV_FAILED;
	m.t->fits = true;
	m.t->set = grid->options.set;
	status = set_columns(&m);
	return status ? status : fill_rows(&m);
}
