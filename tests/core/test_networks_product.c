/* SPDX-License-Identifier: Apache-2.0 */
/* Linear networks behind encoders without hidden layers, which are computed by products where that is possible:
 * values and gradients of several graphs against the same graphs in double, layer by layer, with gradients from
 * differences. Held halves and scaled gradients are written as u = f u(p) + (1 - f) u(q), in which q are the same
 * parameters as p, but do not vary. */
#include "support.h"

#include <math.h>
#include <string.h>

#include <fairvox/fairvox.h>

#include "nn/plan.h"
#include "train/networks.h"

enum { L = 3, D = 17, H = 4, C = 3, N = 5, WIDE = 20, MAX = 12, COUNT = 1024 };

typedef enum kind { APPLY, CONCAT, SCALE } kind;

typedef struct step {
	kind kind;
	int net, a, b, hold; /* a, b: earlier steps; -1: the input */
	const int32_t *permutation;
	double factor;
	bool reads; /* data is asked for */
	bool own;   /* the objective contains the value itself */
} step;

typedef struct net_shape {
	const char *name;
	int out, in; /* in 0: encoder */
} net_shape;

typedef struct graph {
	const char *what;
	net_shape net[4];
	int n_nets;
	step step[MAX];
	int n;
} graph;

static const int32_t turned[N] = {3, 0, 4, 1, 2}, same_row[N] = {1, 1, 1, 0, 1};

#define ENCODERS                                                                                   \
	{"", H, 0},                                                                                \
	{                                                                                          \
		"biased.", H, 0                                                                    \
	}

static const graph graphs[] = {
	{"two branches, each holding the other's half, then permuted",
		{ENCODERS, {"output", C, 2 * H}, {"biased.output", C, 2 * H}}, 4,
		{{APPLY, .net = 0, .a = -1}, {APPLY, .net = 1, .a = -1},
			{CONCAT, .a = 0, .b = 1, .hold = 2}, {APPLY, .net = 2, .a = 2, .own = true},
			{CONCAT, .a = 0, .b = 1, .hold = 1}, {APPLY, .net = 3, .a = 4, .own = true},
			{CONCAT, .a = 0, .b = 1, .hold = 2, .permutation = turned},
			{APPLY, .net = 2, .a = 6, .own = true},
			{CONCAT, .a = 0, .b = 1, .hold = 1, .permutation = same_row},
			{APPLY, .net = 3, .a = 8, .own = true}},
		10},
	{"an adversary behind a reversed gradient",
		{ENCODERS, {"output", C, H}, {"adversary", 2, H}}, 4,
		{{APPLY, .net = 0, .a = -1}, {APPLY, .net = 2, .a = 0, .own = true},
			{SCALE, .a = 0, .factor = -0.5}, {APPLY, .net = 3, .a = 2, .own = true}},
		4},
	{"rows that are read and have a gradient of their own",
		{ENCODERS, {"output", C, 2 * H}, {"adversary", 2, H}}, 4,
		{{APPLY, .net = 0, .a = -1, .own = true}, {APPLY, .net = 1, .a = -1},
			{CONCAT, .a = 0, .b = 1, .permutation = turned},
			{APPLY, .net = 2, .a = 2, .own = true}, {SCALE, .a = 0, .factor = 3},
			{APPLY, .net = 3, .a = 4, .own = true}},
		6},
	{"rows that are read first, so that nothing is deferred", {ENCODERS, {"output", C, 2 * H}},
		3,
		{{APPLY, .net = 0, .a = -1, .reads = true},
			{APPLY, .net = 1, .a = -1, .reads = true},
			{CONCAT, .a = 0, .b = 1, .permutation = turned},
			{APPLY, .net = 2, .a = 2, .own = true}},
		4},
	{"a gradient at rows side by side", {ENCODERS, {"output", C, 2 * H}}, 3,
		{{APPLY, .net = 0, .a = -1}, {APPLY, .net = 1, .a = -1},
			{CONCAT, .a = 0, .b = 1, .own = true, .permutation = turned},
			{APPLY, .net = 2, .a = 2, .own = true}},
		4},
	{"too many outputs for a product, beside one",
		{ENCODERS, {"output", C, H}, {"wide", WIDE, H}}, 4,
		{{APPLY, .net = 0, .a = -1}, {APPLY, .net = 2, .a = 0, .own = true},
			{APPLY, .net = 3, .a = 0, .own = true}},
		3},
	{"three parts of two encoders", {ENCODERS, {"output", C, 3 * H}}, 3,
		{{APPLY, .net = 0, .a = -1}, {APPLY, .net = 1, .a = -1},
			{CONCAT, .a = 0, .b = 1, .permutation = turned},
			{CONCAT, .a = 2, .b = 0, .hold = 2},
			{APPLY, .net = 2, .a = 3, .own = true}},
		5},
	{"rows permuted twice", {ENCODERS, {"output", C, 3 * H}}, 3,
		{{APPLY, .net = 0, .a = -1}, {APPLY, .net = 1, .a = -1},
			{CONCAT, .a = 0, .b = 1, .permutation = turned},
			{CONCAT, .a = 1, .b = 2, .permutation = same_row},
			{APPLY, .net = 2, .a = 3, .own = true}},
		5},
	{"one network with and without a held encoder", {ENCODERS, {"output", C, H}}, 3,
		{{APPLY, .net = 0, .a = -1}, {APPLY, .net = 2, .a = 0, .own = true},
			{SCALE, .a = 0, .factor = 0}, {APPLY, .net = 2, .a = 2, .own = true},
			{SCALE, .a = 0, .factor = 0.25}, {APPLY, .net = 2, .a = 4, .own = true}},
		6},
};

