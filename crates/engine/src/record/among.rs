//! Asking for many ids at once, in statements of a few sizes, so that few are prepared.

use insula_model::value::Value;
use uuid::Uuid;

use crate::sql::{Slot, SqlWriter};

/// Ids in one statement.
const SIZES: [usize; 4] = [1, 8, 64, LARGEST];
const LARGEST: usize = 512;

/// The ids in batches, each as many arguments as a statement of its size takes: spare places repeat an id.
pub(super) fn batches(ids: &[Uuid]) -> impl Iterator<Item = Vec<Value>> {
    ids.chunks(LARGEST).map(|ids| {
        let size = SIZES.into_iter().find(|size| *size >= ids.len()).unwrap_or(LARGEST);
        (0..size).filter_map(|i| ids.get(i).or(ids.first())).map(|id| Value::Uuid(*id)).collect()
    })
}

/// ` IN (…)` over `size` arguments from `first` on.
pub(super) fn among(w: &mut SqlWriter, first: usize, size: usize) {
    w.raw(" IN (");
    for place in 0..size {
        w.raw(if place == 0 { "" } else { ", " }).bind(Slot::Arg(first + place));
    }
    w.raw(")");
}
