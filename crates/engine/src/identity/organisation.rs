//! An organisation's own row on the platform: its name, and what it asks of its members' passwords.

use insula_model::id::TenantId;
use insula_model::input::{Members, text};
use insula_model::json::Json;
use insula_model::password::{MAX_LENGTH, PasswordPolicy};
use insula_model::problem::{Errors, Problem, Result};
use insula_model::rights::{Action, Resource};
use insula_model::value::Value;
use serde::Serialize;

use super::event::{self, Change};
use super::label;
use super::password::Hasher;
use super::password::strength::read_policy;
use crate::scope::Scope;
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

static FIND: Fixed = Fixed::new("SELECT id, code, name, password_policy FROM insula.tenant WHERE id = $1");
static LOCK: Fixed = Fixed::new("SELECT id FROM insula.tenant WHERE id = $1 FOR UPDATE");
static UPDATE: Fixed = Fixed::new("UPDATE insula.tenant SET name = $1, password_policy = $2 WHERE id = $3");

#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct OrganisationView {
    pub id: TenantId,
    pub code: String,
    pub name: String,
    pub policies: Policies,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Policies {
    pub password: PasswordPolicy,
}

/// What is asked of passwords, and what is refused whatever an organisation says.
#[derive(Serialize)]
pub struct PasswordPolicyView {
    #[serde(flatten)]
    pub policy: PasswordPolicy,
    /// Code points.
    pub max_length: usize,
    /// Of UTF-8; null: no other bound.
    pub max_bytes: Option<usize>,
    pub refused: [&'static str; 4],
}

impl PasswordPolicyView {
    pub(super) fn new(policy: PasswordPolicy, hasher: Hasher) -> Self {
        let refused = ["common", "own_address", "organisation_name", "product_name"];
        Self { policy, max_length: MAX_LENGTH, max_bytes: hasher.max_bytes(), refused }
    }
}

/// Anyone signed in: what this organisation asks of passwords.
pub async fn password_policy(scope: &Scope) -> Result<PasswordPolicyView> {
    let found = look(scope).await?;
    Ok(PasswordPolicyView::new(found.policies.password, scope.engine().identity.slots.hasher()))
}

/// Permission: `tenant`, `read`.
pub async fn show(scope: &Scope) -> Result<OrganisationView> {
    scope.read(async |tx| tx.require(Resource::Tenant, Action::Read)).await?;
    look(scope).await
}

/// Permission: `tenant`, `update`. `{name?, policies?: {password?: {…}}}`; what is absent stays.
///
/// A password that is set from then on keeps the policy; one that is in force stays.
pub async fn update(scope: &Scope, body: &Json) -> Result<OrganisationView> {
    scope.read(async |tx| tx.require(Resource::Tenant, Action::Update)).await?;
    let (engine, caller) = (scope.engine(), scope.caller());
    let now = engine.clock.now();
    let mut tx = engine.stores.platform_write().await?;
    tx.fixed(&LOCK, &[&Value::Uuid(caller.tenant().uuid())]).await?;
    let before = find(&mut tx, caller.tenant()).await?;
    let after = Members::read(body, |members, errors| Some(patched(&before, members, errors)))?;
    if after == before {
        tx.rollback().await?;
        return Ok(after);
    }
    let policy = serde_json::to_string(&after.policies.password).map_err(Problem::internal)?;
    let binds = [Value::Text(after.name.clone()), Value::Text(policy), Value::Uuid(after.id.uuid())];
    tx.fixed_execute(&UPDATE, &binds.each_ref()).await?;
    let (was, is) = (told(&before)?, told(&after)?);
    let change = Change { action: "tenant.update", subject: after.id.uuid(), before: Some(&was), after: Some(&is) };
    event::append_change(&mut tx, engine, scope.origin(), now, caller, &change).await?;
    tx.commit().await?;
    engine.wake();
    Ok(after)
}

fn patched(before: &OrganisationView, members: &mut Members<'_>, errors: &mut Errors) -> OrganisationView {
    let mut after = before.clone();
    if let Some(json) = members.raw("name") {
        let at = members.pointer("name");
        let name = text(json, at.clone(), 1, label::MAX, errors).and_then(|name| label::check(name, at, errors));
        after.name = name.unwrap_or_default();
    }
    if let Some(json) = members.raw("policies")
        && let Some(mut policies) = Members::of(json, &members.pointer("policies"), errors)
    {
        if let Some(json) = policies.raw("password") {
            let policy = before.policies.password.patched(json, &policies.pointer("password"), errors);
            after.policies.password = policy.unwrap_or_default();
        }
        policies.finish(errors);
    }
    after
}

fn told(organisation: &OrganisationView) -> Result<Vec<u8>> {
    let OrganisationView { code, name, policies, .. } = organisation;
    let values = serde_json::json!({ "code": code, "name": name, "policies": policies });
    serde_json::to_vec(&values).map_err(Problem::internal)
}

async fn look(scope: &Scope) -> Result<OrganisationView> {
    let mut tx = scope.engine().stores.platform_read().await?;
    let found = find(&mut tx, scope.caller().tenant()).await?;
    tx.commit().await?;
    Ok(found)
}

async fn find(tx: &mut Tx, tenant: TenantId) -> Result<OrganisationView> {
    let rows = tx.fixed(&FIND, &[&Value::Uuid(tenant.uuid())]).await?;
    let found = rows.first().map(read).transpose()?;
    found.ok_or_else(Problem::unauthenticated)
}

fn read(row: &Row) -> Result<OrganisationView, StoreError> {
    let policy = row.optional(3, |row, index| row.text(index).map(str::to_owned))?;
    Ok(OrganisationView {
        id: row.id(0)?,
        code: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        policies: Policies { password: read_policy(policy.as_deref())? },
    })
}
