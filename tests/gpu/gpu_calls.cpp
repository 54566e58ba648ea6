/* SPDX-License-Identifier: Apache-2.0 */
/* What the suite does with CUDA itself: takes memory, measures copies, and times operations by events around each. */
#include <cstdio>
#include <cstring>

#include "device.hpp"
#include "linear.hpp"

extern "C" {
#include "suite.h"
}

using namespace gpu;

/* --- memory --- */

enum { PIECES = 256 };
static void *pieces[PIECES];
static int n_pieces;

bool gpu_take_memory(size_t left)
{
	const size_t most = static_cast<size_t>(1) << 30;
	size_t unused = 0, all = 0;
	while (n_pieces < PIECES && !cudaMemGetInfo(&unused, &all) && unused > left) {
		const size_t bytes = unused - left < most ? unused - left : most;
		if (cudaMalloc(&pieces[n_pieces], bytes))
			break;
		n_pieces++;
	}
	(void)cudaGetLastError();
	return unused < left + left / 4;
}

void gpu_release_memory(void)
{
	while (n_pieces > 0)
		(void)cudaFree(pieces[--n_pieces]);
}

double gpu_measure_copies(bool small)
{
	const size_t bytes = static_cast<size_t>(1) << (small ? 20 : 30);
	const int rounds = 8;
	void *from = nullptr, *to = nullptr;
	cudaStream_t stream;
	cudaEvent_t begin, end;
	float ms = 0;
	if (cudaStreamCreate(&stream))
		return 0;
	if (!cudaEventCreate(&begin) && !cudaEventCreate(&end) && !cudaMalloc(&from, bytes) &&
		!cudaMalloc(&to, bytes)) {
		for (int i = 0; i <= rounds; i++) {
			if (i == 1)
				(void)cudaEventRecord(begin, stream);
			(void)cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
		}
		(void)cudaEventRecord(end, stream);
		(void)cudaEventSynchronize(end);
		(void)cudaEventElapsedTime(&ms, begin, end);
	}
	(void)cudaFree(from);
	(void)cudaFree(to);
	(void)cudaStreamDestroy(stream);
	return ms > 0 ? 2.0 * rounds * static_cast<double>(bytes) / (1e-3 * ms) : 0;
}

void gpu_use_graphs(core_device *device, bool use)
{
	static_cast<gpu_device *>(device)->graphs.off = !use;
}

int gpu_count_graphs(const core_device *device)
{
	int n = 0;
	for (const known_shape &k : static_cast<const gpu_device *>(device)->graphs.known)
		n += k.graph != nullptr;
	return n;
}

static void print_note(const char *line)
{
	printf("note\t%s\n", line);
}

void gpu_list_algorithms(core_device *device)
{
	list_algorithms(static_cast<gpu_device *>(device)->gemms, print_note);
}

/* --- time --- */

enum operation {
	CONVOLVE_WAVES,
	LAYER_NORM,
	MULTIPLY,
	FEED_FORWARD,
	ADD,
	POSITION,
	ATTEND,
	MEAN,
	OPERATIONS
};

static const char *const names[OPERATIONS] = {"convolutions of waves", "layer norms",
	"linear layers", "feed-forward networks", "sums", "convolution of positions", "attention",
	"means"};

/* An operation that was enqueued */
struct timed {
	operation what;
	cudaEvent_t begin, end;
};

enum { TIMED = 4096 };

static struct {
	core_device_ops ops;
	const core_device_ops *own; /* of the device */
	double products, others, bytes;
	timed each[TIMED];
	int enqueued, events;
	double ms[OPERATIONS], least[OPERATIONS]; /* least: seconds */
	int64_t calls[OPERATIONS];
} times;

/* Begins an operation that has to compute so many operations, and to read and write so many bytes. */
static void begin_time(
	core_queue *core, operation what, double products, double others, double bytes)
{
	const double computing = products / times.products + others / times.others;
	const double moving = times.bytes > 0 ? bytes / times.bytes : 0;
	times.least[what] += computing > moving ? computing : moving;
	times.calls[what]++;
	if (times.enqueued == TIMED)
		return;
	timed *t = &times.each[times.enqueued++];
	if (times.enqueued > times.events) {
		(void)cudaEventCreate(&t->begin);
		(void)cudaEventCreate(&t->end);
		times.events = times.enqueued;
	}
	t->what = what;
	(void)cudaEventRecord(t->begin, as_queue(core)->on->stream);
}

static void end_time(core_queue *core)
{
	if (times.enqueued > 0)
		(void)cudaEventRecord(
			times.each[times.enqueued - 1].end, as_queue(core)->on->stream);
}

static double count_rows(fv_matrix x)
{
	return static_cast<double>(x.layout->rows);
}

