/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the parameters of speakers and utterances. The order of the draws is part of the format:
 * another order gives another corpus. */
#include "synth/synth.h"

#include <math.h>
#include <string.h>

#define TWO_PI 6.283185307179586476925

const char *const core_synth_class[CORE_SYNTH_CLASSES] = {
	"angry", "sad", "disgust", "fear", "neutral", "happy"};
const char *const core_synth_dim[CORE_SYNTH_DIMS] = {
	"pitch_st", "ln_range", "ln_rate", "gain_db", "tilt_db", "tremor", "breath"};

/* [class][dim] */
static const double emotion[CORE_SYNTH_CLASSES][CORE_SYNTH_DIMS] = {
	{1.5, 0.35, 0.10, 5, 5, 0, 0},
	{-1.0, -0.45, -0.16, -4, -5, 0.05, 1.0},
	{-1.5, -0.10, -0.14, 0, 1, 0, 3.5},
	{3.0, -0.20, 0.14, 0, 0, 0.35, 2.0},
	{0, 0, 0, 0, 0, 0, 0},
	{2.5, 0.55, 0.03, 3, 3, 0, 0},
};
static const double utterance_sd[CORE_SYNTH_DIMS] = {1.2, 0.18, 0.07, 2, 2, 0.08, 1.2};
static const double speaker_sd[CORE_SYNTH_DIMS] = {1.0, 0.12, 0.07, 2.5, 2, 0.03, 1.0};

#define MALE_VOICES 8
#define FEMALE_VOICES 5
#define SEMITONES_PER_STEP 0.149 /* per step of espeak-ng's pitch, measured */

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

#define FNV_START UINT64_C(0xcbf29ce484222325)

uint64_t core_fnv1a64(const char *text)
{
	return hash_text(FNV_START, text);
}

core_splitmix core_splitmix_seed(const char *kind, const char *name, uint64_t seed)
{
	uint64_t hash = hash_text(hash_text(hash_text(FNV_START, kind), "/"), name);
	return (core_splitmix){hash ^ (seed * UINT64_C(0x9E3779B97F4A7C15))};
}

uint64_t core_splitmix_next(core_splitmix *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

double core_splitmix_uniform(core_splitmix *rng)
{
	return (double)(core_splitmix_next(rng) >> 11) * 0x1p-53;
}

double core_splitmix_normal(core_splitmix *rng)
{
	double u1 = core_splitmix_uniform(rng), u2 = core_splitmix_uniform(rng);
	return sqrt(-2.0 * log(1.0 - u1)) * cos(TWO_PI * u2);
}

void core_synth_draw_speaker(core_synth_speaker *speaker, uint64_t seed)
{
	core_splitmix rng = core_splitmix_seed("speaker", speaker->id, seed);
	uint64_t voices = speaker->male ? MALE_VOICES : FEMALE_VOICES;
	speaker->voice = (int)(core_splitmix_next(&rng) % voices) + 1;
	double a = core_splitmix_normal(&rng), b = core_splitmix_normal(&rng);
	double c = core_splitmix_normal(&rng), d = core_splitmix_normal(&rng);
	double age = speaker->age_years;
	double old = age > 50 ? (age - 50) / 10 : 0; /* decades past 50 */
	speaker->pitch_st = 1.5 * a + old * (speaker->male ? 0.8 : -1.0);
	speaker->tract = exp(0.03 * b);
	speaker->tempo = exp(0.07 * c - 0.05 * (age - 36) / 20);
	speaker->expressiveness = exp(0.25 * d);
	for (int i = 0; i < CORE_SYNTH_DIMS; i++)
		speaker->habit[i] = core_splitmix_normal(&rng) * speaker_sd[i];
}

/* Computes the mixture weights: the label minus its minimum (which removes the label smoothing),
 * normalised and moved towards its largest class. Ties share; a label without any preference
 * gives the uniform mixture. */
static void compute_mixture(const double *label, double mix, double *weight)
{
	double least = label[0], total = 0, largest = 0;
	int n_largest = 0;
	for (int k = 1; k < CORE_SYNTH_CLASSES; k++)
		least = label[k] < least ? label[k] : least;
	for (int k = 0; k < CORE_SYNTH_CLASSES; k++)
		total += label[k] - least;
	for (int k = 0; k < CORE_SYNTH_CLASSES; k++) {
		weight[k] = total > 0 ? (label[k] - least) / total : 1.0 / CORE_SYNTH_CLASSES;
		largest = weight[k] > largest ? weight[k] : largest;
	}
	for (int k = 0; k < CORE_SYNTH_CLASSES; k++)
		n_largest += weight[k] == largest;
	for (int k = 0; k < CORE_SYNTH_CLASSES; k++)
		weight[k] = mix * weight[k] + (weight[k] == largest ? (1 - mix) / n_largest : 0);
}

static int round_to_range(double value, int low, int high)
{
	if (value <= low)
		return low;
	return value >= high ? high : (int)lround(value);
}

void core_synth_draw_utterance(core_synth_utterance *utterance, const core_synth_speaker *speaker,
	const core_synth_knobs *knobs)
{
	core_splitmix rng = core_splitmix_seed("utt", utterance->file_name, knobs->seed);
	double *v = utterance->v;
	compute_mixture(utterance->label, knobs->mix, utterance->weight);
	for (int i = 0; i < CORE_SYNTH_DIMS; i++) {
		double shift = 0;
		for (int k = 0; k < CORE_SYNTH_CLASSES; k++)
			shift += utterance->weight[k] * emotion[k][i];
		v[i] = knobs->strength * speaker->expressiveness * shift + speaker->habit[i] +
		       knobs->jitter * utterance_sd[i] * core_splitmix_normal(&rng);
	}
	double tract_st = 12 * log2(speaker->tract);
	double pitch =
		50 + (v[CORE_SYNTH_PITCH] + speaker->pitch_st - tract_st) / SEMITONES_PER_STEP;
	utterance->pitch = round_to_range(pitch, 0, 99);
	utterance->range_percent = round_to_range(100 * exp(v[CORE_SYNTH_RANGE]), 0, 9999);
	double rate = 175 * speaker->tempo * exp(v[CORE_SYNTH_TEMPO]) / speaker->tract;
	utterance->rate_wpm = round_to_range(rate, 90, 400);
	utterance->tremor_phase = v[CORE_SYNTH_TREMOR] > 0 ? core_splitmix_uniform(&rng) : 0;
	utterance->room_db = -60 + 3 * core_splitmix_normal(&rng);
}

const char *core_synth_find_sentence(const char *code)
{
	static const char *const sentences[][2] = {
		{"IEO", "It's eleven o'clock."},
		{"TIE", "That is exactly what happened."},
		{"IOM", "I'm on my way to the meeting."},
		{"IWW", "I wonder what this is about."},
		{"TAI", "The airplane is almost full."},
		{"MTI", "Maybe tomorrow it will be cold."},
		{"IWL", "I would like a new alarm clock."},
		{"ITH", "I think I have a doctor's appointment."},
		{"DFA", "Don't forget a jacket."},
		{"ITS", "I think I've seen this before."},
		{"TSI", "The surface is slick."},
		{"WSI", "We'll stop in a couple of minutes."},
	};
	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
		if (!strcmp(sentences[i][0], code))
			return sentences[i][1];
	return NULL;
}