typedef struct bench {
	fv_ctx *ctx;
	core_plan *plan;
	core_networks *networks;
	const graph *graph;
	fv_net *net[4];
	float x[N * L * D], params[COUNT], gradient[COUNT];
	const float *row[N];
	const char *stem[N];
	double weight[MAX][N * WIDE]; /* of the values in the objective */
} bench;

static void open_bench(bench *b, const graph *g)
{
	static const core_head_shape shape = {
		.layers = L, .dims = D, .projection = H, .classes = C};
	*b = (bench){.ctx = test_ctx(), .graph = g};
	test_ok(b->ctx, core_plan_new(b->ctx, &shape, &b->plan));
	test_ok(b->ctx, core_networks_new(b->ctx, b->plan, N, &b->networks));
	core_ctx_set_networks(b->ctx, b->networks);
	core_networks_set_phase(b->networks, CORE_PHASE_BUILD);
	fv_stream s = fv_rng_seeded(1, "x", 0, 0);
	for (int i = 0; i < N * L * D; i++)
		b->x[i] = (float)fv_normal(&s);
	for (int k = 0; k < MAX; k++)
		for (int i = 0; i < N * WIDE; i++)
			b->weight[k][i] = fv_normal(&s);
	for (int i = 0; i < N; i++) {
		b->row[i] = b->x + i * L * D;
		b->stem[i] = core_format(b->ctx, "row%d", i);
	}
	for (int i = 0; i < g->n_nets; i++) {
		const net_shape *of = &g->net[i];
		b->net[i] = of->in ? fv_net_linear(b->ctx, of->name, of->out, of->in)
				   : fv_net_encoder(b->ctx, of->name);
		assert_non_null(b->net[i]);
	}
	assert_true(b->plan->count <= COUNT);
	core_plan_init(b->ctx, b->plan, b->params);
	for (int i = 0; i < b->plan->count; i++) /* mixes and biases that are not zero */
		b->params[i] += (float)(0.3 * fv_normal(&s));
}

static int width_of(const graph *g, int k)
{
	const step *s = &g->step[k];
	if (s->kind == APPLY)
		return g->net[s->net].out;
	return width_of(g, s->a) + (s->kind == CONCAT ? width_of(g, s->b) : 0);
}

