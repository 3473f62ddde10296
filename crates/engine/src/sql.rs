//! SQL text under construction.

mod expr;

pub use expr::condition;

use insula_model::expr::{CallerField, Leaf};
use insula_model::value::Value;

/// SQL text under construction. Takes only literals of this program, catalogue ids and numbers: user text can only
/// become a bind.
#[derive(Debug)]
pub struct SqlWriter {
    dialect: Dialect,
    text: String,
    binds: Vec<Slot>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// Where a bind's value comes from when the statement runs.
#[derive(Clone, PartialEq, Debug)]
pub enum Slot {
    Const(Value),
    Caller(CallerField),
    Arg(usize),
}

impl SqlWriter {
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, text: String::new(), binds: Vec::new() }
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub fn raw(&mut self, sql: &'static str) -> &mut Self {
        self.text.push_str(sql);
        self
    }

    pub fn number(&mut self, n: u64) -> &mut Self {
        self.text.push_str(&n.to_string());
        self
    }

    /// Appends `?n` or `$n`.
    pub fn bind(&mut self, slot: Slot) -> &mut Self {
        self.binds.push(slot);
        self.text.push(match self.dialect {
            Dialect::Sqlite => '?',
            Dialect::Postgres => '$',
        });
        self.text.push_str(&self.binds.len().to_string());
        self
    }

    /// Appends `a3."c_…"` or `a3.created_at`.
    pub fn column(&mut self, alias: u32, column: Leaf) -> &mut Self {
        let name = match column {
            Leaf::System(field) => field.name().to_owned(),
            Leaf::Field(id) => format!("\"c_{}\"", id.uuid().simple()),
        };
        self.raw("a").number(alias.into()).raw(".");
        self.text.push_str(&name);
        self
    }
}
