//! A record as the store has it, whole. It stays inside the engine: what leaves goes through `Tx::reduce`.

use insula_model::entity::{Column, Entity, SystemField};
use insula_model::expr::Leaf;
use insula_model::id::{AccountId, FieldId, RecordId, TenantId};
use insula_model::rights::RecordRight;
use insula_model::value::{Timestamp, Value};
use uuid::Uuid;

use super::life::Life;
use super::links;
use super::visible::{VisibleRecord, member};
use crate::sql::{Dialect, Slot, SqlWriter};
use crate::store::{Row, StoreError, Tx};
use crate::tx::Author;

/// All columns of one record; `values` by the position of their field.
#[derive(Clone, Debug)]
pub(crate) struct StoredRecord {
    pub(super) id: RecordId,
    pub(super) created_at: Timestamp,
    pub(super) created_by: AccountId,
    pub(super) updated_at: Timestamp,
    pub(super) updated_by: AccountId,
    pub(super) version: i64,
    pub(super) values: Vec<Value>,
    pub(super) deleted_at: Option<Timestamp>,
}

/// The order in which whole records are read and written: system columns, then the fields that are columns.
pub(super) fn columns(entity: &Entity) -> impl Iterator<Item = Column<'_>> {
    let fields = entity.fields.iter().filter(|field| field.kind.is_column());
    SystemField::ALL.into_iter().map(Column::System).chain(fields.map(Column::Field))
}

pub(super) const fn leaf(column: Column<'_>) -> Leaf {
    match column {
        Column::System(field) => Leaf::System(field),
        Column::Field(field) => Leaf::Field(field.column()),
    }
}

impl StoredRecord {
    pub(super) fn from_row(entity: &Entity, row: &Row) -> Result<Self, StoreError> {
        let mut column = 5;
        let values = entity.fields.iter().map(|field| {
            if !field.kind.is_column() {
                return Ok(Value::Uuids(Vec::new()));
            }
            column += 1;
            row.value(column, field.kind.column_type())
        });
        let values = values.collect::<Result<_, StoreError>>()?;
        Ok(Self {
            id: row.id(0)?,
            created_at: row.timestamp(1)?,
            created_by: row.id(2)?,
            updated_at: row.timestamp(3)?,
            updated_by: row.id(4)?,
            version: row.int(5)?,
            values,
            deleted_at: if entity.soft_delete { row.optional(column + 1, Row::timestamp)? } else { None },
        })
    }

    /// The same record as its author's change leaves it, but for what the change is of.
    pub(super) fn next(&self, author: &Author) -> Self {
        Self { updated_at: author.now, updated_by: author.account, version: self.version + 1, ..self.clone() }
    }

    /// Every column's value, in the order of [`columns`].
    pub(super) fn binds(&self) -> Vec<Value> {
        let mut binds: Vec<Value> = SystemField::ALL.into_iter().map(|field| self.system(field)).collect();
        // Links are rows of their own.
        binds.extend(self.values.iter().filter(|value| !matches!(value, Value::Uuids(_))).cloned());
        binds
    }

    /// Whether the field at `position` names `id`.
    pub(super) fn refers(&self, position: usize, id: Uuid) -> bool {
        match self.values.get(position) {
            Some(Value::Uuid(held)) => *held == id,
            Some(Value::Uuids(held)) => held.contains(&id),
            _ => false,
        }
    }

    pub(super) fn system(&self, field: SystemField) -> Value {
        match field {
            SystemField::Id => Value::Uuid(self.id.uuid()),
            SystemField::CreatedAt => Value::Timestamp(self.created_at),
            SystemField::CreatedBy => Value::Uuid(self.created_by.uuid()),
            SystemField::UpdatedAt => Value::Timestamp(self.updated_at),
            SystemField::UpdatedBy => Value::Uuid(self.updated_by.uuid()),
            SystemField::Version => Value::Int(self.version),
        }
    }

    /// All fields as a JSON object, for the audit trail.
    pub(super) fn audit_json(&self, entity: &Entity) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.push(b'{');
        for (field, value) in entity.fields.iter().zip(&self.values) {
            member(&mut out, field.name.as_str(), value);
        }
        out.push(b'}');
        out
    }
}