/* Evaluates the graph by fairvox/networks.h, with the gradient of sum weight * value. */
static double evaluate(bench *b)
{
	const graph *g = b->graph;
	fv_node *node[MAX];
	double value = 0;
	core_networks_begin(b->networks, b->row, b->stem, N);
	core_networks_set_phase(b->networks, CORE_PHASE_STEP);
	memset(b->gradient, 0xff, sizeof b->gradient);
	for (int k = 0; k < g->n; k++) {
		const step *s = &g->step[k];
		fv_node *a = s->a < 0 ? fv_net_input(b->ctx) : node[s->a];
		if (s->kind == APPLY)
			node[k] = fv_net_forward(b->ctx, b->net[s->net], a);
		else if (s->kind == CONCAT)
			node[k] = fv_net_concat(b->ctx, a, node[s->b], s->hold, s->permutation);
		else
			node[k] = fv_net_scale_gradient(b->ctx, a, s->factor);
		assert_non_null(node[k]);
		if (s->reads)
			assert_non_null(fv_net_data(b->ctx, node[k]));
	}
	for (int k = 0; k < g->n; k++) {
		if (!g->step[k].own)
			continue;
		const float *data = fv_net_data(b->ctx, node[k]);
		float *d = fv_net_grad(b->ctx, node[k]);
		assert_true(data && d);
		for (int i = 0; i < N * width_of(g, k); i++) {
			value += b->weight[k][i] * (double)data[i];
			d[i] += (float)b->weight[k][i];
		}
	}
	test_ok(b->ctx, fv_net_backward(b->ctx));
	core_networks_finish(b->networks);
	assert_true(core_networks_finite(b->networks));
	return value;
}

/* --- the same in double ----------------------------------------------------------------------- */

typedef struct value {
	double of[2][N * WIDE]; /* from p and from q */
} value;

static const double *find_tensor(const bench *b, const double *params, int net, int tensor)
{
	const core_net *of = &b->plan->net[net];
	return params + b->plan->tensor[of->tensor + tensor].offset;
}

static void encode(const bench *b, const double *params, int net, double *out)
{
	const double *mix = find_tensor(b, params, net, 0),
		     *weight = find_tensor(b, params, net, 1);
	const double *bias = find_tensor(b, params, net, 2);
	double total = 0, mixed[D];
	for (int l = 0; l < L; l++)
		total += exp(mix[l]);
	for (int i = 0; i < N; i++) {
		memset(mixed, 0, sizeof mixed);
		for (int l = 0; l < L; l++)
			for (int d = 0; d < D; d++)
				mixed[d] += exp(mix[l]) / total * (double)b->row[i][l * D + d];
		for (int h = 0; h < H; h++) {
			out[i * H + h] = bias[h];
			for (int d = 0; d < D; d++)
				out[i * H + h] += weight[h * D + d] * mixed[d];
		}
	}
}

static void apply_linear(
	const bench *b, const double *params, int net, const double *in, double *out)
{
	const net_shape *of = &b->graph->net[net];
	const double *weight = find_tensor(b, params, net, 0),
		     *bias = find_tensor(b, params, net, 1);
	for (int i = 0; i < N; i++)
		for (int c = 0; c < of->out; c++) {
			out[i * of->out + c] = bias[c];
			for (int h = 0; h < of->in; h++)
				out[i * of->out + c] += weight[c * of->in + h] * in[i * of->in + h];
		}
}

/* A row of [a, b] from p (branch 0) or q; a held half is that from q. */
static void concat_rows(const step *s, const value *v, int branch, int left, int right, double *out)
{
	const double *a = v[s->a].of[s->hold == 1 ? 1 : branch];
	const double *b = v[s->b].of[s->hold == 2 ? 1 : branch];
	for (int i = 0; i < N; i++) {
		int from = s->permutation ? s->permutation[i] : i;
		memcpy(out + i * (left + right), a + i * left, (size_t)left * sizeof *out);
		memcpy(out + i * (left + right) + left, b + from * right,
			(size_t)right * sizeof *out);
	}
}

