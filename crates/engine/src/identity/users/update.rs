//! Changing a user's name, roles, unit, and whether he may sign in.

use insula_model::id::{AccountId, UnitId};
use insula_model::input::{Given, Members, text};
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::rights::{Action, Resource};

use super::member::{self, Member};
use super::{UserView, change, conclude, grant, home};
use crate::identity::label;
use crate::roles;
use crate::scope::Scope;
use crate::tx::{Altering, Tx};

/// What is absent stays.
struct Change {
    full_name: Option<String>,
    roles: Option<Vec<String>>,
    active: Option<bool>,
    unit: Given<UnitId>,
}

/// Permission: `users`, `update`; and every permission of the roles given. `{full_name?, roles?, active?, unit?}`.
///
/// A name is this organisation's alone. Other roles bite at once; who becomes inactive is signed out at once.
pub async fn update(scope: &Scope, account: AccountId, body: &Json) -> Result<UserView> {
    scope.read(async |tx| tx.require(Resource::Users, Action::Update)).await?;
    let change = Members::read(body, |members, errors| Some(read(members, errors)))?;
    // The platform knows of neither name nor roles nor unit.
    if change.active.is_none() {
        return write(scope, account, change).await;
    }
    let engine = scope.engine();
    let mut tx = engine.stores.platform_write().await?;
    let noted = change::note(&mut tx, engine, scope.caller().placement(), account).await?;
    tx.commit().await?;
    Box::pin(change::make(engine, noted, write(scope, account, change))).await
}

/// Changes the member in the tenant's store.
async fn write(scope: &Scope, account: AccountId, change: Change) -> Result<UserView> {
    scope
        .alter(async |tx| {
            tx.require(Resource::Users, Action::Update)?;
            let tenant = tx.author.tenant;
            let found = member::find(&mut tx.store, tenant, account).await.map_err(|error| tx.failed(error))?;
            let before = found.ok_or_else(Problem::not_found)?;
            Ok(apply(tx, before, change).await?.into())
        })
        .await
}

fn read(members: &mut Members<'_>, errors: &mut Errors) -> Change {
    let full_name = members.raw("full_name").and_then(|json| {
        let at = members.pointer("full_name");
        let name = text(json, at.clone(), 1, label::MAX, errors)?;
        label::check(name, at, errors)
    });
    let roles = members.raw("roles").and_then(|json| grant::read(json, members, errors));
    let active = members.raw("active").and_then(|json| match json {
        Json::Bool(active) => Some(*active),
        other => {
            let message = format!("Expected true or false, found {}.", other.kind());
            errors.add(members.pointer("active"), Code::InvalidType, message);
            None
        }
    });
    Change { full_name, roles, active, unit: home::read(members, errors) }
}

async fn apply(tx: &mut Tx<'_, Altering>, before: Member, change: Change) -> Result<Member> {
    grant::may_touch(tx.rights(), &before)?;
    let mut after = before.clone();
    after.full_name = change.full_name.unwrap_or(after.full_name);
    after.active = change.active.unwrap_or(after.active);
    if let Some(codes) = change.roles {
        let roles = roles::choose(tx, &codes).await?;
        grant::may_give(tx.rights(), &tx.model.schema, &before, &roles)?;
        let tenant = tx.author.tenant;
        member::take_all(&mut tx.store, tenant, after.account).await.map_err(|error| tx.failed(error))?;
        after.roles.clear();
        for role in roles {
            member::give(&mut tx.store, tenant, after.account, role.id).await.map_err(|error| tx.failed(error))?;
            after.roles.push(role.code);
        }
    }
    after.unit = change.unit.over(before.unit);
    if after.unit != before.unit {
        home::check(tx, after.unit)?;
        home::may_move(tx, &before).await?;
    }
    grant::keep_an_owner(tx, &before, Some(&after)).await?;
    let tenant = tx.author.tenant;
    member::update(&mut tx.store, tenant, &after).await.map_err(|error| tx.failed(error))?;
    conclude(tx, "user.update", Some(&before), Some(&after)).await?;
    Ok(after)
}