impl StoredRecord {
    /// Reduced to what a right to read shows; what is `hidden` on this very record shows as null.
    pub(super) fn reduced(&self, entity: &Entity, reads: &RecordRight, hidden: &[usize]) -> VisibleRecord {
        let mut body = Vec::with_capacity(512);
        body.push(b'{');
        member(&mut body, "id", &self.system(SystemField::Id));
        for (position, (field, value)) in entity.fields.iter().zip(&self.values).enumerate() {
            if reads.readable.contains(position) {
                let value = if hidden.contains(&position) { &Value::Null } else { value };
                member(&mut body, field.name.as_str(), value);
            }
        }
        for field in SystemField::ALL.into_iter().skip(1) {
            member(&mut body, field.name(), &self.system(field));
        }
        body.push(b'}');
        VisibleRecord { entity: entity.id, id: self.id, version: self.version, is_bare: false, body }
    }
}

/// Starts `SELECT <all columns, and when it was deleted> FROM … AS a0 WHERE `.
pub(super) fn select_whole(dialect: Dialect, tenant: TenantId, entity: &Entity) -> SqlWriter {
    let mut w = SqlWriter::new(dialect);
    w.raw("SELECT ");
    for (i, column) in columns(entity).enumerate() {
        w.raw(if i == 0 { "" } else { ", " }).column(0, leaf(column));
    }
    if entity.soft_delete {
        w.raw(", ").deleted_at(0);
    }
    w.raw(" FROM ").table(tenant, entity.id).raw(" AS a0 WHERE ");
    w
}

/// Ends a SELECT whose rows are about to be changed. SQLite's writer is alone anyway.
pub(super) fn for_update(w: &mut SqlWriter) {
    if w.dialect() == Dialect::Postgres {
        w.raw(" FOR UPDATE OF a0");
    }
}

/// At most `limit` records whose `column` equals `value`, whole, and locked.
pub(super) async fn lock_where(
    tx: &mut Tx,
    tenant: TenantId,
    entity: &Entity,
    column: Leaf,
    value: Value,
    life: Life,
    limit: u64,
) -> Result<Vec<StoredRecord>, StoreError> {
    let mut w = select_whole(tx.dialect(), tenant, entity);
    w.column(0, column).raw(" = ").bind(Slot::Arg(0));
    life.and(&mut w, entity, 0);
    w.raw(" ORDER BY a0.id LIMIT ").number(limit);
    for_update(&mut w);
    let statement = w.finish();
    let rows = tx.query(&statement.text, &[&value]).await?;
    from_rows(tx, tenant, entity, &rows).await
}

/// Records of `entity` whose links by `field` hold `target`, whole, and locked.
pub(super) async fn lock_linking(
    tx: &mut Tx,
    tenant: TenantId,
    entity: &Entity,
    field: FieldId,
    target: RecordId,
    life: Life,
    limit: u64,
) -> Result<Vec<StoredRecord>, StoreError> {
    let mut w = select_whole(tx.dialect(), tenant, entity);
    w.raw("a0.id IN (SELECT l.source FROM ").link_table(tenant, field).raw(" AS l WHERE l.target = ");
    w.bind(Slot::Arg(0)).raw(")");
    life.and(&mut w, entity, 0);
    w.raw(" ORDER BY a0.id LIMIT ").number(limit);
    for_update(&mut w);
    let statement = w.finish();
    let rows = tx.query(&statement.text, &[&Value::Uuid(target.uuid())]).await?;
    from_rows(tx, tenant, entity, &rows).await
}

async fn from_rows(
    tx: &mut Tx,
    tenant: TenantId,
    entity: &Entity,
    rows: &[Row],
) -> Result<Vec<StoredRecord>, StoreError> {
    let mut records =
        rows.iter().map(|row| StoredRecord::from_row(entity, row)).collect::<Result<Vec<_>, StoreError>>()?;
    links::load(tx, tenant, entity, &mut records).await?;
    Ok(records)
}
