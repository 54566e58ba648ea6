/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/absent.h"

/* Adds "MEMBERS (WHY)" to a list that is NULL while it is empty. */
static const char *add_absent(fv_ctx *ctx, const char *list, const char *members, const char *why)
{
	return core_format(
		ctx, "%s%s%s (%s)", list ? list : "NULL there: ", list ? ", " : "", members, why);
}

const char *core_absent_of_loss(fv_ctx *ctx, const fv_loss_ops *ops, const fv_rows *rows)
{
	const char *list = NULL;
	if (!rows->group)
		list = add_absent(ctx, list, "group and member",
			ops->uses_groups ? "there are no groups" : "uses_groups is not set");
	else if (!rows->member)
		list = add_absent(ctx, list, "member", "the groups have no memberships");
	if (!rows->duration)
		list = add_absent(ctx, list, "duration",
			ops->uses_duration ? "the corpus has no recordings"
					   : "uses_duration is not set");
	if (!rows->speaker)
		list = add_absent(ctx, list, "speaker", "speakers are not known");
	if (ops->mix)
		list = add_absent(ctx, list, "loss and logits in mix()", "it comes before them");
	return list;
}

const char *core_absent_of_grouper(fv_ctx *ctx, uint32_t uses, bool recordings)
{
	static const struct {
		uint32_t flag;
		const char *members, *without;
	} inputs[] = {
		{FV_USE_FEATURES, "x, columns and roles", "no FV_USE_FEATURES"},
		{FV_USE_COLUMN, "column_id and column_names", "no FV_USE_COLUMN"},
		{FV_USE_CLASS, "klass and class_names", "no FV_USE_CLASS"},
		{FV_USE_SPEAKER, "speaker", "no FV_USE_SPEAKER"},
		{FV_USE_FILE, "stem", "no FV_USE_FILE"},
		{FV_USE_DURATION, "duration", "no FV_USE_DURATION"},
	};
	const char *list = NULL;
	if (uses & FV_USE_CLASS)
		list = add_absent(ctx, list, "klass", "shown to fit() alone");
	if (uses & FV_USE_DURATION && !recordings)
		list = add_absent(ctx, list, "duration", "the corpus has no recordings");
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
		if (!(uses & inputs[i].flag))
			list = add_absent(ctx, list, inputs[i].members, inputs[i].without);
	return list;
}
