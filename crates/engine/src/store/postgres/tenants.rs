//! Tenants in a cell: how their transactions begin, and how a tenant comes and goes.

use insula_model::id::TenantId;
use insula_model::value::Value;

use super::names::{self, Lock, Names};
use super::owner::{Cell, plain};
use super::tx::{Kind, Tx};
use crate::store::{Placement, StoreError, Versions};

/// What a login role puts on for one transaction.
fn local_guise(tenant: TenantId) -> String {
    format!("SET LOCAL ROLE {}; {}", names::role(tenant), setting(tenant))
}

/// What row-level security reads.
fn setting(tenant: TenantId) -> String {
    format!("SET LOCAL insula.tenant = '{tenant}'")
}

/// What a login role puts on once the transaction commits, until it puts on another.
pub(super) fn guise(tenant: TenantId) -> String {
    format!("SET ROLE {}; SET insula.tenant = '{tenant}'", names::role(tenant))
}

fn select_versions(tenant: TenantId) -> String {
    format!("SELECT schema_version, grants_version FROM insula_tenant.tenant WHERE tenant_id = '{tenant}'")
}

/// Divides by zero unless the versions are these: of what can be said in SQL alone, the cheapest that fails.
const CHECK_VERSIONS: &str = "SELECT 1 / count(*) FROM insula_tenant.tenant \
                              WHERE tenant_id = $1 AND schema_version = $2 AND grants_version = $3";

/// Several statements see one snapshot.
pub(super) async fn read(cell: &Cell, tenant: TenantId) -> Result<Tx, StoreError> {
    Tx::read_of(&cell.serving, tenant).await
}

/// The versions are read by a statement of its own, after the lock is held: under READ COMMITTED it sees what the schema
/// change it waited for has left.
pub(super) async fn write(cell: &Cell, tenant: TenantId) -> Result<Tx, StoreError> {
    let opening = format!(
        "{}; SELECT pg_advisory_xact_lock_shared({}); {}",
        write_opening(tenant),
        names::lock(tenant),
        select_versions(tenant)
    );
    Tx::versioned(&cell.serving, opening).await
}

/// The same in prepared statements, which cost the server half as much, and nothing of it sent yet.
pub(super) async fn write_at(cell: &Cell, tenant: TenantId, believed: Versions) -> Result<Tx, StoreError> {
    let mut tx = Tx::lazy(&cell.serving, Kind::Write, write_opening(tenant)).await?;
    tx.guard("SELECT pg_advisory_xact_lock_shared($1)", vec![Value::Int(names::lock(tenant))]).await?;
    let Versions { schema, grants } = believed;
    tx.guard(CHECK_VERSIONS, vec![Value::Uuid(tenant.uuid()), Value::Int(schema), Value::Int(grants)]).await?;
    tx.set_versions(believed);
    Ok(tx)
}

fn write_opening(tenant: TenantId) -> String {
    format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {}", local_guise(tenant))
}

pub(super) async fn alter(cell: &Cell, tenant: TenantId) -> Result<Tx, StoreError> {
    Tx::versioned(&cell.owner, format!("{}; {}", alter_opening(tenant), select_versions(tenant))).await
}

fn alter_opening(tenant: TenantId) -> String {
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; {}; SELECT pg_advisory_xact_lock({})",
        setting(tenant),
        names::lock(tenant)
    )
}

/// A new tenant in this cell, if it has room. Counted are the schemas themselves, under a lock, so that there is no
/// counter to go astray.
pub(super) async fn create(cell: &Cell, names: &Names, tenant: TenantId, limit: u32) -> Result<Option<Tx>, StoreError> {
    let opening = format!("{}; {}", alter_opening(tenant), Lock::AddTenant.take());
    let mut tx = Tx::lazy(&cell.owner, Kind::Write, opening).await?;
    let count = "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname ~ '^tenant_[0-9a-f]{32}$'";
    let tenants = tx.query(count, &[]).await?.first().map_or(Ok(0), |row| row.int(0))?;
    if tenants >= i64::from(limit) {
        return Ok(None);
    }
    let (role, schema) = (names::role(tenant), names::schema(tenant));
    let (member, login) = (names.member(), &cell.login);
    tx.ddl(&format!(
        "CREATE ROLE {role} NOLOGIN INHERIT NOBYPASSRLS IN ROLE {member};
         GRANT {role} TO {login};
         CREATE SCHEMA {schema};
         COMMENT ON SCHEMA {schema} IS '{MARK}';
         GRANT USAGE ON SCHEMA {schema} TO {role};
         ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
         INSERT INTO insula_tenant.tenant (tenant_id, schema_version, grants_version) VALUES ('{tenant}', 1, 1)"
    ))
    .await?;
    tx.set_versions(Versions { schema: 1, grants: 1 });
    Ok(Some(tx))
}

/// The comment on the schema of a tenant that is being registered.
const MARK: &str = "being registered";

pub(super) async fn settle(cell: &Cell, tenant: TenantId) -> Result<(), StoreError> {
    let mut tx = plain(&cell.owner).await?;
    tx.ddl(&format!("COMMENT ON SCHEMA {} IS NULL", names::schema(tenant))).await?;
    tx.commit().await
}

/// Removes everything a tenant has in this cell, what is left of it after an accident too.
pub(super) async fn remove(cell: &Cell, tenant: TenantId) -> Result<(), StoreError> {
    let (role, schema) = (names::role(tenant), names::schema(tenant));
    let mut tx = Tx::lazy(&cell.owner, Kind::Write, alter_opening(tenant)).await?;
    let tables = "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = 'insula_tenant' AND c.relkind IN ('r', 'p')
                  ORDER BY (SELECT count(*) FROM pg_catalog.pg_constraint k WHERE k.confrelid = c.oid), 1";
    // Tables nothing refers to come first. None of our references goes through more than one table.
    for row in tx.query(tables, &[]).await? {
        tx.ddl(&format!("DELETE FROM insula_tenant.{} WHERE tenant_id = '{tenant}'", row.text(0)?)).await?;
    }
    tx.ddl(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; DROP ROLE IF EXISTS {role}")).await?;
    tx.commit().await
}

#[derive(Clone, Copy)]
pub(super) enum Which {
    All,
    Unsettled,
}

/// The tenants this cell holds.
pub(super) async fn list(cell: &Cell, which: Which) -> Result<Vec<Placement>, StoreError> {
    let mut tx = plain(&cell.owner).await?;
    let marked = match which {
        Which::All => String::new(),
        Which::Unsettled => format!("AND pg_catalog.obj_description(oid, 'pg_namespace') = '{MARK}'"),
    };
    let sql = &format!("SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname LIKE $1 {marked} ORDER BY 1");
    let found = tx.query(sql, &[&Value::Text("tenant\\_%".to_owned())]).await?;
    tx.commit().await?;
    let mut placements = Vec::with_capacity(found.len());
    for row in &found {
        placements.extend(names::tenant_of(row.text(0)?).map(|tenant| Placement { tenant, cell: cell.id }));
    }
    Ok(placements)
}
