//! What is asked of somebody's next password (requirement B2): by everybody, and by the organisations he is in.

use insula_model::id::{AccountId, TenantId};
use insula_model::password::PasswordPolicy;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::value::Value;
use secrecy::ExposeSecret as _;

use super::{Password, Slots, common};
use crate::identity::account::NEVER;
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

static TENANT: Fixed = Fixed::new("SELECT code, name, password_policy FROM insula.tenant WHERE id = $1");
/// Those its owner has signed in to: others may make him a member, and have no say.
static TENANTS: Fixed = Fixed::new(
    "SELECT t.code, t.name, t.password_policy FROM insula.membership m JOIN insula.tenant t ON t.id = m.tenant_id \
     WHERE m.account_id = $1 AND m.active AND m.last_used_at <> $2",
);
static PAST: Fixed =
    Fixed::new("SELECT password_hash FROM insula.password_history WHERE account_id = $1 ORDER BY set_at DESC LIMIT $2");

pub(in crate::identity) struct Strength {
    pub(in crate::identity) policy: PasswordPolicy,
    /// What the password may not hold.
    names: Vec<String>,
    /// Hashes of what it may not be.
    past: Vec<String>,
}

impl Strength {
    /// Of somebody with this address who is in no organisation yet; `names` are those he will have to do with.
    pub(in crate::identity) fn of_anybody(email: &str, names: &[&str]) -> Self {
        let local = email.split_once('@').map_or(email, |(local, _)| local);
        let names = names.iter().copied().chain([local]).map(str::to_owned).collect();
        Self { policy: PasswordPolicy::default(), names, past: Vec::new() }
    }

    /// Of somebody who becomes a member of `tenant`.
    pub(in crate::identity) async fn of_tenant(tx: &mut Tx, tenant: TenantId, email: &str) -> Result<Self, StoreError> {
        let mut strength = Self::of_anybody(email, &[]);
        for row in tx.fixed(&TENANT, &[&Value::Uuid(tenant.uuid())]).await? {
            strength.add(&row)?;
        }
        Ok(strength)
    }

    /// Of the owner of an account whose password is `current`.
    pub(in crate::identity) async fn of_account(
        tx: &mut Tx,
        account: AccountId,
        email: &str,
        current: &str,
    ) -> Result<Self, StoreError> {
        let mut strength = Self::of_anybody(email, &[]);
        let account = Value::Uuid(account.uuid());
        for row in tx.fixed(&TENANTS, &[&account, &Value::Timestamp(NEVER)]).await? {
            strength.add(&row)?;
        }
        if strength.policy.history > 0 {
            strength.past.push(current.to_owned());
            for row in tx.fixed(&PAST, &[&account, &Value::Int(strength.policy.history - 1)]).await? {
                strength.past.push(row.text(0)?.to_owned());
            }
        }
        Ok(strength)
    }

    fn add(&mut self, row: &Row) -> Result<(), StoreError> {
        self.names.extend([row.text(0)?.to_owned(), row.text(1)?.to_owned()]);
        let policy = row.optional(2, |row, index| row.text(index).map(str::to_owned))?;
        self.policy = self.policy.and(read_policy(policy.as_deref())?);
        Ok(())
    }

    /// Refuses what is too weak, with all that is wrong.
    pub(in crate::identity) async fn check(&self, slots: &Slots, password: &Password, at: &str) -> Result<()> {
        let text = password.0.expose_secret();
        let mut errors = Errors::default();
        for (code, message) in self.policy.weaknesses(text, &self.names) {
            errors.add(at, code, message);
        }
        if common::is_common(text) {
            errors.add(at, Code::WeakPassword, "Many people have this password: it is among the first that are tried.");
        }
        errors.check()?;
        for past in &self.past {
            if slots.verify(password.0.clone(), Some(past.clone())).await? {
                let message = "This was your password before. Choose one you have not had.";
                return Err(Problem::at(at.to_owned(), Code::WeakPassword, message));
            }
        }
        Ok(())
    }
}

/// A tenant's policy as its row holds it.
pub(in crate::identity) fn read_policy(stored: Option<&str>) -> Result<PasswordPolicy, StoreError> {
    let policy = stored.map(serde_json::from_str).transpose();
    policy.map(Option::unwrap_or_default).map_err(|error| StoreError::Other(error.into()))
}
