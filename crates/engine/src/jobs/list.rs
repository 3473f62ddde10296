//! Jobs, newest first.

use insula_model::problem::Result;
use insula_model::rights::{Action, Resource};
use uuid::Uuid;

use super::stored::{self, JobView};
use crate::page::{Listed, Page};
use crate::scope::Scope;

/// Permission: `tenant`, `read`. `query` is the raw query string: `limit` (1 to 1000, default 50), `cursor`.
pub async fn list(scope: &Scope, query: &str) -> Result<Listed<JobView>> {
    scope
        .read(async |tx| {
            tx.require(Resource::Tenant, Action::Read)?;
            let page = Page::read(query)?;
            let (tenant, before) = (tx.author.tenant, page.cursor.unwrap_or_else(Uuid::max));
            let found = stored::page(&mut tx.store, tenant, before, page.rows()).await;
            let items = found.map_err(|error| tx.failed(error))?;
            let mut items: Vec<JobView> = items.into_iter().map(|job| job.seen_by(tx.author.account)).collect();
            let more = page.cut(&mut items).is_some();
            let next_cursor = items.last().filter(|_| more).map(|last| last.id.to_string());
            Ok(Listed { items, next_cursor })
        })
        .await
}
