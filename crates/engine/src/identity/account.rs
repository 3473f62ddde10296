//! Accounts and their memberships, as the platform store holds them.

use insula_model::id::{AccountId, TenantId};
use insula_model::value::{Timestamp, Value};

use serde::{Deserialize, Serialize};

use super::users::member::Member;
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula.account (id, email, email_folded, full_name, password_hash, active, created_at, password_set_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING",
);
/// One that is there stays as it is: it may be left from a removal that was cut off half-way.
static JOIN: Fixed = Fixed::new(
    "INSERT INTO insula.membership (account_id, tenant_id, active, last_used_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT DO NOTHING",
);

/// One that is there stays as it is, and is locked.
static ENSURE: Fixed = Fixed::new(
    "INSERT INTO insula.account (id, email, email_folded, full_name, password_hash, active, created_at, password_set_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
     ON CONFLICT (email_folded) DO UPDATE SET email_folded = excluded.email_folded RETURNING id",
);
static LOCK: Fixed = Fixed::new("SELECT credential_epoch FROM insula.account WHERE id = $1 FOR UPDATE");
static RAISE: Fixed = Fixed::new("UPDATE insula.account SET credential_epoch = credential_epoch + 1 WHERE id = $1");
static CREDENTIALS: Fixed =
    Fixed::new("SELECT password_hash, email, credential_epoch FROM insula.account WHERE id = $1 AND active");
static TENANTS: Fixed = Fixed::new(
    "SELECT tenant_id FROM insula.membership WHERE account_id = $1 AND active AND last_used_at <> $2 ORDER BY tenant_id",
);
static SET_PASSWORD: Fixed =
    Fixed::new("UPDATE insula.account SET password_hash = $1, password_set_at = $2 WHERE id = $3");
static RENEW_HASH: Fixed = Fixed::new("UPDATE insula.account SET password_hash = $1 WHERE id = $2");
static SET_STANDING: Fixed =
    Fixed::new("UPDATE insula.membership SET active = $1 WHERE account_id = $2 AND tenant_id = $3");
/// Another change that is under way may be about to need it, and decides in its turn.
static LEAVE: Fixed = Fixed::new(
    "DELETE FROM insula.membership WHERE account_id = $1 AND tenant_id = $2 \
     AND NOT EXISTS (SELECT 1 FROM insula.user_change WHERE account_id = $1 AND tenant_id = $2)",
);
static CLOSE: Fixed = Fixed::new(
    "DELETE FROM insula.account WHERE id = $1 \
     AND NOT EXISTS (SELECT 1 FROM insula.membership WHERE account_id = $1) \
     AND NOT EXISTS (SELECT 1 FROM insula.superuser WHERE account_id = $1)",
);

/// How often everything that was given out on an account's password has been ended. What is given out holds the epoch it
/// was made in, and is good in no other: also what was under way when the epoch was raised.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Epoch(i64);

impl Epoch {
    /// Of an account that was just made.
    pub(super) const FIRST: Self = Self(0);

    pub(super) fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        row.int(at).map(Self)
    }

    pub(super) fn bind(self) -> Value {
        Value::Int(self.0)
    }
}

/// Whether a member may sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    Active,
    Inactive,
}

impl Standing {
    fn bind(self) -> Value {
        Value::Bool(self == Self::Active)
    }
}

/// Makes the account of a member. False where the address has one already.
pub(super) async fn insert(tx: &mut Tx, member: &Member, password_hash: String) -> Result<bool, StoreError> {
    Ok(tx.fixed_execute(&INSERT, &binds(member, password_hash).each_ref()).await? == 1)
}

/// The account of a member's address, which is made where there is none; locked as by [`lock`].
pub(super) async fn ensure(tx: &mut Tx, member: &Member, password_hash: String) -> Result<AccountId, StoreError> {
    let rows = tx.fixed(&ENSURE, &binds(member, password_hash).each_ref()).await?;
    rows.first().map_or(Ok(member.account), |row| row.id(0))
}

fn binds(member: &Member, password_hash: String) -> [Value; 7] {
    [
        Value::Uuid(member.account.uuid()),
        Value::Text(member.email.clone()),
        Value::Text(member.email_folded.clone()),
        Value::Text(member.full_name.clone()),
        Value::Text(password_hash),
        Value::Bool(true),
        Value::Timestamp(member.created_at),
    ]
}

