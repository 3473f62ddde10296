//! How a row becomes JSON without anything in between: a list of steps, made once per plan.

use std::ops::Range;

use insula_model::value::{ColumnType, Value};

use super::StoreError;

/// How one row is written.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) steps: Vec<Step>,
    /// Columns to hand back of the last row written: its place in the order, its version.
    pub(crate) captures: Vec<(usize, ColumnType)>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Step {
    /// Bytes that every row has: braces, names, commas.
    Raw(Box<[u8]>),
    /// The column at `index`, or `null`.
    Column { index: usize, ty: ColumnType },
    /// The column at `index`, noted in the tail under the number `list`: for what takes its place later.
    Noted { index: usize, ty: ColumnType, list: usize },
    /// An expanded record: `null` where the column at `present` is null, else the steps.
    Nested { present: usize, steps: Vec<Self> },
}

/// What is known after the rows are written.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Tail {
    pub(crate) rows: usize,
    /// There was at least one row more than asked for, or than fitted.
    pub(crate) more: bool,
    /// [`Shape::captures`] of the last row written.
    pub(crate) last: Vec<Value>,
    /// What [`Step::Noted`] has written, in its order.
    pub(crate) noted: Vec<Noted>,
}

/// A value and where in the output it stands.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Noted {
    pub(crate) list: usize,
    pub(crate) at: Range<usize>,
    pub(crate) value: Value,
}

/// A page ends once it has grown to this many bytes, however few its rows are.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

impl Tail {
    /// Whether no row may follow where `written` bytes have been.
    pub(crate) const fn is_full(&self, limit: usize, written: usize) -> bool {
        self.rows == limit || written >= PAGE_BYTES
    }
}

/// The columns of one row as an engine hands them out.
pub(crate) trait Cells {
    fn is_null(&self, index: usize) -> Result<bool, StoreError>;
    /// Appends the column as JSON, `null` included.
    fn write(&self, index: usize, ty: ColumnType, out: &mut Vec<u8>) -> Result<(), StoreError>;
    fn value(&self, index: usize, ty: ColumnType) -> Result<Value, StoreError>;
}

impl Shape {
    /// Appends one row; what it notes of it goes to `noted`.
    pub(crate) fn write(
        &self,
        cells: &impl Cells,
        out: &mut Vec<u8>,
        noted: &mut Vec<Noted>,
    ) -> Result<(), StoreError> {
        write_steps(&self.steps, cells, out, noted)
    }

    pub(crate) fn capture(&self, cells: &impl Cells) -> Result<Vec<Value>, StoreError> {
        self.captures.iter().map(|(index, ty)| cells.value(*index, *ty)).collect()
    }
}

fn write_steps(
    steps: &[Step],
    cells: &impl Cells,
    out: &mut Vec<u8>,
    noted: &mut Vec<Noted>,
) -> Result<(), StoreError> {
    for step in steps {
        match step {
            Step::Raw(bytes) => out.extend_from_slice(bytes),
            Step::Column { index, ty } => cells.write(*index, *ty, out)?,
            Step::Noted { index, ty, list } => {
                let start = out.len();
                let value = cells.value(*index, *ty)?;
                value.write_json(out);
                noted.push(Noted { list: *list, at: start..out.len(), value });
            }
            Step::Nested { present, .. } if cells.is_null(*present)? => out.extend_from_slice(b"null"),
            Step::Nested { steps, .. } => write_steps(steps, cells, out, noted)?,
        }
    }
    Ok(())
}
