/* SPDX-License-Identifier: Apache-2.0 */
#include "report/cut_texts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/visible.h"

#define ELLIPSIS "…"

/* A text by its characters, each with the marks that belong to it. */
struct label {
	const char *text;
	size_t n;
	size_t *byte, *column; /* [n + 1] where each begins, and where the last ends */
	size_t group;          /* of those that are told apart together */
	core_text *out;
};

static bool open_label(const char *text, core_text *out, struct label *l)
{
	size_t size = strlen(text), columns;
	*l = (struct label){.text = text,
		.out = out,
		.byte = calloc(size + 1, sizeof *l->byte),
		.column = calloc(size + 1, sizeof *l->column)};
	if (!l->byte || !l->column)
		return false;
	while (l->byte[l->n] < size) {
		size_t bytes = core_visible_character(text + l->byte[l->n], &columns);
		l->byte[l->n + 1] = l->byte[l->n] + bytes;
		l->column[l->n + 1] = l->column[l->n] + columns;
		l->n++;
	}
	return true;
}

static void put_part(core_text *out, const struct label *l, size_t from, size_t to)
{
	core_text_put(out, l->text + l->byte[from], l->byte[to] - l->byte[from]);
}

static const char *get_cut(const struct label *l)
{
	return l->out->data ? l->out->data : "";
}

/* By what they became, then by what they were. */
static int compare_labels(const void *a, const void *b)
{
	const struct label *x = *(const struct label *const *)a,
			   *y = *(const struct label *const *)b;
	int order = strcmp(get_cut(x), get_cut(y));
	return order ? order : strcmp(x->text, y->text);
}

/* --- labels that became equal ----------------------------------------------------------------- */

static bool have_same_character(const struct label *a, size_t i, const struct label *b, size_t k)
{
	size_t n = a->byte[i + 1] - a->byte[i];
	return n == b->byte[k + 1] - b->byte[k] &&
	       !memcmp(a->text + a->byte[i], b->text + b->byte[k], n);
}

/* Counts the first and the last characters that all labels [n] have in common. */
static void find_common(struct label *const *l, size_t n, size_t *before, size_t *behind)
{
	*before = *behind = SIZE_MAX;
	for (size_t i = 1; i < n; i++) {
		size_t same = 0;
		while (same < l[0]->n && same < l[i]->n &&
			have_same_character(l[0], same, l[i], same))
			same++;
		*before = same < *before ? same : *before;
	}
	for (size_t i = 1; i < n; i++) {
		size_t same = 0, most = (l[0]->n < l[i]->n ? l[0]->n : l[i]->n) - *before;
		while (same < most &&
			have_same_character(l[0], l[0]->n - 1 - same, l[i], l[i]->n - 1 - same))
			same++;
		*behind = same < *behind ? same : *behind;
	}
}

/* The part of labels in which they differ: all characters but `before` at the start and `behind` at the end. */
struct window {
	size_t before, behind, head; /* head: characters of the start that are kept, too */
	size_t room;                 /* columns that are left */
};

static bool is_blank(const struct label *l, size_t i)
{
	return l->text[l->byte[i]] == ' ';
}

/* Extends the window to the ends of words, to their starts, then by the start of the text and by what follows, as far as there is room.
 * Returns the columns by which it grew. */
static size_t extend_window(const struct label *l, struct window *w)
{
	size_t end = l->n - w->behind, start = w->before, at = end, room = w->room;
	while (at < l->n && !is_blank(l, at) && l->column[at + 1] - l->column[end] <= w->room)
		at++;
	w->room -= l->column[at] - l->column[end];
	w->behind = l->n - at;
	for (at = start;
		at && !is_blank(l, at - 1) && l->column[start] - l->column[at - 1] <= w->room;)
		at--;
	w->room -= l->column[start] - l->column[at];
	w->before = at;
	size_t grown = room - w->room;
	while (w->head < w->before && l->column[w->head + 1] <= w->room)
		w->head++;
	if (w->head < w->before)
		return grown;
	w->room -= l->column[w->head];
	for (at = end = l->n - w->behind;
		at < l->n && l->column[at + 1] - l->column[end] <= w->room;)
		at++;
	w->behind = l->n - at;
	return grown;
}

