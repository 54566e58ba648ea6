/* SPDX-License-Identifier: Apache-2.0 */
/* Linear layers behind encoders without hidden layers are computed by products (nn/product.h), so that the
 * encoders' rows, and what scales them or puts them side by side, are deferred: their data is computed only if
 * something else needs it. */
#include <string.h>

#include "nn/blocks.h"
#include "train/networks_private.h"

/* Lists the parts of a deferred value. at: its first column, and the permutation and factor that apply to all of it.
 * Returns their number with the n before, or -1 if there are too many or rows are permuted twice. */
static int32_t list_parts(const core_networks *w, const fv_node *node, core_part at, int32_t n,
	core_part out[CORE_NODE_PARTS])
{
	const core_node *is = &node->is;
	if (is->kind == CORE_NODE_SCALE) {
		at.factor *= is->factor;
		return list_parts(w, &w->node[is->a], at, n, out);
	}
	if (is->kind == CORE_NODE_APPLY) {
		at.encoder = is->net;
		if (n >= 0 && n < CORE_NODE_PARTS)
			out[n] = at;
		return n >= 0 && n < CORE_NODE_PARTS ? n + 1 : -1;
	}
	const fv_node *a = &w->node[is->a], *b = &w->node[is->b];
	core_part left = at, right = at;
	left.factor = is->hold == 1 ? 0 : at.factor;
	right.factor = is->hold == 2 ? 0 : at.factor;
	right.first += a->is.width;
	if (is->permutation && at.permutation)
		return -1;
	if (is->permutation)
		right.permutation = is->permutation;
	return list_parts(w, b, right, list_parts(w, a, left, n, out), out);
}

void core_networks_forget_products(core_networks *w)
{
	for (int32_t i = 0; i < w->n_readers; i++) {
		w->reader[i].used = w->reader[i].rows != NULL;
		w->reader[i].prepared = false;
	}
	if (w->n_readers == CORE_READERS)
		w->n_readers = 0;
}

/* Finds the product of a linear network and an encoder's columns in it, or makes it in a free place. NULL: none is
 * free, or memory is out (with a message). */
static core_reader *find_reader(core_networks *w, int32_t net, const core_part *of)
{
	for (int32_t i = 0; i < w->n_readers; i++) {
		core_reader *r = &w->reader[i];
		if (r->net == net && r->encoder == of->encoder && r->first == of->first)
			return r;
	}
	if (w->n_readers == CORE_READERS)
		return NULL;
	core_reader *r = &w->reader[w->n_readers];
	if (!r->product && core_product_new(w->ctx, w->net[of->encoder].head, &r->product) != FV_OK)
		return NULL;
	*r = (core_reader){
		.net = net, .encoder = of->encoder, .first = of->first, .product = r->product};
	w->n_readers++;
	return r;
}

/* Prepares a product, and those that the last step used with the same encoder, while its weights are in the near
 * caches. */
static void prepare_products(core_networks *w, const core_reader *wanted)
{
	const core_net *encoder = &w->plan->net[wanted->encoder];
	for (int32_t i = 0; i < w->n_readers; i++) {
		core_reader *r = &w->reader[i];
		if (r->encoder != wanted->encoder || r->prepared || !(r->used || r == wanted))
			continue;
		const core_net *net = &w->plan->net[r->net];
		core_product_prepare(r->product, w->net[r->encoder].head,
			w->params + encoder->offset, net->out,
			w->params + core_net_tensors(w, r->net)->offset + r->first, net->in);
		r->prepared = true;
	}
}

static void compute_rows(core_networks *w, core_reader *r)
{
	if (!r->prepared)
		prepare_products(w, r);
	if (!r->rows)
		r->rows = core_product_forward(r->product, w->net[r->encoder].head, w->n);
}

/* z = b + the sum of the parts' products */
static void sum_parts(const core_networks *w, const fv_node *node, int32_t width, float *out)
{
	const float *bias = w->params + core_net_tensors(w, node->is.net)[1].offset;
	for (int32_t i = 0; i < w->n; i++)
		for (int32_t c = 0; c < width; c++) {
			double sum = bias[c];
			for (int32_t k = 0; k < node->n_parts; k++) {
				const core_part *part = &node->part[k];
				int32_t row =
					part->permutation && i < w->n ? part->permutation[i] : i;
				sum += w->reader[part->reader].rows[row * width + c];
			}
			out[i * width + c] = (float)sum;
		}
}

