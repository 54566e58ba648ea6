/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of the network. If several tensors imply a size, the value that most of them imply is used,
 * so that one damaged tensor causes one message of the census and not many. What no tensor implies
 * is the value of all published models, unless the configuration says otherwise: seven convolutions
 * with taps 10,3,3,3,3,2,2 and steps 5,2,2,2,2,2,2; distances up to 800; norms first if there is a
 * norm after each convolution. */
#include <string.h>

#include "parts.h"

enum { SEEN = 256 }; /* most values that are compared */

struct find {
	speech_report *report;
	const fv_checkpoint *file;
	const speech_place *place;
	const speech_facts *facts;
	int64_t seen[SEEN];
	int32_t n;
};

static void add_value(struct find *f, int64_t value)
{
	if (f->n < SEEN && value > 0 && value <= 1 << 20)
		f->seen[f->n++] = value;
}

static const fv_tensor *find_tensor(const struct find *f, fv_trunk_tensor tensor, int32_t index)
{
	int32_t part;
	return speech_find_tensor(f->file, f->place, tensor, index, &part);
}

static void add_dim(struct find *f, fv_trunk_tensor tensor, int32_t index, int32_t rank, int32_t d)
{
	const fv_tensor *t = find_tensor(f, tensor, index);
	if (t && t->rank == rank)
		add_value(f, t->shape[d]);
}

static int32_t count_votes(const struct find *f, int64_t value)
{
	int32_t n = 0;
	for (int32_t i = 0; i < f->n; i++)
		n += f->seen[i] == value;
	return n;
}

/* Returns the configured value, or else the most frequent value; ties go to `otherwise`, then to
 * the first value. Clears the values. */
static int32_t decide_size(struct find *f, speech_fact fact, int32_t otherwise)
{
	int64_t best = otherwise;
	for (int32_t i = 0; i < f->n; i++)
		if (count_votes(f, f->seen[i]) > count_votes(f, best))
			best = f->seen[i];
	int32_t said = speech_get_fact(f->facts, fact, -1);
	if (said >= 0 && f->n && !count_votes(f, said))
		speech_report_fault(f->report, FV_DATA, "%s: %s is %d, but the tensors imply %lld",
			speech_get_source(f->facts), speech_get_key(f->facts, fact), said,
			(long long)best);
	f->n = 0;
	return said >= 0 ? said : (int32_t)best;
}

/* Decides in the same way whether the convolutions from the second on have a tensor. */
static int32_t decide_presence(
	struct find *f, fv_trunk_tensor tensor, int32_t convs, speech_fact fact)
{
	int32_t there = 0, said = speech_get_fact(f->facts, fact, -1);
	for (int32_t i = 1; i < convs; i++)
		there += find_tensor(f, tensor, i) != NULL;
	int32_t most = 2 * there > convs - 1;
	if (said >= 0 && said != most && (there == 0 || there == convs - 1))
		speech_report_fault(f->report, FV_DATA, "%s: %s contradicts the tensors",
			speech_get_source(f->facts), speech_get_key(f->facts, fact));
	return said >= 0 ? said : most;
}

/* Counts the layers, from the first on, that have at least half of their tensors. */
static int32_t count_layers(const struct find *f)
{
	for (int32_t i = 0;; i++) {
		int32_t n = 0;
		for (int32_t k = FV_TRUNK_QUERY_WEIGHT; k <= FV_TRUNK_FINAL_NORM_BIAS; k++)
			n += find_tensor(f, (fv_trunk_tensor)k, i) != NULL;
		if (2 * n < FV_TRUNK_FINAL_NORM_BIAS + 1 - FV_TRUNK_QUERY_WEIGHT)
			return i;
	}
}

static void find_convs(struct find *f, fv_trunk_shape *s)
{
	static const int32_t taps[] = {10, 3, 3, 3, 3, 2, 2}, step[] = {5, 2, 2, 2, 2, 2, 2};
	if (!speech_get_convs(f->facts, s)) {
		s->convs = 7;
		memcpy(s->taps, taps, sizeof taps);
		memcpy(s->step, step, sizeof step);
		for (int32_t i = 0; i < s->convs; i++)
			add_dim(f, FV_TRUNK_CONV_WEIGHT, i, 3, 0);
		int32_t channels = decide_size(f, SPEECH_FACTS, 512);
		for (int32_t i = 0; i < s->convs; i++)
			s->channels[i] = channels;
	}
	s->conv_bias = decide_presence(f, FV_TRUNK_CONV_BIAS, s->convs, SPEECH_CONV_BIAS);
	s->norm_each = decide_presence(f, FV_TRUNK_CONV_NORM_WEIGHT, s->convs, SPEECH_NORM_EACH);
	s->norm_first = speech_get_fact(f->facts, SPEECH_NORM_FIRST, s->norm_each);
	if (!s->norm_each && s->taps[0] > 64)
		speech_report_fault(f->report, FV_DATA,
			"the first convolution has %d taps, more than 64", s->taps[0]);
}

