/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient descent with momentum and a gain for each coordinate, as van der Maaten's, in two phases as scikit-learn's:
 * the second starts with new gains and no momentum. */
#include <math.h>

#include "base/progress.h"
#include "embedding/field.h"

/* Iterations with exaggerated affinities; between checks of progress; without progress until it stops */
enum { EXAGGERATED = 250, CHECK = 50, PATIENCE = 300 };
static const float exaggeration = 12;
static const double least_gradient = 1e-7;

/* One coordinate of the points */
struct coordinate {
	float *place, *update, *gain;  /* [n] */
	float *attraction, *repulsion; /* [n] */
};

struct descent {
	fv_ctx *ctx;
	const core_field *field;
	const core_tsne_options *options;
	int64_t n;
	core_map_points points;
	core_map_forces forces;
	struct coordinate axis[2];
	core_progress progress;
	int64_t iteration;
};

struct phase {
	int64_t end; /* iteration */
	float exaggeration, momentum;
	bool watched; /* stops without progress */
};

/* Moves one coordinate against its gradient. A gain grows while the gradient keeps its direction. Returns the squared
 * length of the gradient. */
static double move_points(const struct coordinate *c, int64_t n, float exaggerated, float inverse_q,
	float momentum, float rate)
{
	double length = 0;
	for (int64_t i = 0; i < n; i++) {
		float gradient = 4 * (exaggerated * c->attraction[i] - c->repulsion[i] * inverse_q);
		float gain = c->update[i] * gradient < 0 ? c->gain[i] + 0.2f : c->gain[i] * 0.8f;
		gain = gain < 0.01f ? 0.01f : gain;
		float update = momentum * c->update[i] - rate * (gain * gradient);
		c->gain[i] = gain;
		c->update[i] = update;
		c->place[i] += update;
		length += (double)gradient * (double)gradient;
	}
	return length;
}

static double step_points(struct descent *d, const struct phase *phase, double sum_q)
{
	float rate = (float)fmax((double)d->n / (double)exaggeration / 4, 50);
	double length = 0;
	for (int a = 0; a < 2; a++)
		length += move_points(&d->axis[a], d->n, phase->exaggeration, (float)(1 / sum_q),
			phase->momentum, rate);
	return sqrt(length);
}

static void reset_motion(struct descent *d)
{
	for (int a = 0; a < 2; a++)
		for (int64_t i = 0; i < d->n; i++) {
			d->axis[a].update[i] = 0;
			d->axis[a].gain[i] = 1;
		}
}

/* Progress of a watched phase */
struct watch {
	double best;
	int64_t best_at; /* iteration */
};

/* True when the cost has not fallen for PATIENCE iterations. */
static bool has_stalled(const struct descent *d, struct watch *watch, double sum_q)
{
	double cost = d->field->compute_cost(d->field->state, &d->points, sum_q);
	if (cost < watch->best)
		*watch = (struct watch){cost, d->iteration};
	return d->iteration - watch->best_at > PATIENCE;
}

/* Iterates to the end of the phase, or until the points stand still or make no progress. */
static fv_status run_phase(struct descent *d, const struct phase *phase)
{
	struct watch watch = {INFINITY, d->iteration};
	bool (*should_stop)(void) = d->options->should_stop;
	bool stalled = false;
	reset_motion(d);
	while (d->iteration < phase->end && !stalled) {
		if (should_stop && should_stop())
			return FV_STOPPED;
		double sum_q = d->field->compute_forces(d->field->state, &d->points, &d->forces);
		bool check = ++d->iteration % CHECK == 0;
		stalled = check && phase->watched && has_stalled(d, &watch, sum_q);
		double length = step_points(d, phase, sum_q);
		if (!isfinite(length))
			return fv_fail(d->ctx, FV_FAILED,
				"t-SNE: the map is not finite after %lld iterations",
				(long long)d->iteration);
		stalled = stalled || (check && length <= least_gradient);
		core_progress_report(
			&d->progress, (double)d->iteration, (double)d->options->iterations);
	}
	return FV_OK;
}

static fv_status reserve_motion(struct descent *d, float *x, float *y)
{
	size_t padded = (size_t)core_map_padded(d->n);
	for (int a = 0; a < 2; a++) {
		struct coordinate *c = &d->axis[a];
		c->place = a ? y : x;
		c->update = core_alloc(d->ctx, padded, sizeof(float));
		c->gain = core_alloc(d->ctx, padded, sizeof(float));
		c->attraction = core_alloc(d->ctx, padded, sizeof(float));
		c->repulsion = core_alloc(d->ctx, padded, sizeof(float));
		if (!c->update || !c->gain || !c->attraction || !c->repulsion)
			return FV_FAILED;
	}
	d->points = (core_map_points){d->n, x, y};
	d->forces = (core_map_forces){d->axis[0].attraction, d->axis[1].attraction,
		d->axis[0].repulsion, d->axis[1].repulsion};
	return FV_OK;
}

int64_t core_map_padded(int64_t n)
{
	return (n + CORE_PAIR_COLUMNS - 1) / CORE_PAIR_COLUMNS * CORE_PAIR_COLUMNS;
}

fv_status core_field_descend(fv_ctx *ctx, const core_field *field, int64_t n,
	const core_tsne_options *options, float *x, float *y, core_tsne_result *result)
{
	struct descent d = {.ctx = ctx,
		.field = field,
		.options = options,
		.n = n,
		.progress = core_progress_begin(ctx, "t-SNE", "iterations")};
	const struct phase phases[] = {
		{EXAGGERATED, exaggeration, 0.5f, false}, {options->iterations, 1, 0.8f, true}};
	fv_status status = reserve_motion(&d, x, y);
	for (int i = 0; i < 2 && !status; i++)
		status = run_phase(&d, &phases[i]);
	if (status)
		return status;
	result->iterations = d.iteration;
	result->kl = field->compute_cost(
		field->state, &d.points, field->sum_pairs(field->state, &d.points));
	return FV_OK;
}
