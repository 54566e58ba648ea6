// SPDX-License-Identifier: Apache-2.0
//! my_plugin: two networks; the second one tells which samples are hard, and those count more in the first.
//!
//!     value = mean_i w_i l_i + mean_i h_i,   w_i = 1 - share + share 2 h_i / (h_i + l_i)
//!
//! Shapes: l, h [B], the base losses of the first network, which predicts, and of the helper; w [B] is held constant,
//! 1 where both are 0. No groups, no state. Validation: the same with w = 1.
//!
//! What to change: build_networks (which networks there are), name_prediction (the value that predicts) and
//! step_networks, which writes the gradient of the value with respect to each network's output and calls
//! fv_net_backward once. fairvox/networks.h has encoders, linear layers, concatenations and reversed gradients. The
//! core computes layers, clipping and the optimiser, saves the networks and predicts.
use fairvox::*;

// Without a default (paper) the user must give a number or choice; `fairvox check` then takes -p key=value.
fairvox::state! {
    struct State {
        share: real { min: 0.0, max: 1.0, paper: "1", doc: "how much the weights follow the helper; 0: all samples count the same" },
    }
    own {
        setup: *const fv_loss_setup,
        first: *mut fv_net,
        helper: *mut fv_net,
    }
}

unsafe extern "C" fn build_networks(state: *mut c_void, ctx: *mut fv_ctx, setup: *const fv_loss_setup) -> fv_status {
    guard(ctx, || {
        let state = &mut *(state as *mut State);
        let classes = (*(*setup).train).classes;
        state.setup = setup;
        state.first = fv_net_head(ctx, text!(""), classes);
        state.helper = fv_net_head(ctx, text!("helper."), classes);
        if state.first.is_null() || state.helper.is_null() { FV_FAILED } else { FV_OK }
    })
}

unsafe extern "C" fn name_prediction(state: *mut c_void, ctx: *mut fv_ctx, logits: *mut *mut fv_node) -> fv_status {
    guard(ctx, || {
        *logits = fv_net_forward(ctx, (*(state as *const State)).first, fv_net_input(ctx));
        if (*logits).is_null() { FV_FAILED } else { FV_OK }
    })
}

/// The base losses of logits [B,C].
unsafe fn compute_losses(state: &State, label: &[f32], logits: &[f32], classes: usize) -> Vec<f64> {
    let rows = logits.chunks(classes).zip(label.chunks(classes));
    rows.map(|(z, y)| fv_base_loss(state.setup, z.as_ptr(), y.as_ptr(), std::ptr::null_mut())).collect()
}

/// Writes the gradient [B,C] of mean_i weight_i l_i.
unsafe fn write_gradient(state: &State, label: &[f32], logits: &[f32], weight: &[f64], gradient: &mut [f32]) {
    let classes = logits.len() / weight.len();
    let mut row = vec![0f64; classes];
    for (i, w) in weight.iter().enumerate() {
        let at = i * classes..(i + 1) * classes;
        fv_base_loss(state.setup, logits[at.clone()].as_ptr(), label[at.clone()].as_ptr(), row.as_mut_ptr());
        for (to, d) in gradient[at].iter_mut().zip(&row) {
            *to = (w * d / weight.len() as f64) as f32;
        }
    }
}

unsafe extern "C" fn step_networks(
    state: *mut c_void,
    ctx: *mut fv_ctx,
    batch: *const fv_batch,
    value: *mut f64,
) -> fv_status {
    guard(ctx, || {
        let (state, batch) = (&*(state as *const State), &*batch);
        let (n, classes) = (batch.n as usize, batch.classes as usize);
        let first = fv_net_forward(ctx, state.first, fv_net_input(ctx));
        let helper = fv_net_forward(ctx, state.helper, fv_net_input(ctx));
        let data = fv_net_data(ctx, helper);
        let (d_first, d_helper) = (fv_net_grad(ctx, first), fv_net_grad(ctx, helper));
        if data.is_null() || d_first.is_null() || d_helper.is_null() {
            return FV_FAILED;
        }
        let (loss, label) = (slice(batch.loss, n), slice(batch.label, n * classes));
        let (logits, hard_logits) = (slice(batch.logits, n * classes), slice(data, n * classes));
        let hard = compute_losses(state, label, hard_logits, classes);
        let mut weight = vec![1f64; n];
        *value = 0.0;
        for i in 0..n {
            let sum = hard[i] + loss[i];
            weight[i] = 1.0 - state.share + state.share * if sum > 0.0 { 2.0 * hard[i] / sum } else { 1.0 };
            *value += (weight[i] * loss[i] + hard[i]) / n as f64;
        }
        write_gradient(state, label, logits, &weight, slice_mut(d_first, n * classes));
        write_gradient(state, label, hard_logits, &vec![1f64; n], slice_mut(d_helper, n * classes));
        fv_net_backward(ctx)
    })
}

unsafe extern "C" fn evaluate_networks(
    state: *const c_void,
    ctx: *mut fv_ctx,
    batch: *const fv_batch,
    value: *mut f64,
) -> fv_status {
    guard(ctx, || {
        let (state, batch) = (&*(state as *const State), &*batch);
        let (n, classes) = (batch.n as usize, batch.classes as usize);
        let data = fv_net_data(ctx, fv_net_forward(ctx, state.helper, fv_net_input(ctx)));
        if data.is_null() {
            return FV_FAILED;
        }
        let label = slice(batch.label, n * classes);
        let hard = compute_losses(state, label, slice(data, n * classes), classes);
        *value = slice(batch.loss, n).iter().zip(&hard).map(|(l, h)| (l + h) / n as f64).sum();
        FV_OK
    })
}

static NETWORKS: fv_networks_1 = fv_networks_1 {
    build: Some(build_networks),
    predict: Some(name_prediction),
    step: Some(step_networks),
    evaluate: Some(evaluate_networks),
    allows: FV_NETWORKS_SIGMOID | FV_NETWORKS_BARE,
    ..fv_networks_1::SIZED
};

unsafe extern "C" fn find_extension(id: *const c_char) -> *const c_void {
    match read_text(id) {
        Some(id) if id == FV_NETWORKS_1 => &NETWORKS as *const fv_networks_1 as *const c_void,
        _ => std::ptr::null(),
    }
}

// The weights are held constant, so the gradients are not the derivatives of the value.
static OPS: fv_loss_ops = fv_loss_ops { exact_derivative: -1, ..fv_loss_ops::SIZED };

static DESCRIPTOR: fv_descriptor = fv_descriptor {
    name: text!("my_plugin"),
    version: text!("0.1"),
    summary: text!("samples count more that a second network finds hard"),
    source: text!("an example: name the paper here"),
    licence: text!("Apache-2.0"),
    extension: Some(find_extension),
    ..loss_descriptor::<State>(&State::PARAMS, &OPS)
};

fairvox::entry!(DESCRIPTOR);
