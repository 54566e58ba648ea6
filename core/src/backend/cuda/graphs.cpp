/* SPDX-License-Identifier: Apache-2.0 */
#include "device.hpp"

namespace gpu
{

static bool is_same(const call_shape &a, const call_shape &b)
{
	return a.enqueue == b.enqueue && a.up == b.up && a.all == b.all && a.n == b.n &&
	       a.rows == b.rows && a.dims == b.dims && a.dots == b.dots && a.width == b.width &&
	       a.layers == b.layers && a.count == b.count;
}

static void forget_shape(known_shape *k)
{
	if (k->graph)
		(void)cudaGraphExecDestroy(k->graph);
	*k = known_shape();
}

void free_graphs(gpu_device *d)
{
	for (known_shape &k : d->graphs.known)
		forget_shape(&k);
}

/* The place of a shape; of a new one that of the shape that was not used for longest, which is forgotten. */
static known_shape *find_shape(graph_list *g, const call_shape &s)
{
	known_shape *oldest = &g->known[0];
	for (known_shape &k : g->known) {
		if (k.last && is_same(k.shape, s))
			return &k;
		if (k.last < oldest->last)
			oldest = &k;
	}
	forget_shape(oldest);
	oldest->shape = s;
	return oldest;
}

/* Captures what the call enqueues, without running it, and makes a graph that needs no more memory to be launched. */
static cudaError_t capture_call(gpu_device *d, const call_shape &s, cudaGraphExec_t *graph)
{
	cudaGraph_t captured = nullptr;
	cudaError_t error = cudaStreamBeginCapture(d->stream, cudaStreamCaptureModeThreadLocal);
	if (error)
		return error;
	error = s.enqueue(d, s);
	const cudaError_t launch = cudaGetLastError();
	const cudaError_t end = cudaStreamEndCapture(d->stream, &captured);
	error = error ? error : launch ? launch : end;
	if (!error)
		error = cudaGraphInstantiateWithFlags(graph, captured, 0);
	if (captured)
		(void)cudaGraphDestroy(captured);
	return error ? error : cudaGraphUpload(*graph, d->stream);
}

/* What goes on without graphs has the same numbers, and every launch of its own. */
static void give_up_graphs(gpu_device *d, cudaError_t error, fv_ctx *ctx)
{
	(void)cudaGetLastError();
	free_graphs(d);
	d->graphs.off = true;
	fv_warn(ctx, "the GPU takes no CUDA graphs (%s): steps of training are launched one by one",
		cudaGetErrorString(error));
}

static cudaError_t enqueue_call(gpu_device *d, const call_shape &s, fv_ctx *ctx)
{
	graph_list *g = &d->graphs;
	if (g->off)
		return s.enqueue(d, s);
	known_shape *own = find_shape(g, s);
	if (own->last && !own->graph) {
		const cudaError_t error = capture_call(d, s, &own->graph);
		if (error) {
			give_up_graphs(d, error, ctx);
			return s.enqueue(d, s);
		}
	}
	own->last = ++g->calls;
	return own->graph ? cudaGraphLaunch(own->graph, d->stream) : s.enqueue(d, s);
}

cudaError_t run_call(gpu_device *d, const call_shape &s, fv_ctx *ctx)
{
	const cudaError_t error = enqueue_call(d, s, ctx);
	return error ? error : cudaStreamSynchronize(d->stream);
}

} // namespace gpu
