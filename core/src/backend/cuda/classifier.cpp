/* SPDX-License-Identifier: Apache-2.0 */
/* Classifiers that are trained on the device. A call packs what it is given into one piece of pinned memory, copies that, launches
 * for all classifiers at once, copies the results back and waits. */
#include "classifier.hpp"
#include "device.hpp"

#include <cstdlib>
#include <cstring>

struct core_classifier {
	gpu::gpu_device *on;
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

/* The parts of a stage: up to `up` what is given, behind it results. */
struct parts {
	size_t up, all;
};

static size_t add_part(size_t *used, int64_t n, size_t size)
{
	const size_t at = *used;
	*used += (static_cast<size_t>(n) * size + ALIGN - 1) / ALIGN * ALIGN;
	return at;
}

static cudaError_t send_stage(gpu_device *d, size_t bytes)
{
	return cudaMemcpyAsync(
		d->calls.there, d->calls.host, bytes, cudaMemcpyHostToDevice, d->stream);
}

static cudaError_t receive_stage(gpu_device *d, const parts &p)
{
	const cudaError_t error = cudaMemcpyAsync(d->calls.host + p.up, d->calls.there + p.up,
		p.all - p.up, cudaMemcpyDeviceToHost, d->stream);
	return error ? error : cudaStreamSynchronize(d->stream);
}

/* --- forward --- */

static parts measure_rows(core_classifier_rows *const *job, int n)
{
	parts p = {0, 0};
	(void)add_part(&p.up, n, sizeof(trained));
	for (int k = 0; k < n; k++)
		(void)add_part(&p.up, job[k]->n, sizeof(int32_t));
	p.all = p.up;
	for (int k = 0; k < n; k++)
		(void)add_part(&p.all,
			static_cast<int64_t>(job[k]->n) * job[k]->classifier->is.classes,
			sizeof(float));
	return p;
}

struct largest {
	int rows, dims, dots, width, layers;
	int64_t count;
};

static int find_larger(int a, int b)
{
	return a > b ? a : b;
}

static void note_largest(largest *l, const trained &t)
{
	l->rows = find_larger(l->rows, t.rows);
	l->dims = find_larger(l->dims, t.dims);
	l->dots = find_larger(l->dots, t.layers * t.classes);
	l->width = find_larger(l->width, t.width);
	l->layers = find_larger(l->layers, t.layers);
	l->count = l->count > t.count ? l->count : t.count;
}

static largest pack_rows(gpu_device *d, core_classifier_rows *const *job, int n, const parts &p)
{
	const stage &s = d->calls;
	largest most = {0, 0, 0, 0, 0, 0};
	size_t at = 0, results = p.up;
	trained *all = reinterpret_cast<trained *>(s.host + add_part(&at, n, sizeof(trained)));
	for (int k = 0; k < n; k++) {
		const core_classifier_rows *j = job[k];
		trained *t = &j->classifier->is;
		const size_t index = add_part(&at, j->n, sizeof(int32_t));
		const size_t logits =
			add_part(&results, static_cast<int64_t>(j->n) * t->classes, sizeof(float));
		memcpy(s.host + index, j->index, static_cast<size_t>(j->n) * sizeof *j->index);
		t->rows = j->n;
		t->keep = j->keep;
		t->index = reinterpret_cast<const int32_t *>(s.there + index);
		t->logits = reinterpret_cast<float *>(s.there + logits);
		all[k] = *t;
		note_largest(&most, *t);
	}
	return most;
}

static void unpack_logits(
	const gpu_device *d, core_classifier_rows *const *job, int n, const parts &p)
{
	size_t results = p.up;
	for (int k = 0; k < n; k++) {
		const int64_t count =
			static_cast<int64_t>(job[k]->n) * job[k]->classifier->is.classes;
		const size_t from = add_part(&results, count, sizeof(float));
		memcpy(job[k]->logits, d->calls.host + from,
			static_cast<size_t>(count) * sizeof(float));
	}
}

static const char *forward_rows(core_device *core, core_classifier_rows *const *job, int32_t n)
{
	gpu_device *d = static_cast<gpu_device *>(core);
	const parts p = measure_rows(job, n);
	cudaError_t error = reserve_stage(d, p.all);
	if (error)
		return tell_failure(d, error);
	const largest most = pack_rows(d, job, n, p);
	const trained *all = reinterpret_cast<const trained *>(d->calls.there);
	error = send_stage(d, p.up);
	if (!error) {
		prepare_classifiers(all, n, most.dims, d->stream);
		read_rows(all, n, most.rows, most.dots, d->stream);
		error = receive_stage(d, p);
	}
	if (!error)
		unpack_logits(d, job, n, p);
	return tell_failure(d, error);
}

/* --- update --- */

static parts measure_steps(core_classifier_step *const *job, int n)
{
	parts p = {0, 0};
	(void)add_part(&p.up, n, sizeof(trained));
	for (int k = 0; k < n; k++) {
		const trained &t = job[k]->classifier->is;
		(void)add_part(&p.up, static_cast<int64_t>(t.rows) * t.classes, sizeof(float));
	}
	p.all = p.up;
	(void)add_part(&p.all, n, sizeof(double));
	return p;
}

static largest pack_steps(gpu_device *d, core_classifier_step *const *job, int n, const parts &p)
{
	const stage &s = d->calls;
	largest most = {0, 0, 0, 0, 0, 0};
	size_t at = 0;
	trained *all = reinterpret_cast<trained *>(s.host + add_part(&at, n, sizeof(trained)));
	for (int k = 0; k < n; k++) {
		const core_adam_scalars &a = job[k]->adam;
		trained *t = &job[k]->classifier->is;
		const int64_t count = static_cast<int64_t>(t->rows) * t->classes;
		const size_t from = add_part(&at, count, sizeof(float));
		memcpy(s.host + from, job[k]->d_logits, static_cast<size_t>(count) * sizeof(float));
		t->d_logits = reinterpret_cast<const float *>(s.there + from);
		t->clip = job[k]->clip;
		t->norm = reinterpret_cast<double *>(s.there + p.up) + k;
		t->step = {a.l2, a.keep, a.one_beta1, a.beta2, a.one_beta2, a.rate, a.root, a.eps};
		all[k] = *t;
		note_largest(&most, *t);
	}
	return most;
}

static const char *update_classifiers(
	core_device *core, core_classifier_step *const *job, int32_t n)
{
	gpu_device *d = static_cast<gpu_device *>(core);
	const parts p = measure_steps(job, n);
	cudaError_t error = reserve_stage(d, p.all);
	if (error)
		return tell_failure(d, error);
	const largest most = pack_steps(d, job, n, p);
	const trained *all = reinterpret_cast<const trained *>(d->calls.there);
	error = send_stage(d, p.up);
	if (!error) {
		find_gradients(all, n, most.dims, most.width, most.layers, d->stream);
		take_adam_steps(all, n, most.count, d->stream);
		error = receive_stage(d, p);
	}
	for (int k = 0; k < n && !error; k++)
		memcpy(&job[k]->norm,
			d->calls.host + p.up + static_cast<size_t>(k) * sizeof(double),
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
