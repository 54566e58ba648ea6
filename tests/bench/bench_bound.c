/* SPDX-License-Identifier: Apache-2.0 */
/* Wall time of the matrix products of an encoder alone, by OpenBLAS's sgemm on rows that were put
 * together beforehand: the bound that bench_encoder.py compares with. Each weight matrix has its
 * own memory.
 *
 *     bench_bound wavlm|wav2vec2|ecapa JOBS SAMPLES...
 *
 * JOBS processes take the recordings, whose lengths are SAMPLES, in turn. Prints wall seconds, CPU
 * seconds of all processes and, on standard error, GFLOP of each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cblas.h>

enum { WEIGHTS = 350000000, NUMBERS = 1 << 26 };

static float *weights, *numbers, *results;
static double work;     /* GFLOP */
static size_t position; /* of the next matrix in the weights */

static double read_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void time_product(int rows, int outputs, int inputs)
{
	size_t n = (size_t)outputs * (size_t)inputs;
	if (position + n > WEIGHTS || (size_t)rows * (size_t)inputs > NUMBERS ||
		(size_t)rows * (size_t)outputs > NUMBERS) {
		fputs("bench_bound: a product is larger than its memory\n", stderr);
		exit(1);
	}
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, outputs, inputs, 1, numbers,
		inputs, weights + position, inputs, 0, results, outputs);
	position += n;
	work += 2e-9 * rows * outputs * inputs;
}

static void time_trunk(int samples, int width, int layers, int heads)
{
	static const int taps[] = {10, 3, 3, 3, 3, 2, 2}, step[] = {5, 2, 2, 2, 2, 2, 2};
	int t = samples;
	for (int i = 0; i < 7; i++) {
		t = (t - taps[i]) / step[i] + 1;
		time_product(t, 512, taps[i] * (i ? 512 : 1));
	}
	time_product(t, width, 512);
	for (int group = 0; group < 16; group++)
		time_product(t, width / 16, width / 16 * 128);
	for (int layer = 0; layer < layers; layer++) {
		time_product(t, 3 * width, width);
		size_t before = position;
		for (int head = 0; head < heads; head++) {
			time_product(t, t, width / heads);
			time_product(t, width / heads, t);
			position = before;
		}
		time_product(t, width, width);
		time_product(t, 4 * width, width);
		time_product(t, width, 4 * width);
	}
}

static void time_ecapa(int samples)
{
	int t = samples / 160 + 1;
	time_product(t, 1024, 5 * 80);
	for (int block = 0; block < 3; block++) {
		time_product(t, 1024, 1024);
		for (int part = 0; part < 7; part++)
			time_product(t, 128, 3 * 128);
		time_product(t, 1024, 1024);
	}
	time_product(t, 3072, 3072);
	time_product(t, 128, 3072);
	time_product(t, 3072, 128);
}

static void time_recording(const char *model, int samples)
{
	position = 0;
	if (!strcmp(model, "wavlm"))
		time_trunk(samples, 768, 12, 12);
	else if (!strcmp(model, "wav2vec2"))
		time_trunk(samples, 1024, 24, 16);
	else
		time_ecapa(samples);
}

static float *allocate_filled(size_t n)
{
	float *x = malloc(n * sizeof *x);
	for (size_t i = 0; x && i < n; i++)
		x[i] = (float)(i % 1021) / 1021 - 0.5f;
	if (!x)
		exit(1);
	return x;
}

int main(int argc, char **argv)
{
	int jobs = argc > 3 ? atoi(argv[2]) : 0;
	if (jobs < 1) {
		fputs("usage: bench_bound wavlm|wav2vec2|ecapa JOBS SAMPLES...\n", stderr);
		return 2;
	}
	weights = allocate_filled(WEIGHTS);
	numbers = allocate_filled(NUMBERS);
	results = allocate_filled(NUMBERS);
	openblas_set_num_threads(1);
	double start = read_clock();
	for (int job = 0; job < jobs; job++)
		if (fork() == 0) {
			for (int i = 3 + job; i < argc; i += jobs)
				time_recording(argv[1], atoi(argv[i]));
			fprintf(stderr, "%.3f\n", work);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	struct rusage use;
	getrusage(RUSAGE_CHILDREN, &use);
	printf("%.4f %.4f\n", read_clock() - start,
		(double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
			1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec));
	return 0;
}
