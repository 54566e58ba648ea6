/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef ENCODERS_SPEECH_PARTS_H
#define ENCODERS_SPEECH_PARTS_H

#include "speech.h"

#define SPEECH_NAME 256 /* bytes of a tensor's name, at most */

/* Where messages go; without a context only the status is kept. */
typedef struct speech_report {
	fv_ctx *ctx;
	const char *path;
	fv_status status;
} speech_report;

/* "PATH: " and the text. */
void FV_PRINTF(3, 4)
	speech_report_fault(speech_report *report, fv_status status, const char *format, ...);

/* --- names.c: what a tensor is called --- */

/* A way of naming, and what stands before each of the trunk's names. */
typedef struct speech_place {
	int32_t naming;
	const char *prefix;
} speech_place;

/* The place under which most of the names are found. */
speech_place speech_find_place(const fv_checkpoint *file);

/* Whether config.json of Hugging Face belongs to such a file. */
bool speech_has_config(const speech_place *place);

/* A name of number `index` -> name; false: there is no further one. way: 0, 1 ... */
bool speech_format_name(
	const speech_place *place, fv_trunk_tensor tensor, int32_t index, int32_t way, char *name);
/* The same of the tensor that holds queries, keys and values one below the other, for one of
 * theirs; *part = 0, 1, 2. */
bool speech_format_joined_name(const speech_place *place, fv_trunk_tensor tensor, int32_t index,
	char *name, int32_t *part);

/* Whether a tensor is known and not needed. */
bool speech_is_ignored(const speech_place *place, const char *name);

/* --- facts.c: what config.json or the file itself says of the network --- */

typedef struct speech_facts speech_facts;

/* Of the configuration in the file, or, with `beside`, of config.json and preprocessor_config.json
 * beside report->path. NULL: a fault was reported. */
speech_facts *speech_facts_read(speech_report *report, const fv_checkpoint *file, bool beside);
void speech_facts_free(speech_facts *facts);
/* What is said by: "config.json" or "the configuration in the file"; NULL: nothing is said. */
const char *speech_get_source(const speech_facts *facts);

typedef enum speech_fact {
	SPEECH_WIDTH,
	SPEECH_LAYERS,
	SPEECH_HEADS,
	SPEECH_INNER,
	SPEECH_POSITION_TAPS,
	SPEECH_POSITION_GROUPS,
	SPEECH_BUCKETS,
	SPEECH_MAX_DISTANCE,
	SPEECH_NORM_FIRST,
	SPEECH_NORM_EACH,
	SPEECH_CONV_BIAS,
	SPEECH_SCALED,
	SPEECH_FACTS
} speech_fact;

/* Its name there. */
const char *speech_get_key(const speech_facts *facts, speech_fact fact);
/* The number that is said, or `otherwise`. SPEECH_FACTS is never said. */
int32_t speech_get_fact(const speech_facts *facts, speech_fact fact, int32_t otherwise);
double speech_get_eps(const speech_facts *facts, double otherwise);
/* Fills shape's convs, taps and step (and channels, 0 where they are not said); 0: nothing is said.
 */
int32_t speech_get_convs(const speech_facts *facts, fv_trunk_shape *shape);

/* Reports what this code does not compute: other activations, adapters, another kind of model. */
void speech_facts_check(speech_report *report, const speech_facts *facts, const speech_kind *kind);

/* --- shape.c --- */

/* Sizes, from the facts and from the tensors. heads: of the user, or 0. Where the number of heads
 * cannot be told, shape->heads is 0. */
void speech_find_shape(speech_report *report, const fv_checkpoint *file, const speech_place *place,
	const speech_facts *facts, const speech_kind *kind, int32_t heads, fv_trunk_shape *shape);

/* --- census.c --- */

/* Reports every tensor that is missing, has another type or shape, or is not known. */
void speech_check_census(speech_report *report, const fv_checkpoint *file,
	const speech_place *place, const speech_kind *kind, const fv_trunk_shape *shape);

/* The tensor, or NULL; *part >= 0: it is that third of the rows of a joined one. */
const fv_tensor *speech_find_tensor(const fv_checkpoint *file, const speech_place *place,
	fv_trunk_tensor tensor, int32_t index, int32_t *part);

#endif
