// SPDX-License-Identifier: Apache-2.0
//! my_plugin: trains twice; in the second training the rows that the first model gets wrong count more.
//!
//!     stage 1: first_epochs epochs of the mean base loss
//!     stage 2: a new model, with the base loss of row i times w_i = factor if the model of stage 1 takes row i for
//!              another class, and 1 otherwise
//!
//! Shapes: w [N], one for each training row. Ties between classes go to the first. No groups. Validation: the mean
//! base loss, in both stages.
//!
//! What to change: ask_stage, which is called before each training stage and fills in what differs from an ordinary
//! training. fairvox/stages.h lists the members: rows, weights, labels and groups of the stage, the model that it
//! starts from, averages of models, another loss that it delegates to. Without an op `weigh` a stage trains the mean
//! base loss; the ops of fairvox/loss.h work in every stage of its own.
use fairvox::*;

// Without a default (paper) the user must give a number or choice; `fairvox check` then takes -p key=value.
fairvox::state! {
    struct State {
        factor: real { min: 1.0, max: 1000.0, paper: "5", doc: "how much more a row counts that the first model gets wrong" },
        first_epochs: int { min: 1.0, max: 10000.0, paper: "5", doc: "epochs of the first training" },
    }
    own {
        train: *const fv_rows,
        weight: *mut f64,
    }
}

unsafe extern "C" fn open_loss(state: *mut c_void, ctx: *mut fv_ctx, setup: *const fv_loss_setup) -> fv_status {
    guard(ctx, || {
        let state = &mut *(state as *mut State);
        let n = (*(*setup).train).n as usize;
        state.train = (*setup).train;
        state.weight = fv_alloc(ctx, n * std::mem::size_of::<f64>()) as *mut f64;
        if state.weight.is_null() { FV_FAILED } else { FV_OK }
    })
}

/// The class of the largest logit, the first one on ties.
fn find_largest(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |largest, k| if logits[k] > logits[largest] { k } else { largest })
}

unsafe extern "C" fn ask_stage(
    state: *mut c_void,
    ctx: *mut fv_ctx,
    index: i32,
    stage: *mut fv_stage,
    more: *mut i32,
) -> fv_status {
    guard(ctx, || {
        let (state, stage) = (&*(state as *const State), &mut *stage);
        if index == 0 {
            stage.epochs = state.first_epochs;
            stage.use_last = 1; // the model of the last epoch, not of the best
            *more = 1; // a stage follows
            return FV_OK;
        }
        let rows = &*state.train;
        let (n, classes) = (rows.n as usize, rows.classes as usize);
        let mut logits = vec![0f32; n * classes];
        if fv_predict_rows(ctx, rows, logits.as_mut_ptr()) != FV_OK {
            return FV_FAILED;
        }
        let (klass, weight) = (slice(rows.klass, n), slice_mut(state.weight, n));
        for i in 0..n {
            let right = find_largest(&logits[i * classes..(i + 1) * classes]) == klass[i] as usize;
            weight[i] = if right { 1.0 } else { state.factor };
        }
        stage.fresh = 1; // a new model; 0 would go on with that of stage 1
        stage.row_weight = state.weight;
        FV_OK
    })
}

static STAGES: fv_stages_1 = fv_stages_1 { next: Some(ask_stage), ..fv_stages_1::SIZED };

unsafe extern "C" fn find_extension(id: *const c_char) -> *const c_void {
    match read_text(id) {
        Some(id) if id == FV_STAGES_1 => &STAGES as *const fv_stages_1 as *const c_void,
        _ => std::ptr::null(),
    }
}

static OPS: fv_loss_ops = fv_loss_ops { open: Some(open_loss), ..fv_loss_ops::SIZED };

static DESCRIPTOR: fv_descriptor = fv_descriptor {
    name: text!("my_plugin"),
    version: text!("0.1"),
    summary: text!("a second training in which the errors of the first count more"),
    source: text!("an example: name the paper here"),
    licence: text!("Apache-2.0"),
    extension: Some(find_extension),
    ..loss_descriptor::<State>(&State::PARAMS, &OPS)
};

fairvox::entry!(DESCRIPTOR);
