/* SPDX-License-Identifier: Apache-2.0 */
/* Rows sorted by a key and then by the hash of their file names. A draw by position among the rows
 * of a key then does not depend on the order of a label file. */
#ifndef LOSSES_NAMED_ROWS_H
#define LOSSES_NAMED_ROWS_H

#include <stdlib.h>

#include <fairvox/fairvox.h>

typedef struct named_row {
	uint64_t name;
	int32_t key, row;
} named_row;

static inline int compare_key_and_name(const void *a, const void *b)
{
	const named_row *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* Sorts the rows. The caller sets key [n]; row and name are filled in here. */
static inline void named_rows_sort(const fv_rows *rows, named_row *sorted)
{
	for (int32_t i = 0; i < rows->n; i++) {
		sorted[i].row = i;
		sorted[i].name = fv_name_hash(rows->stem[i]);
	}
	qsort(sorted, (size_t)rows->n, sizeof *sorted, compare_key_and_name);
}

#endif
