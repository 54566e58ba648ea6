/* SPDX-License-Identifier: Apache-2.0 */
/* What the contract suite finds in encoders. */
#include "made_up.h"

#include <math.h>

static fv_status open_nothing(void *state, fv_ctx *ctx, const char *weights)
{
	(void)state;
	return weights ? fv_fail(ctx, FV_CONFIG, "takes no weights") : FV_OK;
}

static fv_status one_output(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	static const fv_output output = {
		.size = sizeof output, .name = "level", .layers = 1, .dims = 1};
	(void)state, (void)ctx;
	*info = (fv_encoder_info){.size = sizeof *info,
		.rate_hz = 8000,
		.min_samples = 10,
		.n_outputs = 1,
		.outputs = &output};
	return FV_OK;
}

static double compute_level(const float *wave, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += (double)wave[i] * (double)wave[i];
	return sum / (double)n;
}

static fv_status log_level(const void *state, fv_ctx *ctx, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out)
{
	(void)state, (void)ctx, (void)output, (void)pooled;
	out[0] = (float)log(compute_level(wave, n));
	return FV_OK;
}

static fv_status encode_by_calls(const void *state, fv_ctx *ctx, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out)
{
	test_made_up *c = *(test_made_up *const *)(const void *)&state;
	(void)ctx, (void)output, (void)pooled;
	out[0] = (float)(compute_level(wave, n) + c->weight);
	c->weight = compute_level(wave, n);
	return FV_OK;
}

/* The mean of the wave, and how many others are in the pack. */
static fv_status batch_by_company(const void *state, fv_ctx *ctx, int32_t output, fv_pack *pack,
	int32_t pooled, float *const *out)
{
	(void)state, (void)ctx, (void)output, (void)pooled;
	fv_matrix mean = fv_pack_utterances(pack, 1);
	fv_pack_mean(pack, FV_SUMS_DOUBLE, fv_pack_input(pack), mean);
	fv_pack_fetch(pack, mean, 0, out);
	fv_status status = fv_pack_wait(pack);
	for (int32_t u = 0; u < fv_pack_count(pack) && !status; u++)
		out[u][0] += (float)fv_pack_count(pack);
	return status;
}

static fv_status prepare_nothing(const void *state, fv_ctx *worker, int32_t output,
	const float *wave, int64_t n, fv_feed *feed)
{
	(void)state, (void)worker, (void)output, (void)wave, (void)n, (void)feed;
	return FV_OK;
}

static void test_encoders_found_out(void **unused)
{
	(void)unused;
	static const fv_encoder_ops logs = {
		.size = sizeof logs, .open = open_nothing, .info = one_output, .encode = log_level};
	static const fv_encoder_ops past = {.size = sizeof past,
		.open = open_nothing,
		.info = one_output,
		.encode = encode_by_calls};
	static const fv_encoder_ops company = {.size = sizeof company,
		.open = open_nothing,
		.info = one_output,
		.batch = batch_by_company};
	static const fv_encoder_ops unfed = {.size = sizeof unfed,
		.open = open_nothing,
		.info = one_output,
		.prepare = prepare_nothing,
		.batch = batch_by_company};
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_ENCODER, test_made_up, &company), true,
		"packs", "output 'level' of noise differs in a pack with others");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_ENCODER, test_made_up, &unfed), true,
		"silence", "prepare gave no rows");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_ENCODER, test_made_up, &logs), true,
		"encode", "output 'level' of silence is not finite");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_ENCODER, test_made_up, &past), true,
		"repeat", "differs the second time");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoders_found_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
