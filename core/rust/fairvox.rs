// SPDX-License-Identifier: Apache-2.0
//! The plugin ABI for Rust (edition 2021, rustc 1.63 or later, no other crate).
//!
//! ```ignore
//! use fairvox::*;
//!
//! fairvox::state! {
//!     struct State {
//!         alpha: real { min: 0.0, max: 1.0, paper: "0.1", doc: "share that counts" },
//!     }
//! }
//!
//! unsafe extern "C" fn weigh_batch(
//!     state: *mut c_void, ctx: *mut fv_ctx, batch: *const fv_batch, v: *mut f64, value: *mut f64,
//! ) -> fv_status {
//!     guard(ctx, || { ... FV_OK })
//! }
//!
//! static OPS: fv_loss_ops = fv_loss_ops { weigh: Some(weigh_batch), ..fv_loss_ops::SIZED };
//!
//! static DESCRIPTOR: fv_descriptor = fv_descriptor {
//!     name: text!("my_plugin"),
//!     ...
//!     ..loss_descriptor::<State>(&State::PARAMS, &OPS)
//! };
//!
//! fairvox::entry!(DESCRIPTOR);
//! ```
//!
//! Structs start from their constant SIZED, which fills in the size, so that none is forgotten. The headers
//! (fairvox/loss.h and its like) say what every op gets and gives.
#![allow(non_camel_case_types, non_snake_case, clippy::missing_safety_doc)]

mod bindings;

pub use bindings::*;
pub use std::os::raw::{c_char, c_int, c_void};

use std::any::Any;
use std::cell::Cell;
use std::mem::{replace, size_of};
use std::panic::{catch_unwind, set_hook, take_hook, AssertUnwindSafe, Location};
use std::ptr::null_mut;
use std::sync::Once;

/// A text for the ABI, from a literal.
#[macro_export]
macro_rules! text {
    ($text:expr) => {
        concat!($text, "\0").as_ptr() as *const $crate::c_char
    };
}

/// An array of texts for the ABI: `static NAMES: Texts<2> = texts!["low", "high"];`, passed on as `NAMES.as_ptr()`.
#[macro_export]
macro_rules! texts {
    ($($text:expr),* $(,)?) => {
        $crate::Texts([$($crate::text!($text)),*])
    };
}

pub struct Texts<const N: usize>(pub [*const c_char; N]);

unsafe impl<const N: usize> Sync for Texts<N> {}

impl<const N: usize> Texts<N> {
    pub const fn as_ptr(&self) -> *const *const c_char {
        self.0.as_ptr()
    }

    /// How many there are, for the count that goes with them: `dims: COLUMNS.len(), columns: COLUMNS.as_ptr()`.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(&self) -> i32 {
        N as i32
    }
}

/// Copies names whose number is known only at run time, such as one column for each band, into memory that lives until
/// `close`; NULL, with a message, when memory is out. Call it in `open` or `fit`. Names end at a NUL in them.
///
/// # Safety
/// `ctx` is the context of the op.
pub unsafe fn make_names<Name: AsRef<str>>(ctx: *mut fv_ctx, names: &[Name]) -> *const *const c_char {
    let list = fv_alloc(ctx, names.len() * std::mem::size_of::<*const c_char>()) as *mut *const c_char;
    if list.is_null() {
        return list;
    }
    for (i, name) in names.iter().enumerate() {
        let bytes = name.as_ref().as_bytes();
        let text = fv_alloc(ctx, bytes.len() + 1) as *mut u8; // zeroed, so that it ends with NUL
        if text.is_null() {
            return std::ptr::null();
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), text, bytes.len());
        *list.add(i) = text as *const c_char;
    }
    list
}

// --- errors -------------------------------------------------------------------------------------

/// Records a message and returns `status`: `return fail(ctx, FV_DATA, &format!(...))`.
pub fn fail(ctx: *mut fv_ctx, status: fv_status, message: &str) -> fv_status {
    let mut line: Vec<u8> = message.bytes().map(|b| if b == 0 || b == b'\n' { b' ' } else { b }).collect();
    line.push(0);
    unsafe { fv_fail(ctx, status, text!("%s"), line.as_ptr() as *const c_char) }
}

fn tell_panic(payload: &(dyn Any + Send), place: Option<&Location>) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(|s| s.as_str()));
    let place = place.map_or(String::new(), |place| format!(" at {}", place));
    format!("panicked{}: {}", place, text.unwrap_or("a value of an unknown type"))
}

