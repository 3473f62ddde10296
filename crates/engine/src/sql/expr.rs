//! Conditions as SQL. Must say of every record what [`Expr::eval`] says.
//!
//! SQL's third truth value may stand only where it means false: a bare comparison is null where the condition is
//! false, which `WHERE`, `AND` and `OR` take as false. So a negation is never written around a bare comparison: it is
//! pushed down to the leaves, and only where a leaf has no exact opposite it becomes `NOT COALESCE(…, FALSE)`. Columns
//! that cannot be null get plain operators throughout, so that indexes serve.

use insula_model::entity::{Entity, Schema, SystemField};
use insula_model::expr::{CallerField, Expr, Leaf, Moment, Op, Operand, Param, Path, TextTest};
use insula_model::id::{FieldId, TenantId};
use insula_model::org::UnitKind;
use insula_model::value::{ColumnType, Value};

use super::{Dialect, FIRST_PARAM, Slot, SqlWriter};

/// Appends `expr` as a boolean expression that is true exactly where the condition holds, and false *or null* elsewhere:
/// for `WHERE`, `ON`, `FILTER` and `AND`/`OR` within, not for `NOT` around it nor as a selected value.
///
/// `alias` gives the join alias a path's hops end at; 0 is the record itself. The joins are the caller's.
pub(crate) fn condition(w: &mut SqlWriter, tenant: TenantId, expr: &Expr, alias: &mut dyn FnMut(&[FieldId]) -> u32) {
    let mut path = |w: &mut SqlWriter, hops: &[FieldId], leaf: Leaf| {
        let alias = alias(hops);
        w.column(alias, leaf);
    };
    Renderer { w, tenant, path: &mut path }.holds(expr, true);
}

/// A policy's condition on the records of `entity` that stand under an alias: the same, but it needs no joins, so that it
/// can stand wherever a record is named. It sees what it must of other records, whoever asks.
pub(crate) struct Policy<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) schema: &'a Schema,
    pub(crate) entity: &'a Entity,
}

impl Policy<'_> {
    pub(crate) fn condition(&self, w: &mut SqlWriter, expr: &Expr, alias: u32) {
        let mut path = |w: &mut SqlWriter, hops: &[FieldId], leaf: Leaf| {
            self.column(w, hops, leaf, &mut |w, leaf| {
                w.column(alias, leaf);
            });
        };
        Renderer { w, tenant: self.tenant, path: &mut path }.holds(expr, true);
    }

    /// A column at the end of `hops`, looked up relation by relation. `start` writes a column of the record itself.
    pub(crate) fn column(
        &self,
        w: &mut SqlWriter,
        hops: &[FieldId],
        leaf: Leaf,
        start: &mut dyn FnMut(&mut SqlWriter, Leaf),
    ) {
        let Some((hop, before)) = hops.split_last() else { return start(w, leaf) };
        // Apart from every alias of joins.
        let own = LOOKED_UP + u32::try_from(before.len()).unwrap_or(0);
        let relation = self.target(before).and_then(|entity| entity.field(*hop));
        let (Some(relation), Some(target)) = (relation, self.target(hops)) else {
            w.raw("NULL");
            return;
        };
        w.raw("(SELECT ");
        match leaf {
            Leaf::Field(column) if target.field(column.field).is_some_and(|field| !field.kind.is_column()) => {
                w.links(self.tenant, own, column.field)
            }
            _ => w.column(own, leaf),
        };
        w.raw(" FROM ").table(self.tenant, target.id);
        w.raw(" AS a").number(own.into()).raw(" WHERE ").column(own, Leaf::System(SystemField::Id)).raw(" = ");
        self.column(w, before, Leaf::Field(relation.column()), start);
        if target.soft_delete {
            w.raw(" AND ").deleted_at(own).raw(" IS NULL");
        }
        w.raw(")");
    }

    /// The entity `hops` lead to.
    pub(crate) fn target(&self, hops: &[FieldId]) -> Option<&Entity> {
        let mut entity = self.entity;
        for hop in hops {
            entity = self.schema.entity(entity.field(*hop)?.kind.target()?)?;
        }
        Some(entity)
    }
}

