/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands, one file each. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli.h"

extern const cli_verb cli_verb_audit;
extern const cli_verb cli_verb_cache;
extern const cli_verb cli_verb_check;
extern const cli_verb cli_verb_completion;
extern const cli_verb cli_verb_describe;
extern const cli_verb cli_verb_encode;
extern const cli_verb cli_verb_explain;
extern const cli_verb cli_verb_fetch;
extern const cli_verb cli_verb_groups;
extern const cli_verb cli_verb_help;
extern const cli_verb cli_verb_inspect;
extern const cli_verb cli_verb_new;
extern const cli_verb cli_verb_plot;
extern const cli_verb cli_verb_plugins;
extern const cli_verb cli_verb_predict;
extern const cli_verb cli_verb_report;
extern const cli_verb cli_verb_run;
extern const cli_verb cli_verb_split;
extern const cli_verb cli_verb_status;
extern const cli_verb cli_verb_synth;
extern const cli_verb cli_verb_table;
extern const cli_verb cli_verb_verify;

/* By name; ends with NULL. */
extern const cli_verb *const cli_verbs[];
const cli_verb *cli_find_verb(const char *name); /* NULL: none */
/* Says that there is no such subcommand, and which was meant. Returns FV_CONFIG. */
fv_status cli_refuse_verb(fv_ctx *ctx, const char *name);

#endif
