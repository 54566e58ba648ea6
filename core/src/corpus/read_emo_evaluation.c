/* SPDX-License-Identifier: Apache-2.0 */
/* Reads IEMOCAP's EmoEvaluation texts. A turn is a line
 *   [6.29 - 8.24] <tab> Ses01F_impro01_F000 <tab> neu <tab> [2.5, 2.5, 2.5]
 * followed by a line for each rater: C-E2 (evaluators) and C-F1 (the actors themselves) choose
 * categories, A-E2 gives valence, activation and dominance. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/number.h"
#include "corpus/forms.h"

#define RATERS_MAX 16
#define TEXT_LIMIT ((size_t)1 << 26)

enum {
	FILE_NAME,
	EMOTION,
	VALENCE,
	ACTIVATION,
	DOMINANCE,
	SESSION,
	SPEAKER,
	GENDER,
	DIALOG,
	TURN_START,
	TURN_END,
	FIRST_CODE
};
#define N_CODES 10
#define N_COLUMNS (FIRST_CODE + N_CODES)

static const char *const column_names[N_COLUMNS] = {"file", "emotion", "valence", "activation",
	"dominance", "session", "speaker", "gender", "dialog", "turn_start", "turn_end", "ang",
	"hap", "exc", "sad", "neu", "fru", "fea", "sur", "dis", "oth"};

/* What raters write, by the start of the word, in the order of the codes. */
static const char *const category_start[N_CODES] = {"ang", "happ", "excite", "sad", "neutral",
	"frustrat", "fear", "surpris", "disgust", "other"};

struct reader {
	fv_ctx *ctx;
	core_csv *out;
	int line;
	bool turns, in_turn,
		ended;      /* any turn yet; votes of one are read; a blank line followed it */
	int votes[N_CODES]; /* of the turn being read */
	int n_raters;
	char rater[RATERS_MAX][8]; /* evaluators who voted on it: "C-E2" */
	fv_status status;
};

bool core_is_emo_evaluation(const char *head, size_t n)
{
	static const char title[] = "% [START_TIME - END_TIME] TURN_NAME EMOTION";
	if (n >= 3 && !memcmp(head, "\xef\xbb\xbf", 3)) {
		head += 3;
		n -= 3;
	}
	return n >= sizeof title - 1 && !memcmp(head, title, sizeof title - 1);
}

#define FAIL(r, ...)                                                                               \
	((r)->status = core_fail_at((r)->ctx, FV_DATA, (r)->out->path, (r)->line, 0, __VA_ARGS__))

/* Cuts the text between `open` and `close`, the next character that is not blank being `open`.
 * NULL: it is not there. */
static char *cut_brackets(char **at)
{
	char *start = *at + strspn(*at, " \t");
	char *end = strchr(start, ']');
	if (*start != '[' || !end)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return start + 1;
}

static char *cut_word(char **at)
{
	char *start = *at + strspn(*at, " \t");
	size_t n = strcspn(start, " \t");
	*at = start + n + (start[n] ? 1 : 0);
	start[n] = '\0';
	return start;
}

/* Splits "2.5, 2.5, 2.5" or "6.29 - 8.24" into n numbers, trimmed in place. */
static bool split_numbers(char *text, const char *separator, int n, char **number)
{
	for (int i = 0; i < n; i++) {
		char *end = i + 1 < n ? strstr(text, separator) : text + strlen(text);
		double value;
		if (!end)
			return false;
		char *next = *end ? end + strlen(separator) : end;
		*end = '\0';
		number[i] = text + strspn(text, " \t");
		for (char *last = end; last > number[i] && isspace((unsigned char)last[-1]);)
			*--last = '\0';
		if (!core_parse_double(number[i], &value))
			return false;
		text = next;
	}
	return true;
}