/// In place of the hash of an account that nobody signs in to: a program's.
pub(super) const NO_PASSWORD: &str = "";

/// When a membership was last used that its owner has not used yet.
pub(super) const NEVER: Timestamp = Timestamp::from_micros(0);

/// Makes a membership. One that somebody else made of an existing account is used [`NEVER`], so that no sign-in leads
/// there by itself.
pub(super) async fn join(
    tx: &mut Tx,
    account: AccountId,
    tenant: TenantId,
    standing: Standing,
    last_used_at: Timestamp,
) -> Result<(), StoreError> {
    let binds =
        [Value::Uuid(account.uuid()), Value::Uuid(tenant.uuid()), standing.bind(), Value::Timestamp(last_used_at)];
    tx.fixed_execute(&JOIN, &binds.each_ref()).await?;
    Ok(())
}

/// Until this transaction ends nobody else gives the account a membership or takes one from it, nor signs in to it. Its
/// epoch, where the account is there.
pub(super) async fn lock(tx: &mut Tx, account: AccountId) -> Result<Option<Epoch>, StoreError> {
    tx.fixed(&LOCK, &[&Value::Uuid(account.uuid())]).await?.first().map(|row| Epoch::read(row, 0)).transpose()
}

/// Ends everything that was given out on the account's password until now (requirement A5): it holds an older epoch.
pub(super) async fn raise_epoch(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    tx.fixed_execute(&RAISE, &[&Value::Uuid(account.uuid())]).await?;
    Ok(())
}

/// What somebody who is signed in proves himself with, and where that is told.
pub(super) struct Credentials {
    pub(super) password_hash: String,
    pub(super) email: String,
    /// That of the password: in another one it may be another.
    pub(super) epoch: Epoch,
}

pub(super) async fn credentials(tx: &mut Tx, account: AccountId) -> Result<Option<Credentials>, StoreError> {
    let rows = tx.fixed(&CREDENTIALS, &[&Value::Uuid(account.uuid())]).await?;
    let read = |row: &Row| {
        Ok(Credentials {
            password_hash: row.text(0)?.to_owned(),
            email: row.text(1)?.to_owned(),
            epoch: Epoch::read(row, 2)?,
        })
    };
    rows.first().map(read).transpose()
}

/// The organisations the account's owner has signed in to, by id. What is told there of the account concerns them; of
/// others he may not even know.
pub(super) async fn tenants(tx: &mut Tx, account: AccountId) -> Result<Vec<TenantId>, StoreError> {
    let rows = tx.fixed(&TENANTS, &[&Value::Uuid(account.uuid()), &Value::Timestamp(NEVER)]).await?;
    rows.iter().map(|row| row.id(0)).collect()
}

pub(super) async fn set_password(
    tx: &mut Tx,
    account: AccountId,
    hash: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let binds = [Value::Text(hash), Value::Timestamp(now), Value::Uuid(account.uuid())];
    tx.fixed_execute(&SET_PASSWORD, &binds.each_ref()).await?;
    Ok(())
}

/// Another hash of the same password.
pub(super) async fn renew_hash(tx: &mut Tx, account: AccountId, hash: String) -> Result<(), StoreError> {
    tx.fixed_execute(&RENEW_HASH, &[&Value::Text(hash), &Value::Uuid(account.uuid())]).await?;
    Ok(())
}

pub(super) async fn set_standing(
    tx: &mut Tx,
    account: AccountId,
    tenant: TenantId,
    standing: Standing,
) -> Result<(), StoreError> {
    let binds = [standing.bind(), Value::Uuid(account.uuid()), Value::Uuid(tenant.uuid())];
    tx.fixed_execute(&SET_STANDING, &binds.each_ref()).await?;
    Ok(())
}

/// Ends a membership, unless a change of it is noted; its sessions go with it, and the account too when it was the last
/// one of somebody who is no superuser.
pub(super) async fn leave(tx: &mut Tx, account: AccountId, tenant: TenantId) -> Result<(), StoreError> {
    let (account, tenant) = (Value::Uuid(account.uuid()), Value::Uuid(tenant.uuid()));
    tx.fixed_execute(&LEAVE, &[&account, &tenant]).await?;
    tx.fixed_execute(&CLOSE, &[&account]).await?;
    Ok(())
}
