//! Removing a role that nobody has.

use insula_model::id::RoleId;
use insula_model::problem::Result;
use insula_model::rights::{Action, Resource};

use super::role;
use crate::tx::{Altering, Tx};

impl Tx<'_, Altering> {
    /// Permission: `roles`, `delete`.
    pub async fn delete_role(&mut self, id: RoleId) -> Result<()> {
        self.require(Resource::Roles, Action::Delete)?;
        let role = role::find(self, id).await?;
        role.require_custom()?;
        role::delete(self, &role).await?;
        self.role_changed("role.delete", Some(&role), None).await
    }
}