static void find_layers(struct find *f, fv_trunk_shape *s)
{
	add_value(f, count_layers(f));
	s->layers = decide_size(f, SPEECH_LAYERS, 0);
	add_dim(f, FV_TRUNK_PROJECTION_WEIGHT, 0, 2, 0);
	add_dim(f, FV_TRUNK_NORM_WEIGHT, 0, 1, 0);
	add_dim(f, FV_TRUNK_NORM_BIAS, 0, 1, 0);
	for (int32_t i = 0; i < s->layers; i++)
		add_dim(f, FV_TRUNK_FINAL_NORM_WEIGHT, i, 1, 0);
	s->width = decide_size(f, SPEECH_WIDTH, 0);
	for (int32_t i = 0; i < s->layers; i++) {
		add_dim(f, FV_TRUNK_INNER_WEIGHT, i, 2, 0);
		add_dim(f, FV_TRUNK_INNER_BIAS, i, 1, 0);
	}
	s->inner = decide_size(f, SPEECH_INNER, 4 * s->width);
	add_dim(f, FV_TRUNK_POSITION_GAIN, 0, 3, 2);
	add_dim(f, FV_TRUNK_POSITION_WEIGHT, 0, 3, 2);
	s->position_taps = decide_size(f, SPEECH_POSITION_TAPS, 128);
	const fv_tensor *weight = find_tensor(f, FV_TRUNK_POSITION_WEIGHT, 0);
	if (speech_get_fact(f->facts, SPEECH_POSITION_GROUPS, -1) < 0 && s->width % 16 && weight &&
		weight->rank == 3 && weight->shape[1] > 0)
		add_value(f, s->width / weight->shape[1]);
	s->position_groups = decide_size(f, SPEECH_POSITION_GROUPS, 16);
}

/* Number of heads of the published models: 64 numbers per head in base and large; XLS-R and HuBERT
 * have 16 heads beyond that. */
static int32_t guess_heads(int32_t width)
{
	static const int32_t known[][2] = {{768, 12}, {1024, 16}, {1280, 16}, {1920, 16}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i][0] == width)
			return known[i][1];
	return 0;
}

static void find_heads(struct find *f, const speech_kind *kind, int32_t heads, fv_trunk_shape *s)
{
	if (kind->position_bias) {
		add_dim(f, FV_TRUNK_BUCKETS, 0, 2, 0);
		s->buckets = decide_size(f, SPEECH_BUCKETS, 320);
		s->max_distance = speech_get_fact(f->facts, SPEECH_MAX_DISTANCE, 800);
		add_dim(f, FV_TRUNK_BUCKETS, 0, 2, 1);
		for (int32_t i = 0; i < s->layers; i++)
			add_dim(f, FV_TRUNK_GATE_CONSTANT, i, 4, 1);
	}
	s->heads = decide_size(f, SPEECH_HEADS, guess_heads(s->width));
	if (heads)
		s->heads = heads;
}

static void check_shape(speech_report *report, const fv_trunk_shape *s)
{
	if (s->layers < 1 || s->width < 1)
		speech_report_fault(report, FV_DATA,
			"the file holds no network of this kind: 'fairvox inspect' shows what it "
			"holds");
	else if (s->heads && s->width % s->heads)
		speech_report_fault(report, FV_DATA,
			"the width %d is not a multiple of the %d attention heads", s->width,
			s->heads);
	else if (s->width % s->position_groups)
		speech_report_fault(report, FV_DATA,
			"the width %d is not a multiple of the %d position groups", s->width,
			s->position_groups);
	else if (s->buckets && (s->buckets % 4 || s->max_distance <= s->buckets / 4 || !s->heads))
		speech_report_fault(report, FV_DATA,
			"%d buckets, distances up to %d and %d heads do not fit together",
			s->buckets, s->max_distance, s->heads);
}

void speech_find_shape(speech_report *report, const fv_checkpoint *file, const speech_place *place,
	const speech_facts *facts, const speech_kind *kind, int32_t heads, fv_trunk_shape *shape)
{
	struct find find = {.report = report, .file = file, .place = place, .facts = facts};
	*shape = (fv_trunk_shape){.size = sizeof *shape};
	shape->eps = speech_get_eps(facts, 1e-5);
	find_convs(&find, shape);
	find_layers(&find, shape);
	find_heads(&find, kind, heads, shape);
	if (!report->status)
		check_shape(report, shape);
}