/* Leaves a label alone that fits as it is. */
static void put_window(const struct label *l, const struct window *w, size_t width)
{
	if (l->column[l->n] <= width)
		return;
	core_text_free(l->out);
	put_part(l->out, l, 0, w->head);
	core_text_add(l->out, "%s", w->head < w->before ? ELLIPSIS : "");
	put_part(l->out, l, w->before, l->n - w->behind);
	core_text_add(l->out, "%s", w->behind ? ELLIPSIS : "");
}

/* Adds a text without a second ellipsis beside one. */
static void put_once(core_text *out, const char *text)
{
	size_t size = strlen(ELLIPSIS);
	while (*text) {
		size_t n = !strncmp(text, ELLIPSIS, size) ? size : 1;
		bool again = n == size && out->size >= size &&
			     !memcmp(out->data + out->size - size, ELLIPSIS, size);
		if (!again)
			core_text_put(out, text, n);
		text += n;
	}
}

/* Cuts parts [n] of labels, and puts them between `start` and `end`. Returns whether different ones stay different. */
static bool put_parts(struct label *const *l, size_t n, core_text *part, size_t width,
	const char *start, const char *end)
{
	const char **text = calloc(n, sizeof *text);
	core_text *cut = calloc(n, sizeof *cut);
	bool made = text && cut, apart = false;
	for (size_t i = 0; i < n && made; i++) {
		text[i] = part[i].data ? part[i].data : "";
		made = !part[i].failed;
	}
	if (made)
		apart = core_cut_texts(text, width, n, cut);
	for (size_t i = 0; i < n && made; i++) {
		core_text_free(l[i]->out);
		core_text_add(l[i]->out, "%s", start);
		put_once(l[i]->out, cut[i].data ? cut[i].data : "");
		put_once(l[i]->out, end);
		l[i]->out->failed |= cut[i].failed;
		core_text_free(&cut[i]);
	}
	l[0]->out->failed |= !made;
	free(text);
	free(cut);
	return apart;
}

/* Adds a text with the values of its words alone: "NAME k=16" -> "NAME …16". Returns whether that is less. */
static bool put_values(core_text *out, const char *text)
{
	bool less = false;
	for (const char *word = text; *word;) {
		size_t size = strcspn(word, " "), key = strcspn(word, "= ");
		bool has_key = key < size && key > 1;
		core_text_add(out, "%s%s", word > text ? " " : "", has_key ? ELLIPSIS : "");
		core_text_put(out, word + (has_key ? key + 1 : 0), size - (has_key ? key + 1 : 0));
		less |= has_key;
		word += size + (word[size] == ' ');
	}
	return less;
}

static void free_parts(core_text *part, size_t n)
{
	for (size_t i = 0; i < n && part; i++)
		core_text_free(&part[i]);
	free(part);
}

/* Leaves out the keys of words, and cuts what is left. Returns whether different labels stay different. */
static bool cut_keys(struct label *const *l, size_t n, size_t width)
{
	core_text *part = calloc(n, sizeof *part);
	bool less = false;
	for (size_t i = 0; i < n && part; i++)
		less |= put_values(&part[i], l[i]->text);
	bool apart = less && put_parts(l, n, part, width, "", "");
	free_parts(part, n);
	return apart;
}

/* Cuts what labels differ in, and leaves out everything else. */
static void cut_inside(struct label *const *l, size_t n, const struct window *w, size_t width)
{
	core_text *part = calloc(n, sizeof *part);
	for (size_t i = 0; i < n && part; i++)
		put_part(&part[i], l[i], w->before, l[i]->n - w->behind);
	if (part)
		(void)put_parts(
			l, n, part, width, w->before ? ELLIPSIS : "", w->behind ? ELLIPSIS : "");
	l[0]->out->failed |= !part;
	free_parts(part, n);
}

/* Returns the columns that name a label in a few letters: its first word, but no more than three. */
static size_t measure_name(const struct label *l)
{
	size_t n = 0;
	while (n < l->n && !is_blank(l, n) && l->column[n + 1] <= 3)
		n++;
	return l->column[n];
}

