/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder must refuse weights that it cannot read, or does not take: they would be part of what a run is said to
 * depend on. */
#include "contract/suite.h"

/* A file that is always there, and never weights. */
static const char no_weights[] = "/proc/version";

void contract_check_weights(struct contract *c)
{
	const fv_encoder_ops *ops = c->plugin->ops;
	struct instance in;
	char words[512];
	if (contract_open_instance(c, &in)) {
		in.opened = true;
		fv_status status = contract_call(c, "open", "a text file as weights",
			ops->open(in.state, in.ctx, no_weights));
		status = contract_finish_op(c, &in, status, "open", words);
		contract_expect(c, status != FV_OK, "weights",
			"open() accepts '%s', which is a text, as weights", no_weights);
	}
	contract_close_instance(c, &in);
}