/// The first alias of records that a policy looks up.
const LOOKED_UP: u32 = 1_000_000;
/// Parts of a junction that are written in one row.
const FLAT: usize = 8;

struct Renderer<'w, 'a> {
    w: &'w mut SqlWriter,
    tenant: TenantId,
    path: &'a mut dyn FnMut(&mut SqlWriter, &[FieldId], Leaf),
}

impl Renderer<'_, '_> {
    /// True exactly where `expr` is `wanted`.
    fn holds(&mut self, expr: &Expr, wanted: bool) {
        match expr {
            Expr::Const(b) => self.constant(*b == wanted),
            Expr::Not(inner) => self.holds(inner, !wanted),
            Expr::And(parts) => self.junction(parts, wanted, wanted),
            Expr::Or(parts) => self.junction(parts, wanted, !wanted),
            Expr::IsNull(operand) => self.is_null(operand, wanted),
            Expr::Truth(operand) => self.truth(operand, wanted),
            Expr::In(item, values) => self.within(item, values, wanted),
            Expr::Among(item, list) => self.among(item, *list, wanted),
            Expr::Compare(op, a, b) => self.compare(*op, a, b, wanted),
            Expr::Holds(path, member) => self.holds_member(path, member, wanted),
            Expr::Within(path, kind) => self.within_reach(path, *kind, wanted),
            Expr::Text(test, operand, part) => self.text(*test, operand, part, wanted),
        }
    }

    fn constant(&mut self, value: bool) {
        self.w.raw(if value { "TRUE" } else { "FALSE" });
    }

    /// By De Morgan, `parts` joined by OR under a negation are their negations joined by AND.
    fn junction(&mut self, parts: &[Expr], wanted: bool, all: bool) {
        match parts {
            [] => self.constant(all),
            [only] => self.holds(only, wanted),
            // SQLite takes a long row of operators for as deep a tree, and has it only 1000 deep.
            many if many.len() > FLAT => {
                let (left, right) = many.split_at(many.len() / 2);
                self.w.raw("(");
                self.junction(left, wanted, all);
                self.w.raw(if all { " AND " } else { " OR " });
                self.junction(right, wanted, all);
                self.w.raw(")");
            }
            [first, rest @ ..] => {
                self.w.raw("(");
                self.holds(first, wanted);
                for part in rest {
                    self.w.raw(if all { " AND " } else { " OR " });
                    self.holds(part, wanted);
                }
                self.w.raw(")");
            }
        }
    }

    fn is_null(&mut self, operand: &Operand, wanted: bool) {
        match operand {
            Operand::Path(Path { never_null: true, .. }) => self.constant(!wanted),
            Operand::Path(_) | Operand::Caller(CallerField::Unit(..)) => {
                self.operand(operand, true);
                self.w.raw(if wanted { " IS NULL" } else { " IS NOT NULL" });
            }
            _ => self.constant(!wanted),
        }
    }

    /// `= TRUE` where a bare column would do: SQLite uses an index only for a comparison, PostgreSQL for both.
    fn truth(&mut self, operand: &Operand, wanted: bool) {
        match operand {
            Operand::Path(path) => match (wanted, path.never_null) {
                (true, _) => {
                    self.path(path);
                    self.w.raw(" = TRUE");
                }
                (false, true) => {
                    self.path(path);
                    self.w.raw(" = FALSE");
                }
                (false, false) => {
                    self.w.raw("NOT COALESCE(");
                    self.path(path);
                    self.w.raw(", FALSE)");
                }
            },
            Operand::Value(value) => self.constant((*value == Value::Bool(true)) == wanted),
            Operand::Caller(_) | Operand::Now(_) | Operand::Param(_) => self.constant(!wanted),
        }
    }

