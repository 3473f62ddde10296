//! Making a role.

use insula_model::json::Json;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource, RoleDraft};

use super::RoleView;
use super::role::{self, MOST, Role};
use crate::attempt::Outcome;
use crate::tx::{Altering, Mode, Tx};

impl Tx<'_, Altering> {
    /// Permission: `roles`, `create`; and everything the role allows. `{code, name, grants}`.
    pub async fn create_role(&mut self, body: &Json) -> Result<RoleView> {
        self.require(Resource::Roles, Action::Create)?;
        let RoleDraft { code, name, permissions } = self.as_author(|author| RoleDraft::read(body, author))?;
        self.require_held(&permissions, &[])?;
        let all = role::all(self).await?;
        role::require_free(&code, None, &all)?;
        if all.len() >= MOST {
            return Err(Problem::conflict(format!("An organisation has at most {MOST} roles."), Vec::new()));
        }
        let role = Role { id: self.engine().ids.next(), code, name, built_in: false, permissions };
        role::insert(self, &role).await?;
        self.role_changed("role.create", None, Some(&role)).await?;
        Ok(self.view_role(role))
    }
}

impl Outcome for RoleView {
    fn note(&self) -> serde_json::Value {
        serde_json::json!(self.id)
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> Result<Self> {
        let id = serde_json::from_value(note).map_err(Problem::internal)?;
        tx.role(id).await
    }
}