static double evaluate_in_double(const bench *b, const double *p, const double *q)
{
	const graph *g = b->graph;
	static value v[MAX];
	double sum = 0;
	for (int k = 0; k < g->n; k++) {
		const step *s = &g->step[k];
		int width = width_of(g, k);
		for (int branch = 0; branch < 2; branch++) {
			double *out = v[k].of[branch];
			const double *params = branch ? q : p;
			if (s->kind == CONCAT)
				concat_rows(
					s, v, branch, width_of(g, s->a), width_of(g, s->b), out);
			else if (s->kind == APPLY && s->a < 0)
				encode(b, params, s->net, out);
			else if (s->kind == APPLY)
				apply_linear(b, params, s->net, v[s->a].of[branch], out);
			for (int i = 0; s->kind == SCALE && i < N * width; i++)
				out[i] = branch ? v[s->a].of[1][i]
						: s->factor * v[s->a].of[0][i] +
							  (1 - s->factor) * v[s->a].of[1][i];
		}
		for (int i = 0; s->own && i < N * width; i++)
			sum += b->weight[k][i] * v[k].of[0][i];
	}
	return sum;
}

static void check_graph(const graph *g)
{
	static double p[COUNT], q[COUNT];
	bench b;
	open_bench(&b, g);
	int count = (int)b.plan->count;
	for (int i = 0; i < count; i++)
		p[i] = q[i] = (double)b.params[i];
	core_networks_set_params(b.networks, b.params);
	core_networks_set_gradient(b.networks, b.gradient);
	for (int batch = 0; batch < 2;
		batch++) { /* the second one with the products of the first */
		const float *other = b.row[batch];
		b.row[batch] = b.row[N - 1];
		b.row[N - 1] = other;
		double got = evaluate(&b), want = evaluate_in_double(&b, p, q);
		if (!(fabs(got - want) <= 2e-5))
			fail_msg("%s: %.9g, wanted %.9g", g->what, got, want);
	}
	for (int i = 0; i < count; i++) {
		const double h = 1e-5;
		double kept = p[i];
		p[i] = kept + h;
		double above = evaluate_in_double(&b, p, q);
		p[i] = kept - h;
		double below = evaluate_in_double(&b, p, q), want = (above - below) / (2 * h);
		p[i] = kept;
		if (!(fabs((double)b.gradient[i] - want) <= 4e-6 * (1 + fabs(want))))
			fail_msg("%s: gradient %d is %.9g, wanted %.9g", g->what, i,
				(double)b.gradient[i], want);
	}
	core_networks_free(b.networks);
	core_ctx_free(b.ctx);
}

static void graphs_as_in_double(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof graphs / sizeof *graphs; i++)
		check_graph(&graphs[i]);
}

/* More products than a step has room for: the others are computed from the encoder's rows. */
static void more_networks_than_products(void **state)
{
	(void)state;
	static graph g = {"seventeen factors", {ENCODERS, {"output", C, H}}, 3, {{0}}, 0};
	bench b;
	open_bench(&b, &g);
	core_networks_set_params(b.networks, b.params);
	core_networks_set_gradient(b.networks, b.gradient);
	core_networks_begin(b.networks, b.row, b.stem, N);
	core_networks_set_phase(b.networks, CORE_PHASE_STEP);
	fv_node *rows = fv_net_forward(b.ctx, b.net[0], fv_net_input(b.ctx));
	float first[N * C];
	for (int i = 0; i < 20; i++) {
		fv_node *scaled = fv_net_scale_gradient(b.ctx, rows, i);
		const float *z = fv_net_data(b.ctx, fv_net_forward(b.ctx, b.net[2], scaled));
		assert_non_null(z);
		if (i == 0)
			memcpy(first, z, sizeof first);
		for (int k = 0; k < N * C; k++)
			assert_true(fabsf(z[k] - first[k]) <= 1e-6f);
	}
	core_networks_free(b.networks);
	core_ctx_free(b.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graphs_as_in_double),
		cmocka_unit_test(more_networks_than_products),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
