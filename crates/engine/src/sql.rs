//! SQL text, and the wall in front of it: only literals of this program, catalogue ids and numbers can become
//! SQL. User text has no way in but as a bind (invariant 2, requirement C5).

mod caller;
mod expr;

use std::fmt::Write as _;
use std::sync::OnceLock;

use insula_model::entity::{DELETED_AT, FieldColumn, SystemField};
use insula_model::expr::{CallerField, Leaf, Moment, Param};
use insula_model::id::{EntityId, FieldId, TenantId, UniqueId};
use insula_model::org::UnitKind;
use insula_model::value::{ColumnType, Timestamp, Value};

pub(crate) use caller::CallerBinds;
pub(crate) use expr::{Policy, condition};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// Which argument of a query its first parameter is; the others follow.
pub(crate) const FIRST_PARAM: usize = 1;

/// Where a bind's value comes from when the statement runs.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Slot {
    /// Part of the plan, such as a literal of a filter.
    Const(Value),
    Caller(CallerField),
    /// The units that the caller reaches by his own of this kind.
    Reach(UnitKind),
    Now(Moment),
    /// The n-th argument of the call.
    Arg(usize),
}

/// A finished statement of one dialect.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) slots: Vec<Slot>,
}

impl Statement {
    /// The values of the slots that are reckoned from `now`, in order; where there are none, nothing is allocated.
    pub(crate) fn moments(&self, now: Timestamp) -> Vec<Value> {
        let moment = |slot: &Slot| if let Slot::Now(moment) = slot { Some(moment.at(now)) } else { None };
        self.slots.iter().filter_map(moment).collect()
    }

    /// The binds in order, each from where its slot says. `moments` are its own [`Statement::moments`].
    pub(crate) fn binds<'a>(
        &'a self,
        caller: &'a CallerBinds,
        moments: &'a [Value],
        args: &'a [Value],
    ) -> Vec<&'a Value> {
        const NULL: &Value = &Value::Null;
        let mut moments = moments.iter();
        let value = |slot: &'a Slot| match slot {
            Slot::Const(value) => value,
            Slot::Caller(field) => caller.value(field),
            Slot::Reach(kind) => caller.reach(*kind),
            Slot::Now(_) => moments.next().unwrap_or(NULL),
            Slot::Arg(n) => args.get(*n).unwrap_or(NULL),
        };
        self.slots.iter().map(value).collect()
    }
}

/// SQL under construction.
pub(crate) struct SqlWriter {
    dialect: Dialect,
    text: String,
    slots: Vec<Slot>,
}

impl SqlWriter {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, text: String::with_capacity(256), slots: Vec::new() }
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn raw(&mut self, sql: &'static str) -> &mut Self {
        self.text.push_str(sql);
        self
    }

    pub(crate) fn number(&mut self, n: u64) -> &mut Self {
        let _ = write!(self.text, "{n}");
        self
    }

    pub(crate) fn bind(&mut self, slot: Slot) -> &mut Self {
        self.slots.push(slot);
        let mark = if self.dialect == Dialect::Sqlite { '?' } else { '$' };
        let _ = write!(self.text, "{mark}{}", self.slots.len());
        self
    }

    /// A subquery of the values of a list that is one bind, however long it is: see [`list`].
    pub(crate) fn list(&mut self, param: Param) -> &mut Self {
        let slot = Slot::Arg(FIRST_PARAM + param.index);
        match (self.dialect, param.column_type) {
            (Dialect::Sqlite, ColumnType::Uuid) => self.raw("SELECT unhex(value) FROM json_each(").bind(slot).raw(")"),
            (Dialect::Sqlite, _) => self.raw("SELECT value FROM json_each(").bind(slot).raw(")"),
            (Dialect::Postgres, ty) => {
                self.raw("SELECT v").raw(match ty {
                    ColumnType::Bool => "::boolean",
                    ColumnType::Int | ColumnType::Decimal { .. } | ColumnType::Duration => "::bigint",
                    ColumnType::Text | ColumnType::Json | ColumnType::Texts | ColumnType::Uuids => "",
                    ColumnType::Time => "::time",
                    ColumnType::Date => "::date",
                    ColumnType::Timestamp => "::timestamptz",
                    ColumnType::Uuid => "::uuid",
                });
                self.raw(" FROM jsonb_array_elements_text(").bind(slot).raw("::text::jsonb) AS v")
            }
        }
    }

    /// ` IN …`: one of the units that the caller reaches by his own of this kind, as an index can look them up.
    pub(crate) fn reach(&mut self, kind: UnitKind) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => self.raw(" IN (SELECT unhex(value) FROM json_each(").bind(Slot::Reach(kind)).raw("))"),
            Dialect::Postgres => self.raw(" = ANY(").bind(Slot::Reach(kind)).raw(")"),
        }
    }

    /// What stands before the names of a tenant's tables and indexes where the dialect has schemas.
    pub(crate) fn schema(&mut self, tenant: TenantId) -> &mut Self {
        if self.dialect == Dialect::Postgres {
            let _ = write!(self.text, "tenant_{}.", tenant.uuid().as_simple());
        }
        self
    }

    /// The name of an entity's table, with the tenant's schema where the dialect has one.
    pub(crate) fn table(&mut self, tenant: TenantId, entity: EntityId) -> &mut Self {
        self.schema(tenant).table_name(entity)
    }

    /// The bare name of an entity's table.
    pub(crate) fn table_name(&mut self, entity: EntityId) -> &mut Self {
        let _ = write!(self.text, "t_{}", entity.uuid().as_simple());
        self
    }

    /// The table of a field's links: `source` and `target`, both ids.
    pub(crate) fn link_table(&mut self, tenant: TenantId, field: FieldId) -> &mut Self {
        self.beside(tenant, 'l', field)
    }

    /// The table of the last number a field has given: one row with `last`.
    pub(crate) fn counter_table(&mut self, tenant: TenantId, field: FieldId) -> &mut Self {
        self.beside(tenant, 'n', field)
    }

    fn beside(&mut self, tenant: TenantId, kind: char, field: FieldId) -> &mut Self {
        self.schema(tenant);
        let _ = write!(self.text, "{kind}_{}", field.uuid().as_simple());
        self
    }

    /// The ids a field of the record under `alias` links, in their order, as one value.
    pub(crate) fn links(&mut self, tenant: TenantId, alias: u32, field: FieldId) -> &mut Self {
        let (start, end) = match self.dialect {
            Dialect::Sqlite => ("(SELECT group_concat(hex(l.target), '' ORDER BY l.target) FROM ", ")"),
            Dialect::Postgres => ("ARRAY(SELECT l.target FROM ", " ORDER BY l.target)"),
        };
        self.raw(start).link_table(tenant, field).raw(" AS l WHERE l.source = ");
        self.column(alias, Leaf::System(SystemField::Id)).raw(end)
    }

    /// A column of the table that stands under `alias`.
    pub(crate) fn column(&mut self, alias: u32, column: Leaf) -> &mut Self {
        let _ = write!(self.text, "a{alias}.");
        self.column_name(column)
    }

    /// When the record under an alias was deleted, of an entity that keeps such.
    pub(crate) fn deleted_at(&mut self, alias: u32) -> &mut Self {
        let _ = write!(self.text, "a{alias}.{DELETED_AT}");
        self
    }

    /// The name of the index of deleted records.
    pub(crate) fn deleted_name(&mut self, entity: EntityId) -> &mut Self {
        let _ = write!(self.text, "d_{}", entity.uuid().as_simple());
        self
    }

    /// A bare column name.
    pub(crate) fn column_name(&mut self, column: Leaf) -> &mut Self {
        let _ = match column {
            Leaf::System(field) => write!(self.text, "{}", field.name()),
            Leaf::Field(column) => write!(self.text, "{}", column_name(column)),
        };
        self
    }

    /// The name of the index behind a unique key.
    pub(crate) fn unique_name(&mut self, id: UniqueId) -> &mut Self {
        let _ = write!(self.text, "{}", unique_name(id));
        self
    }

    /// The name of the index on one field.
    pub(crate) fn index_name(&mut self, id: FieldId) -> &mut Self {
        let _ = write!(self.text, "i_{}", id.uuid().as_simple());
        self
    }

    pub(crate) fn finish(self) -> Statement {
        Statement { text: self.text, slots: self.slots }
    }
}

