//! Groups: users who share roles. To put somebody in is to give him the group's roles, and to give the group a role is to
//! give it to everyone in it; both ask what giving a role to a user asks.

mod create;
mod delete;
mod group;
mod show;
mod update;

pub use group::GroupView;

use insula_model::problem::{Problem, Result};
use insula_model::rights::BuiltinRole;

use self::group::Group;
use crate::audit::Event;
use crate::roles::Role;
use crate::tx::{Altering, Tx};

impl Tx<'_, Altering> {
    /// Refuses to let somebody have `roles` that allow more than the caller may.
    fn require_grantable(&self, roles: &[Role]) -> Result<()> {
        if roles.iter().any(|role| role.code == BuiltinRole::Owner.code()) {
            let detail = "Owners are made one by one. Give this role to a user, not to a group.";
            return Err(Problem::conflict(detail, Vec::new()));
        }
        let within = |role: &Role| role.is_within(self.rights(), &self.model.schema);
        if roles.iter().all(within) { Ok(()) } else { Err(Problem::forbidden()) }
    }

    async fn group_changed(
        &mut self,
        action: &'static str,
        before: Option<&Group>,
        after: Option<&Group>,
    ) -> Result<()> {
        let subject = before.or(after).map(|group| group.id.uuid());
        let (before, after) = (before.map(Group::audited), after.map(Group::audited));
        let event = Event { action, entity: None, subject, before: before.as_deref(), after: after.as_deref() };
        self.grants_changed(&event).await
    }
}
