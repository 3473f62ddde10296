//! Roles as a tenant's store holds them.

use insula_model::entity::Schema;
use insula_model::id::RoleId;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::rights::{Permission, Rights};
use insula_model::value::Value;

use super::code_taken;
use crate::sql::Fixed;
use crate::store::{Row, StoreError};
use crate::tenant::permissions_of;
use crate::tx::{Altering, Mode, Tx};

/// Most roles a tenant can have.
pub(super) const MOST: usize = 500;

static ALL: Fixed = Fixed::new(
    "SELECT code, built_in, permissions, id, name FROM insula_tenant.role WHERE tenant_id = $1 ORDER BY code",
);
static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.role (tenant_id, id, code, name, built_in, permissions) VALUES ($1, $2, $3, $4, $5, $6)",
);
static UPDATE: Fixed =
    Fixed::new("UPDATE insula_tenant.role SET code = $1, name = $2, permissions = $3 WHERE tenant_id = $4 AND id = $5");
static DELETE: Fixed = Fixed::new("DELETE FROM insula_tenant.role WHERE tenant_id = $1 AND id = $2");
static HELD: Fixed = Fixed::new(
    "SELECT EXISTS (SELECT 1 FROM insula_tenant.member_role WHERE tenant_id = $1 AND role_id = $2), \
     EXISTS (SELECT 1 FROM insula_tenant.user_group_role WHERE tenant_id = $1 AND role_id = $2)",
);

#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: RoleId,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) built_in: bool,
    pub(crate) permissions: Vec<Permission>,
}

impl Role {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id(3)?,
            code: row.text(0)?.to_owned(),
            name: row.text(4)?.to_owned(),
            built_in: row.bool(1)?,
            permissions: permissions_of(row)?,
        })
    }

    /// Whether it allows nothing that `rights` do not.
    pub(crate) fn is_within(&self, rights: &Rights, schema: &Schema) -> bool {
        self.permissions.iter().all(|permission| rights.hold(permission, schema))
    }

    /// What the audit trail tells of a role.
    pub(super) fn audited(&self, schema: &Schema) -> Vec<u8> {
        let grants: Vec<_> = self.permissions.iter().filter_map(|p| p.view(schema, &|_| true)).collect();
        serde_json::json!({"code": self.code, "name": self.name, "grants": grants}).to_string().into_bytes()
    }

    /// Refuses to touch what the program itself defines.
    pub(super) fn require_custom(&self) -> Result<()> {
        if self.built_in {
            return Err(Problem::conflict("A built-in role stays as it is. Make one of your own.", Vec::new()));
        }
        Ok(())
    }
}

/// Every role, in the order of their codes.
pub(crate) async fn all<M: Mode>(tx: &mut Tx<'_, M>) -> Result<Vec<Role>> {
    let rows = tx.store.fixed(&ALL, &[&tx.tenant()]).await.map_err(|error| tx.failed(error))?;
    Ok(rows.iter().map(Role::from_row).collect::<Result<_, _>>()?)
}

/// The roles of these codes, in the order of the codes.
pub(crate) async fn choose(tx: &mut Tx<'_, Altering>, codes: &[String]) -> Result<Vec<Role>> {
    let mut all = all(tx).await?;
    let mut errors = Errors::default();
    for (index, code) in codes.iter().enumerate() {
        if !all.iter().any(|role| role.code == *code) {
            errors.add(format!("/roles/{index}"), Code::OutOfRange, "There is no such role.");
        }
    }
    errors.check()?;
    all.retain(|role| codes.contains(&role.code));
    Ok(all)
}

pub(super) async fn find<M: Mode>(tx: &mut Tx<'_, M>, id: RoleId) -> Result<Role> {
    by_id(&all(tx).await?, id)
}

pub(super) fn by_id(all: &[Role], id: RoleId) -> Result<Role> {
    all.iter().find(|role| role.id == id).cloned().ok_or_else(Problem::not_found)
}

/// Refuses a code that another role has.
pub(super) fn require_free(code: &str, own: Option<RoleId>, all: &[Role]) -> Result<()> {
    if !all.iter().any(|role| role.code == code && Some(role.id) != own) {
        return Ok(());
    }
    Err(code_taken("role"))
}

pub(super) async fn insert(tx: &mut Tx<'_, Altering>, role: &Role) -> Result<()> {
    let binds = [
        tx.tenant(),
        Value::Uuid(role.id.uuid()),
        Value::Text(role.code.clone()),
        Value::Text(role.name.clone()),
        Value::Bool(role.built_in),
        permissions(role)?,
    ];
    tx.store.fixed_execute(&INSERT, &binds.each_ref()).await.map(drop).map_err(|error| tx.failed(error))
}

pub(super) async fn update(tx: &mut Tx<'_, Altering>, role: &Role) -> Result<()> {
    let binds = [
        Value::Text(role.code.clone()),
        Value::Text(role.name.clone()),
        permissions(role)?,
        tx.tenant(),
        Value::Uuid(role.id.uuid()),
    ];
    tx.store.fixed_execute(&UPDATE, &binds.each_ref()).await.map(drop).map_err(|error| tx.failed(error))
}

fn permissions(role: &Role) -> Result<Value> {
    serde_json::to_string(&role.permissions).map(Value::Text).map_err(Problem::internal)
}

/// Removes a role; 409 while somebody has it.
pub(super) async fn delete(tx: &mut Tx<'_, Altering>, role: &Role) -> Result<()> {
    let binds = [tx.tenant(), Value::Uuid(role.id.uuid())];
    let rows = tx.store.fixed(&HELD, &binds.each_ref()).await.map_err(|error| tx.failed(error))?;
    let held = |index| rows.first().is_some_and(|row| row.bool(index).unwrap_or(true));
    if held(0) || held(1) {
        let who = if held(0) { "Users still have" } else { "A group still has" };
        return Err(Problem::conflict(format!("{who} this role. Take it from them first."), Vec::new()));
    }
    tx.store.fixed_execute(&DELETE, &binds.each_ref()).await.map(drop).map_err(|error| tx.failed(error))
}