/* Sets what a turn's name says: Ses01F_impro01_M003 is a turn of the man of session 1. */
static bool read_name(struct reader *r, const char *name, char **cell)
{
	const char *last = strrchr(name, '_');
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	if (strncmp(name, "Ses", 3) || !isdigit((unsigned char)name[3]) ||
		!isdigit((unsigned char)name[4]) || !(name[5] == 'F' || name[5] == 'M') || !last ||
		last < name + 6 || !(last[1] == 'F' || last[1] == 'M'))
		return false;
	cell[FILE_NAME] = core_strdup(r->ctx, name);
	cell[SESSION] = core_format(r->ctx, "%d", 10 * (name[3] - '0') + (name[4] - '0'));
	cell[SPEAKER] = core_format(r->ctx, "%.5s%c", name, last[1]);
	cell[GENDER] = core_strdup(r->ctx, last[1] == 'F' ? "Female" : "Male");
	cell[DIALOG] = core_strndup(r->ctx, name, (size_t)(last - name));
	if (!cell[FILE_NAME] || !cell[SESSION] || !cell[SPEAKER] || !cell[GENDER] || !cell[DIALOG])
		r->status = FV_FAILED;
	return true;
}

static bool is_code(const char *word)
{
	if (!strcmp(word, "xxx"))
		return true;
	for (int k = 0; k < N_CODES; k++)
		if (!strcmp(word, column_names[FIRST_CODE + k]))
			return true;
	return false;
}

/* Writes the counts of the turn before this line. */
static void end_turn(struct reader *r)
{
	if (!r->in_turn)
		return;
	char **cell = r->out->cell + (r->out->n_rows - 1) * N_COLUMNS + FIRST_CODE;
	for (int k = 0; k < N_CODES && !r->status; k++)
		if (!(cell[k] = core_format(r->ctx, "%d", r->votes[k])))
			r->status = FV_FAILED;
	memset(r->votes, 0, sizeof r->votes);
}

static void read_turn(struct reader *r, char *line)
{
	static const int scale[3] = {VALENCE, ACTIVATION, DOMINANCE};
	end_turn(r);
	r->in_turn = r->ended = false;
	r->n_raters = 0;
	r->turns = true;
	char *times = cut_brackets(&line), *number[3];
	if (!times || !split_numbers(times, " - ", 2, number)) {
		FAIL(r, "a turn begins with its times: [6.29 - 8.24]");
		return;
	}
	char **cell = r->out->cell + r->out->n_rows * N_COLUMNS;
	cell[TURN_START] = core_strdup(r->ctx, number[0]);
	cell[TURN_END] = core_strdup(r->ctx, number[1]);
	const char *name = cut_word(&line), *code = cut_word(&line);
	if (!read_name(r, name, cell)) {
		FAIL(r, "'%s' is no name of a turn, such as Ses01F_impro01_M003", name);
		return;
	}
	if (!is_code(code)) {
		FAIL(r, "'%s' is no emotion code (ang hap exc sad neu fru fea sur dis oth xxx)",
			code);
		return;
	}
	char *means = cut_brackets(&line);
	if (!means || !split_numbers(means, ",", 3, number)) {
		FAIL(r, "a turn ends with three numbers: [2.5, 2.5, 2.5]");
		return;
	}
	cell[EMOTION] = core_strdup(r->ctx, code);
	for (int i = 0; i < 3; i++)
		if (!(cell[scale[i]] = core_strdup(r->ctx, number[i])))
			r->status = FV_FAILED;
	if (!cell[TURN_START] || !cell[TURN_END] || !cell[EMOTION])
		r->status = FV_FAILED;
	r->out->line[r->out->n_rows++] = r->line;
	r->in_turn = true;
}

/* Notes the evaluator of "C-E2: ...", who votes once a turn. A second vote behind a blank line, which
 * ends a turn, belongs to a turn whose own line is missing. */
