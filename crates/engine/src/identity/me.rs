//! Who the caller is and what he may do.

use insula_model::id::{AccountId, TenantId};
use insula_model::org::Unit;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, PermissionScope};
use insula_model::value::Value;
use serde::Serialize;

use super::users::member;
use crate::scope::Scope;
use crate::sql::Fixed;
use crate::store::StoreError;
use crate::tx::{Mode, Tx};

static TENANT: Fixed = Fixed::new("SELECT code, name FROM insula.tenant WHERE id = $1");

#[derive(Serialize)]
pub struct Me {
    pub account: MyAccount,
    pub tenant: MyTenant,
    /// The one the account belongs to here.
    pub unit: Option<Unit>,
    /// Codes.
    pub roles: Vec<String>,
    pub permissions: Vec<MyPermission>,
}

/// What may be done; of records, which of them and what of each shows in the records themselves.
#[derive(Serialize)]
pub struct MyPermission {
    pub resource: String,
    pub actions: Vec<Action>,
    pub scope: PermissionScope,
}

#[derive(Serialize)]
pub struct MyAccount {
    pub id: AccountId,
    pub email: String,
    /// As this tenant knows it.
    pub full_name: String,
}

#[derive(Clone, Serialize)]
pub struct MyTenant {
    pub id: TenantId,
    pub code: String,
    pub name: String,
}

pub async fn me(scope: &Scope) -> Result<Me> {
    let tenant = tenant(scope).await?;
    let id = scope.caller().account();
    scope
        .read(async |tx| {
            let member = member::find(&mut tx.store, tx.author.tenant, id).await.map_err(|error| tx.failed(error))?;
            let member = member.ok_or_else(Problem::unauthenticated)?;
            Ok(Me {
                account: MyAccount { id, email: member.email, full_name: member.full_name },
                tenant: tenant.clone(),
                unit: tx.caller.place.home().cloned(),
                roles: tx.rights().roles().to_vec(),
                permissions: permissions(tx),
            })
        })
        .await
}

fn permissions<M: Mode>(tx: &Tx<'_, M>) -> Vec<MyPermission> {
    let held = tx.rights().permissions().iter();
    held.filter_map(|held| {
        let resource = held.target.name(&tx.model.schema)?;
        Some(MyPermission { resource, actions: held.actions.clone(), scope: held.scope })
    })
    .collect()
}

async fn tenant(scope: &Scope) -> Result<MyTenant> {
    let id = scope.caller().placement().tenant;
    let mut tx = scope.engine().stores.platform_read().await?;
    let rows = tx.fixed(&TENANT, &[&Value::Uuid(id.uuid())]).await?;
    tx.commit().await?;
    let row = rows.first().ok_or_else(Problem::unauthenticated)?;
    let read = || Ok::<_, StoreError>(MyTenant { id, code: row.text(0)?.to_owned(), name: row.text(1)?.to_owned() });
    Ok(read()?)
}
