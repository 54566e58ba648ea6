// SPDX-License-Identifier: Apache-2.0
//! my_plugin: four statistics of the energy of a recording.
//!
//!     e_t = 10 log10(mean of w^2 in frame t + 1e-10)   level of the frame in dB, -100 for silence
//!     out = mean, standard deviation, 10 % and 90 % quantile of e_t
//!
//! Shapes: wave w [n], mono, in [-1, 1] -> [1, 4]. Frames do not overlap; a rest shorter than a frame is left out.
//!
//! What to change: the parameters, OUTPUTS (names, shapes, columns; `make_names` makes columns in `open`) and encode_wave,
//! which may run on several threads at once and so changes nothing in the state. Read weights in `open` (fairvox/checkpoint.h).
//! fairvox/dsp.h has Fourier transforms, mel bands and pitch.
use fairvox::*;

const RATE_HZ: i32 = 16000;

static COLUMNS: Texts<4> = texts!["mean_db", "sd_db", "p10_db", "p90_db"];

static OUTPUTS: [fv_output; 1] = [fv_output {
    name: text!("energy"),
    layers: 1,
    dims: COLUMNS.len(),
    columns: COLUMNS.as_ptr(),
    standardize: FV_STANDARDIZE_TRAIN,
    ..fv_output::SIZED
}];

// Without a default (paper) the user must give a number or choice; `fairvox check` then takes -p key=value.
fairvox::state! {
    struct State {
        frame_ms: int { unit: "ms", min: 1.0, max: 100.0, paper: "25", doc: "length of a frame" },
    }
}

fn count_frame_samples(state: &State) -> usize {
    state.frame_ms as usize * RATE_HZ as usize / 1000
}

unsafe extern "C" fn open_encoder(_state: *mut c_void, ctx: *mut fv_ctx, weights: *const c_char) -> fv_status {
    guard(ctx, || match read_text(weights) {
        Some(path) => fail(ctx, FV_CONFIG, &format!("takes no weights, but '{}' is given: remove 'weights'", path)),
        None => FV_OK,
    })
}

unsafe extern "C" fn describe_outputs(
    state: *const c_void,
    ctx: *mut fv_ctx,
    info: *mut fv_encoder_info,
) -> fv_status {
    guard(ctx, || {
        (*info).rate_hz = RATE_HZ;
        (*info).min_samples = count_frame_samples(&*(state as *const State)) as i32;
        (*info).n_outputs = 1;
        (*info).outputs = OUTPUTS.as_ptr();
        FV_OK
    })
}

fn measure_level(frame: &[f32]) -> f32 {
    let sum: f64 = frame.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    (10.0 * (sum / frame.len() as f64 + 1e-10).log10()) as f32
}

unsafe extern "C" fn encode_wave(
    state: *const c_void,
    worker: *mut fv_ctx,
    _output: i32, // there is one output, and it has no frames
    wave: *const f32,
    n: i64,
    _pooled: i32,
    out: *mut f32,
) -> fv_status {
    guard(worker, || {
        let frame = count_frame_samples(&*(state as *const State));
        let mut level: Vec<f32> = slice(wave, n as usize).chunks_exact(frame).map(measure_level).collect();
        let frames = level.len() as f64;
        let mean = level.iter().map(|&e| f64::from(e)).sum::<f64>() / frames;
        let squares: f64 = level.iter().map(|&e| (f64::from(e) - mean).powi(2)).sum();
        level.sort_by(f32::total_cmp);
        let out = slice_mut(out, 4);
        out[0] = mean as f32;
        out[1] = (squares / frames).sqrt() as f32;
        out[2] = fv_quantile(level.as_ptr(), level.len() as i64, 0.1) as f32;
        out[3] = fv_quantile(level.as_ptr(), level.len() as i64, 0.9) as f32;
        FV_OK
    })
}

static OPS: fv_encoder_ops = fv_encoder_ops {
    open: Some(open_encoder),
    info: Some(describe_outputs),
    encode: Some(encode_wave),
    ..fv_encoder_ops::SIZED
};

static DESCRIPTOR: fv_descriptor = fv_descriptor {
    name: text!("my_plugin"),
    version: text!("0.1"),
    summary: text!("statistics of the energy of a recording"),
    source: text!("an example: name the paper here"),
    licence: text!("Apache-2.0"),
    ..encoder_descriptor::<State>(&State::PARAMS, &OPS)
};

fairvox::entry!(DESCRIPTOR);
