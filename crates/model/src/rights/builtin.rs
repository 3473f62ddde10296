//! The roles every tenant starts with. What they allow is this program's to say, whatever a store noted of it once.

use super::{Action, FieldLists, Permission, PermissionScope, Resource, Target};

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

    pub fn named(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
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
        use Action::{Create, Delete, Read, Update};
        let on = |target: Target, actions: &[Action]| Permission {
            target,
            actions: actions.to_vec(),
            scope: PermissionScope::Tenant,
            rule: None,
            fields: FieldLists::default(),
        };
        let schema = Target::Only(Resource::Entities);
        match self {
            Self::Owner | Self::Admin => {
                let administration = Resource::ADMINISTRATION.into_iter().map(Target::Only);
                [Target::AllRecords].into_iter().chain(administration).map(|target| on(target, &Action::ALL)).collect()
            }
            Self::Editor => vec![on(Target::AllRecords, &[Create, Read, Update, Delete]), on(schema, &[Read])],
            Self::Viewer => vec![on(Target::AllRecords, &[Read]), on(schema, &[Read])],
        }
    }
}
