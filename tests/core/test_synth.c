/* SPDX-License-Identifier: Apache-2.0 */
/* The synthetic corpus without espeak-ng: random numbers, parameters, signal processing, tables.
 * test_synth_run.c tests what needs the program. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/stream.h"
#include "synth/synth.h"

static const char *get_cremad_path(const char *name)
{
	static char path[2][4096];
	static int slot;
	const char *source = getenv("FAIRVOX_SOURCE");
	slot = !slot;
	snprintf(path[slot], sizeof path[slot], "%s/configs/corpora/cremad/%s",
		source ? source : ".", name);
	return path[slot];
}

static core_synth_options make_options(void)
{
	return (core_synth_options){.labels = get_cremad_path("labels_consensus_1.csv"),
		.demographics = get_cremad_path("VideoDemographics.csv"),
		.knobs = {.seed = 1, .strength = 1.8, .jitter = 0.7, .mix = 1},
		.jobs = 1};
}

/* Published values: Vigna's splitmix64.c from 1234567; the FNV page of Fowler, Noll and Vo. */
static void random_numbers_match_published(void **state)
{
	(void)state;
	static const uint64_t want[] = {UINT64_C(6457827717110365317),
		UINT64_C(3203168211198807973), UINT64_C(9817491932198370423),
		UINT64_C(4593380528125082431), UINT64_C(16408922859458223821)};
	core_splitmix rng = {1234567};
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_true(core_splitmix_next(&rng) == want[i]);
	assert_true(core_fnv1a64("") == UINT64_C(0xcbf29ce484222325));
	assert_true(core_fnv1a64("a") == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(core_fnv1a64("foobar") == UINT64_C(0x85944171f73967e8));
	assert_true(core_splitmix_seed("foo", "bar", 0).state == core_fnv1a64("foo/bar"));
}

static void check_list(const double *got, const json_t *want, size_t n, double tolerance)
{
	assert_int_equal(json_array_size(want), n);
	for (size_t i = 0; i < n; i++)
		test_close(got[i], json_number_value(json_array_get(want, i)), tolerance);
}

static double get_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_number(value))
		fail_msg("no number '%s'", key);
	return json_number_value(value);
}

static void check_speaker(const core_synth_speaker *s, const json_t *want)
{
	assert_int_equal(s->voice, (int)get_number(want, "voice"));
	test_close(s->pitch_st, get_number(want, "pitch_st"), 1e-12);
	test_close(s->tract, get_number(want, "tract"), 1e-12);
	test_close(s->tempo, get_number(want, "tempo"), 1e-12);
	test_close(s->expressiveness, get_number(want, "expressiveness"), 1e-12);
	check_list(s->habit, json_object_get(want, "habit"), CORE_SYNTH_DIMS, 1e-12);
}

static void check_utterance(const core_synth_utterance *u, const json_t *want)
{
	check_list(u->weight, json_object_get(want, "weight"), CORE_SYNTH_CLASSES, 1e-12);
	check_list(u->v, json_object_get(want, "v"), CORE_SYNTH_DIMS, 1e-12);
	assert_int_equal(u->pitch, (int)get_number(want, "pitch"));
	assert_int_equal(u->range_percent, (int)get_number(want, "range_percent"));
	assert_int_equal(u->rate_wpm, (int)get_number(want, "rate_wpm"));
	test_close(u->tremor_phase, get_number(want, "tremor_phase"), 1e-12);
	test_close(u->room_db, get_number(want, "room_db"), 1e-12);
}

static const core_synth_utterance *find_utterance(
	const core_synth_plan *plan, const char *file_name)
{
	for (int64_t i = 0; i < plan->n; i++)
		if (!strcmp(plan->utterances[i].file_name, file_name))
			return &plan->utterances[i];
	fail_msg("no %s", file_name);
	return NULL;
}

static void parameters_match_golden(void **state)
{
	(void)state;
	json_t *golden = test_json(test_golden("synth/parameters.json")), *one;
	size_t i;
	json_array_foreach(json_object_get(golden, "cases"), i, one)
	{
		const json_t *knobs = json_object_get(one, "knobs");
		core_synth_options options = make_options();
		core_synth_plan plan = {0};
		fv_ctx *ctx = test_ctx();
		options.knobs = (core_synth_knobs){(uint64_t)get_number(knobs, "seed"),
			get_number(knobs, "strength"), get_number(knobs, "jitter"),
			get_number(knobs, "mix")};
		test_ok(ctx, core_synth_plan_read(ctx, &options, &plan));
		assert_int_equal(plan.n, 7442);
		assert_int_equal(plan.n_speakers, 91);
		const char *name = json_string_value(json_object_get(one, "file_name"));
		const core_synth_utterance *u = find_utterance(&plan, name);
		check_speaker(&plan.speakers[u->speaker], json_object_get(one, "speaker"));
		check_utterance(u, json_object_get(one, "utterance"));
		core_ctx_free(ctx);
	}
	assert_true(i > 10);
	json_decref(golden);
}

