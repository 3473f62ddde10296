//! Dissolving a group. Its members stay, without the roles they had by it.

use insula_model::id::GroupId;
use insula_model::problem::Result;
use insula_model::rights::{Action, Resource};

use super::group;
use crate::tx::{Altering, Tx};

impl Tx<'_, Altering> {
    /// Permission: `groups`, `delete`.
    pub async fn delete_group(&mut self, id: GroupId) -> Result<()> {
        self.require(Resource::Groups, Action::Delete)?;
        let group = group::find(self, id).await?;
        group::delete(self, &group).await?;
        self.group_changed("group.delete", Some(&group), None).await
    }
}
