/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/encode.h"

#include <string.h>

#include "nn/pack.h"

float *fv_feed_rows(fv_feed *feed, int64_t rows, int64_t width)
{
	feed->rows = rows;
	feed->width = width;
	feed->data = fv_scratch(feed->worker, (size_t)(rows * width) * sizeof *feed->data);
	return feed->data;
}

fv_status core_encode_feed(
	const core_encode_call *call, fv_ctx *worker, const float *wave, int64_t n, fv_feed *feed)
{
	*feed = (fv_feed){.worker = worker};
	if (!call->ops->prepare) {
		*feed = (fv_feed){worker, (float *)wave, n, 1};
		return FV_OK;
	}
	fv_status status = call->ops->prepare(call->state, worker, call->output, wave, n, feed);
	if (!status && (!feed->data || feed->rows < 1 || feed->width < 1))
		return fv_fail(worker, FV_FAILED, "prepare gave no rows");
	return status;
}

fv_status core_encode_pack(const core_encode_call *call, fv_ctx *worker, core_device *device,
	int32_t n, const int64_t *count, int64_t width, const float *input, float *const *out,
	const char **reason)
{
	fv_pack *pack;
	fv_status status = core_pack_open(worker, device, n, count, width, input, &pack);
	if (!status)
		status = call->ops->batch(
			call->state, worker, call->output, pack, call->pooled, out);
	if (!status)
		memcpy(reason, pack->reason, (size_t)n * sizeof *reason);
	return status;
}

fv_status core_encode_wave(const core_encode_call *call, fv_ctx *worker, core_device *device,
	const float *wave, int64_t n, float *out)
{
	if (!call->ops->batch)
		return call->ops->encode(
			call->state, worker, call->output, wave, n, call->pooled, out);
	fv_feed feed;
	const char *reason = NULL;
	fv_status status = core_encode_feed(call, worker, wave, n, &feed);
	if (!status)
		status = core_encode_pack(
			call, worker, device, 1, &feed.rows, feed.width, feed.data, &out, &reason);
	return status || !reason ? status : fv_fail(worker, FV_DATA, "%s", reason);
}