    fn within(&mut self, item: &Operand, values: &[Value], wanted: bool) {
        let [first, rest @ ..] = values else {
            return self.constant(!wanted);
        };
        let total = is_never_null(item);
        if !wanted && !total {
            self.w.raw("NOT COALESCE(");
        }
        self.operand(item, true);
        self.w.raw(if !wanted && total { " NOT IN (" } else { " IN (" });
        self.w.bind(Slot::Const(first.clone()));
        for value in rest {
            self.w.raw(", ").bind(Slot::Const(value.clone()));
        }
        self.w.raw(")");
        if !wanted && !total {
            self.w.raw(", FALSE)");
        }
    }

    fn among(&mut self, item: &Operand, list: Param, wanted: bool) {
        let total = is_never_null(item);
        if !wanted && !total {
            self.w.raw("NOT COALESCE(");
        }
        self.operand(item, true);
        self.w.raw(if !wanted && total { " NOT IN (" } else { " IN (" }).list(list).raw(")");
        if !wanted && !total {
            self.w.raw(", FALSE)");
        }
    }

    /// Where the caller has no such unit the set is null, and so is the comparison.
    fn within_reach(&mut self, path: &Path, kind: UnitKind, wanted: bool) {
        if !wanted {
            self.w.raw("NOT COALESCE(");
        }
        self.path(path);
        self.w.reach(kind);
        if !wanted {
            self.w.raw(", FALSE)");
        }
    }

    fn holds_member(&mut self, path: &Path, member: &Value, wanted: bool) {
        if let (ColumnType::Uuids, Leaf::Field(field)) = (path.column_type, path.leaf) {
            self.w.raw(if wanted { "EXISTS" } else { "NOT EXISTS" }).raw(" (SELECT 1 FROM ");
            self.w.link_table(self.tenant, field.field).raw(" AS l WHERE l.source = ");
            (self.path)(self.w, &path.hops, Leaf::System(SystemField::Id));
            self.w.raw(" AND l.target = ").bind(Slot::Const(member.clone())).raw(")");
            return;
        }
        match self.w.dialect() {
            Dialect::Sqlite => {
                self.w.raw(if wanted { "EXISTS" } else { "NOT EXISTS" }).raw(" (SELECT 1 FROM json_each(");
                self.path(path);
                self.w.raw(") WHERE json_each.value = ").bind(Slot::Const(member.clone())).raw(")");
            }
            // An operator a GIN index knows.
            Dialect::Postgres => {
                self.w.raw(if wanted { "(" } else { "NOT COALESCE(" });
                self.path(path);
                self.w.raw(" @> ARRAY[").bind(Slot::Const(member.clone())).raw("::text]");
                self.w.raw(if wanted { ")" } else { ", FALSE)" });
            }
        }
    }

    /// Exact on both engines: SQLite's LIKE would not tell cases apart, and both know patterns.
    fn text(&mut self, test: TextTest, whole: &Operand, part: &str, wanted: bool) {
        let total = is_never_null(whole);
        if !wanted {
            self.w.raw(if total { "NOT " } else { "NOT COALESCE(" });
        }
        let length = part.chars().count() as u64;
        match (test, self.w.dialect()) {
            (TextTest::Contains, dialect) => {
                self.w.raw(if dialect == Dialect::Sqlite { "(instr(" } else { "(strpos(" });
                self.operand(whole, true);
                self.w.raw(", ").bind(Slot::Const(Value::Text(part.to_owned()))).raw(") > 0)");
            }
            (TextTest::EndsWith, dialect) => {
                self.w.raw(if dialect == Dialect::Sqlite { "(substr(" } else { "(right(" });
                self.operand(whole, true);
                self.w.raw(if dialect == Dialect::Sqlite { ", -" } else { ", " }).number(length).raw(") = ");
                self.w.bind(Slot::Const(Value::Text(part.to_owned()))).raw(")");
            }
        }
        if !wanted && !total {
            self.w.raw(", FALSE)");
        }
    }