struct steps {
	json_t *golden;
	size_t n;
	double x[512];
	float noise[512];
};

static void load_steps(struct steps *s)
{
	s->golden = test_json(test_golden("synth/signal.json"));
	const json_t *x = json_object_get(s->golden, "x"),
		     *noise = json_object_get(s->golden, "noise");
	s->n = json_array_size(x);
	assert_true(s->n > 100 && s->n <= 512);
	for (size_t i = 0; i < s->n; i++) {
		s->x[i] = json_number_value(json_array_get(x, i));
		s->noise[i] = (float)json_number_value(json_array_get(noise, i));
	}
}

/* The j-th value of a parameter, and its result below. */
static double get_value(const struct steps *s, const char *key, size_t j)
{
	return json_number_value(json_array_get(json_object_get(s->golden, key), j));
}

static void check_step(const struct steps *s, const char *key, size_t j, const double *got)
{
	check_list(got, json_array_get(json_object_get(s->golden, key), j), s->n, 1e-13);
}

static void signal_steps_match_golden(void **state)
{
	(void)state;
	struct steps *s = calloc(1, sizeof *s);
	double x[512];
	assert_non_null(s);
	load_steps(s);
	for (size_t j = 0; j < 2; j++) {
		memcpy(x, s->x, sizeof x);
		core_synth_apply_tilt(x, s->n, get_value(s, "tilt_db", j));
		check_step(s, "tilt", j, x);
	}
	for (size_t j = 0; j < 3; j++) {
		memcpy(x, s->x, sizeof x);
		core_synth_apply_tremor(x, s->n, get_value(s, "tremor_depth", j),
			get_number(s->golden, "tremor_phase"));
		check_step(s, "tremor", j, x);
	}
	for (size_t j = 0; j < 2; j++) {
		memcpy(x, s->x, sizeof x);
		core_synth_add_breath(x, s->n, get_value(s, "breath_value", j), s->noise);
		check_step(s, "breath", j, x);
	}
	json_decref(s->golden);
	free(s);
}

static void noise_is_white(void **state)
{
	(void)state;
	enum { N = 1000000 };
	float *noise = malloc(N * sizeof *noise);
	assert_non_null(noise);
	fv_stream stream = core_stream(1, 0, "test", 0, 0);
	core_synth_fill_noise(&stream, noise, N);
	double sum = 0, square = 0, lag[4] = {0}, bound = 5 / sqrt(N);
	for (int i = 0; i < N; i++) {
		sum += (double)noise[i];
		square += (double)noise[i] * (double)noise[i];
		for (int k = 0; k < 4 && i > k; k++)
			lag[k] += (double)noise[i] * (double)noise[i - k - 1];
	}
	assert_true(fabs(sum / N) < bound);
	assert_true(fabs(square / N - 1) < bound * sqrt(2));
	for (int k = 0; k < 4; k++)
		assert_true(fabs(lag[k] / N) < bound);
	free(noise);
}

#define TONE_HZ 500.0
#define TONE_N 22050

static double compute_rms(const int16_t *x, size_t n)
{
	double power = 0;
	for (size_t i = 0; i < n; i++)
		power += (double)x[i] * x[i];
	return sqrt(power / (double)n) / 32767;
}

static int count_crossings(const int16_t *x, size_t n)
{
	int count = 0;
	for (size_t i = 1; i < n; i++)
		count += x[i - 1] < 0 && x[i] >= 0;
	return count;
}

/* A tone between silences through the whole chain: position, length, pitch, level and noise
 * floor. */
