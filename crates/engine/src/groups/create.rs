//! Making a group.

use insula_model::json::Json;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, GroupDraft, Resource};

use super::group::{self, Group, GroupView, MOST};
use crate::attempt::Outcome;
use crate::roles;
use crate::tx::{Altering, Mode, Tx};

impl Tx<'_, Altering> {
    /// Permission: `groups`, `create`; and everything its roles allow. `{code, name, members?, roles?}`.
    pub async fn create_group(&mut self, body: &Json) -> Result<GroupView> {
        self.require(Resource::Groups, Action::Create)?;
        let GroupDraft { code, name, mut members, roles } = GroupDraft::read(body)?;
        let roles = roles::choose(self, &roles).await?;
        self.require_grantable(&roles)?;
        let all = group::all(self).await?;
        group::require_free(&code, None, &all)?;
        if all.len() >= MOST {
            return Err(Problem::conflict(format!("An organisation has at most {MOST} groups."), Vec::new()));
        }
        let (ids, codes) = group::named(&roles);
        let new = Group { id: self.engine().ids.next(), code, name, members: Vec::new(), roles: codes };
        group::insert(self, &new).await?;
        group::set_members(self, new.id, &members).await?;
        group::set_roles(self, new.id, &ids).await?;
        members.sort_unstable();
        let new = Group { members, ..new };
        self.group_changed("group.create", None, Some(&new)).await?;
        Ok(new.into())
    }
}

impl Outcome for GroupView {
    fn note(&self) -> serde_json::Value {
        serde_json::json!(self.id)
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> Result<Self> {
        let id = serde_json::from_value(note).map_err(Problem::internal)?;
        tx.group(id).await
    }
}
