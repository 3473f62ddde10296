//! Users, page by page in the order of their ids.

use insula_model::id::AccountId;
use insula_model::problem::Result;
use insula_model::rights::{Action, Resource};
use uuid::Uuid;

use super::{UserView, member};
use crate::page::{Listed, Page};
use crate::scope::Scope;

/// Permission: `users`, `read`. `query` is the raw query string: `limit` (1 to 1000, default 50), `cursor`.
pub async fn list(scope: &Scope, query: &str) -> Result<Listed<UserView>> {
    scope
        .read(async |tx| {
            tx.require(Resource::Users, Action::Read)?;
            let page = Page::read(query)?;
            let (tenant, from) = (tx.author.tenant, AccountId::from(page.cursor.unwrap_or_else(Uuid::nil)));
            let found = member::page(&mut tx.store, tenant, from, page.rows()).await;
            let mut members = found.map_err(|error| tx.failed(error))?;
            let next_cursor = page.cut(&mut members).map(|member| member.account.to_string());
            Ok(Listed { items: members.into_iter().map(UserView::from).collect(), next_cursor })
        })
        .await
}