bool core_networks_multiply(core_networks *w, fv_node *node)
{
	const core_net *net = &w->plan->net[node->is.net];
	const fv_node *in = &w->node[node->is.a];
	if (!in->deferred || net->out > CORE_HEAD_COLLAPSE)
		return false;
	int32_t n = list_parts(w, in, (core_part){.factor = 1}, 0, node->part);
	for (int32_t k = 0; k < n; k++) {
		const core_reader *reader = find_reader(w, node->is.net, &node->part[k]);
		if (!reader)
			return false;
		node->part[k].reader = (int32_t)(reader - w->reader);
	}
	if (n <= 0)
		return false;
	for (int32_t k = 0; k < n; k++)
		compute_rows(w, &w->reader[node->part[k].reader]);
	node->n_parts = n;
	sum_parts(w, node, net->out, node->data);
	return true;
}

void core_networks_mix(core_networks *w)
{
	core_head *heads[CORE_PLAN_NETS];
	int32_t n = 0;
	if (w->mixed)
		return;
	for (int32_t i = 0; i < w->plan->n_nets; i++) {
		fv_net *net = &w->net[i];
		if (!net->head || !core_head_is_linear(net->head))
			continue;
		core_networks_prepare(w, net);
		heads[n++] = net->head;
	}
	core_heads_mix(heads, n, w->x, w->n);
	w->mixed = true;
}

void core_networks_backward_parts(core_networks *w, const fv_node *node)
{
	fv_net *net = &w->net[node->is.net];
	const core_net *of = &w->plan->net[node->is.net];
	const core_head_tensor *tensor = core_net_tensors(w, node->is.net);
	if (!net->reached)
		memset(w->gradient + tensor[0].offset, 0,
			(size_t)tensor[0].count * sizeof *w->gradient);
	core_column_sums(w->n, of->out, node->gradient, net->sum, net->reached ? 1 : 0,
		w->gradient + tensor[1].offset);
	net->reached = true;
	for (int32_t k = 0; k < node->n_parts; k++) {
		const core_part *part = &node->part[k];
		core_product_add_gradient(w->reader[part->reader].product, w->n, node->gradient,
			part->permutation, part->factor);
	}
}

/* Propagates the gradient of one product. own [n,H]: the gradient of the encoder's rows, if something else uses
 * them; NULL: nothing does. */
static void backward_reader(core_networks *w, core_reader *r, float *own)
{
	fv_net *encoder = &w->net[r->encoder];
	int64_t offset = w->plan->net[r->encoder].offset;
	float *d_weight = w->gradient + core_net_tensors(w, r->net)->offset + r->first;
	int64_t stride = w->plan->net[r->net].in;
	if (own) {
		core_product_backward_rows(
			r->product, encoder->head, w->params + offset, w->n, own, d_weight, stride);
		return;
	}
	core_product_backward(r->product, encoder->head, w->params + offset, w->n, encoder->reached,
		w->gradient + offset, d_weight, stride);
	encoder->reached |= core_product_flows(r->product);
}

void core_networks_backward_encoder(core_networks *w, const fv_node *node)
{
	fv_net *net = &w->net[node->is.net];
	int64_t offset = w->plan->net[node->is.net].offset;
	float *own = node->reached ? node->gradient : NULL;
	for (int32_t i = 0; i < w->n_readers; i++)
		if (w->reader[i].encoder == node->is.net && w->reader[i].rows &&
			w->net[w->reader[i].net].reached)
			backward_reader(w, &w->reader[i], own);
	if (!own)
		return;
	net->reached = true;
	core_head_backward(net->head, w->params + offset, w->x, w->n, own, w->gradient + offset);
}

void core_networks_backward_mixes(core_networks *w)
{
	core_head *heads[CORE_PLAN_NETS];
	float *gradient[CORE_PLAN_NETS];
	int32_t n = 0;
	for (int32_t i = 0; i < w->plan->n_nets; i++) {
		const fv_net *net = &w->net[i];
		if (!net->head || !core_head_is_linear(net->head) || !net->reached)
			continue;
		gradient[n] = w->gradient + w->plan->net[i].offset;
		heads[n++] = net->head;
	}
	if (n)
		core_heads_mix_backward(heads, n, w->x, w->n, gradient);
}
