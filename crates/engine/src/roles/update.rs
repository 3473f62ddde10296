//! Changing a role: it bites on everyone who has it, at once.

use insula_model::id::RoleId;
use insula_model::json::Json;
use insula_model::problem::Result;
use insula_model::rights::{Action, Resource, RoleChange};

use super::RoleView;
use super::role;
use crate::tx::{Altering, Tx};

impl Tx<'_, Altering> {
    /// Permission: `roles`, `update`; and everything that the role comes to allow. `{code?, name?, grants?}`.
    pub async fn update_role(&mut self, id: RoleId, body: &Json) -> Result<RoleView> {
        self.require(Resource::Roles, Action::Update)?;
        let all = role::all(self).await?;
        let before = role::by_id(&all, id)?;
        before.require_custom()?;
        let change = self.as_author(|author| RoleChange::read(body, author))?;
        let mut after = before.clone();
        after.code = change.code.unwrap_or(after.code);
        after.name = change.name.unwrap_or(after.name);
        after.permissions = change.permissions.unwrap_or(after.permissions);
        self.require_held(&after.permissions, &before.permissions)?;
        role::require_free(&after.code, Some(id), &all)?;
        role::update(self, &after).await?;
        self.role_changed("role.update", Some(&before), Some(&after)).await?;
        Ok(self.view_role(after))
    }
}
