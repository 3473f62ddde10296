//! Accounts and their memberships, as the platform store holds them.

use insula_model::id::{AccountId, TenantId};
use insula_model::value::{Timestamp, Value};

use super::email::Email;
use super::users::member::Member;
use crate::engine::Inner;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula.account (id, email, email_folded, full_name, password_hash, active, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
);
/// A membership may be left from a removal that was cut off half-way: it keeps when it was used.
static JOIN: Fixed = Fixed::new(
    "INSERT INTO insula.membership (account_id, tenant_id, active, last_used_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (account_id, tenant_id) DO UPDATE SET active = excluded.active",
);

static WITH_EMAIL: Fixed = Fixed::new("SELECT id FROM insula.account WHERE email_folded = $1");
static SET_ACTIVE: Fixed =
    Fixed::new("UPDATE insula.membership SET active = $1 WHERE account_id = $2 AND tenant_id = $3");
static LEAVE: Fixed = Fixed::new("DELETE FROM insula.membership WHERE account_id = $1 AND tenant_id = $2");
static CLOSE: Fixed = Fixed::new(
    "DELETE FROM insula.account WHERE id = $1 \
     AND NOT EXISTS (SELECT 1 FROM insula.membership WHERE account_id = $1)",
);

/// Makes the account of a member. False where the address has one already.
pub(super) async fn insert(tx: &mut Tx, member: &Member, password_hash: String) -> Result<bool, StoreError> {
    let binds = [
        Value::Uuid(member.account.uuid()),
        Value::Text(member.email.clone()),
        Value::Text(member.email_folded.clone()),
        Value::Text(member.full_name.clone()),
        Value::Text(password_hash),
        Value::Bool(true),
        Value::Timestamp(member.created_at),
    ];
    Ok(tx.fixed_execute(&INSERT, &binds.each_ref()).await? == 1)
}

/// When a membership was last used that its owner has not used yet.
pub(super) const NEVER: Timestamp = Timestamp::from_micros(0);

/// Makes a membership. One that somebody else made of an existing account is used [`NEVER`], so that no sign-in leads
/// there by itself.
pub(super) async fn join(
    tx: &mut Tx,
    account: AccountId,
    tenant: TenantId,
    last_used_at: Timestamp,
) -> Result<(), StoreError> {
    let binds =
        [Value::Uuid(account.uuid()), Value::Uuid(tenant.uuid()), Value::Bool(true), Value::Timestamp(last_used_at)];
    tx.fixed_execute(&JOIN, &binds.each_ref()).await?;
    Ok(())
}

pub(super) async fn with_email(engine: &Inner, email: &Email) -> Result<Option<AccountId>, StoreError> {
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&WITH_EMAIL, &[&Value::Text(email.folded())]).await?;
    tx.commit().await?;
    rows.first().map(|row| row.id(0)).transpose()
}

pub(super) async fn set_active(
    tx: &mut Tx,
    account: AccountId,
    tenant: TenantId,
    active: bool,
) -> Result<(), StoreError> {
    let binds = [Value::Bool(active), Value::Uuid(account.uuid()), Value::Uuid(tenant.uuid())];
    tx.fixed_execute(&SET_ACTIVE, &binds.each_ref()).await?;
    Ok(())
}

/// Ends a membership; its sessions go with it, and the account too when it was the last one.
pub(super) async fn leave(tx: &mut Tx, account: AccountId, tenant: TenantId) -> Result<(), StoreError> {
    let (account, tenant) = (Value::Uuid(account.uuid()), Value::Uuid(tenant.uuid()));
    tx.fixed_execute(&LEAVE, &[&account, &tenant]).await?;
    tx.fixed_execute(&CLOSE, &[&account]).await?;
    Ok(())
}
