//! Groups as a tenant's store holds them.

use insula_model::id::{AccountId, GroupId, RoleId};
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::value::Value;
use serde::Serialize;

use crate::roles::{Role, code_taken};
use crate::sql::Fixed;
use crate::tx::{Altering, Mode, Tx};

/// Most groups a tenant can have.
pub(super) const MOST: usize = 500;

static ALL: Fixed =
    Fixed::new("SELECT id, code, name FROM insula_tenant.user_group WHERE tenant_id = $1 ORDER BY code");
static MEMBERS: Fixed = Fixed::new(
    "SELECT group_id, account_id FROM insula_tenant.user_group_member WHERE tenant_id = $1 ORDER BY account_id",
);
static ROLES: Fixed = Fixed::new(
    "SELECT gr.group_id, r.code FROM insula_tenant.user_group_role gr \
     JOIN insula_tenant.role r ON r.tenant_id = gr.tenant_id AND r.id = gr.role_id \
     WHERE gr.tenant_id = $1 ORDER BY r.code",
);
static INSERT: Fixed =
    Fixed::new("INSERT INTO insula_tenant.user_group (tenant_id, id, code, name) VALUES ($1, $2, $3, $4)");
static UPDATE: Fixed =
    Fixed::new("UPDATE insula_tenant.user_group SET code = $1, name = $2 WHERE tenant_id = $3 AND id = $4");
static DELETE: Fixed = Fixed::new("DELETE FROM insula_tenant.user_group WHERE tenant_id = $1 AND id = $2");
static EMPTY: Fixed = Fixed::new("DELETE FROM insula_tenant.user_group_member WHERE tenant_id = $1 AND group_id = $2");
static STRIP: Fixed = Fixed::new("DELETE FROM insula_tenant.user_group_role WHERE tenant_id = $1 AND group_id = $2");
static JOIN: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.user_group_member (tenant_id, group_id, account_id) \
     SELECT m.tenant_id, $1, m.account_id FROM insula_tenant.member m WHERE m.tenant_id = $2 AND m.account_id = $3",
);
static GIVE: Fixed =
    Fixed::new("INSERT INTO insula_tenant.user_group_role (tenant_id, group_id, role_id) VALUES ($1, $2, $3)");

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) id: GroupId,
    pub(super) code: String,
    pub(super) name: String,
    pub(super) members: Vec<AccountId>,
    /// Codes, in their order.
    pub(super) roles: Vec<String>,
}

/// A group as the API shows it.
#[derive(Debug, Serialize)]
pub struct GroupView {
    pub id: GroupId,
    pub code: String,
    pub name: String,
    pub members: Vec<AccountId>,
    pub roles: Vec<String>,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        let Group { id, code, name, members, roles } = group;
        Self { id, code, name, members, roles }
    }
}

impl Group {
    /// What the audit trail tells of a group.
    pub(super) fn audited(&self) -> Vec<u8> {
        let Self { code, name, members, roles, .. } = self;
        serde_json::json!({"code": code, "name": name, "members": members, "roles": roles}).to_string().into_bytes()
    }
}

/// Every group, in the order of their codes.
pub(super) async fn all<M: Mode>(tx: &mut Tx<'_, M>) -> Result<Vec<Group>> {
    let tenant = tx.tenant();
    let mut groups = Vec::new();
    for row in tx.store.fixed(&ALL, &[&tenant]).await.map_err(|error| tx.failed(error))? {
        let (code, name) = (row.text(1)?.to_owned(), row.text(2)?.to_owned());
        groups.push(Group { id: row.id(0)?, code, name, members: Vec::new(), roles: Vec::new() });
    }
    for row in tx.store.fixed(&MEMBERS, &[&tenant]).await.map_err(|error| tx.failed(error))? {
        let id: GroupId = row.id(0)?;
        if let Some(group) = groups.iter_mut().find(|group| group.id == id) {
            group.members.push(row.id(1)?);
        }
    }
    for row in tx.store.fixed(&ROLES, &[&tenant]).await.map_err(|error| tx.failed(error))? {
        let id: GroupId = row.id(0)?;
        if let Some(group) = groups.iter_mut().find(|group| group.id == id) {
            group.roles.push(row.text(1)?.to_owned());
        }
    }
    Ok(groups)
}