    fn compare(&mut self, op: Op, a: &Operand, b: &Operand, wanted: bool) {
        let (a_total, b_total) = (is_never_null(a), is_never_null(b));
        let op = match op {
            // These two are each other's opposite, with null too.
            Op::Eq | Op::Ne if !wanted => opposite(op),
            op if !wanted && a_total && b_total => opposite(op),
            op if !wanted => {
                self.w.raw("NOT COALESCE(");
                self.sides(a, symbol(op), b);
                self.w.raw(", FALSE)");
                return;
            }
            op => op,
        };
        let symbol = match op {
            // One side alone being null is not equal, and null is as good as false.
            Op::Eq if !a_total && !b_total => match self.w.dialect() {
                Dialect::Sqlite => " IS ",
                Dialect::Postgres => " IS NOT DISTINCT FROM ",
            },
            Op::Ne if !a_total || !b_total => match self.w.dialect() {
                Dialect::Sqlite => " IS NOT ",
                Dialect::Postgres => " IS DISTINCT FROM ",
            },
            op => symbol(op),
        };
        self.sides(a, symbol, b);
    }

    fn sides(&mut self, a: &Operand, symbol: &'static str, b: &Operand) {
        // PostgreSQL takes a bind's type from the column beside it; two binds have none to take it from.
        let bare = !matches!((a, b), (Operand::Path(_), _) | (_, Operand::Path(_)));
        self.operand(a, bare);
        self.w.raw(symbol);
        self.operand(b, bare);
    }

    fn operand(&mut self, operand: &Operand, typed: bool) {
        let (slot, cast) = match operand {
            Operand::Path(path) => return self.path(path),
            Operand::Value(value) => (Slot::Const(value.clone()), cast(value)),
            Operand::Caller(field) => {
                (Slot::Caller(field.clone()), if field.column_type() == ColumnType::Uuid { "::uuid" } else { "::text" })
            }
            Operand::Now(moment @ Moment::Instant(_)) => (Slot::Now(*moment), "::timestamptz"),
            Operand::Now(moment @ Moment::Day(_)) => (Slot::Now(*moment), "::date"),
            // A field stands beside it, which says its type.
            Operand::Param(param) => (Slot::Arg(FIRST_PARAM + param.index), ""),
        };
        self.w.bind(slot);
        if typed && self.w.dialect() == Dialect::Postgres {
            self.w.raw(cast);
        }
    }

    fn path(&mut self, path: &Path) {
        (self.path)(self.w, &path.hops, path.leaf);
    }
}

const fn is_never_null(operand: &Operand) -> bool {
    match operand {
        Operand::Path(path) => path.never_null,
        Operand::Caller(field) => field.is_never_null(),
        Operand::Value(_) | Operand::Now(_) | Operand::Param(_) => true,
    }
}

const fn opposite(op: Op) -> Op {
    match op {
        Op::Eq => Op::Ne,
        Op::Ne => Op::Eq,
        Op::Lt => Op::Ge,
        Op::Le => Op::Gt,
        Op::Gt => Op::Le,
        Op::Ge => Op::Lt,
    }
}

const fn symbol(op: Op) -> &'static str {
    match op {
        Op::Eq => " = ",
        Op::Ne => " <> ",
        Op::Lt => " < ",
        Op::Le => " <= ",
        Op::Gt => " > ",
        Op::Ge => " >= ",
    }
}

/// The type of a value's column on PostgreSQL.
const fn cast(value: &Value) -> &'static str {
    match value {
        Value::Null => "",
        Value::Bool(_) => "::boolean",
        Value::Int(_) | Value::Decimal(_) | Value::Duration(_) => "::bigint",
        Value::Text(_) => "::text",
        Value::Json(_) => "::json",
        Value::Texts(_) => "::text[]",
        Value::Date(_) => "::date",
        Value::Time(_) => "::time",
        Value::Timestamp(_) => "::timestamptz",
        Value::Uuid(_) => "::uuid",
        Value::Uuids(_) => "::uuid[]",
        Value::Bytes(_) => "::bytea",
    }
}

#[cfg(test)]
mod tests;