static void chain_keeps_length_pitch_and_level(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_synth_speaker speaker = {.tract = 1.1};
	core_synth_utterance u = {.file_name = "tone", .room_db = -60};
	int16_t *speech = calloc(TONE_N + 4000, sizeof *speech), *out, *again;
	size_t n, n_again;
	assert_non_null(speech);
	for (int i = 0; i < TONE_N; i++)
		speech[1500 + i] =
			(int16_t)lrint(8000 * cos(6.283185307179586 * TONE_HZ * i / 22050));
	u.v[CORE_SYNTH_GAIN] = 9;
	u.v[CORE_SYNTH_BREATH] = -40; /* practically none */
	test_ok(ctx,
		core_synth_process(ctx, &u, &speaker, 1, speech, TONE_N + 4000, 22050, &out, &n));
	double length = TONE_N * 16000 / (22050 * 1.1);
	assert_true(fabs((double)n - 8000 - length) <= 1);
	const int16_t *middle = out + 3200 + 1000;
	double level = 8000 / 32768.0 / sqrt(2) * pow(10, 3 / 20.0);
	test_close(compute_rms(middle, 10000) / level, 1, 2e-3);
	int want = (int)lrint(TONE_HZ * 1.1 * 10000 / 16000);
	assert_true(abs(count_crossings(middle, 10000) - want) <= 1);
	test_close(compute_rms(out, 3100) / 1e-3, 1, 0.05);
	test_close(compute_rms(out + n - 4700, 4700) / 1e-3, 1, 0.05);
	test_ok(ctx, core_synth_process(
			     ctx, &u, &speaker, 1, speech, TONE_N + 4000, 22050, &again, &n_again));
	assert_int_equal(n, n_again);
	assert_memory_equal(out, again, n * sizeof *out);
	free(again);
	test_ok(ctx, core_synth_process(
			     ctx, &u, &speaker, 2, speech, TONE_N + 4000, 22050, &again, &n_again));
	assert_memory_not_equal(out, again, 3200 * sizeof *out);
	memset(speech, 0, (TONE_N + 4000) * sizeof *speech);
	int16_t *none;
	test_fails(ctx, core_synth_process(ctx, &u, &speaker, 1, speech, 4000, 22050, &none, &n),
		FV_FAILED, "only silence");
	free(again);
	free(out);
	free(speech);
	core_ctx_free(ctx);
}

static void markup_is_escaped(void **state)
{
	(void)state;
	core_text text = {0};
	core_espeak_add_markup(&text, "a<b>&\"c'", 150);
	assert_string_equal(text.data, "<prosody range=\"150%\">a&lt;b&gt;&amp;\"c'</prosody>");
	core_text_free(&text);
}

/* RIFF header, format chunk, an unknown chunk of odd size, two samples; sizes as written to a
 * pipe. */
#define WAV                                                                                        \
	"RIFF\x24\xf0\xff\x7fWAVE"                                                                 \
	"fmt \x10\0\0\0\1\0\1\0\x22\x56\0\0\x44\xac\0\0\2\0\x10\0"                                 \
	"junk\3\0\0\0abc\0"                                                                        \
	"data\0\xf0\xff\x7f\1\0\xff\xff"

static void piped_wav_is_parsed(void **state)
{
	(void)state;
	unsigned char bytes[sizeof WAV];
	const unsigned char *samples;
	size_t n, size = sizeof WAV - 1;
	int rate_hz;
	memcpy(bytes, WAV, size);
	assert_true(core_espeak_parse_wav(bytes, size, &samples, &n, &rate_hz));
	assert_int_equal(n, 2);
	assert_int_equal(rate_hz, 22050);
	assert_memory_equal(samples, "\1\0\xff\xff", 4);
	for (size_t cut = 0; cut + 4 < size; cut++) { /* missing bytes must not be read */
		unsigned char *part = malloc(cut + 1);
		assert_non_null(part);
		memcpy(part, bytes, cut);
		assert_int_equal(
			core_espeak_parse_wav(part, cut, &samples, &n, &rate_hz) && n > 0, 0);
		free(part);
	}
	static const struct {
		size_t at;
		unsigned char value;
	} bad[] = {{0, 'X'}, {8, 'X'}, {20, 3}, {22, 2}, {34, 8}, {16, 8}, {12, 'X'}, {24, 0}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memcpy(bytes, WAV, size);
		bytes[bad[i].at] = bad[i].value;
		if (bad[i].at == 24)
			bytes[25] = 0;
		assert_false(core_espeak_parse_wav(bytes, size, &samples, &n, &rate_hz));
	}
}

static int count_utterances(const core_synth_plan *plan, int32_t speaker)
{
	int count = 0;
	for (int64_t i = 0; i < plan->n; i++)
		count += plan->utterances[i].speaker == speaker;
	return count;
}

