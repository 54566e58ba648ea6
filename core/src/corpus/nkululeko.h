/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration of nkululeko while it is read. Private to the files that read it. */
#ifndef CORE_CORPUS_NKULULEKO_H
#define CORE_CORPUS_NKULULEKO_H

#include "base/csv.h"
#include "corpus/ini.h"
#include "corpus/label_table.h"
#include "corpus/python_value.h"

typedef struct nkululeko {
	fv_ctx *ctx;
	core_ini ini, roots; /* roots: the file of DATA.root_folders, or empty */
	const char *folder;  /* of the configuration */
	bool needs_split;
	core_files *files;
	const char *target;
	core_python_value databases; /* list of names */
	core_python_value labels;    /* list; n = 0: all classes */
	core_csv **part;             /* [n_parts] tables of the databases */
	int32_t n_parts, capacity;
} nkululeko;

/* A value of the configuration, and where it was found. */
typedef struct nkululeko_setting {
	const char *path, *key, *value; /* without quotes around it; value NULL: not set */
	int line;
} nkululeko_setting;

/* A database's setting NAME.KEY, or NAME itself for key "". */
nkululeko_setting nkululeko_find(nkululeko *nk, const char *name, const char *key);
nkululeko_setting nkululeko_find_data(nkululeko *nk, const char *key); /* of [DATA] */
/* Records an error at a setting. Returns FV_DATA. */
fv_status nkululeko_fail(nkululeko *nk, const nkululeko_setting *at, const char *format, ...)
	FV_PRINTF(3, 4);
/* Reads a setting as a Python value of a kind. Errors: FV_DATA. */
FV_NODISCARD fv_status nkululeko_parse(nkululeko *nk, const nkululeko_setting *setting,
	core_python_kind kind, core_python_value *out);
/* Reads the switch NAME.KEY, True or False. Errors: FV_DATA. */
FV_NODISCARD fv_status nkululeko_read_switch(
	nkululeko *nk, const char *name, const char *key, bool otherwise, bool *out);
/* Reports keys of [EXP] and [DATA] that are not known or cannot be followed, but for those of
 * nk->databases. Errors: FV_DATA. */
FV_NODISCARD fv_status nkululeko_check_data(nkululeko *nk);
/* The same for the keys NAME.KEY of a database. Errors: FV_DATA. */
FV_NODISCARD fv_status nkululeko_check_database(nkululeko *nk, const char *name);
/* True if a value of the configuration and a cell are the same text or number. */
bool nkululeko_is_value(const core_python_value *value, const char *cell);

/* Applies filters, mapping, labels and split of database `name` to a table with a column emotion, and
 * adds what is left to the parts. `split`: of all rows, where the tables say so; NULL: as the
 * database's split_strategy says. */
FV_NODISCARD fv_status nkululeko_add_rows(
	nkululeko *nk, const char *name, core_csv *csv, const char *split);

#endif
