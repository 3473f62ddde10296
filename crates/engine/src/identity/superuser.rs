//! Making superusers, and knowing them.

use insula_model::id::AccountId;
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use insula_model::value::{Email, Value};
use uuid::Uuid;

use super::account;
use super::event::{self, Action, Whom};
use super::label;
use super::password::Password;
use super::password::strength::Strength;
use super::users::member::Member;
use crate::engine::{Engine, Origin};
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

static INSERT: Fixed = Fixed::new("INSERT INTO insula.superuser (account_id, created_at) VALUES ($1, $2)");
static IS_ONE: Fixed = Fixed::new(
    "SELECT 1 FROM insula.superuser u JOIN insula.account a ON a.id = u.account_id WHERE a.id = $1 AND a.active",
);

impl Engine {
    /// Makes a superuser: `{email, password, full_name}`. For the command line alone: whoever may start the server may do
    /// it, and no request can. An address that has an account is refused: its owner has not asked for the power, and his
    /// password was not chosen for it.
    pub async fn create_superuser(&self, origin: &Origin, body: &Json) -> Result<AccountId> {
        let engine = &*self.0;
        let slots = &engine.identity.slots;
        let (email, password, full_name) = Members::read(body, |members, errors| {
            let email = Email::read(members, errors);
            let password = Password::read(members, "password", slots.hasher(), errors);
            let full_name = label::read(members, "full_name", errors);
            Some((email?, password?, full_name?))
        })?;
        Strength::of_anybody(email.as_str(), &[]).check(slots, &password, "/password").await?;
        let hash = slots.hash(password, engine.ids.random()).await?;
        let now = engine.clock.now();
        let owner = Member::new(engine.ids.unordered(), &email, full_name, now);
        let mut tx = engine.stores.platform_write().await?;
        if !account::insert(&mut tx, &owner, hash).await? {
            tx.rollback().await?;
            return Err(Problem::at("/email".to_owned(), Code::NotUnique, "This address has an account already."));
        }
        let id = Value::Uuid(owner.account.uuid());
        tx.fixed_execute(&INSERT, &[&id, &Value::Timestamp(now)]).await?;
        let whom = Whom { account: Some(owner.account), tenant: None };
        event::append(&mut tx, engine, origin, now, Action::SuperuserCreate, whom).await?;
        tx.commit().await?;
        Ok(owner.account)
    }
}

/// Whether the account is an active superuser's. Asked in the same way of nobody (requirement B7).
pub(super) async fn is_one(tx: &mut Tx, account: Option<AccountId>) -> Result<bool, StoreError> {
    let account = Value::Uuid(account.map_or(Uuid::nil(), AccountId::uuid));
    Ok(!tx.fixed(&IS_ONE, &[&account]).await?.is_empty())
}
