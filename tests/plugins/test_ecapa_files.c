/* SPDX-License-Identifier: Apache-2.0 */
/* Which files the ECAPA-TDNN encoder accepts: each tensor must be there once and have its shape. */
#include "network.h"

#include <math.h>
#include <string.h>

#include "ecapa.h"

/* Fails unless open() and inspect refuse the file with one line that contains `text`. */
static void expect_refused(fv_ctx *ctx, const test_network *net, const char *text)
{
	ecapa_state s = {0};
	const char *path = test_network_write(ctx, net, NULL, NULL, NULL, 0);
	fv_status status = ecapa_read_weights(&s, ctx, path);
	assert_int_equal(core_error_count(ctx), 1);
	test_fails(ctx, status, FV_DATA, text);
	fv_checkpoint *file;
	fv_fit fit = {.size = sizeof fit};
	test_ok(ctx, fv_checkpoint_open(ctx, path, &file));
	assert_false(ecapa_fits.fits(file, "", &fit));
	fv_checkpoint_close(file);
}

static void each_tensor_is_checked(void **state)
{
	(void)state;
	fv_ctx *outer = test_ctx();
	const test_network net = test_network_load(outer, "ecapa/embedding_model.ckpt");
	assert_int_equal(net.n, 231);
	for (size_t t = 0; t < net.n; t++) {
		fv_ctx *ctx = test_ctx();
		const char *name = net.tensor[t].name;
		bool counts = !strcmp(net.tensor[t].dtype, "I64"); /* of batches */
		test_network bad = net;
		bad.tensor[t].rank++; /* with room for one more element after each */
		bad.tensor[t].shape[bad.tensor[t].rank - 1] = 1;
		expect_refused(ctx, &bad, core_format(ctx, "tensor '%s' has shape [", name));
		bad = net;
		bad.tensor[t].name = core_format(ctx, "x%s", name);
		if (counts) {
			expect_refused(
				ctx, &bad, core_format(ctx, "tensor 'x%s' is not part of", name));
		} else {
			test_network_drop(&bad, t);
			expect_refused(ctx, &bad, core_format(ctx, "no tensor '%s'", name));
			bad = net;
			bad.tensor[t].dtype = "I32";
			expect_refused(ctx, &bad,
				core_format(
					ctx, "tensor '%s' has type I32, not a float type", name));
		}
		core_ctx_free(ctx);
	}
	core_ctx_free(outer);
}

/* One more element in each dimension of each tensor. A kernel of even length must be reported by
 * its block. */
static void each_dimension_is_checked(void **state)
{
	(void)state;
	fv_ctx *outer = test_ctx();
	const test_network net = test_network_load(outer, "ecapa/embedding_model.ckpt");
	for (size_t t = 0; t < net.n; t++)
		for (int32_t d = 0; d < net.tensor[t].rank; d++) {
			fv_ctx *ctx = test_ctx();
			const char *name = net.tensor[t].name;
			test_network bad = net;
			bad.tensor[t].shape[d]++;
			const char *text = core_format(ctx, "tensor '%s' has shape [", name);
			if (!strcmp(name, "blocks.0.conv.conv.weight") && d == 2)
				text = "block 0 has kernels of 6 taps";
			else if (!strcmp(name, "fc.conv.weight") && d == 0)
				text = "tensor 'fc.conv.bias' has shape [24], not [25]";
			expect_refused(ctx, &bad, text);
			core_ctx_free(ctx);
		}
	core_ctx_free(outer);
}

static void census_names_each_fault(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const test_network net = test_network_load(ctx, "ecapa/embedding_model.ckpt");
	test_network bad = net;
	bad.tensor[bad.n++] = (core_tensor_out){"extra", "F32", 1, {1}, net.tensor[0].data};
	expect_refused(ctx, &bad, "tensor 'extra' is not part of this network");
	bad.n = 1;
	bad.tensor[0] = bad.tensor[net.n];
	expect_refused(ctx, &bad,
		"not an ECAPA-TDNN: there is no tensor 'blocks.0.conv.conv.weight' of usable "
		"shape");
	for (int k = 0; k < 2; k++) {
		const char *name = k ? "mfa.norm.norm.running_var" : "mfa.norm.norm.running_mean";
		float value[96] = {[17] = k ? -0.5f : NAN};
		ecapa_state s = {0};
		bad = net;
		test_network_find(&bad, name)->data = value;
		const char *path = test_network_write(ctx, &bad, NULL, NULL, NULL, 0);
		test_fails(ctx, ecapa_read_weights(&s, ctx, path), FV_DATA,
			k ? "running_var': element 17 is negative"
			  : "running_mean': element 17 is not a finite number");
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_tensor_is_checked),
		cmocka_unit_test(each_dimension_is_checked),
		cmocka_unit_test(census_names_each_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
