// SPDX-License-Identifier: Apache-2.0
//! my_plugin: the mean of the worst share of each batch.
//!
//!     value = (1/k) sum of the k largest l, k = ceil(alpha B)
//!     v_i   = 1/k for those k samples, 0 for the others
//!
//! Shapes: l, v [B]. Ties go to the lower position in the batch. No groups, no state. Validation: the same, batch
//! by batch.
//!
//! What to change: the state, its parameters, and weigh_batch, which turns base losses into weights. The model
//! follows the gradient sum_i v_i dl_i. fairvox/loss.h describes the other ops: `open` reads counts and labels,
//! `subsample` and `order` choose rows, `mix` mixes samples. An objective that needs groups sets uses_groups to 1
//! and reads batch.group.
//!
//! exact_derivative says that v_i is the derivative of the value, and `fairvox check` compares them; leave it out
//! where something is held constant, such as group weights.
use fairvox::*;

// Without a default (paper) the user must give a number or choice; `fairvox check` then takes -p key=value.
fairvox::state! {
    struct State {
        alpha: real { min: 0.001, max: 1.0, paper: "0.3", doc: "share of each batch that counts" },
    }
}

/// The k samples of the largest losses, k = ceil(alpha B).
fn find_worst(alpha: f64, loss: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..loss.len()).collect();
    order.sort_by(|&a, &b| loss[b].total_cmp(&loss[a]));
    order.truncate((alpha * loss.len() as f64).ceil() as usize);
    order
}

unsafe extern "C" fn weigh_batch(
    state: *mut c_void,
    ctx: *mut fv_ctx,
    batch: *const fv_batch,
    v: *mut f64,
    value: *mut f64,
) -> fv_status {
    guard(ctx, || {
        let (state, n) = (&*(state as *const State), (*batch).n as usize);
        let (loss, v) = (slice((*batch).loss, n), slice_mut(v, n));
        let worst = find_worst(state.alpha, loss);
        for &i in &worst {
            v[i] = 1.0 / worst.len() as f64;
        }
        *value = v.iter().zip(loss).map(|(v, l)| v * l).sum();
        FV_OK
    })
}

unsafe extern "C" fn evaluate_batch(
    state: *const c_void,
    ctx: *mut fv_ctx,
    batch: *const fv_batch,
    value: *mut f64,
) -> fv_status {
    guard(ctx, || {
        let state = &*(state as *const State);
        let loss = slice((*batch).loss, (*batch).n as usize);
        let worst = find_worst(state.alpha, loss);
        *value = worst.iter().map(|&i| loss[i]).sum::<f64>() / worst.len() as f64;
        FV_OK
    })
}

static OPS: fv_loss_ops = fv_loss_ops {
    weigh: Some(weigh_batch),
    evaluate: Some(evaluate_batch),
    exact_derivative: 1,
    ..fv_loss_ops::SIZED
};

static DESCRIPTOR: fv_descriptor = fv_descriptor {
    name: text!("my_plugin"),
    version: text!("0.1"),
    summary: text!("mean of the worst share of each batch"),
    source: text!("an example: name the paper here"),
    licence: text!("Apache-2.0"),
    ..loss_descriptor::<State>(&State::PARAMS, &OPS)
};

fairvox::entry!(DESCRIPTOR);
