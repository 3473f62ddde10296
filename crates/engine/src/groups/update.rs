//! Changing a group: it bites on everyone in it, at once.

use insula_model::id::GroupId;
use insula_model::json::Json;
use insula_model::problem::Result;
use insula_model::rights::{Action, GroupChange, Resource};

use super::group::{self, GroupView};
use crate::roles;
use crate::tx::{Altering, Tx};

impl Tx<'_, Altering> {
    /// Permission: `groups`, `update`; and, where somebody comes to have a role by it, everything that role allows.
    /// `{code?, name?, members?, roles?}`.
    pub async fn update_group(&mut self, id: GroupId, body: &Json) -> Result<GroupView> {
        self.require(Resource::Groups, Action::Update)?;
        let all = group::all(self).await?;
        let before = group::by_id(&all, id)?;
        let change = GroupChange::read(body)?;
        let mut after = before.clone();
        after.code = change.code.unwrap_or(after.code);
        after.name = change.name.unwrap_or(after.name);
        group::require_free(&after.code, Some(id), &all)?;
        group::update(self, &after).await?;
        let roles = roles::choose(self, change.roles.as_ref().unwrap_or(&before.roles)).await?;
        let joins = change.members.iter().flatten().any(|member| !before.members.contains(member));
        // To those who come in every role is new; to the others, what they did not have.
        let new: Vec<_> = roles.iter().filter(|role| joins || !before.roles.contains(&role.code)).cloned().collect();
        self.require_grantable(&new)?;
        if let Some(mut members) = change.members {
            group::set_members(self, id, &members).await?;
            members.sort_unstable();
            after.members = members;
        }
        let (ids, codes) = group::named(&roles);
        if change.roles.is_some() {
            group::set_roles(self, id, &ids).await?;
            after.roles = codes;
        }
        self.group_changed("group.update", Some(&before), Some(&after)).await?;
        Ok(after.into())
    }
}
