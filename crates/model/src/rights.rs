//! Who may do what. Rights add up; nothing is granted by default. Permissions name entities and fields by their ids.

mod builtin;
mod cover;
mod define;
mod group;
mod key;
mod permission;
mod record;
mod view;

use serde::{Deserialize, Serialize};

pub use builtin::BuiltinRole;
pub use define::{Author, RoleChange, RoleDraft};
pub(crate) use define::{code, name};
pub use group::{GroupChange, GroupDraft};
pub use key::{KeyDraft, KeyScope, KeyScopeView};
pub use permission::{FieldLists, Permission, PermissionScope, Target};
pub use record::{FieldMask, RecordRight};
pub use view::PermissionView;

use crate::entity::{Entity, Schema};
use crate::id::EntityId;

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Read,
    Update,
    Delete,
    Export,
    Admin,
}

impl Action {
    pub const ALL: [Self; 6] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Export, Self::Admin];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Export => "export",
            Self::Admin => "admin",
        }
    }
}

/// What a permission is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resource {
    /// The records of one entity.
    Records(EntityId),
    Entities,
    Users,
    Roles,
    Groups,
    /// The tree of companies, branches and departments.
    Org,
    Audit,
    Tenant,
}

impl Resource {
    /// Those that every tenant has, whatever it designs.
    pub const ADMINISTRATION: [Self; 7] =
        [Self::Entities, Self::Users, Self::Roles, Self::Groups, Self::Org, Self::Audit, Self::Tenant];

    /// The name in the API; of records, what stands before the entity's own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records(_) => "records:",
            Self::Entities => "entities",
            Self::Users => "users",
            Self::Roles => "roles",
            Self::Groups => "groups",
            Self::Org => "org",
            Self::Audit => "audit",
            Self::Tenant => "tenant",
        }
    }
}

/// What one caller may do in one tenant: the sum of the roles held.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rights {
    roles: Vec<String>,
    permissions: Vec<Permission>,
}

impl Rights {
    /// The sum of some roles; `roles` are their codes, for the caller to see.
    pub fn new(roles: Vec<String>, permissions: Vec<Permission>) -> Self {
        Self { roles, permissions }
    }

    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    pub fn permissions(&self) -> &[Permission] {
        &self.permissions
    }

    /// Whether something of `resource` is open to `action`; of records, which and what of them is [`Rights::on_records`].
    pub fn allows(&self, resource: Resource, action: Action) -> bool {
        self.permissions.iter().any(|permission| permission.allows(resource, action))
    }

    /// Whether every field of every record may be read.
    pub fn reads_everything(&self) -> bool {
        self.permissions.iter().any(Permission::reads_everything)
    }

    /// Whether the caller has anything to do with the records of `entity`.
    pub fn touches(&self, entity: &Entity) -> bool {
        self.permissions.iter().any(|permission| permission.target.covers(Resource::Records(entity.id)))
    }

    /// The right to act on the records of `entity`, if there is one.
    pub fn on_records(&self, schema: &Schema, entity: &Entity, action: Action) -> Option<RecordRight> {
        record::right(&self.permissions, schema, entity, action)
    }
}
