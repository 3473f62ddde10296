//! Units as a tenant's store holds them.

use insula_model::id::TenantId;
use insula_model::org::{Tree, Unit, UnitKind};
use insula_model::problem::{Problem, Result};
use insula_model::value::Value;

use crate::sql::Fixed;
use crate::store::{self, Row, StoreError};
use crate::tx::{Altering, Tx};

static ALL: Fixed = Fixed::new(
    "SELECT id, kind, parent_id, code, name, attributes FROM insula_tenant.unit WHERE tenant_id = $1 ORDER BY name, id",
);
static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.unit (tenant_id, id, kind, parent_id, code, name, attributes) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
static UPDATE: Fixed = Fixed::new(
    "UPDATE insula_tenant.unit SET parent_id = $1, code = $2, name = $3, attributes = $4 \
     WHERE tenant_id = $5 AND id = $6",
);
static DELETE: Fixed = Fixed::new("DELETE FROM insula_tenant.unit WHERE tenant_id = $1 AND id = $2");
static PEOPLED: Fixed =
    Fixed::new("SELECT EXISTS (SELECT 1 FROM insula_tenant.member WHERE tenant_id = $1 AND unit_id = $2)");

fn read(row: &Row) -> Result<Unit, StoreError> {
    let kind = UnitKind::named(row.text(1)?).ok_or_else(|| StoreError::Other("a unit of no kind".into()))?;
    Ok(Unit {
        id: row.id(0)?,
        kind,
        parent: row.optional(2, Row::id)?,
        code: row.optional(3, |row, index| row.text(index).map(str::to_owned))?,
        name: row.text(4)?.to_owned(),
        attributes: serde_json::from_str(row.text(5)?).map_err(|error| StoreError::Other(error.into()))?,
    })
}

/// All units, in the order of their names.
pub(crate) async fn tree(tx: &mut store::Tx, tenant: TenantId) -> Result<Tree, StoreError> {
    let rows = tx.fixed(&ALL, &[&Value::Uuid(tenant.uuid())]).await?;
    Ok(Tree::new(rows.iter().map(read).collect::<Result<_, _>>()?))
}

fn optional(text: Option<&String>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.clone()))
}

fn parent(unit: &Unit) -> Value {
    unit.parent.map_or(Value::Null, |id| Value::Uuid(id.uuid()))
}

fn attributes(unit: &Unit) -> Result<Value> {
    serde_json::to_string(&unit.attributes).map(Value::Text).map_err(Problem::internal)
}

pub(super) async fn insert(tx: &mut Tx<'_, Altering>, unit: &Unit) -> Result<()> {
    let binds = [
        tx.tenant(),
        Value::Uuid(unit.id.uuid()),
        Value::Text(unit.kind.name().to_owned()),
        parent(unit),
        optional(unit.code.as_ref()),
        Value::Text(unit.name.clone()),
        attributes(unit)?,
    ];
    tx.store.fixed_execute(&INSERT, &binds.each_ref()).await.map(drop).map_err(|error| tx.failed(error))
}

pub(super) async fn update(tx: &mut Tx<'_, Altering>, unit: &Unit) -> Result<()> {
    let binds = [
        parent(unit),
        optional(unit.code.as_ref()),
        Value::Text(unit.name.clone()),
        attributes(unit)?,
        tx.tenant(),
        Value::Uuid(unit.id.uuid()),
    ];
    tx.store.fixed_execute(&UPDATE, &binds.each_ref()).await.map(drop).map_err(|error| tx.failed(error))
}

pub(super) async fn delete(tx: &mut Tx<'_, Altering>, unit: &Unit) -> Result<()> {
    let binds = [tx.tenant(), Value::Uuid(unit.id.uuid())];
    tx.store.fixed_execute(&DELETE, &binds.each_ref()).await.map(drop).map_err(|error| tx.failed(error))
}

/// Whether somebody belongs to it.
pub(super) async fn is_peopled(tx: &mut Tx<'_, Altering>, unit: &Unit) -> Result<bool> {
    let binds = [tx.tenant(), Value::Uuid(unit.id.uuid())];
    let rows = tx.store.fixed(&PEOPLED, &binds.each_ref()).await.map_err(|error| tx.failed(error))?;
    Ok(rows.first().is_some_and(|row| row.bool(0).unwrap_or(true)))
}