thread_local! {
    /// What the hook writes to: the report of the innermost `guard` of this thread; NULL outside.
    static REPORT: Cell<*mut String> = const { Cell::new(null_mut()) };
}

/// Keeps `text` for `guard`; false outside of it. An earlier text that no message told is printed: of a panic that was
/// caught, or that meets a function which cannot unwind and is followed by abort().
fn keep_report(text: String) -> bool {
    match unsafe { REPORT.with(Cell::get).as_mut() } {
        Some(report) => {
            let earlier = replace(report, text);
            if !earlier.is_empty() {
                eprintln!("{}", earlier);
            }
            true
        }
        None => false,
    }
}

/// Keeps Rust from printing each panic inside `guard`, which would come once for every call of the op. RUST_BACKTRACE=1
/// prints them all the same.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    if cfg!(panic = "abort") || std::thread::panicking() {
        return; // then guard catches nothing, or the hook cannot be changed
    }
    INSTALLED.call_once(|| {
        let previous = take_hook();
        let prints = std::env::var_os("RUST_BACKTRACE").map_or(false, |value| value != "0");
        set_hook(Box::new(move |info| {
            if !keep_report(tell_panic(info.payload(), info.location())) || prints {
                previous(info);
            }
        }));
    });
}

/// Runs the body of an op. A panic in it is recorded as a message with its file and line, and the op returns FV_FAILED:
/// a panic must not leave a function that C calls.
pub fn guard<Body: FnOnce() -> fv_status>(ctx: *mut fv_ctx, body: Body) -> fv_status {
    install_hook();
    let mut report = String::new();
    let outer = REPORT.with(|inner| inner.replace(&mut report));
    let result = catch_unwind(AssertUnwindSafe(body));
    REPORT.with(|inner| inner.set(outer));
    result.unwrap_or_else(|payload| {
        let told = if report.is_empty() { tell_panic(&*payload, None) } else { report };
        fail(ctx, FV_FAILED, &told)
    })
}

// --- arrays -------------------------------------------------------------------------------------

/// An array that the core gives an op; empty where it is NULL.
///
/// # Safety
/// `data` is NULL or points to `n` values that nothing changes during `'a`.
pub unsafe fn slice<'a, Value>(data: *const Value, n: usize) -> &'a [Value] {
    if data.is_null() {
        &[]
    } else {
        std::slice::from_raw_parts(data, n)
    }
}

/// An array that an op writes.
///
/// # Safety
/// `data` is NULL or points to `n` values that nothing else uses during `'a`.
pub unsafe fn slice_mut<'a, Value>(data: *mut Value, n: usize) -> &'a mut [Value] {
    if data.is_null() {
        &mut []
    } else {
        std::slice::from_raw_parts_mut(data, n)
    }
}

/// A text of the core; None where it is NULL.
///
/// # Safety
/// `text` is NULL or ends with NUL and lives during `'a`.
pub unsafe fn read_text<'a>(text: *const c_char) -> Option<std::borrow::Cow<'a, str>> {
    if text.is_null() {
        None
    } else {
        Some(std::ffi::CStr::from_ptr(text).to_string_lossy())
    }
}

// --- the state and its parameters ---------------------------------------------------------------

/// The state: first its parameters, then its own fields. The core allocates it, zeroed, and writes the parameters
/// into it; it is never dropped. Fields of its own must be Copy, and have types whose zeros are valid
/// (numbers, raw pointers).
///
/// Kinds of parameters and the types of their fields: int (i64), real (f64), flag (i32), choice (i32: the index into
/// `choices`), string, path, loss (*const c_char), list (fv_list). Keys: unit, min, max, choices, paper, official, required, doc.
///
/// ```ignore
/// fairvox::state! {
///     struct State {
///         k: int { min: 1.0, max: 100.0, paper: "8", doc: "number of clusters" },
///     }
///     own {
///         threshold: f32,
///     }
/// }
/// ```
#[macro_export]
macro_rules! state {
    (struct $name:ident { $($field:ident : $kind:ident { $($key:ident : $value:expr),* $(,)? }),* $(,)? }
     $(own { $($own:ident : $type:ty),* $(,)? })?) => {
        #[repr(C)]
        pub struct $name {
            $(pub $field: $crate::field_type!($kind),)*
            $($(pub $own: $type,)*)?
        }
        $($(const _: () = $crate::own_fields_are_zeroed_and_never_dropped::<$type>();)*)?
        impl $name {
            #[allow(unused_mut, unused_variables, unused_assignments)]
            pub const PARAMS: [$crate::fv_param; 0 $(+ $crate::count_one!($field))*] = {
                let mut table = [$crate::fv_param::SIZED; 0 $(+ $crate::count_one!($field))*];
                let (mut entry, mut end) = (0, 0);
                $(
                    let offset = $crate::round_up(end, std::mem::align_of::<$crate::field_type!($kind)>());
                    table[entry].offset = offset;
                    table[entry].name = $crate::text!(stringify!($field));
                    table[entry].r#type = $crate::param_type!($kind);
                    $($crate::set_key!(table[entry], $key, $value);)*
                    entry += 1;
                    end = offset + std::mem::size_of::<$crate::field_type!($kind)>();
                )*
                table
            };
        }
    };
}