static void time_convolutions(
	core_queue *q, const core_convolutions *c, fv_matrix wave, bool scaled, fv_matrix y)
{
	double rows = count_rows(wave), products = 0, first = 0, bytes = 4 * rows;
	for (int32_t i = 0; i < c->n; i++) {
		rows /= c->step[i];
		const double terms = 2 * rows * c->channels[i] * c->taps[i];
		if (i)
			products += terms * c->channels[i - 1];
		else
			first = terms;
		bytes += 4 * rows * c->channels[i] * (i ? 3 : 1); /* a product, and its GELU */
	}
	begin_time(q, CONVOLVE_WAVES, products, first, bytes);
	times.own->convolve_waves(q, c, wave, scaled, y);
	end_time(q);
}

static void time_norm(core_queue *q, const core_norm *norm, fv_matrix x, fv_matrix y)
{
	const double n = count_rows(x) * static_cast<double>(x.width);
	begin_time(q, LAYER_NORM, 0, 8 * n, 8 * n);
	times.own->layer_norm(q, norm, x, y);
	end_time(q);
}

static void time_multiply(core_queue *q, const fv_linear *l, fv_matrix x, bool add,
	fv_activation activation, fv_matrix y)
{
	const double rows = count_rows(x), in = static_cast<double>(l->inputs),
		     out = static_cast<double>(l->outputs);
	begin_time(q, MULTIPLY, 2 * rows * in * out, 0, 4 * rows * (in + (add ? 2 : 1) * out));
	times.own->multiply(q, l, x, add, activation, y);
	end_time(q);
}

static void time_feed_forward(core_queue *q, const fv_linear *inner, int64_t width,
	const fv_linear *outer, fv_matrix x, fv_matrix y)
{
	const double rows = count_rows(x), in = static_cast<double>(inner->inputs),
		     out = static_cast<double>(outer->outputs), middle = static_cast<double>(width);
	begin_time(q, FEED_FORWARD, 2 * rows * middle * (in + out), 0, 4 * rows * (in + 2 * out));
	times.own->feed_forward(q, inner, width, outer, x, y);
	end_time(q);
}

static void time_add(core_queue *q, fv_matrix x, fv_matrix y)
{
	const double n = count_rows(x) * static_cast<double>(x.width);
	begin_time(q, ADD, 0, n, 12 * n);
	times.own->add(q, x, y);
	end_time(q);
}

static void time_position(core_queue *q, const core_position *p, fv_matrix x, fv_matrix y)
{
	const double width = static_cast<double>(p->width);
	begin_time(q, POSITION,
		2 * count_rows(x) * width * (width / static_cast<double>(p->groups)) *
			static_cast<double>(p->taps),
		0, 8 * count_rows(x) * width);
	times.own->position(q, p, x, y);
	end_time(q);
}

static void time_attend(core_queue *q, const core_heads *heads, fv_matrix joined, fv_matrix x,
	const float *bias, fv_matrix y)
{
	const double width = static_cast<double>(heads->width);
	double pairs = 0;
	for (int32_t u = 0; u < y.layout->n; u++)
		pairs += static_cast<double>(y.layout->span[u].count) *
			 static_cast<double>(y.layout->span[u].count);
	begin_time(q, ATTEND, 0, 4 * pairs * width, 16 * count_rows(y) * width);
	times.own->attend(q, heads, joined, x, bias, y);
	end_time(q);
}

static void time_mean(core_queue *q, fv_sums sums, fv_matrix x, fv_matrix y)
{
	const double n = count_rows(x) * static_cast<double>(x.width);
	begin_time(q, MEAN, 0, n, 4 * n);
	times.own->mean(q, sums, x, y);
	end_time(q);
}

/* Waits, and adds the times of what was enqueued. */
static fv_status time_wait(core_queue *q)
{
	const fv_status status = times.own->wait(q);
	for (int i = 0; i < times.enqueued; i++) {
		float ms = 0;
		(void)cudaEventElapsedTime(&ms, times.each[i].begin, times.each[i].end);
		times.ms[times.each[i].what] += static_cast<double>(ms);
	}
	times.enqueued = 0;
	return status;
}

void gpu_time_operations(core_device *device, double products, double others, double bytes)
{
	times.own = device->ops;
	times.ops = *device->ops;
	times.products = products;
	times.others = others;
	times.bytes = bytes;
	times.ops.convolve_waves = time_convolutions;
	times.ops.layer_norm = time_norm;
	times.ops.multiply = time_multiply;
	times.ops.feed_forward = time_feed_forward;
	times.ops.add = time_add;
	times.ops.position = time_position;
	times.ops.attend = time_attend;
	times.ops.mean = time_mean;
	times.ops.wait = time_wait;
	device->ops = &times.ops;
}

double gpu_report_times(suite *s, const char *what)
{
	double all = 0;
	for (int i = 0; i < OPERATIONS; i++) {
		char row[96], unit[64];
		all += 1e-3 * times.ms[i];
		snprintf(row, sizeof row, "%s, %s, %lld calls", what, names[i],
			static_cast<long long>(times.calls[i]));
		snprintf(unit, sizeof unit, "ms; at least %.1f", 1e3 * times.least[i]);
		if (s)
			suite_row(s, row, times.ms[i], -1, unit);
	}
	memset(times.ms, 0, sizeof times.ms);
	memset(times.least, 0, sizeof times.least);
	memset(times.calls, 0, sizeof times.calls);
	return all;
}