/* Cuts labels [n] that became equal so that they keep what they differ in. */
static void cut_alike(struct label *const *l, size_t n, size_t width)
{
	struct window w = {0};
	size_t most = 0;
	find_common(l, n, &w.before, &w.behind);
	size_t marks = (w.before > 0) + (size_t)(w.behind > 0);
	for (size_t i = 0; i < n; i++) {
		size_t own = l[i]->column[l[i]->n - w.behind] - l[i]->column[w.before];
		most = own > most ? own : most;
	}
	if (!marks || width <= marks)
		return;
	struct window whole = w;
	whole.room = SIZE_MAX;
	size_t words = most + extend_window(l[0], &whole);
	if (words + marks + measure_name(l[0]) > width && cut_keys(l, n, width))
		return;
	if (most + marks > width) {
		cut_inside(l, n, &w, width - marks);
		return;
	}
	w.room = width - marks - most;
	extend_window(l[0], &w);
	for (size_t i = 0; i < n; i++)
		put_window(l[i], &w, width);
}

/* --- all labels ------------------------------------------------------------------------------- */

/* Labels sorted by what they became, [n], and by group, [n]. */
struct labels {
	size_t n;
	struct label *label, **sorted;
};

static bool open_labels(
	const char *const *text, size_t width, size_t n, core_text *out, struct labels *all)
{
	*all = (struct labels){.n = n,
		.label = calloc(n + 1, sizeof *all->label),
		.sorted = calloc(n + 1, sizeof *all->sorted)};
	bool made = all->label && all->sorted;
	for (size_t i = 0; i < n && made; i++) {
		made = open_label(text[i], &out[i], &all->label[i]);
		all->label[i].group = i;
		all->sorted[i] = &all->label[i];
		core_put_cut(&out[i], text[i], width);
	}
	return made;
}

static void free_labels(struct labels *all)
{
	for (size_t i = 0; i < all->n && all->label; i++) {
		free(all->label[i].byte);
		free(all->label[i].column);
	}
	free(all->label);
	free(all->sorted);
}

static void join_groups(struct labels *all, size_t from, size_t to)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->label[i].group == from)
			all->label[i].group = to;
}

/* Joins the groups of different texts that became equal. Returns how many were joined; *apart: no different texts are
 * equal. */
static size_t join_equal(struct labels *all, bool *apart)
{
	size_t joined = 0;
	*apart = true;
	qsort(all->sorted, all->n, sizeof *all->sorted, compare_labels);
	for (size_t i = 1; i < all->n; i++) {
		struct label *a = all->sorted[i - 1], *b = all->sorted[i];
		if (strcmp(get_cut(a), get_cut(b)) != 0 ||
			(!strcmp(a->text, b->text) && a->group == b->group))
			continue;
		*apart &= !strcmp(a->text, b->text);
		if (a->group == b->group)
			continue;
		join_groups(all, b->group, a->group);
		joined++;
	}
	return joined;
}

static int compare_groups(const void *a, const void *b)
{
	const struct label *x = *(const struct label *const *)a,
			   *y = *(const struct label *const *)b;
	return (x->group > y->group) - (x->group < y->group);
}

/* Cuts each group of different texts anew. */
static void cut_groups(struct labels *all, size_t width)
{
	qsort(all->sorted, all->n, sizeof *all->sorted, compare_groups);
	for (size_t i = 0, end; i < all->n; i = end) {
		bool differ = false;
		for (end = i; end < all->n && all->sorted[end]->group == all->sorted[i]->group;
			end++)
			differ |= strcmp(all->sorted[end]->text, all->sorted[i]->text) != 0;
		if (differ)
			cut_alike(&all->sorted[i], end - i, width);
	}
}

bool core_cut_texts(const char *const *text, size_t width, size_t n, core_text *out)
{
	struct labels all;
	bool made = open_labels(text, width, n, out, &all), apart = false;
	while (made && join_equal(&all, &apart))
		cut_groups(&all, width);
	free_labels(&all);
	if (n)
		out[0].failed |= !made;
	return made && apart;
}
