// SPDX-License-Identifier: Apache-2.0
// Made from the headers of core/include/fairvox by tests/checks/rust.py --write: do not edit. What each item means is
// said in the header that declares it.
use std::mem::size_of;
use std::os::raw::{c_char, c_void};
use std::ptr::{null, null_mut};

pub const FV_ABI: u32 = 2;
pub const FV_ENTRY_SYMBOL: &str = "fv_plugin_entry";
pub const FV_FITS_1: &str = "fv.fits/1";
pub const FV_NETWORKS_1: &str = "fv.networks/1";
pub const FV_NETWORKS_BARE: u32 = 2;
pub const FV_NETWORKS_SIGMOID: u32 = 1;
pub const FV_PREFIX_MAX: i32 = 256;
pub const FV_STAGES_1: &str = "fv.stages/1";
pub const FV_TENSOR_RANK_MAX: i32 = 8;
pub const FV_TRUNK_CONVS: i32 = 16;

pub type fv_status = u32;
pub const FV_OK: fv_status = 0;
pub const FV_FAILED: fv_status = 1;
pub const FV_CONFIG: fv_status = 2;
pub const FV_DATA: fv_status = 4;
pub const FV_STOPPED: fv_status = 75;
pub const FV_SOME_FAILED: fv_status = 3;
pub const FV_INTERRUPTED: fv_status = 130;
pub const FV_TERMINATED: fv_status = 143;

pub type fv_type = u32;
pub const FV_F32: fv_type = 0;
pub const FV_F64: fv_type = 1;
pub const FV_I32: fv_type = 2;
pub const FV_I64: fv_type = 3;
pub const FV_U8: fv_type = 4;

pub type fv_precision = u32;
pub const FV_PRECISION_FP32: fv_precision = 0;
pub const FV_PRECISION_BF16X3: fv_precision = 1;
pub const FV_PRECISION_BF16: fv_precision = 2;
pub const FV_PRECISION_TF32: fv_precision = 3;

pub type fv_activation = u32;
pub const FV_ACTIVATION_NONE: fv_activation = 0;
pub const FV_ACTIVATION_RELU: fv_activation = 1;
pub const FV_ACTIVATION_GELU: fv_activation = 2;

pub type fv_sums = u32;
pub const FV_SUMS_FLOAT: fv_sums = 0;
pub const FV_SUMS_DOUBLE: fv_sums = 1;

pub type fv_function = u32;
pub const FV_FUNCTION_NONE: fv_function = 0;
pub const FV_FUNCTION_RELU: fv_function = 1;
pub const FV_FUNCTION_TANH: fv_function = 2;
pub const FV_FUNCTION_SOFTMAX: fv_function = 3;

pub type fv_role = u32;
pub const FV_COL_FEATURE: fv_role = 0;
pub const FV_COL_PROBABILITY: fv_role = 1;
pub const FV_COL_VALUE: fv_role = 2;

pub type fv_standardize = u32;
pub const FV_STANDARDIZE_NONE: fv_standardize = 0;
pub const FV_STANDARDIZE_TRAIN: fv_standardize = 1;
pub const FV_STANDARDIZE_SPEAKER: fv_standardize = 2;

pub const FV_USE_FEATURES: u32 = 1;
pub const FV_USE_COLUMN: u32 = 2;
pub const FV_USE_CLASS: u32 = 4;
pub const FV_USE_SPEAKER: u32 = 8;
pub const FV_USE_FILE: u32 = 16;
pub const FV_USE_DURATION: u32 = 32;

pub type fv_base_kind = u32;
pub const FV_SOFT_CE: fv_base_kind = 0;
pub const FV_BCE: fv_base_kind = 1;
pub const FV_FOCAL: fv_base_kind = 2;

pub type fv_param_type = u32;
pub const FV_INT: fv_param_type = 1;
pub const FV_REAL: fv_param_type = 2;
pub const FV_BOOL: fv_param_type = 3;
pub const FV_CHOICE: fv_param_type = 4;
pub const FV_STRING: fv_param_type = 5;
pub const FV_PATH: fv_param_type = 6;
pub const FV_LIST: fv_param_type = 7;
pub const FV_LOSS_REF: fv_param_type = 8;

pub type fv_kind = u32;
pub const FV_ENCODER: fv_kind = 1;
pub const FV_GROUPER: fv_kind = 2;
pub const FV_LOSS: fv_kind = 3;

