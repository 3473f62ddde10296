//! Showing groups.

use insula_model::id::GroupId;
use insula_model::problem::Result;
use insula_model::rights::{Action, Resource};

use super::group::{self, GroupView};
use crate::tx::{Mode, Tx};

impl<M: Mode> Tx<'_, M> {
    /// Every group, in the order of their codes. Permission: `groups`, `read`.
    pub async fn groups(&mut self) -> Result<Vec<GroupView>> {
        self.require(Resource::Groups, Action::Read)?;
        Ok(group::all(self).await?.into_iter().map(GroupView::from).collect())
    }

    /// Permission: `groups`, `read`.
    pub async fn group(&mut self, id: GroupId) -> Result<GroupView> {
        self.require(Resource::Groups, Action::Read)?;
        group::find(self, id).await.map(GroupView::from)
    }
}