static void parts_are_balanced(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_synth_options small = make_options(), large = make_options();
	core_synth_plan a = {0}, b = {0};
	small.limit = 200;
	large.limit = 1000;
	large.knobs.seed = 5;
	test_ok(ctx, core_synth_plan_read(ctx, &small, &a));
	test_ok(ctx, core_synth_plan_read(ctx, &large, &b));
	assert_int_equal(a.n, 200);
	assert_int_equal(b.n, 1000);
	for (int32_t s = 0; s < a.n_speakers; s++) {
		assert_in_range(count_utterances(&a, s), 2, 3);
		assert_in_range(count_utterances(&b, s), 10, 11);
	}
	int64_t name = core_csv_column(&a.labels, "FileName"), row = 0;
	for (int64_t i = 0; i < a.n; i++, row++) {
		(void)find_utterance(&b,
			a.utterances[i]
				.file_name); /* the smaller part is contained in the larger one */
		while (row < a.labels.n_rows &&
			strcmp(core_csv_cell(&a.labels, row, name), a.utterances[i].file_name) != 0)
			row++;
	}
	assert_true(row <= a.labels.n_rows); /* order of the label file */
	core_ctx_free(ctx);
}

static void write_file(fv_ctx *ctx, const char *path, const char *text)
{
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
}

#define HEADER "FileName,angry,sad,disgust,fear,neutral,happy,SpkrID,Gender,Split_Set\n"

static void every_bad_row_is_reported(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("synth-tables");
	char *labels = core_path_join(ctx, dir, "labels.csv");
	char *people = core_path_join(ctx, dir, "people.csv");
	core_synth_options options = {.labels = labels, .demographics = people};
	core_synth_plan plan = {0};
	write_file(ctx, people, "ActorID,Age,Sex\n1,30,Male\n2,40,female\n");
	write_file(ctx, labels,
		HEADER "1_DFA_ANG_XX.wav,1,0,0,0,0,0,1,Male,Train\n"
		       "../1_IEO_X.wav,1,0,0,0,0,0,1,Male,Train\n"
		       "1_XXX_ANG_XX.wav,1,0,0,0,0,0,1,Male,Train\n"
		       "2_DFA_ANG_XX.wav,x,0,-1,0,0,0,2,Male,Train\n"
		       "3_DFA_ANG_XX.wav,1,0,0,0,0,0,3,Male,Train\n");
	assert_int_equal(core_synth_plan_read(ctx, &options, &plan), FV_DATA);
	static const char *const want[] = {":3: FileName '../1_IEO_X.wav' is not a plain file name",
		":4: FileName '1_XXX_ANG_XX.wav' has no known sentence code",
		":5: angry 'x' is not a share", ":5: disgust '-1' is not a share",
		":5: Gender 'Male' of speaker 2", ":6: speaker '3' is not in"};
	assert_int_equal(core_error_count(ctx), 6);
	for (size_t i = 0; i < 6; i++)
		if (!strstr(core_error_line(ctx, i), want[i]))
			fail_msg("'%s' lacks '%s'", core_error_line(ctx, i), want[i]);
	core_error_clear(ctx);
	write_file(ctx, labels,
		HEADER "1_DFA_ANG_XX.wav,1,0,0,0,0,0,1,Male,Train\n"
		       "1_DFA_ANG_XX.flac,1,0,0,0,0,0,1,Male,Train\n");
	plan = (core_synth_plan){0};
	test_fails(ctx, core_synth_plan_read(ctx, &options, &plan), FV_DATA,
		"two rows for '1_DFA_ANG_XX'");
	write_file(ctx, labels, "FileName,angry,SpkrID,Gender\n");
	plan = (core_synth_plan){0};
	test_fails(ctx, core_synth_plan_read(ctx, &options, &plan), FV_DATA, ":1: no column 'sad'");
	write_file(ctx, people, "ActorID,Age,Sex\n1,old,Male\n1,30,unknown\n");
	plan = (core_synth_plan){0};
	assert_int_equal(core_synth_plan_read(ctx, &options, &plan), FV_DATA);
	assert_int_equal(core_error_count(ctx), 3);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_numbers_match_published),
		cmocka_unit_test(parameters_match_golden),
		cmocka_unit_test(signal_steps_match_golden),
		cmocka_unit_test(noise_is_white),
		cmocka_unit_test(chain_keeps_length_pitch_and_level),
		cmocka_unit_test(markup_is_escaped),
		cmocka_unit_test(piped_wav_is_parsed),
		cmocka_unit_test(parts_are_balanced),
		cmocka_unit_test(every_bad_row_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
