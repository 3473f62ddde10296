//! Who may do what. Rights add up; nothing is granted by default.

use serde::{Deserialize, Serialize};

use crate::entity::{Entity, Field};
use crate::expr::Expr;

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

/// What a permission is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resource<'a> {
    /// The records of one entity, by its name.
    Records(&'a str),
    Entities,
    Users,
    Roles,
    Audit,
    Tenant,
}

impl Resource<'_> {
    /// Whether a permission on `pattern` (`records:ticket`, `records:*`, `users`, …) covers this.
    fn is_covered_by(self, pattern: &str) -> bool {
        match self {
            Self::Records(entity) => pattern.strip_prefix("records:").is_some_and(|p| p == "*" || p == entity),
            Self::Entities => pattern == "entities",
            Self::Users => pattern == "users",
            Self::Roles => pattern == "roles",
            Self::Audit => pattern == "audit",
            Self::Tenant => pattern == "tenant",
        }
    }
}

/// One line of a role, in the API's own shape.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Permission {
    pub resource: String,
    pub actions: Vec<Action>,
    pub scope: PermissionScope,
}

/// How far a permission reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionScope {
    Tenant,
}

/// The roles every tenant starts with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuiltinRole {
    Owner,
    Admin,
    Editor,
    Viewer,
}

impl BuiltinRole {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Editor, Self::Viewer];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Administrator",
            Self::Editor => "Editor",
            Self::Viewer => "Viewer",
        }
    }

    pub fn permissions(self) -> Vec<Permission> {
        use Action::{Admin, Create, Delete, Export, Read, Update};
        let on = |resource: &str, actions: &[Action]| Permission {
            resource: resource.to_owned(),
            actions: actions.to_vec(),
            scope: PermissionScope::Tenant,
        };
        let all = [Create, Read, Update, Delete, Export, Admin];
        match self {
            Self::Owner | Self::Admin => ["records:*", "entities", "users", "roles", "audit", "tenant"]
                .map(|resource| on(resource, &all))
                .to_vec(),
            Self::Editor => vec![on("records:*", &[Create, Read, Update, Delete]), on("entities", &[Read])],
            Self::Viewer => vec![on("records:*", &[Read]), on("entities", &[Read])],
        }
    }
}

/// What one caller may do in one tenant: the sum of the roles held.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rights {
    roles: Vec<String>,
    permissions: Vec<Permission>,
}

/// What one caller may do with the records of one entity by one action.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordRight {
    /// Rows outside of it do not exist for the caller; absent where every row may be reached.
    pub rule: Option<Expr>,
    pub readable: FieldMask,
    pub writable: FieldMask,
}

impl RecordRight {
    /// Whether a field of `entity`, which this right is for, may be read.
    pub fn reads(&self, entity: &Entity, field: &Field) -> bool {
        let position = entity.fields.iter().position(|other| other.id == field.id);
        position.is_some_and(|position| self.readable.contains(position))
    }
}

/// A set of an entity's fields, by their position.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FieldMask(Box<[bool]>);

impl FieldMask {
    pub fn all(entity: &Entity) -> Self {
        Self(entity.fields.iter().map(|_| true).collect())
    }

    pub fn contains(&self, position: usize) -> bool {
        self.0.get(position).copied().unwrap_or(false)
    }
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

    pub fn allows(&self, resource: Resource<'_>, action: Action) -> bool {
        self.permissions.iter().any(|p| p.actions.contains(&action) && resource.is_covered_by(&p.resource))
    }

    /// The right to act on the records of `entity`, if there is one.
    pub fn on_records(&self, entity: &Entity, action: Action) -> Option<RecordRight> {
        self.allows(Resource::Records(entity.name.as_str()), action).then(|| RecordRight {
            rule: None,
            readable: FieldMask::all(entity),
            writable: FieldMask::all(entity),
        })
    }
}
