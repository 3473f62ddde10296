//! What writers are about to do.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{CODES, POTS};

/// One write; pots and codes by their place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Write {
    /// Reads the count and writes one more, if the record is still what was read.
    Add(usize),
    Mark(usize),
    /// Takes a code that others may have.
    Name(usize, usize),
    Link(usize, usize),
    Upsert(usize),
    /// Makes a part that goes with the first and holds the second.
    Part(usize, usize),
    /// Marks two, or none.
    Both(usize, usize),
    Delete(usize),
}

pub(super) fn plan() -> impl Strategy<Value = Vec<Vec<Write>>> {
    vec(vec(write(), 1..8), 2..6)
}

fn write() -> impl Strategy<Value = Write> {
    let pot = 0..POTS;
    let code = 0..CODES.len();
    let two = (pot.clone(), pot.clone());
    prop_oneof![
        6 => pot.clone().prop_map(Write::Add),
        2 => pot.clone().prop_map(Write::Mark),
        3 => (pot.clone(), code.clone()).prop_map(|(pot, code)| Write::Name(pot, code)),
        2 => two.clone().prop_map(|(pot, next)| Write::Link(pot, next)),
        2 => code.prop_map(Write::Upsert),
        2 => two.clone().prop_map(|(of, holds)| Write::Part(of, holds)),
        2 => two.prop_map(|(a, b)| Write::Both(a, b)),
        1 => pot.prop_map(Write::Delete),
    ]
}
