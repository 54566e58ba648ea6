/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations that the files of this folder share. */
#ifndef ENCODERS_SPEECH_PARTS_H
#define ENCODERS_SPEECH_PARTS_H

#include "speech.h"

#define SPEECH_NAME (FV_PREFIX_MAX + 128) /* longest tensor name and its NUL */

/* Receives messages. Without a context only the status is kept. */
typedef struct speech_report {
	fv_ctx *ctx;
	const char *path;
	fv_status status;
} speech_report;

/* Records "PATH: " and the text. */
void FV_PRINTF(3, 4)
	speech_report_fault(speech_report *report, fv_status status, const char *format, ...);

/* --- names.c: names of tensors --- */

/* A naming scheme, and the prefix of the trunk's names. */
typedef struct speech_place {
	int32_t naming;
	char prefix[FV_PREFIX_MAX];
} speech_place;

/* Finds the naming scheme and prefix under which most of the names are found. Reports a file that holds the network twice, or only a part of it. */
void speech_find_place(speech_report *report, const fv_checkpoint *file, speech_place *best);

/* Notes a prefix that published files do not have. */
void speech_note_prefix(fv_ctx *ctx, const char *path, const speech_place *place);

/* True if Hugging Face's config.json belongs to such a file. */
bool speech_has_config(const speech_place *place);

/* Writes a name of tensor number `index` of its kind into name. way = 0, 1, ... selects between
 * alternative names; false: there is no such alternative. */
bool speech_format_name(
	const speech_place *place, fv_trunk_tensor tensor, int32_t index, int32_t way, char *name);
/* The same for the tensor that stacks queries, keys and values, given one of the three; *part = 0,
 * 1, 2 says which. */
bool speech_format_joined_name(const speech_place *place, fv_trunk_tensor tensor, int32_t index,
	char *name, int32_t *part);

/* Heads and quantizers that may stand beside the network; ends with NULL. */
const char *const *speech_list_heads(const speech_place *place);

/* Finds a tensor of another part of the model by its name there, behind the prefix or one of its
 * first parts. NULL: there is none. */
const fv_tensor *speech_find_extra(
	const fv_checkpoint *file, const speech_place *place, const char *name);

/* True if only the training of the network uses the tensor: the embedding of masked frames. */
bool speech_is_mask(const fv_checkpoint *file, const speech_place *place, const fv_tensor *tensor);

/* --- facts.c: the network's configuration --- */

typedef struct speech_facts speech_facts;

/* Reads the configuration in the file, or, with `beside`, config.json and preprocessor_config.json
 * next to report->path. NULL if a fault was reported. */
speech_facts *speech_facts_read(speech_report *report, const fv_checkpoint *file, bool beside);
void speech_facts_free(speech_facts *facts);
/* Source of the facts: "config.json" or "the configuration in the file"; NULL if there is no
 * configuration. */
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

/* Key of a fact in that source. */
const char *speech_get_key(const speech_facts *facts, speech_fact fact);
/* Value of a fact, or `otherwise` if it is not given. SPEECH_FACTS is never given. */
int32_t speech_get_fact(const speech_facts *facts, speech_fact fact, int32_t otherwise);
double speech_get_eps(const speech_facts *facts, double otherwise);
/* Fills in shape's convs, taps and step, and channels (0 where they are not given). Returns 0 if
 * nothing is given. */
int32_t speech_get_convs(const speech_facts *facts, fv_trunk_shape *shape);

/* Reports what is not supported: other activations, adapters, another kind of model. */
void speech_facts_check(speech_report *report, const speech_facts *facts, const speech_kind *kind);

/* --- shape.c --- */

/* Finds the sizes from the facts and the tensors. heads: the user's value, or 0. shape->heads is 0
 * if the number of heads cannot be found. */
void speech_find_shape(speech_report *report, const fv_checkpoint *file, const speech_place *place,
	const speech_facts *facts, const speech_kind *kind, int32_t heads, fv_trunk_shape *shape);

/* --- census.c --- */

/* Reports every tensor that is missing, unknown, or has a wrong type or shape. */
void speech_check_census(speech_report *report, const fv_checkpoint *file,
	const speech_place *place, const speech_kind *kind, const fv_trunk_shape *shape);

/* Returns the tensor, or NULL. If *part >= 0, the tensor is part number *part, a third of the rows,
 * of a joined one. */
const fv_tensor *speech_find_tensor(const fv_checkpoint *file, const speech_place *place,
	fv_trunk_tensor tensor, int32_t index, int32_t *part);

#endif