static bool is_first_vote(struct reader *r, const char *line)
{
	size_t n = strcspn(line, ":");
	for (int i = 0; i < r->n_raters; i++) {
		if (strlen(r->rater[i]) != n || strncmp(r->rater[i], line, n) != 0)
			continue;
		if (!r->ended)
			return true;
		FAIL(r,
			"%.*s votes a second time on the turn of line %d: the line of a turn is "
			"missing before this one",
			(int)n, line, (int)r->out->line[r->out->n_rows - 1]);
		return false;
	}
	if (r->n_raters < RATERS_MAX && n < sizeof r->rater[0]) {
		memcpy(r->rater[r->n_raters], line, n);
		r->rater[r->n_raters++][n] = '\0';
	}
	return true;
}

/* Counts the categories of "C-E2: <tab> Neutral; Anger; <tab> (comment)". Those of the actors
 * themselves (C-F1, C-M1) are no part of the label. */
static void count_votes(struct reader *r, char *line)
{
	char *colon = strchr(line, ':');
	if (!colon || line[2] != 'E' || !is_first_vote(r, line))
		return;
	char *end = strchr(colon, '(');
	if (end)
		*end = '\0';
	char *rest;
	for (char *word = strtok_r(colon + 1, ";", &rest); word;
		word = strtok_r(NULL, ";", &rest)) {
		word += strspn(word, " \t");
		if (!*word)
			continue;
		int k = 0;
		while (k < N_CODES &&
			strncasecmp(word, category_start[k], strlen(category_start[k])))
			k++;
		if (k == N_CODES)
			FAIL(r, "'%s' is no category that raters of IEMOCAP choose from", word);
		else
			r->votes[k]++;
	}
}

static void read_line(struct reader *r, char *line)
{
	line += strspn(line, " \t");
	r->ended = r->ended || !*line;
	if (!*line || *line == '%')
		return;
	if (*line == '[')
		read_turn(r, line);
	else if (strncmp(line, "C-", 2) && strncmp(line, "A-", 2))
		FAIL(r, "neither a turn ([START - END] NAME CODE [V, A, D]) nor a rater (C-E1:, "
			"A-E1:)");
	else if (!r->turns)
		FAIL(r, "a rater before the first turn: the line of the turn is missing");
	else if (r->in_turn && *line == 'C')
		count_votes(r, line);
}

/* False, with a failure, where the file ends within the line of a rater, whose end is a comment in
 * brackets. */
static bool is_whole(struct reader *r, const char *line, bool has_next)
{
	size_t n = strlen(line);
	while (n && strchr(" \t", line[n - 1]))
		n--;
	if (!n || has_next || !strchr("CA", *line) || line[n - 1] == ')')
		return true;
	FAIL(r, "the file ends within this line: was it cut off?");
	return false;
}

static int64_t count_turns(const char *text, size_t size)
{
	int64_t n = 0;
	bool at_start = true;
	for (size_t i = 0; i < size; i++) {
		n += at_start && text[i] == '[';
		at_start = text[i] == '\n' || (at_start && (text[i] == ' ' || text[i] == '\t'));
	}
	return n;
}

fv_status core_read_emo_evaluation(fv_ctx *ctx, const char *path, core_csv *out)
{
	char *text;
	size_t size;
	fv_status status = core_file_read(ctx, path, TEXT_LIMIT, &text, &size);
	if (status)
		return status;
	if (memchr(text, '\0', size))
		return fv_fail(ctx, FV_DATA, "%s: no text: it has NUL bytes", path);
	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		size -= 3;
	}
	int64_t n = count_turns(text, size);
	if ((status = core_csv_make(ctx, path, n, column_names, N_COLUMNS, out)))
		return status;
	out->n_rows = 0;
	struct reader r = {.ctx = ctx, .out = out};
	for (char *line = text, *next; line && r.status != FV_FAILED; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		r.line++;
		if (is_whole(&r, line, next != NULL))
			read_line(&r, line);
	}
	end_turn(&r);
	if (!r.status && out->n_rows == 0)
		return fv_fail(ctx, FV_DATA, "%s: no turn in it", path);
	return r.status;
}
