/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of what is tried on a GPU. Each prints lines of fields with tabs between them, which tests/gpu/run collects:
 *
 *     row     what    value   limit or -      unit      a number that was measured
 *     note    text                                      something to know
 *     fault   text                                      something that is wrong */
#ifndef GPU_SUITE_H
#define GPU_SUITE_H

#include <stdbool.h>

#include "fixture.h"

typedef struct suite {
	bool small;           /* for an emulated GPU */
	const char *fixtures; /* folder */
	const char *network;  /* NULL: all */
	int64_t rows;         /* of a product; 0: as many as fit */
	int32_t faults;       /* so far */
} suite;

typedef struct suite_step {
	const char *name;
	void (*run)(suite *s);
} suite_step;

/* limit < 0: none; a value above it is a fault. */
void suite_row(suite *s, const char *what, double value, double limit, const char *unit);
void suite_note(const char *format, ...) FV_PRINTF(1, 2);
void suite_fault(suite *s, const char *format, ...) FV_PRINTF(2, 3);

/* Opens the GPU and a context whose constants lie there. Returns false, with a fault. */
bool suite_open(suite *s, int64_t rows, fv_ctx **ctx, core_device **device);
void suite_close(fv_ctx *ctx, core_device *device);

extern const char *const suite_precisions[4]; /* names by fv_precision */
extern const char *const suite_networks[NETWORKS];

/* --- the steps --- */

void suite_ops(suite *s);      /* operations against loops in double */
void suite_places(suite *s);   /* a row's bytes at other places, in other packs */
void suite_encoders(suite *s); /* networks against fixtures, and alone against packed */
void suite_speed(suite *s);    /* a corpus, with the time of each operation */
void suite_memory(suite *s);   /* most of the memory is taken */
void suite_grid(suite *s);     /* classifiers that are trained in lockstep */

/* Whether the network gives the numbers of its fixture, within what the precision allows. `what` is put before the
 * names of rows. */
void suite_compare(suite *s, const char *what, const network *n, const network_input *in,
	fv_precision precision, const float *got);

/* --- what needs CUDA's own calls: gpu_calls.cpp --- */

#ifdef __cplusplus
extern "C" {
#endif

/* Takes the device's memory except for so many bytes; false: it cannot. */
bool gpu_take_memory(size_t left);
void gpu_release_memory(void);
/* Bytes a second of copies within the device's memory, or 0 */
double gpu_measure_copies(bool small);
/* Whether steps of classifiers are CUDA graphs from here on; how many graphs there are. */
void gpu_use_graphs(core_device *device, bool use);
int gpu_count_graphs(const core_device *device);
/* Prints which algorithm of the library each product gets, as notes. */
void gpu_list_algorithms(core_device *device);

/* Operations are timed from here on: time, and the least that it could be at so many operations a second in products,
 * in the rest, and bytes a second. */
void gpu_time_operations(core_device *device, double products, double others, double bytes);
/* Prints a row for each operation, with the bound as limit if `bound`, and forgets the times. Returns the seconds of all. */
double gpu_report_times(suite *s, const char *what);

#ifdef __cplusplus
}
#endif

#endif
