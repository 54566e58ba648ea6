/* SPDX-License-Identifier: Apache-2.0 */
/* A synthetic substitute for an emotional speech corpus: the file names, speakers, soft labels
 * and demographics of a label file, spoken by espeak-ng (run as a program, never linked), with
 * an acoustic shift for each emotion. core/docs/synth.md says what it is good for and what not.
 *
 * draw.c: all parameters, from named random streams. signal.c: from speech to the recording.
 * espeak.c: the program. list.c: from label file and demographics to a plan. record.c: the files
 * next to the audio. sound.c: audio files. synth.c: the run. */
#ifndef CORE_SYNTH_SYNTH_H
#define CORE_SYNTH_SYNTH_H

#include <stdbool.h>

#include <fairvox/stream.h>

#include "base/context.h"
#include "base/csv.h"
#include "base/text.h"

#define CORE_SYNTH_RATE_HZ 16000
#define CORE_SYNTH_CLASSES 6 /* in the order of core_synth_class */
#define CORE_SYNTH_DIMS 7    /* in the order of core_synth_dim */

enum {                     /* indices of every array of CORE_SYNTH_DIMS */
	CORE_SYNTH_PITCH,  /* semitones */
	CORE_SYNTH_RANGE,  /* ln of the pitch range relative to the voice */
	CORE_SYNTH_TEMPO,  /* ln of the speaking rate */
	CORE_SYNTH_GAIN,   /* dB */
	CORE_SYNTH_TILT,   /* dB of the band above 1 kHz */
	CORE_SYNTH_TREMOR, /* depth of a 6 Hz amplitude modulation */
	CORE_SYNTH_BREATH, /* noise that follows the envelope, in steps of 2 dB */
};

extern const char *const core_synth_class[CORE_SYNTH_CLASSES];
extern const char *const core_synth_dim[CORE_SYNTH_DIMS];

/* --- random numbers: splitmix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014), seeded by a name ---
 */

typedef struct core_splitmix {
	uint64_t state;
} core_splitmix;

uint64_t core_fnv1a64(const char *text);
core_splitmix core_splitmix_seed(
	const char *kind, const char *name, uint64_t seed); /* stream named "kind/name" */
uint64_t core_splitmix_next(core_splitmix *rng);
double core_splitmix_uniform(core_splitmix *rng); /* [0, 1), 53 bits */
double core_splitmix_normal(
	core_splitmix *rng); /* Box-Muller from two words, the second value is dropped */

/* --- parameters --- */

typedef struct core_synth_knobs {
	uint64_t seed;
	double strength; /* size of the shift by emotion */
	double jitter;   /* size of differences between utterances of one speaker and emotion */
	double mix;      /* 1: all votes of the raters; 0: only the most voted class */
} core_synth_knobs;

typedef struct core_synth_speaker {
	const char *id;
	bool male;
	double age_years;
	int voice; /* 1..8 male, 1..5 female: espeak-ng's en-us+m1, en-us+f1 */
	double pitch_st, tract, tempo, expressiveness;
	double habit[CORE_SYNTH_DIMS];
} core_synth_speaker;

typedef struct core_synth_utterance {
	const char *file_name; /* as in the label file; also the name of the random stream */
	const char *stem;
	const char *text;
	int32_t speaker;
	double label[CORE_SYNTH_CLASSES];
	double weight[CORE_SYNTH_CLASSES]; /* the mixture of emotions, sums to 1 */
	double v[CORE_SYNTH_DIMS];
	int pitch, range_percent,
		rate_wpm;    /* for espeak-ng: 0..99, percent of the voice's range, 90..400 */
	double tremor_phase; /* in turns; 0 when there is no tremor */
	double room_db;      /* RMS of the noise floor */
} core_synth_utterance;

/* Draws everything except id, male and age_years, which the caller sets. */
void core_synth_draw_speaker(core_synth_speaker *speaker, uint64_t seed);
/* Draws weight ... room_db from file_name, label and speaker. */
void core_synth_draw_utterance(core_synth_utterance *utterance, const core_synth_speaker *speaker,
	const core_synth_knobs *knobs);
const char *core_synth_find_sentence(
	const char *code); /* one of the twelve of CREMA-D; NULL: unknown code */

/* --- signal: x [N] in place, 16 kHz --- */

void core_synth_apply_tilt(double *x, size_t n, double tilt_db);
void core_synth_apply_tremor(double *x, size_t n, double depth, double phase);
void core_synth_add_breath(double *x, size_t n, double breath, const float *noise); /* noise [N] */
void core_synth_fill_noise(
	fv_stream *stream, float *noise, size_t n); /* white, mean 0, variance 1 */