pub(super) async fn find<M: Mode>(tx: &mut Tx<'_, M>, id: GroupId) -> Result<Group> {
    by_id(&all(tx).await?, id)
}

pub(super) fn by_id(all: &[Group], id: GroupId) -> Result<Group> {
    all.iter().find(|group| group.id == id).cloned().ok_or_else(Problem::not_found)
}

/// Refuses a code that another group has.
pub(super) fn require_free(code: &str, own: Option<GroupId>, all: &[Group]) -> Result<()> {
    if !all.iter().any(|group| group.code == code && Some(group.id) != own) {
        return Ok(());
    }
    Err(code_taken("group"))
}

pub(super) async fn insert(tx: &mut Tx<'_, Altering>, group: &Group) -> Result<()> {
    let binds =
        [tx.tenant(), Value::Uuid(group.id.uuid()), Value::Text(group.code.clone()), Value::Text(group.name.clone())];
    tx.store.fixed_execute(&INSERT, &binds.each_ref()).await.map(drop).map_err(|error| tx.failed(error))
}

pub(super) async fn update(tx: &mut Tx<'_, Altering>, group: &Group) -> Result<()> {
    let binds =
        [Value::Text(group.code.clone()), Value::Text(group.name.clone()), tx.tenant(), Value::Uuid(group.id.uuid())];
    tx.store.fixed_execute(&UPDATE, &binds.each_ref()).await.map(drop).map_err(|error| tx.failed(error))
}

pub(super) async fn delete(tx: &mut Tx<'_, Altering>, group: &Group) -> Result<()> {
    let binds = [tx.tenant(), Value::Uuid(group.id.uuid())];
    for statement in [&EMPTY, &STRIP, &DELETE] {
        tx.store.fixed_execute(statement, &binds.each_ref()).await.map_err(|error| tx.failed(error))?;
    }
    Ok(())
}

/// Makes these users its members, and nobody else.
pub(super) async fn set_members(tx: &mut Tx<'_, Altering>, group: GroupId, members: &[AccountId]) -> Result<()> {
    let (tenant, group) = (tx.tenant(), Value::Uuid(group.uuid()));
    tx.store.fixed_execute(&EMPTY, &[&tenant, &group]).await.map_err(|error| tx.failed(error))?;
    let mut errors = Errors::default();
    for (index, member) in members.iter().enumerate() {
        let binds = [&group, &tenant, &Value::Uuid(member.uuid())];
        if tx.store.fixed_execute(&JOIN, &binds).await.map_err(|error| tx.failed(error))? == 0 {
            errors.add(format!("/members/{index}"), Code::OutOfRange, "There is no such user.");
        }
    }
    errors.check()
}

/// Gives it these roles, and no others.
pub(super) async fn set_roles(tx: &mut Tx<'_, Altering>, group: GroupId, roles: &[RoleId]) -> Result<()> {
    let (tenant, group) = (tx.tenant(), Value::Uuid(group.uuid()));
    tx.store.fixed_execute(&STRIP, &[&tenant, &group]).await.map_err(|error| tx.failed(error))?;
    for role in roles {
        let binds = [&tenant, &group, &Value::Uuid(role.uuid())];
        tx.store.fixed_execute(&GIVE, &binds).await.map_err(|error| tx.failed(error))?;
    }
    Ok(())
}

/// Roles as a group keeps them: ids to write, codes to show.
pub(super) fn named(roles: &[Role]) -> (Vec<RoleId>, Vec<String>) {
    roles.iter().map(|role| (role.id, role.code.clone())).unzip()
}
