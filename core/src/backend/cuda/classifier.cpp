/* SPDX-License-Identifier: Apache-2.0 */
/* Classifiers that are trained on the device. A call packs what it is given into one piece of pinned memory, copies that, launches
 * for all classifiers at once, copies the results back and waits (graphs.hpp). */
#include "classifier.hpp"
#include "device.hpp"

#include <cstdlib>
#include <cstring>

struct core_classifier {
	gpu::gpu_device *on;
	fv_ctx *ctx; /* of the run */
	gpu::trained is;
	int batch, most; /* rows of a step, of any call */
	void *memory;
};

namespace gpu
{

static constexpr size_t ALIGN = 256;

/* --- memory of a classifier --- */

/* Places n numbers of T behind what is used; base nullptr: only counts. */
template <typename T, typename U>
static void carve_array(char *base, size_t *used, int64_t n, U **array)
{
	*array = base ? reinterpret_cast<T *>(base + *used) : nullptr;
	*used += (static_cast<size_t>(n) * sizeof(T) + ALIGN - 1) / ALIGN * ALIGN;
}

static size_t lay_out(core_classifier *c, bool scaled, char *base)
{
	trained *t = &c->is;
	const int64_t width = static_cast<int64_t>(t->layers) * t->dims;
	const int64_t outer = static_cast<int64_t>(t->classes) * t->dims;
	size_t used = 0;
	carve_array<float>(base, &used, t->count, &t->param);
	carve_array<float>(base, &used, t->count, &t->gradient);
	carve_array<float>(base, &used, t->count, &t->m);
	carve_array<float>(base, &used, t->count, &t->v);
	carve_array<float>(base, &used, t->layers, &t->share);
	carve_array<float>(base, &used, t->classes, &t->constant);
	carve_array<float>(base, &used, outer, &t->product);
	carve_array<float>(base, &used, outer, &t->outer);
	carve_array<float>(
		base, &used, static_cast<int64_t>(c->batch) * t->layers * t->classes, &t->dots);
	carve_array<float>(base, &used, static_cast<int64_t>(c->batch) * t->dims, &t->mixed);
	carve_array<double>(base, &used, t->width, &t->squares);
	carve_array<float>(base, &used, 1, &t->factor);
	if (scaled) {
		carve_array<float>(base, &used, width, &t->mean);
		carve_array<float>(base, &used, width, &t->scale);
	}
	return used;
}

static cudaError_t fill_zeros(gpu_device *d, void *at, int64_t n)
{
	return cudaMemsetAsync(at, 0, static_cast<size_t>(n) * sizeof(float), d->stream);
}

static cudaError_t put_vector(gpu_device *d, const float *to, const float *host, int64_t n)
{
	return copy_in(d, const_cast<float *>(to), host, static_cast<size_t>(n) * sizeof *host);
}

static cudaError_t fill_classifier(core_classifier *c, const core_classifier_plan *plan)
{
	trained *t = &c->is;
	const int64_t width = static_cast<int64_t>(t->layers) * t->dims;
	cudaError_t error = fill_zeros(c->on, t->m, t->count);
	if (!error)
		error = fill_zeros(c->on, t->v, t->count);
	if (!error && plan->mean)
		error = put_vector(c->on, t->mean, plan->mean, width);
	if (!error && plan->mean)
		error = put_vector(c->on, t->scale, plan->scale, width);
	return error;
}

static trained describe_classifier(const core_classifier_plan *plan)
{
	trained t = trained();
	const int64_t width = plan->projection;
	t.layers = plan->layers;
	t.dims = plan->dims;
	t.width = plan->projection;
	t.classes = plan->classes;
	t.projection = plan->layers;
	t.bias = t.projection + width * plan->dims;
	t.output = t.bias + width;
	t.output_bias = t.output + width * plan->classes;
	t.count = t.output_bias + plan->classes;
	t.features = plan->features;
	return t;
}

static void close_classifier(core_classifier *c)
{
	if (!c)
		return;
	(void)cudaFree(c->memory);
	free(c);
}

static fv_status open_classifier(
	fv_ctx *ctx, core_device *core, const core_classifier_plan *plan, core_classifier **out)
{
	core_classifier *c = static_cast<core_classifier *>(calloc(1, sizeof *c));
	if (!c)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	c->on = static_cast<gpu_device *>(core);
	c->ctx = ctx;
	c->is = describe_classifier(plan);
	c->batch = plan->batch;
	c->most = plan->rows > plan->batch ? plan->rows : plan->batch;
	cudaError_t error = cudaMalloc(&c->memory, lay_out(c, plan->mean != nullptr, nullptr));
	if (!error) {
		(void)lay_out(c, plan->mean != nullptr, static_cast<char *>(c->memory));
		error = fill_classifier(c, plan);
	}
	if (error) {
		(void)cudaGetLastError();
		close_classifier(c);
		return fv_fail(
			ctx, FV_FAILED, "a classifier: %s on the GPU", cudaGetErrorString(error));
	}
	*out = c;
	return FV_OK;
}

/* --- what a call is given and gives --- */

void free_stage(gpu_device *d)
{
	free_graphs(d);
	(void)cudaFreeHost(d->calls.host);
	(void)cudaFree(d->calls.there);
	d->calls = {nullptr, nullptr, 0};
}

static cudaError_t reserve_stage(gpu_device *d, size_t bytes)
{
	if (bytes <= d->calls.bytes)
		return cudaSuccess;
	void *host = nullptr, *there = nullptr;
	free_stage(d);
	cudaError_t error = cudaMallocHost(&host, bytes);
	if (!error)
		error = cudaMalloc(&there, bytes);
	d->calls = {static_cast<char *>(host), static_cast<char *>(there), error ? 0 : bytes};
	return error;
}

/* Tells a failure, of `error` or of the last launch; nullptr: there is none. */
static const char *tell_failure(gpu_device *d, cudaError_t error)
{
	const cudaError_t launch = cudaGetLastError();
	error = error ? error : launch;
	if (!error)
		return nullptr;
	d->dead |= error != cudaErrorMemoryAllocation;
	return cudaGetErrorString(error);
}

/* Places n numbers of that size behind what is used of a stage; returns where. */
static size_t add_part(size_t *used, int64_t n, size_t size)
{
	const size_t at = *used;
	*used += (static_cast<size_t>(n) * size + ALIGN - 1) / ALIGN * ALIGN;
	return at;
}

static cudaError_t send_stage(gpu_device *d, const call_shape &s)
{
	return cudaMemcpyAsync(
		d->calls.there, d->calls.host, s.up, cudaMemcpyHostToDevice, d->stream);
}

static cudaError_t receive_stage(gpu_device *d, const call_shape &s)
{
	return cudaMemcpyAsync(d->calls.host + s.up, d->calls.there + s.up, s.all - s.up,
		cudaMemcpyDeviceToHost, d->stream);
}

static int find_larger(int a, int b)
{
	return a > b ? a : b;
}

static void note_largest(call_shape *s, const trained &t, int rows)
{
	s->rows = find_larger(s->rows, rows);
	s->dims = find_larger(s->dims, t.dims);
	s->dots = find_larger(s->dots, t.layers * t.classes);
	s->width = find_larger(s->width, t.width);
	s->layers = find_larger(s->layers, t.layers);
	s->count = s->count > t.count ? s->count : t.count;
}

/* --- forward --- */

static cudaError_t enqueue_rows(gpu_device *d, const call_shape &s)
{
	const trained *all = reinterpret_cast<const trained *>(d->calls.there);
	const cudaError_t error = send_stage(d, s);
	if (error)
		return error;
	prepare_classifiers(all, s.n, s.dims, d->stream);
	read_rows(all, s.n, s.rows, s.dots, d->stream);
	return receive_stage(d, s);
}

static call_shape measure_rows(core_classifier_rows *const *job, int n)
{
	call_shape s = call_shape();
	s.enqueue = enqueue_rows;
	s.n = n;
	(void)add_part(&s.up, n, sizeof(trained));
	for (int k = 0; k < n; k++) {
		(void)add_part(&s.up, job[k]->n, sizeof(int32_t));
		note_largest(&s, job[k]->classifier->is, job[k]->n);
	}
	s.all = s.up;
	for (int k = 0; k < n; k++)
		(void)add_part(&s.all,
			static_cast<int64_t>(job[k]->n) * job[k]->classifier->is.classes,
			sizeof(float));
	return s;
}

static void pack_rows(const stage &to, core_classifier_rows *const *job, const call_shape &s)
{
	size_t at = 0, results = s.up;
	trained *all = reinterpret_cast<trained *>(to.host + add_part(&at, s.n, sizeof(trained)));
	for (int k = 0; k < s.n; k++) {
		const core_classifier_rows *j = job[k];
		trained *t = &j->classifier->is;
		const size_t index = add_part(&at, j->n, sizeof(int32_t));
		const size_t logits =
			add_part(&results, static_cast<int64_t>(j->n) * t->classes, sizeof(float));
		memcpy(to.host + index, j->index, static_cast<size_t>(j->n) * sizeof *j->index);
		t->rows = j->n;
		t->keep = j->keep;
		t->index = reinterpret_cast<const int32_t *>(to.there + index);
		t->logits = reinterpret_cast<float *>(to.there + logits);
		all[k] = *t;
	}
}

static void unpack_logits(const stage &from, core_classifier_rows *const *job, const call_shape &s)
{
	size_t results = s.up;
	for (int k = 0; k < s.n; k++) {
		const int64_t count =
			static_cast<int64_t>(job[k]->n) * job[k]->classifier->is.classes;
		const size_t at = add_part(&results, count, sizeof(float));
		memcpy(job[k]->logits, from.host + at, static_cast<size_t>(count) * sizeof(float));
	}
}

static const char *forward_rows(core_device *core, core_classifier_rows *const *job, int32_t n)
{
	gpu_device *d = static_cast<gpu_device *>(core);
	const call_shape s = measure_rows(job, n);
	cudaError_t error = reserve_stage(d, s.all);
	if (!error) {
		pack_rows(d->calls, job, s);
		error = run_call(d, s, job[0]->classifier->ctx);
	}
	if (!error)
		unpack_logits(d->calls, job, s);
	return tell_failure(d, error);
}

/* --- update --- */

static cudaError_t enqueue_steps(gpu_device *d, const call_shape &s)
{
	const trained *all = reinterpret_cast<const trained *>(d->calls.there);
	const cudaError_t error = send_stage(d, s);
	if (error)
		return error;
	find_gradients(all, s.n, s.dims, s.width, s.layers, d->stream);
	take_adam_steps(all, s.n, s.count, d->stream);
	return receive_stage(d, s);
}

static call_shape measure_steps(core_classifier_step *const *job, int n)
{
	call_shape s = call_shape();
	s.enqueue = enqueue_steps;
	s.n = n;
	(void)add_part(&s.up, n, sizeof(trained));
	for (int k = 0; k < n; k++) {
		const trained &t = job[k]->classifier->is;
		(void)add_part(&s.up, static_cast<int64_t>(t.rows) * t.classes, sizeof(float));
		note_largest(&s, t, t.rows);
	}
	s.all = s.up;
	(void)add_part(&s.all, n, sizeof(double));
	return s;
}

static void pack_steps(const stage &to, core_classifier_step *const *job, const call_shape &s)
{
	size_t at = 0;
	trained *all = reinterpret_cast<trained *>(to.host + add_part(&at, s.n, sizeof(trained)));
	for (int k = 0; k < s.n; k++) {
		const core_adam_scalars &a = job[k]->adam;
		trained *t = &job[k]->classifier->is;
		const int64_t count = static_cast<int64_t>(t->rows) * t->classes;
		const size_t from = add_part(&at, count, sizeof(float));
		memcpy(to.host + from, job[k]->d_logits,
			static_cast<size_t>(count) * sizeof(float));
		t->d_logits = reinterpret_cast<const float *>(to.there + from);
		t->clip = job[k]->clip;
		t->norm = reinterpret_cast<double *>(to.there + s.up) + k;
		t->step = {a.l2, a.keep, a.one_beta1, a.beta2, a.one_beta2, a.rate, a.root, a.eps};
		all[k] = *t;
	}
}

static const char *update_classifiers(
	core_device *core, core_classifier_step *const *job, int32_t n)
{
	gpu_device *d = static_cast<gpu_device *>(core);
	const call_shape s = measure_steps(job, n);
	cudaError_t error = reserve_stage(d, s.all);
	if (!error) {
		pack_steps(d->calls, job, s);
		error = run_call(d, s, job[0]->classifier->ctx);
	}
	for (int k = 0; k < n && !error; k++)
		memcpy(&job[k]->norm,
			d->calls.host + s.up + static_cast<size_t>(k) * sizeof(double),
			sizeof(double));
	return tell_failure(d, error);
}

/* --- vectors --- */

static const char *set_vectors(
	core_classifier *c, const float *params, const float *m, const float *v)
{
	const trained &t = c->is;
	cudaError_t error = params ? put_vector(c->on, t.param, params, t.count) : cudaSuccess;
	if (!error && m)
		error = put_vector(c->on, t.m, m, t.count);
	if (!error && v)
		error = put_vector(c->on, t.v, v, t.count);
	return tell_failure(c->on, error);
}

static cudaError_t get_vector(gpu_device *d, float *host, const float *from, int64_t n)
{
	const size_t bytes = static_cast<size_t>(n) * sizeof *host;
	cudaError_t error = reserve_stage(d, bytes);
	if (!error)
		error = cudaMemcpyAsync(
			d->calls.host, from, bytes, cudaMemcpyDeviceToHost, d->stream);
	if (!error)
		error = cudaStreamSynchronize(d->stream);
	if (!error)
		memcpy(host, d->calls.host, bytes);
	return error;
}

static const char *get_vectors(
	core_classifier *c, float *params, float *gradient, float *m, float *v)
{
	const trained &t = c->is;
	float *const host[] = {params, gradient, m, v};
	const float *const from[] = {t.param, t.gradient, t.m, t.v};
	cudaError_t error = cudaSuccess;
	for (int i = 0; i < 4 && !error; i++)
		if (host[i])
			error = get_vector(c->on, host[i], from[i], t.count);
	return tell_failure(c->on, error);
}

const core_classifier_ops classifier_ops = {
	open_classifier,
	close_classifier,
	set_vectors,
	get_vectors,
	forward_rows,
	update_classifiers,
};

} // namespace gpu