pub type fv_trunk_tensor = u32;
pub const FV_TRUNK_CONV_WEIGHT: fv_trunk_tensor = 0;
pub const FV_TRUNK_CONV_BIAS: fv_trunk_tensor = 1;
pub const FV_TRUNK_CONV_NORM_WEIGHT: fv_trunk_tensor = 2;
pub const FV_TRUNK_CONV_NORM_BIAS: fv_trunk_tensor = 3;
pub const FV_TRUNK_FEATURE_NORM_WEIGHT: fv_trunk_tensor = 4;
pub const FV_TRUNK_FEATURE_NORM_BIAS: fv_trunk_tensor = 5;
pub const FV_TRUNK_PROJECTION_WEIGHT: fv_trunk_tensor = 6;
pub const FV_TRUNK_PROJECTION_BIAS: fv_trunk_tensor = 7;
pub const FV_TRUNK_POSITION_GAIN: fv_trunk_tensor = 8;
pub const FV_TRUNK_POSITION_WEIGHT: fv_trunk_tensor = 9;
pub const FV_TRUNK_POSITION_BIAS: fv_trunk_tensor = 10;
pub const FV_TRUNK_NORM_WEIGHT: fv_trunk_tensor = 11;
pub const FV_TRUNK_NORM_BIAS: fv_trunk_tensor = 12;
pub const FV_TRUNK_BUCKETS: fv_trunk_tensor = 13;
pub const FV_TRUNK_QUERY_WEIGHT: fv_trunk_tensor = 14;
pub const FV_TRUNK_QUERY_BIAS: fv_trunk_tensor = 15;
pub const FV_TRUNK_KEY_WEIGHT: fv_trunk_tensor = 16;
pub const FV_TRUNK_KEY_BIAS: fv_trunk_tensor = 17;
pub const FV_TRUNK_VALUE_WEIGHT: fv_trunk_tensor = 18;
pub const FV_TRUNK_VALUE_BIAS: fv_trunk_tensor = 19;
pub const FV_TRUNK_OUT_WEIGHT: fv_trunk_tensor = 20;
pub const FV_TRUNK_OUT_BIAS: fv_trunk_tensor = 21;
pub const FV_TRUNK_ATTENTION_NORM_WEIGHT: fv_trunk_tensor = 22;
pub const FV_TRUNK_ATTENTION_NORM_BIAS: fv_trunk_tensor = 23;
pub const FV_TRUNK_INNER_WEIGHT: fv_trunk_tensor = 24;
pub const FV_TRUNK_INNER_BIAS: fv_trunk_tensor = 25;
pub const FV_TRUNK_OUTER_WEIGHT: fv_trunk_tensor = 26;
pub const FV_TRUNK_OUTER_BIAS: fv_trunk_tensor = 27;
pub const FV_TRUNK_FINAL_NORM_WEIGHT: fv_trunk_tensor = 28;
pub const FV_TRUNK_FINAL_NORM_BIAS: fv_trunk_tensor = 29;
pub const FV_TRUNK_GATE_WEIGHT: fv_trunk_tensor = 30;
pub const FV_TRUNK_GATE_BIAS: fv_trunk_tensor = 31;
pub const FV_TRUNK_GATE_CONSTANT: fv_trunk_tensor = 32;
pub const FV_TRUNK_TENSORS: fv_trunk_tensor = 33;

