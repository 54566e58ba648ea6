/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: four statistics of the energy of a recording.
 *
 *     e_t = 10 log10(mean of w^2 in frame t + 1e-10)   level of the frame in dB, -100 for silence
 *     out = mean, standard deviation, 10 % and 90 % quantile of e_t
 *
 * Shapes: wave w [n], mono, in [-1, 1] -> [1, 4]. Frames do not overlap; a rest shorter than a frame is
 * left out.
 *
 * What to change: the parameters, `outputs` (names, shapes, columns) and encode, which may run on several
 * threads at once and so changes nothing in the state. Read weights in `open` (fairvox/checkpoint.h).
 * fairvox/dsp.h has Fourier transforms, mel bands and pitch.
 */
#include <algorithm>
#include <cmath>
#include <vector>

#include <fairvox/fairvox.hpp>

namespace
{

constexpr int32_t rate_hz = 16000;
constexpr const char *columns[] = {"mean_db", "sd_db", "p10_db", "p90_db"};

constexpr fv_output outputs[] = {
	fairvox::make<fv_output>([](auto &o) {
		o.name = "energy";
		o.layers = 1;
		o.dims = sizeof columns / sizeof *columns;
		o.columns = columns;
		o.standardize = FV_STANDARDIZE_TRAIN;
	}),
};

struct state {
	int64_t frame_ms;

	fv_status open(fv_ctx *ctx, const char *weights);
	fv_status info(fv_ctx *ctx, fv_encoder_info *info) const;
	fv_status encode(fv_ctx *worker, int32_t output, const float *wave, int64_t n,
		int32_t pooled, float *out) const;
};

int64_t count_frame_samples(const state &self)
{
	return self.frame_ms * rate_hz / 1000;
}

fv_status state::open(fv_ctx *ctx, const char *weights)
{
	if (weights)
		return fv_fail(ctx, FV_CONFIG,
			"takes no weights, but '%s' is given: remove the key 'weights'", weights);
	return FV_OK;
}

fv_status state::info(fv_ctx *, fv_encoder_info *told) const
{
	told->rate_hz = rate_hz;
	told->min_samples = static_cast<int32_t>(count_frame_samples(*this));
	told->n_outputs = 1;
	told->outputs = outputs;
	return FV_OK;
}

float measure_level(const float *frame, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += static_cast<double>(frame[i]) * static_cast<double>(frame[i]);
	return static_cast<float>(10 * std::log10(sum / static_cast<double>(n) + 1e-10));
}

/* There is one output, and it has no frames. */
fv_status state::encode(fv_ctx *, int32_t, const float *wave, int64_t n, int32_t, float *out) const
{
	const int64_t frame = count_frame_samples(*this), frames = n / frame;
	std::vector<float> level;
	double sum = 0, squares = 0;
	for (int64_t t = 0; t < frames; t++) {
		level.push_back(measure_level(wave + t * frame, frame));
		sum += static_cast<double>(level.back());
	}
	const double mean = sum / static_cast<double>(frames);
	for (float e : level)
		squares += (static_cast<double>(e) - mean) * (static_cast<double>(e) - mean);
	std::sort(level.begin(), level.end());
	out[0] = static_cast<float>(mean);
	out[1] = static_cast<float>(std::sqrt(squares / static_cast<double>(frames)));
	out[2] = static_cast<float>(fv_quantile(level.data(), frames, 0.1));
	out[3] = static_cast<float>(fv_quantile(level.data(), frames, 0.9));
	return FV_OK;
}

/* Without a default (set_default) the user must give a number or choice; `fairvox check` then takes -p key=value. */
constexpr fv_param params[] = {
	fairvox::int_param(FV_FIELD(state, frame_ms), "frame_ms", "length of a frame")
		.set_unit("ms")
		.set_range(1, 100)
		.set_default("25"),
};

constexpr auto ops = fairvox::make<fv_encoder_ops>([](auto &o) {
	o.open = fairvox::op<&state::open>();
	o.info = fairvox::op<&state::info>();
	o.encode = fairvox::op<&state::encode>();
});

constexpr auto descriptor = fairvox::make_encoder<state>([](auto &d) {
	d.name = "my_plugin";
	d.version = "0.1";
	d.summary = "statistics of the energy of a recording";
	d.source = "an example: name the paper here";
	d.licence = "Apache-2.0";
	fairvox::set_params(d, params);
	d.ops = &ops;
});

} // namespace

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
