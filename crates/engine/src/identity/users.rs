//! The users of a tenant: its members, with an account each on the platform. A change goes to the tenant's store
//! first, with its audit event, and the platform's rows follow; it bites at once, since it moves the version of the
//! grants.

pub(super) mod change;
mod create;
mod delete;
pub(super) mod grant;
mod home;
mod list;
pub(super) mod member;
mod show;
mod unlock;
mod update;

use insula_model::id::{AccountId, UnitId};
use insula_model::problem::Result;
use insula_model::value::{Timestamp, is_of_service};
use serde::Serialize;

pub use create::create;
pub use delete::delete;
pub use list::list;
pub use show::show;
pub use unlock::unlock;
pub use update::update;

use self::member::Member;
use crate::audit::Event;
use crate::tx::{Altering, Tx};

/// Who a user is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Person,
    Service,
}

impl Kind {
    /// Of whoever has this address: people have none of a program's.
    fn of(email: &str) -> Self {
        if is_of_service(email) { Self::Service } else { Self::Person }
    }
}

#[derive(Serialize)]
pub struct UserView {
    pub id: AccountId,
    /// A person, or a program, which has keys and no password.
    pub kind: Kind,
    pub email: String,
    pub full_name: String,
    /// Codes, in their order.
    pub roles: Vec<String>,
    pub active: bool,
    /// The company, branch or department the user belongs to.
    pub unit: Option<UnitId>,
    pub created_at: Timestamp,
}

impl From<Member> for UserView {
    fn from(member: Member) -> Self {
        Self {
            id: member.account,
            kind: Kind::of(&member.email),
            email: member.email,
            full_name: member.full_name,
            roles: member.roles,
            active: member.active,
            unit: member.unit,
            created_at: member.created_at,
        }
    }
}

/// Ends a change of a user: its event, and the grants' next version.
async fn conclude(
    tx: &mut Tx<'_, Altering>,
    action: &'static str,
    before: Option<&Member>,
    after: Option<&Member>,
) -> Result<()> {
    let subject = before.or(after).map(|member| member.account.uuid());
    let (before, after) = (before.map(Member::audited), after.map(Member::audited));
    let event = Event { action, entity: None, subject, before: before.as_deref(), after: after.as_deref() };
    tx.grants_changed(&event).await
}