/* Turns espeak-ng's samples [N] into the recording *out [*n_out], which the caller frees.
 * Errors: FV_FAILED. */
FV_NODISCARD fv_status core_synth_process(fv_ctx *ctx, const core_synth_utterance *utterance,
	const core_synth_speaker *speaker, uint64_t seed, const int16_t *speech, size_t n,
	int rate_hz, int16_t **out, size_t *n_out);

/* --- espeak-ng --- */

typedef struct core_espeak {
	const char *program; /* name or path; searched in PATH */
	char version[32];
} core_espeak;

/* Checks that the program runs and reads its version. Errors: FV_DATA with the package to
 * install. */
FV_NODISCARD fv_status core_espeak_find(fv_ctx *ctx, core_espeak *espeak);
/* Speaks the utterance; the caller frees *samples. Errors: FV_FAILED with the program's message,
 * FV_STOPPED. */
FV_NODISCARD fv_status core_espeak_say(fv_ctx *ctx, const core_espeak *espeak,
	const core_synth_utterance *utterance, const core_synth_speaker *speaker, int16_t **samples,
	size_t *n, int *rate_hz);
void core_espeak_add_markup(
	core_text *out, const char *text, int range_percent); /* adds SSML with escaped text */
/* Parses a mono 16-bit WAV in memory; *samples points into data. A data chunk that claims more
 * bytes than there are, as from a pipe, ends with the data. False: not such a file. */
bool core_espeak_parse_wav(const unsigned char *data, size_t size, const unsigned char **samples,
	size_t *n, int *rate_hz);

/* --- sound files: sound.c --- */

/* The comment of a recording: this mark, then a hash of all its inputs. */
#define CORE_SYNTH_MARK "synthetic speech, fairvox synth, "

/* Encodes x [N] at 16 kHz as the bytes of a file; free with core_text_free. `path` is only for
 * messages. */
FV_NODISCARD fv_status core_synth_encode(fv_ctx *ctx, const char *path, bool wav,
	const char *comment, const int16_t *x, size_t n, core_text *bytes);

typedef enum core_synth_found {
	CORE_SYNTH_NOTHING,
	CORE_SYNTH_SAME,    /* ours, with this comment and complete; *samples is its length */
	CORE_SYNTH_OTHER,   /* ours, but with other parameters or truncated */
	CORE_SYNTH_FOREIGN, /* not written by fairvox */
} core_synth_found;
core_synth_found core_synth_check_file(const char *path, const char *comment, int64_t *samples);

/* --- plan and run --- */

typedef struct core_synth_options {
	const char *labels, *demographics; /* paths */
	const char *out;                   /* folder */
	core_synth_knobs knobs;
	int64_t limit; /* number of utterances, spread evenly over speakers; 0: all */
	int32_t jobs;
	bool wav;            /* false: FLAC */
	const char *program; /* NULL: espeak-ng */
} core_synth_options;

typedef struct core_synth_plan {
	const core_synth_options *options;
	core_espeak espeak;
	core_csv labels;
	int32_t n_speakers;
	core_synth_speaker *speakers; /* in the order of the demographics */
	int64_t n;
	core_synth_utterance *utterances; /* the selected ones, in the order of the label file */
} core_synth_plan;

/* Reads the tables, selects `limit` utterances and draws all parameters. Lives as long as the
 * context. Errors: FV_DATA for every bad row. */
FV_NODISCARD fv_status core_synth_plan_read(
	fv_ctx *ctx, const core_synth_options *options, core_synth_plan *plan);

void core_synth_add_csv_header(core_text *text);
void core_synth_add_csv_row(core_text *text, const core_synth_plan *plan, int64_t index);
FV_NODISCARD fv_status core_synth_format_comment(
	fv_ctx *ctx, const core_synth_plan *plan, int64_t index, char comment[128]);

/* Writes synth.json and the tables before the audio; synth.csv and "complete" after it. */
FV_NODISCARD fv_status core_synth_prepare_folder(fv_ctx *ctx, const core_synth_plan *plan);
FV_NODISCARD fv_status core_synth_complete_folder(
	fv_ctx *ctx, const core_synth_plan *plan, double seconds);

typedef struct core_synth_summary {
	int64_t n, made; /* utterances in all, and those made now; the others existed */
	double seconds;  /* seconds of audio */
	char espeak_version[32];
} core_synth_summary;

/* Runs `fairvox synth`. The bytes do not depend on the number of jobs. Errors: FV_CONFIG,
 * FV_DATA, FV_FAILED, and the status of the pool after a signal; the same call then continues
 * where it stopped. */
FV_NODISCARD fv_status core_synth_run(
	fv_ctx *ctx, const core_synth_options *options, core_synth_summary *summary);

#endif