#[repr(C)]
pub struct fv_ctx {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_checkpoint {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_csv {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_fft {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_stft {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_mel {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_dct {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_pitch {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_linear {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_lstm {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_pack {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_layout {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_dense {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_feed {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_net {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_node {
    private: [u8; 0],
}

#[repr(C)]
pub struct fv_trunk {
    private: [u8; 0],
}

pub type fv_entry = unsafe extern "C" fn() -> *const fv_descriptor;

pub type fv_trunk_read = unsafe extern "C" fn(user: *mut c_void, ctx: *mut fv_ctx, tensor: fv_trunk_tensor, index: i32, out: *mut f32) -> fv_status;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_tensor {
    pub name: *const c_char,
    pub dtype: *const c_char,
    pub rank: i32,
    pub shape: [i64; 8],
    pub count: i64,
    pub data: *const c_void,
}
impl fv_tensor {
    /// Everything is zero.
    pub const ZERO: fv_tensor = fv_tensor {
        name: null(),
        dtype: null(),
        rank: 0,
        shape: [0; 8],
        count: 0,
        data: null(),
    };
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_expected {
    pub name: *const c_char,
    pub rank: i32,
    pub shape: [i64; 8],
    pub ignored: i32,
}
impl fv_expected {
    /// Everything is zero.
    pub const ZERO: fv_expected = fv_expected {
        name: null(),
        rank: 0,
        shape: [0; 8],
        ignored: 0,
    };
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_others {
    pub unknown: i64,
    pub beside: i64,
    pub first_unknown: *const c_char,
    pub first_beside: *const c_char,
}
impl fv_others {
    /// Everything is zero.
    pub const ZERO: fv_others = fv_others {
        unknown: 0,
        beside: 0,
        first_unknown: null(),
        first_beside: null(),
    };
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_pitch_options {
    pub size: u32,
    pub rate_hz: i32,
    pub window: i32,
    pub hop: i32,
    pub floor_hz: f64,
    pub ceiling_hz: f64,
    pub silence: f64,
    pub voicing: f64,
    pub octave: f64,
    pub octave_jump: f64,
    pub voiced_unvoiced: f64,
}
impl fv_pitch_options {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_pitch_options = fv_pitch_options {
        size: size_of::<fv_pitch_options>() as u32,
        rate_hz: 0,
        window: 0,
        hop: 0,
        floor_hz: 0.0,
        ceiling_hz: 0.0,
        silence: 0.0,
        voicing: 0.0,
        octave: 0.0,
        octave_jump: 0.0,
        voiced_unvoiced: 0.0,
    };
}
unsafe impl Sync for fv_pitch_options {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_matrix {
    pub at: *mut f32,
    pub width: i64,
    pub stride: i64,
    pub layout: *const fv_layout,
}
impl fv_matrix {
    /// Everything is zero.
    pub const ZERO: fv_matrix = fv_matrix {
        at: null_mut(),
        width: 0,
        stride: 0,
        layout: null(),
    };
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_affine {
    pub scale: *const f32,
    pub shift: *const f32,
}
impl fv_affine {
    /// Everything is zero.
    pub const ZERO: fv_affine = fv_affine {
        scale: null(),
        shift: null(),
    };
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_convolution {
    pub size: u32,
    pub linear: *mut fv_linear,
    pub taps: i32,
    pub dilation: i32,
}
impl fv_convolution {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_convolution = fv_convolution {
        size: size_of::<fv_convolution>() as u32,
        linear: null_mut(),
        taps: 0,
        dilation: 0,
    };
}
unsafe impl Sync for fv_convolution {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_output {
    pub size: u32,
    pub name: *const c_char,
    pub layers: i32,
    pub dims: i32,
    pub columns: *const *const c_char,
    pub roles: *const fv_role,
    pub standardize: fv_standardize,
    pub has_frames: i32,
}
impl fv_output {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_output = fv_output {
        size: size_of::<fv_output>() as u32,
        name: null(),
        layers: 0,
        dims: 0,
        columns: null(),
        roles: null(),
        standardize: 0,
        has_frames: 0,
    };
}
unsafe impl Sync for fv_output {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_encoder_info {
    pub size: u32,
    pub rate_hz: i32,
    pub min_samples: i32,
    pub by_name: i32,
    pub n_outputs: i32,
    pub outputs: *const fv_output,
    pub identity: *const c_char,
}
impl fv_encoder_info {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_encoder_info = fv_encoder_info {
        size: size_of::<fv_encoder_info>() as u32,
        rate_hz: 0,
        min_samples: 0,
        by_name: 0,
        n_outputs: 0,
        outputs: null(),
        identity: null(),
    };
}
unsafe impl Sync for fv_encoder_info {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_encoder_ops {
    pub size: u32,
    pub open: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, weights: *const c_char) -> fv_status>,
    pub info: Option<unsafe extern "C" fn(state: *const c_void, ctx: *mut fv_ctx, info: *mut fv_encoder_info) -> fv_status>,
    pub frames: Option<unsafe extern "C" fn(state: *const c_void, output: i32, n: i64) -> i64>,
    pub encode: Option<unsafe extern "C" fn(state: *const c_void, worker: *mut fv_ctx, output: i32, wave: *const f32, n: i64, pooled: i32, out: *mut f32) -> fv_status>,
    pub lookup: Option<unsafe extern "C" fn(state: *const c_void, worker: *mut fv_ctx, output: i32, id: *const c_char, parts: i32, out: *mut f32) -> fv_status>,
    pub close: Option<unsafe extern "C" fn(state: *mut c_void)>,
    pub prepare: Option<unsafe extern "C" fn(state: *const c_void, worker: *mut fv_ctx, output: i32, wave: *const f32, n: i64, feed: *mut fv_feed) -> fv_status>,
    pub batch: Option<unsafe extern "C" fn(state: *const c_void, worker: *mut fv_ctx, output: i32, pack: *mut fv_pack, pooled: i32, out: *const *mut f32) -> fv_status>,
}
impl fv_encoder_ops {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_encoder_ops = fv_encoder_ops {
        size: size_of::<fv_encoder_ops>() as u32,
        open: None,
        info: None,
        frames: None,
        encode: None,
        lookup: None,
        close: None,
        prepare: None,
        batch: None,
    };
}
unsafe impl Sync for fv_encoder_ops {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_fit {
    pub size: u32,
    pub what: *const c_char,
    pub licence: *const c_char,
}
impl fv_fit {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_fit = fv_fit {
        size: size_of::<fv_fit>() as u32,
        what: null(),
        licence: null(),
    };
}
unsafe impl Sync for fv_fit {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_fits_1 {
    pub size: u32,
    pub fits: Option<unsafe extern "C" fn(file: *const fv_checkpoint, sha256: *const c_char, fit: *mut fv_fit) -> i32>,
}
impl fv_fits_1 {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_fits_1 = fv_fits_1 {
        size: size_of::<fv_fits_1>() as u32,
        fits: None,
    };
}
unsafe impl Sync for fv_fits_1 {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_grouper_input {
    pub size: u32,
    pub n: i32,
    pub dims: i32,
    pub layers: i32,
    pub x: *const f32,
    pub columns: *const *const c_char,
    pub roles: *const fv_role,
    pub column_id: *const i32,
    pub column_names: *const *const c_char,
    pub n_column_names: i32,
    pub klass: *const i32,
    pub speaker: *const i32,
    pub stem: *const *const c_char,
    pub class_names: *const *const c_char,
    pub n_classes: i32,
    pub silent: *const u8,
    pub duration: *const f64,
}
impl fv_grouper_input {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_grouper_input = fv_grouper_input {
        size: size_of::<fv_grouper_input>() as u32,
        n: 0,
        dims: 0,
        layers: 0,
        x: null(),
        columns: null(),
        roles: null(),
        column_id: null(),
        column_names: null(),
        n_column_names: 0,
        klass: null(),
        speaker: null(),
        stem: null(),
        class_names: null(),
        n_classes: 0,
        silent: null(),
        duration: null(),
    };
}
unsafe impl Sync for fv_grouper_input {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_grouping {
    pub size: u32,
    pub groups: i32,
    pub name: *const *const c_char,
    pub soft: i32,
    pub probability: i32,
}
impl fv_grouping {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_grouping = fv_grouping {
        size: size_of::<fv_grouping>() as u32,
        groups: 0,
        name: null(),
        soft: 0,
        probability: 0,
    };
}
unsafe impl Sync for fv_grouping {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_grouper_ops {
    pub size: u32,
    pub uses: Option<unsafe extern "C" fn(state: *const c_void) -> u32>,
    pub fit: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, train: *const fv_grouper_input, out: *mut fv_grouping) -> fv_status>,
    pub assign: Option<unsafe extern "C" fn(state: *const c_void, ctx: *mut fv_ctx, rows: *const fv_grouper_input, id: *mut i32, member: *mut f32) -> fv_status>,
    pub close: Option<unsafe extern "C" fn(state: *mut c_void)>,
}
impl fv_grouper_ops {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_grouper_ops = fv_grouper_ops {
        size: size_of::<fv_grouper_ops>() as u32,
        uses: None,
        fit: None,
        assign: None,
        close: None,
    };
}
unsafe impl Sync for fv_grouper_ops {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_rows {
    pub size: u32,
    pub n: i32,
    pub classes: i32,
    pub groups: i32,
    pub label: *const f32,
    pub klass: *const i32,
    pub group: *const i32,
    pub member: *const f32,
    pub stem: *const *const c_char,
    pub speaker: *const i32,
    pub duration: *const f64,
}
impl fv_rows {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_rows = fv_rows {
        size: size_of::<fv_rows>() as u32,
        n: 0,
        classes: 0,
        groups: 0,
        label: null(),
        klass: null(),
        group: null(),
        member: null(),
        stem: null(),
        speaker: null(),
        duration: null(),
    };
}
unsafe impl Sync for fv_rows {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_counts {
    pub size: u32,
    pub c: *const f64,
    pub g: *const f64,
    pub cg: *const f64,
    pub g_soft: *const f64,
    pub cg_soft: *const f64,
    pub c_unknown: *const f64,
}
impl fv_counts {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_counts = fv_counts {
        size: size_of::<fv_counts>() as u32,
        c: null(),
        g: null(),
        cg: null(),
        g_soft: null(),
        cg_soft: null(),
        c_unknown: null(),
    };
}
unsafe impl Sync for fv_counts {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_loss_setup {
    pub size: u32,
    pub train: *const fv_rows,
    pub dev: *const fv_rows,
    pub count: *const fv_counts,
    pub class_weight: *const f64,
    pub epochs: i32,
    pub batch: i32,
    pub member_is_probability: i32,
    pub class_name: *const *const c_char,
    pub base_kind: fv_base_kind,
    pub focal_gamma: f64,
}
impl fv_loss_setup {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_loss_setup = fv_loss_setup {
        size: size_of::<fv_loss_setup>() as u32,
        train: null(),
        dev: null(),
        count: null(),
        class_weight: null(),
        epochs: 0,
        batch: 0,
        member_is_probability: 0,
        class_name: null(),
        base_kind: 0,
        focal_gamma: 0.0,
    };
}
unsafe impl Sync for fv_loss_setup {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_batch {
    pub size: u32,
    pub n: i32,
    pub classes: i32,
    pub groups: i32,
    pub step: i64,
    pub steps: i64,
    pub epoch: i64,
    pub row: *const i32,
    pub loss: *const f64,
    pub logits: *const f32,
    pub label: *const f32,
    pub klass: *const i32,
    pub group: *const i32,
    pub member: *const f32,
    pub stem: *const *const c_char,
}
impl fv_batch {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_batch = fv_batch {
        size: size_of::<fv_batch>() as u32,
        n: 0,
        classes: 0,
        groups: 0,
        step: 0,
        steps: 0,
        epoch: 0,
        row: null(),
        loss: null(),
        logits: null(),
        label: null(),
        klass: null(),
        group: null(),
        member: null(),
        stem: null(),
    };
}
unsafe impl Sync for fv_batch {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_loss_ops {
    pub size: u32,
    pub uses_groups: i32,
    pub uses_duration: i32,
    pub exact_derivative: i32,
    pub open: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, setup: *const fv_loss_setup) -> fv_status>,
    pub subsample: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, row: *mut i32, cap: i64, n: *mut i64) -> fv_status>,
    pub order: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, epoch: i64, position: *mut i32, n: i64) -> fv_status>,
    pub mix: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, batch: *const fv_batch, partner_row: *mut i32, lambda: *mut f64) -> fv_status>,
    pub weigh: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, batch: *const fv_batch, v: *mut f64, value: *mut f64) -> fv_status>,
    pub evaluate: Option<unsafe extern "C" fn(state: *const c_void, ctx: *mut fv_ctx, batch: *const fv_batch, value: *mut f64) -> fv_status>,
    pub validated: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, dev: *const fv_batch) -> fv_status>,
    pub close: Option<unsafe extern "C" fn(state: *mut c_void)>,
}
impl fv_loss_ops {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_loss_ops = fv_loss_ops {
        size: size_of::<fv_loss_ops>() as u32,
        uses_groups: 0,
        uses_duration: 0,
        exact_derivative: 0,
        open: None,
        subsample: None,
        order: None,
        mix: None,
        weigh: None,
        evaluate: None,
        validated: None,
        close: None,
    };
}
unsafe impl Sync for fv_loss_ops {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_networks_1 {
    pub size: u32,
    pub build: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, setup: *const fv_loss_setup) -> fv_status>,
    pub predict: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, logits: *mut *mut fv_node) -> fv_status>,
    pub step: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, batch: *const fv_batch, value: *mut f64) -> fv_status>,
    pub evaluate: Option<unsafe extern "C" fn(state: *const c_void, ctx: *mut fv_ctx, batch: *const fv_batch, value: *mut f64) -> fv_status>,
    pub allows: u32,
}
impl fv_networks_1 {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_networks_1 = fv_networks_1 {
        size: size_of::<fv_networks_1>() as u32,
        build: None,
        predict: None,
        step: None,
        evaluate: None,
        allows: 0,
    };
}
unsafe impl Sync for fv_networks_1 {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_list {
    pub value: *const f64,
    pub n: i64,
}
impl fv_list {
    /// Everything is zero.
    pub const ZERO: fv_list = fv_list {
        value: null(),
        n: 0,
    };
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_param {
    pub size: u32,
    pub r#type: fv_param_type,
    pub offset: usize,
    pub name: *const c_char,
    pub unit: *const c_char,
    pub min: f64,
    pub max: f64,
    pub choices: *const c_char,
    pub def_paper: *const c_char,
    pub def_official: *const c_char,
    pub doc: *const c_char,
    pub required: i32,
}
impl fv_param {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_param = fv_param {
        size: size_of::<fv_param>() as u32,
        r#type: 0,
        offset: 0,
        name: null(),
        unit: null(),
        min: 0.0,
        max: 0.0,
        choices: null(),
        def_paper: null(),
        def_official: null(),
        doc: null(),
        required: 0,
    };
}
unsafe impl Sync for fv_param {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_preset {
    pub size: u32,
    pub profile: *const c_char,
    pub key: *const c_char,
    pub value: *const c_char,
}
impl fv_preset {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_preset = fv_preset {
        size: size_of::<fv_preset>() as u32,
        profile: null(),
        key: null(),
        value: null(),
    };
}
unsafe impl Sync for fv_preset {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_descriptor {
    pub size: u32,
    pub abi: u32,
    pub kind: fv_kind,
    pub name: *const c_char,
    pub version: *const c_char,
    pub summary: *const c_char,
    pub source: *const c_char,
    pub licence: *const c_char,
    pub state_size: usize,
    pub params: *const fv_param,
    pub n_params: u32,
    pub presets: *const fv_preset,
    pub n_presets: u32,
    pub ops: *const c_void,
    pub extension: Option<unsafe extern "C" fn(id: *const c_char) -> *const c_void>,
}
impl fv_descriptor {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_descriptor = fv_descriptor {
        size: size_of::<fv_descriptor>() as u32,
        abi: 0,
        kind: 0,
        name: null(),
        version: null(),
        summary: null(),
        source: null(),
        licence: null(),
        state_size: 0,
        params: null(),
        n_params: 0,
        presets: null(),
        n_presets: 0,
        ops: null(),
        extension: None,
    };
}
unsafe impl Sync for fv_descriptor {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_stage {
    pub size: u32,
    pub fresh: i32,
    pub start: i32,
    pub fresh_output: i32,
    pub output_only: i32,
    pub use_last: i32,
    pub n: i64,
    pub row: *const i32,
    pub row_weight: *const f64,
    pub label: *const f32,
    pub dev_label: *const f32,
    pub groups: i32,
    pub group: *const i32,
    pub dev_group: *const i32,
    pub epochs: i64,
    pub learning_rate: f64,
    pub anchor: f64,
    pub output_l1: f64,
    pub loss: *const c_char,
    pub n_average: i32,
    pub average: *const i32,
}
impl fv_stage {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_stage = fv_stage {
        size: size_of::<fv_stage>() as u32,
        fresh: 0,
        start: 0,
        fresh_output: 0,
        output_only: 0,
        use_last: 0,
        n: 0,
        row: null(),
        row_weight: null(),
        label: null(),
        dev_label: null(),
        groups: 0,
        group: null(),
        dev_group: null(),
        epochs: 0,
        learning_rate: 0.0,
        anchor: 0.0,
        output_l1: 0.0,
        loss: null(),
        n_average: 0,
        average: null(),
    };
}
unsafe impl Sync for fv_stage {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_stages_1 {
    pub size: u32,
    pub makes_groups: i32,
    pub next: Option<unsafe extern "C" fn(state: *mut c_void, ctx: *mut fv_ctx, index: i32, stage: *mut fv_stage, more: *mut i32) -> fv_status>,
}
impl fv_stages_1 {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_stages_1 = fv_stages_1 {
        size: size_of::<fv_stages_1>() as u32,
        makes_groups: 0,
        next: None,
    };
}
unsafe impl Sync for fv_stages_1 {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_stream {
    pub key: [u64; 2],
    pub counter: [u64; 4],
    pub block: [u64; 4],
    pub used: u32,
}
impl fv_stream {
    /// Everything is zero.
    pub const ZERO: fv_stream = fv_stream {
        key: [0; 2],
        counter: [0; 4],
        block: [0; 4],
        used: 0,
    };
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct fv_trunk_shape {
    pub size: u32,
    pub convs: i32,
    pub channels: [i32; 16],
    pub taps: [i32; 16],
    pub step: [i32; 16],
    pub conv_bias: i32,
    pub norm_each: i32,
    pub norm_first: i32,
    pub width: i32,
    pub layers: i32,
    pub heads: i32,
    pub inner: i32,
    pub position_taps: i32,
    pub position_groups: i32,
    pub buckets: i32,
    pub max_distance: i32,
    pub eps: f64,
}
impl fv_trunk_shape {
    /// The size is filled in, everything else is zero.
    pub const SIZED: fv_trunk_shape = fv_trunk_shape {
        size: size_of::<fv_trunk_shape>() as u32,
        convs: 0,
        channels: [0; 16],
        taps: [0; 16],
        step: [0; 16],
        conv_bias: 0,
        norm_each: 0,
        norm_first: 0,
        width: 0,
        layers: 0,
        heads: 0,
        inner: 0,
        position_taps: 0,
        position_groups: 0,
        buckets: 0,
        max_distance: 0,
        eps: 0.0,
    };
}
unsafe impl Sync for fv_trunk_shape {}

#[link(name = "fairvox")]
extern "C" {
    pub fn fv_fail(ctx: *mut fv_ctx, status: fv_status, format: *const c_char, ...) -> fv_status;
    pub fn fv_warn(ctx: *mut fv_ctx, format: *const c_char, ...);
    pub fn fv_note(ctx: *mut fv_ctx, format: *const c_char, ...);
    pub fn fv_array(ctx: *mut fv_ctx, name: *const c_char, r#type: fv_type, n0: i64, n1: i64) -> *mut c_void;
    pub fn fv_scratch(ctx: *mut fv_ctx, bytes: usize) -> *mut c_void;
    pub fn fv_alloc(ctx: *mut fv_ctx, bytes: usize) -> *mut c_void;
    pub fn fv_checkpoint_open(ctx: *mut fv_ctx, path: *const c_char, out: *mut *mut fv_checkpoint) -> fv_status;
    pub fn fv_checkpoint_close(file: *mut fv_checkpoint);
    pub fn fv_checkpoint_container(file: *const fv_checkpoint) -> *const c_char;
    pub fn fv_checkpoint_count(file: *const fv_checkpoint) -> i64;
    pub fn fv_checkpoint_at(file: *const fv_checkpoint, index: i64) -> *const fv_tensor;
    pub fn fv_checkpoint_find(file: *const fv_checkpoint, name: *const c_char) -> *const fv_tensor;
    pub fn fv_checkpoint_meta(file: *const fv_checkpoint, key: *const c_char) -> *const c_char;
    pub fn fv_checkpoint_release(file: *const fv_checkpoint, tensor: *const fv_tensor);
    pub fn fv_tensor_to_f32(ctx: *mut fv_ctx, tensor: *const fv_tensor, out: *mut f32) -> fv_status;
    pub fn fv_checkpoint_read(ctx: *mut fv_ctx, path: *const c_char, file: *const fv_checkpoint, name: *const c_char, out: *mut f32) -> fv_status;
    pub fn fv_checkpoint_census(ctx: *mut fv_ctx, path: *const c_char, file: *const fv_checkpoint, expected: *const fv_expected, n: i64, prefix: *const c_char, heads: *const *const c_char) -> fv_status;
    pub fn fv_checkpoint_judge_others(ctx: *mut fv_ctx, path: *const c_char, others: *const fv_others) -> fv_status;
    pub fn fv_checkpoint_find_prefix(ctx: *mut fv_ctx, path: *const c_char, file: *const fv_checkpoint, name: *const *const c_char, n: i64, prefix: *mut c_char, found: *mut i64) -> fv_status;
    pub fn fv_checkpoint_check_whole(ctx: *mut fv_ctx, path: *const c_char, file: *const fv_checkpoint) -> fv_status;
    pub fn fv_checkpoint_is_beside(prefix: *const c_char, heads: *const *const c_char, name: *const c_char) -> i32;
    pub fn fv_checkpoint_note_prefix(ctx: *mut fv_ctx, path: *const c_char, prefix: *const c_char, usual: *const *const c_char);
    pub fn fv_csv_read(ctx: *mut fv_ctx, path: *const c_char, out: *mut *const fv_csv) -> fv_status;
    pub fn fv_csv_rows(csv: *const fv_csv) -> i64;
    pub fn fv_csv_columns(csv: *const fv_csv) -> i64;
    pub fn fv_csv_name(csv: *const fv_csv, column: i64) -> *const c_char;
    pub fn fv_csv_find(csv: *const fv_csv, name: *const c_char) -> i64;
    pub fn fv_csv_cell(csv: *const fv_csv, row: i64, column: i64) -> *const c_char;
    pub fn fv_csv_fail(ctx: *mut fv_ctx, csv: *const fv_csv, row: i64, format: *const c_char, ...) -> fv_status;
    pub fn fv_csv_fail_column(ctx: *mut fv_ctx, csv: *const fv_csv, name: *const c_char) -> fv_status;
    pub fn fv_csv_clean(ctx: *mut fv_ctx, csv: *const fv_csv, column: i64) -> fv_status;
    pub fn fv_csv_probability(ctx: *mut fv_ctx, csv: *const fv_csv, row: i64, column: i64, out: *mut f64) -> fv_status;
    pub fn fv_parse_real(text: *const c_char, out: *mut f64) -> i32;
    pub fn fv_stem(ctx: *mut fv_ctx, name: *const c_char) -> *const c_char;
    pub fn fv_path_id(ctx: *mut fv_ctx, name: *const c_char) -> *const c_char;
    pub fn fv_window_hann(w: *mut f32, n: i32);
    pub fn fv_dot(a: *const f32, b: *const f32, n: i64) -> f32;
    pub fn fv_log2(x: *const f32, y: *mut f32, n: i64);
    pub fn fv_quantile(sorted: *const f32, n: i64, p: f64) -> f64;
    pub fn fv_fft_open(ctx: *mut fv_ctx, n: i32) -> *mut fv_fft;
    pub fn fv_fft_power(fft: *const fv_fft, x: *const f32, power: *mut f32, scratch: *mut f32);
    pub fn fv_fft_autocorrelation(fft: *const fv_fft, power: *const f32, r: *mut f32, scratch: *mut f32);
    pub fn fv_stft_open(ctx: *mut fv_ctx, n: i32, hop: i32, window: *const f64) -> *mut fv_stft;
    pub fn fv_stft_frames(stft: *const fv_stft, n: i64) -> i64;
    pub fn fv_stft_scratch(stft: *const fv_stft) -> usize;
    pub fn fv_stft_power(stft: *const fv_stft, wave: *const f32, n: i64, first: i64, frames: i64, power: *mut f64, scratch: *mut f64);
    pub fn fv_mel_open(ctx: *mut fv_ctx, fft_size: i32, rate_hz: f64, bands: i32, low_hz: f64, high_hz: f64) -> *mut fv_mel;
    pub fn fv_mel_open_slaney(ctx: *mut fv_ctx, fft_size: i32, rate_hz: f64, bands: i32, low_hz: f64, high_hz: f64) -> *mut fv_mel;
    pub fn fv_mel_open_symmetric(ctx: *mut fv_ctx, fft_size: i32, rate_hz: f64, bands: i32, low_hz: f64, high_hz: f64) -> *mut fv_mel;
    pub fn fv_mel_apply(mel: *const fv_mel, power: *const f32, out: *mut f32);
    pub fn fv_mel_apply_double(mel: *const fv_mel, power: *const f64, out: *mut f32);
    pub fn fv_mel_spectrum(mel: *const fv_mel, stft: *const fv_stft, worker: *mut fv_ctx, wave: *const f32, n: i64, frames: i64, out: *mut f32) -> fv_status;
    pub fn fv_dct_open(ctx: *mut fv_ctx, n: i32, bins: i32, orthonormal: i32) -> *mut fv_dct;
    pub fn fv_dct_apply(dct: *const fv_dct, x: *const f32, out: *mut f32);
    pub fn fv_pitch_open(ctx: *mut fv_ctx, options: *const fv_pitch_options, out: *mut *const fv_pitch) -> fv_status;
    pub fn fv_pitch_frames(pitch: *const fv_pitch, n: i64) -> i64;
    pub fn fv_pitch_track(pitch: *const fv_pitch, worker: *mut fv_ctx, wave: *const f32, n: i64, f0_hz: *mut f32, strength: *mut f32) -> fv_status;
    pub fn fv_linear_open(ctx: *mut fv_ctx, precision: fv_precision, outputs: i64, inputs: i64, weight: *const f32, bias: *const f32) -> *mut fv_linear;
    pub fn fv_linear_scratch(linear: *const fv_linear, rows: i64) -> usize;
    pub fn fv_linear_apply(linear: *const fv_linear, rows: i64, x: *const f32, stride_x: i64, add: i32, activation: fv_activation, y: *mut f32, stride_y: i64, scratch: *mut f32);
    pub fn fv_lstm_open(ctx: *mut fv_ctx, inputs: i32, hidden: i32, weight_ih: *const f32, weight_hh: *const f32, bias_ih: *const f32, bias_hh: *const f32) -> *mut fv_lstm;
    pub fn fv_lstm_scratch(lstm: *const fv_lstm, sequences: i64) -> usize;
    pub fn fv_lstm_apply(lstm: *const fv_lstm, x: *const f32, steps: i64, sequences: i64, y: *mut f32, scratch: *mut f32);
    pub fn fv_constant(ctx: *mut fv_ctx, x: *const f32, n: i64) -> *const f32;
    pub fn fv_dense_open(ctx: *mut fv_ctx, sums: fv_sums, outputs: i64, inputs: i64, weight: *const f32, bias: *const f32) -> *mut fv_dense;
    pub fn fv_pack_count(pack: *const fv_pack) -> i32;
    pub fn fv_pack_input_rows(pack: *const fv_pack, u: i32) -> i64;
    pub fn fv_pack_input(pack: *const fv_pack) -> fv_matrix;
    pub fn fv_pack_rows(pack: *mut fv_pack, x: fv_matrix, width: i64) -> fv_matrix;
    pub fn fv_pack_utterances(pack: *mut fv_pack, width: i64) -> fv_matrix;
    pub fn fv_pack_windows(pack: *mut fv_pack, x: fv_matrix, window: i64, step: i64, width: i64) -> fv_matrix;
    pub fn fv_columns(x: fv_matrix, from: i64, width: i64) -> fv_matrix;
    pub fn fv_pack_linear(pack: *mut fv_pack, linear: *const fv_linear, x: fv_matrix, add: i32, activation: fv_activation, y: fv_matrix);
    pub fn fv_pack_dense(pack: *mut fv_pack, dense: *const fv_dense, f: fv_function, factor: f64, x: fv_matrix, y: fv_matrix);
    pub fn fv_pack_affine(pack: *mut fv_pack, affine: fv_affine, f: fv_function, x: fv_matrix, y: fv_matrix);
    pub fn fv_pack_convolve(pack: *mut fv_pack, convolution: *const fv_convolution, a: fv_affine, x: fv_matrix, b: fv_affine, added: fv_matrix, y: fv_matrix);
    pub fn fv_pack_mean(pack: *mut fv_pack, sums: fv_sums, x: fv_matrix, y: fv_matrix);
    pub fn fv_pack_moments(pack: *mut fv_pack, affine: fv_affine, least: f64, x: fv_matrix, logits: fv_matrix, centre: fv_matrix, y: fv_matrix);
    pub fn fv_pack_spread(pack: *mut fv_pack, x: fv_matrix, y: fv_matrix);
    pub fn fv_pack_gate(pack: *mut fv_pack, affine: fv_affine, gate: fv_matrix, x: fv_matrix, y: fv_matrix);
    pub fn fv_pack_lstm(pack: *mut fv_pack, layer: *const *mut fv_lstm, layers: i32, window: i64, step: i64, x: fv_matrix, y: fv_matrix);
    pub fn fv_pack_direction(pack: *mut fv_pack, x: fv_matrix, y: fv_matrix);
    pub fn fv_pack_fetch(pack: *mut fv_pack, x: fv_matrix, block: i64, out: *const *mut f32);
    pub fn fv_pack_wait(pack: *mut fv_pack) -> fv_status;
    pub fn fv_pack_refuse(pack: *mut fv_pack, u: i32, format: *const c_char, ...);
    pub fn fv_feed_rows(feed: *mut fv_feed, rows: i64, width: i64) -> *mut f32;
    pub fn fv_base_loss(setup: *const fv_loss_setup, logits: *const f32, label: *const f32, gradient: *mut f64) -> f64;
    pub fn fv_probability(setup: *const fv_loss_setup, logits: *const f32, p: *mut f64);
    pub fn fv_net_head(ctx: *mut fv_ctx, prefix: *const c_char, outputs: i32) -> *mut fv_net;
    pub fn fv_net_encoder(ctx: *mut fv_ctx, prefix: *const c_char) -> *mut fv_net;
    pub fn fv_net_linear(ctx: *mut fv_ctx, name: *const c_char, outputs: i32, inputs: i32) -> *mut fv_net;
    pub fn fv_net_outputs(net: *const fv_net) -> i32;
    pub fn fv_net_input(ctx: *mut fv_ctx) -> *mut fv_node;
    pub fn fv_net_forward(ctx: *mut fv_ctx, net: *mut fv_net, r#in: *mut fv_node) -> *mut fv_node;
    pub fn fv_net_concat(ctx: *mut fv_ctx, a: *mut fv_node, b: *mut fv_node, hold: i32, permutation: *const i32) -> *mut fv_node;
    pub fn fv_net_scale_gradient(ctx: *mut fv_ctx, node: *mut fv_node, factor: f64) -> *mut fv_node;
    pub fn fv_net_uniform(ctx: *mut fv_ctx, purpose: *const c_char, width: i32) -> *mut fv_node;
    pub fn fv_net_data(ctx: *mut fv_ctx, node: *mut fv_node) -> *const f32;
    pub fn fv_net_grad(ctx: *mut fv_ctx, node: *mut fv_node) -> *mut f32;
    pub fn fv_net_backward(ctx: *mut fv_ctx) -> fv_status;
    pub fn fv_predict_rows(ctx: *mut fv_ctx, rows: *const fv_rows, logits: *mut f32) -> fv_status;
    pub fn fv_representation_width(ctx: *mut fv_ctx) -> i32;
    pub fn fv_represent_rows(ctx: *mut fv_ctx, rows: *const fv_rows, x: *mut f32) -> fv_status;
    pub fn fv_rng(ctx: *mut fv_ctx, purpose: *const c_char, epoch: i64, index: u64) -> fv_stream;
    pub fn fv_rng_seeded(seed: u64, purpose: *const c_char, epoch: i64, index: u64) -> fv_stream;
    pub fn fv_next(stream: *mut fv_stream) -> u64;
    pub fn fv_uniform(stream: *mut fv_stream) -> f64;
    pub fn fv_normal(stream: *mut fv_stream) -> f64;
    pub fn fv_below(stream: *mut fv_stream, bound: u64) -> u64;
    pub fn fv_permutation(stream: *mut fv_stream, out: *mut i32, n: i32);
    pub fn fv_name_hash(name: *const c_char) -> u64;
    pub fn fv_trunk_count(shape: *const fv_trunk_shape, tensor: fv_trunk_tensor) -> i32;
    pub fn fv_trunk_dims(shape: *const fv_trunk_shape, tensor: fv_trunk_tensor, index: i32, dims: *mut i64) -> i32;
    pub fn fv_trunk_open(ctx: *mut fv_ctx, shape: *const fv_trunk_shape, precision: fv_precision, read: Option<fv_trunk_read>, user: *mut c_void, out: *mut *mut fv_trunk) -> fv_status;
    pub fn fv_trunk_frames(trunk: *const fv_trunk, n: i64) -> i64;
    pub fn fv_trunk_min_samples(trunk: *const fv_trunk) -> i64;
    pub fn fv_trunk_batch(trunk: *const fv_trunk, pack: *mut fv_pack, scaled: i32, pooled: i32, out: *const *mut f32) -> fv_status;
    pub fn fv_trunk_apply(trunk: *const fv_trunk, worker: *mut fv_ctx, wave: *const f32, n: i64, scaled: i32, pooled: i32, out: *mut f32) -> fv_status;
    pub fn fv_trunk_last(trunk: *const fv_trunk, pack: *mut fv_pack, scaled: i32) -> fv_matrix;
    pub fn fv_gelu(x: *const f32, y: *mut f32, n: i64);
    pub fn fv_layer_norm(x: *const f32, rows: i64, width: i64, scale: *const f32, offset: *const f32, eps: f32, y: *mut f32);
    pub fn fv_softmax(x: *mut f32, rows: i64, width: i64, stride: i64);
    pub fn fv_column_moments(x: *const f32, logit: *const f32, rows: i64, width: i64, stride: i64, centre: *const f32, peak: *const f32, sums: *mut f64);
}
