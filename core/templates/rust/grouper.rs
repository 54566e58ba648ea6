// SPDX-License-Identifier: Apache-2.0
//! my_plugin: two groups, below and above a quantile of one column of an encoder's output.
//!
//!     t    = the p-quantile of the column over the training rows
//!     id_i = 0 (low) if x_i < t, 1 (high) otherwise
//!
//! What to change: uses_input (which inputs the grouper sees), fit_threshold (what is learnt from the training rows,
//! and the names of the groups) and assign_rows (any rows, also of other splits). A group of -1 means unknown.
//! fairvox/grouper.h describes soft memberships, attributes and speakers.
use fairvox::*;

static NAMES: Texts<2> = texts!["low", "high"];

// Without a default (paper) the user must give a number or choice; `fairvox check` then takes -p key=value.
fairvox::state! {
    struct State {
        quantile: real { min: 0.0, max: 1.0, paper: "0.5", doc: "share of the training rows in the group low" },
        feature: string { doc: "column of the encoder's output; none: its first" },
    }
    own {
        position: usize, // of the column; filled in by fit_threshold, like all below
        dims: usize,
        threshold: f32,
    }
}

/// The user names an encoder in the block `grouper`.
unsafe extern "C" fn uses_input(_state: *const c_void) -> u32 {
    FV_USE_FEATURES
}

/// The rows' numbers, [n, dims]; an error where one is not finite: such a row belongs to no group.
unsafe fn read_numbers(rows: &fv_grouper_input) -> Result<&[f32], String> {
    let x = slice(rows.x, rows.n as usize * rows.dims as usize);
    match x.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("row {}: not a finite number", at / rows.dims as usize)),
        None => Ok(x),
    }
}

/// The position of the column that the parameter names; the first if it names none.
unsafe fn find_column(state: &State, rows: &fv_grouper_input) -> Result<usize, String> {
    let name = match read_text(state.feature) {
        Some(name) => name,
        None => return Ok(0),
    };
    let columns = slice(rows.columns, rows.dims as usize);
    columns
        .iter()
        .position(|&column| read_text(column).as_ref() == Some(&name))
        .ok_or_else(|| format!("the encoder has no column '{}'", name))
}

unsafe extern "C" fn fit_threshold(
    state: *mut c_void,
    ctx: *mut fv_ctx,
    train: *const fv_grouper_input,
    out: *mut fv_grouping,
) -> fv_status {
    guard(ctx, || {
        let (state, train) = (&mut *(state as *mut State), &*train);
        if train.x.is_null() {
            return fail(ctx, FV_CONFIG, "is shown no features: uses_input() must return FV_USE_FEATURES");
        }
        if train.layers != 1 {
            return fail(ctx, FV_CONFIG, "the encoder gives several layers: choose one with its key 'layer'");
        }
        state.dims = train.dims as usize;
        state.position = match find_column(state, train) {
            Ok(position) => position,
            Err(reason) => return fail(ctx, FV_CONFIG, &reason),
        };
        let x = match read_numbers(train) {
            Ok(x) => x,
            Err(reason) => return fail(ctx, FV_DATA, &reason),
        };
        let mut column: Vec<f32> = x.chunks(state.dims).map(|row| row[state.position]).collect();
        column.sort_by(f32::total_cmp);
        state.threshold = fv_quantile(column.as_ptr(), column.len() as i64, state.quantile) as f32;
        *out = fv_grouping { groups: NAMES.len(), name: NAMES.as_ptr(), ..fv_grouping::SIZED };
        FV_OK
    })
}

unsafe extern "C" fn assign_rows(
    state: *const c_void,
    ctx: *mut fv_ctx,
    rows: *const fv_grouper_input,
    id: *mut i32,
    _member: *mut f32, // the grouping is hard
) -> fv_status {
    guard(ctx, || {
        let (state, rows) = (&*(state as *const State), &*rows);
        if rows.dims as usize != state.dims {
            return fail(ctx, FV_DATA, "the rows have another number of columns than those of fit");
        }
        let x = match read_numbers(rows) {
            Ok(x) => x,
            Err(reason) => return fail(ctx, FV_DATA, &reason),
        };
        let id = slice_mut(id, rows.n as usize);
        for (row, id) in x.chunks(state.dims).zip(id) {
            *id = i32::from(row[state.position] >= state.threshold);
        }
        FV_OK
    })
}

static OPS: fv_grouper_ops = fv_grouper_ops {
    uses: Some(uses_input),
    fit: Some(fit_threshold),
    assign: Some(assign_rows),
    ..fv_grouper_ops::SIZED
};

static DESCRIPTOR: fv_descriptor = fv_descriptor {
    name: text!("my_plugin"),
    version: text!("0.1"),
    summary: text!("two groups: below and above a quantile of a feature"),
    source: text!("an example: name the paper here"),
    licence: text!("Apache-2.0"),
    ..grouper_descriptor::<State>(&State::PARAMS, &OPS)
};

fairvox::entry!(DESCRIPTOR);
