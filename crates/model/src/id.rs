//! Typed identifiers: an account's id cannot stand where a record's is wanted.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Reads the canonical 8-4-4-4-12 form and nothing else (requirement C3): no braces, no `urn:`, no bare hex.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    if text.len() != 36 {
        return None;
    }
    Uuid::try_parse(text).ok()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Reads the canonical 8-4-4-4-12 form only.
            pub fn parse(text: &str) -> Option<Self> {
                parse_uuid(text).map(Self)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The canonical form, in room that its user has.
            pub fn encode(self, room: &mut [u8; 36]) -> &str {
                self.0.as_hyphenated().encode_lower(room)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
    )*};
}

ids! {
    /// An organisation.
    TenantId,
    /// A person or program that signs in; may be a member of several tenants.
    AccountId,
    /// One sign-in: a family of refresh tokens.
    SessionId,
    /// A key that a program calls with.
    ApiKeyId,
    /// An entity (table) of a tenant's schema. Its table is `t_` and the id's hex digits.
    EntityId,
    /// A field (column). Its column is `c_` and the id's hex digits.
    FieldId,
    /// A unique key over one or more fields. Its index is `u_` and the id's hex digits.
    UniqueId,
    /// A record (row).
    RecordId,
    /// A role of a tenant.
    RoleId,
    /// A group of a tenant's users.
    GroupId,
    /// A company, branch or department of a tenant.
    UnitId,
    /// A job of Insula's own.
    JobId,
    /// An audit event.
    EventId,
    /// One HTTP request; the server makes it, whatever the client sent.
    RequestId,
}