/// Compiles only for types that are Copy: the zeros of others, such as Vec, are no value. The compiler's message shows
/// the name of this function.
#[doc(hidden)]
pub const fn own_fields_are_zeroed_and_never_dropped<T: Copy>() {}

/// The offset of a field: the end of the one before, rounded up to the field's alignment, as in C.
#[doc(hidden)]
pub const fn round_up(end: usize, alignment: usize) -> usize {
    (end + alignment - 1) / alignment * alignment
}

#[doc(hidden)]
#[macro_export]
macro_rules! count_one {
    ($field:ident) => {
        1
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! field_type {
    (int) => { i64 };
    (real) => { f64 };
    (flag) => { i32 };
    (choice) => { i32 };
    (string) => { *const $crate::c_char };
    (path) => { *const $crate::c_char };
    (loss) => { *const $crate::c_char };
    (list) => { $crate::fv_list };
}

#[doc(hidden)]
#[macro_export]
macro_rules! param_type {
    (int) => { $crate::FV_INT };
    (real) => { $crate::FV_REAL };
    (flag) => { $crate::FV_BOOL };
    (choice) => { $crate::FV_CHOICE };
    (string) => { $crate::FV_STRING };
    (path) => { $crate::FV_PATH };
    (loss) => { $crate::FV_LOSS_REF };
    (list) => { $crate::FV_LIST };
}

#[doc(hidden)]
#[macro_export]
macro_rules! set_key {
    ($param:expr, unit, $value:expr) => { $param.unit = $crate::text!($value) };
    ($param:expr, min, $value:expr) => { $param.min = $value };
    ($param:expr, max, $value:expr) => { $param.max = $value };
    ($param:expr, choices, $value:expr) => { $param.choices = $crate::text!($value) };
    ($param:expr, paper, $value:expr) => { $param.def_paper = $crate::text!($value) };
    ($param:expr, official, $value:expr) => { $param.def_official = $crate::text!($value) };
    ($param:expr, required, $value:expr) => { $param.required = $value };
    ($param:expr, doc, $value:expr) => { $param.doc = $crate::text!($value) };
}

// --- descriptors --------------------------------------------------------------------------------

const fn make_descriptor<State>(kind: fv_kind, params: &'static [fv_param], ops: *const c_void) -> fv_descriptor {
    fv_descriptor {
        abi: FV_ABI,
        kind,
        state_size: size_of::<State>(),
        params: params.as_ptr(),
        n_params: params.len() as u32,
        ops,
        ..fv_descriptor::SIZED
    }
}

pub const fn encoder_descriptor<State>(params: &'static [fv_param], ops: &'static fv_encoder_ops) -> fv_descriptor {
    make_descriptor::<State>(FV_ENCODER, params, ops as *const fv_encoder_ops as *const c_void)
}

pub const fn grouper_descriptor<State>(params: &'static [fv_param], ops: &'static fv_grouper_ops) -> fv_descriptor {
    make_descriptor::<State>(FV_GROUPER, params, ops as *const fv_grouper_ops as *const c_void)
}

pub const fn loss_descriptor<State>(params: &'static [fv_param], ops: &'static fv_loss_ops) -> fv_descriptor {
    make_descriptor::<State>(FV_LOSS, params, ops as *const fv_loss_ops as *const c_void)
}

/// The function that a plugin exports.
#[macro_export]
macro_rules! entry {
    ($descriptor:ident) => {
        #[no_mangle]
        pub extern "C" fn fv_plugin_entry() -> *const $crate::fv_descriptor {
            &$descriptor
        }
    };
}
