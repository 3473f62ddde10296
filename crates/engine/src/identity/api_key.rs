//! API keys (requirement B8): what a program calls with in place of whom it acts for, in one organisation. What a key
//! reaches is looked up with every request, as what its owner reaches is, and never more.

pub(super) mod admission;
mod create;
mod list;
mod revoke;
pub(super) mod secret;

use insula_model::entity::Schema;
use insula_model::id::{AccountId, ApiKeyId};
use insula_model::rights::{KeyScope, KeyScopeView};
use insula_model::value::Timestamp;
use serde::Serialize;

pub use create::{NewApiKey, create};
pub use list::list;
pub use revoke::revoke;

use crate::store::{Row, StoreError};

/// A key as it is shown: never the secret.
#[derive(Serialize)]
pub struct ApiKeyView {
    pub id: ApiKeyId,
    pub name: String,
    /// How the key begins.
    pub prefix: String,
    /// Whom it acts for.
    pub account_id: AccountId,
    pub scopes: Vec<KeyScopeView>,
    pub created_at: Timestamp,
    /// Null: it does not end by itself.
    pub expires_at: Option<Timestamp>,
    /// To the minute; null: not yet.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKeyView {
    /// What the audit trail tells of a key that is made.
    fn audited(&self) -> Vec<u8> {
        let Self { name, prefix, account_id, scopes, expires_at, .. } = self;
        let values = serde_json::json!({
            "name": name, "prefix": prefix, "account_id": account_id, "scopes": scopes, "expires_at": expires_at,
        });
        values.to_string().into_bytes()
    }
}

/// A key's row, but for its secret.
struct Kept {
    id: ApiKeyId,
    name: String,
    prefix: String,
    account: AccountId,
    scopes: Vec<KeyScope>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

impl Kept {
    /// Of `id, name, prefix, account_id, scopes, created_at, expires_at, last_used_at`.
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id(0)?,
            name: row.text(1)?.to_owned(),
            prefix: row.text(2)?.to_owned(),
            account: row.id(3)?,
            scopes: read_scopes(row.text(4)?)?,
            created_at: row.timestamp(5)?,
            expires_at: row.optional(6, Row::timestamp)?,
            last_used_at: row.optional(7, Row::timestamp)?,
        })
    }

    /// With the names of now; a scope whose entity is gone is not shown.
    fn view(self, schema: &Schema) -> ApiKeyView {
        let scopes = self.scopes.iter().filter_map(|scope| scope.view(schema)).collect();
        let Self { id, name, prefix, account: account_id, created_at, expires_at, last_used_at, .. } = self;
        ApiKeyView { id, name, prefix, account_id, scopes, created_at, expires_at, last_used_at }
    }
}

fn read_scopes(stored: &str) -> Result<Vec<KeyScope>, StoreError> {
    serde_json::from_str(stored).map_err(|error| StoreError::Other(error.into()))
}