/// What the store reports when a unique index refuses a row.
pub(crate) fn unique_name(id: UniqueId) -> String {
    format!("u_{}", id.uuid().as_simple())
}

pub(crate) fn column_name(column: FieldColumn) -> String {
    let field = column.field.uuid();
    match column.generation {
        0 => format!("c_{}", field.as_simple()),
        n => format!("c_{}_{n}", field.as_simple()),
    }
}

/// The bind of a list: a JSON array of its values, each as [`SqlWriter::list`] reads it back.
pub(crate) fn list(dialect: Dialect, values: &[Value]) -> Value {
    let mut out = vec![b'['];
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        match (dialect, value) {
            (_, Value::Decimal(decimal)) => Value::Int(decimal.units()).write_json(&mut out),
            // As its columns hold them.
            (Dialect::Sqlite, Value::Date(date)) => Value::Int(date.days().into()).write_json(&mut out),
            (_, Value::Duration(duration)) => Value::Int(duration.micros()).write_json(&mut out),
            (Dialect::Sqlite, Value::Time(time)) => Value::Int(time.micros()).write_json(&mut out),
            (Dialect::Sqlite, Value::Timestamp(at)) => Value::Int(at.as_micros()).write_json(&mut out),
            (Dialect::Sqlite, Value::Uuid(id)) => {
                out.extend_from_slice(format!("\"{}\"", id.as_simple()).as_bytes());
            }
            (_, other) => other.write_json(&mut out),
        }
    }
    out.push(b']');
    Value::Text(String::from_utf8_lossy(&out).into_owned())
}

/// A statement on Insula's own tables, written once: `insula.` are the platform's tables, `insula_tenant.` a
/// tenant's. On SQLite, where each has a file of its own, the prefixes fall away, and so do row locks: a writer is alone
/// there. Binds are `$1`, `$2`, … and first appear in that order, which is also what SQLite numbers them by.
pub(crate) struct Fixed {
    postgres: &'static str,
    sqlite: OnceLock<String>,
}

impl Fixed {
    pub(crate) const fn new(sql: &'static str) -> Self {
        Self { postgres: sql, sqlite: OnceLock::new() }
    }

    pub(crate) fn text(&self, dialect: Dialect) -> &str {
        match dialect {
            Dialect::Postgres => self.postgres,
            Dialect::Sqlite => {
                const POSTGRES_ALONE: [&str; 4] =
                    ["insula_tenant.", "insula.", " FOR UPDATE SKIP LOCKED", " FOR UPDATE"];
                let plain = |text: String, part: &&str| text.replace(part, "");
                self.sqlite.get_or_init(|| POSTGRES_ALONE.iter().fold(self.postgres.to_owned(), plain))
            }
        }
    }
}
