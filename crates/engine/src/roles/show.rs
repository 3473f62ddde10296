//! Showing roles.

use insula_model::id::RoleId;
use insula_model::problem::Result;
use insula_model::rights::{Action, Permission, PermissionView, Resource};
use serde::Serialize;

use super::role::{self, Role};
use crate::tx::{Mode, Tx};

/// A role as the API shows it.
#[derive(Debug, Serialize)]
pub struct RoleView {
    pub id: RoleId,
    pub code: String,
    pub name: String,
    pub built_in: bool,
    pub grants: Vec<PermissionView>,
}

impl<M: Mode> Tx<'_, M> {
    /// Every role, in the order of their codes. Permission: `roles`, `read`.
    pub async fn roles(&mut self) -> Result<Vec<RoleView>> {
        self.require(Resource::Roles, Action::Read)?;
        let roles = role::all(self).await?;
        Ok(roles.into_iter().map(|role| self.view_role(role)).collect())
    }

    /// Permission: `roles`, `read`.
    pub async fn role(&mut self, id: RoleId) -> Result<RoleView> {
        self.require(Resource::Roles, Action::Read)?;
        let role = role::find(self, id).await?;
        Ok(self.view_role(role))
    }

    pub(super) fn view_role(&self, role: Role) -> RoleView {
        let grants = role.permissions.iter().filter_map(|permission| self.view_permission(permission)).collect();
        RoleView { id: role.id, code: role.code, name: role.name, built_in: role.built_in, grants }
    }

    /// With the names that the caller may know; none of what has lost its meaning.
    pub(super) fn view_permission(&self, permission: &Permission) -> Option<PermissionView> {
        let schema = &self.model.schema;
        permission.view(schema, &|id| schema.field(id).is_some_and(|(entity, field)| self.knows_field(entity, field)))
    }
}
