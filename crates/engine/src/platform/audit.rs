//! The platform's own trail, newest first: sign-ins, organisations, what superusers did.

use insula_model::id::{AccountId, EventId, RequestId, TenantId};
use insula_model::problem::Result;
use insula_model::value::{Timestamp, Value};
use serde::Serialize;
use uuid::Uuid;

use crate::identity::operator::Operator;
use crate::page::{Listed, Page};
use crate::sql::Fixed;
use crate::store::{Row, StoreError};

/// Ids tell the order of events.
static PAGE: Fixed = Fixed::new(
    "SELECT id, at, action, outcome, account_id, tenant_id, address, user_agent, request_id \
     FROM insula.platform_event WHERE id <= $1 ORDER BY id DESC LIMIT $2",
);

#[derive(Serialize)]
pub struct EventView {
    pub id: EventId,
    pub at: Timestamp,
    pub action: String,
    pub outcome: String,
    pub actor: Actor,
    /// The organisation it was about.
    pub tenant_id: Option<TenantId>,
    pub address: String,
    pub user_agent: String,
    pub request_id: RequestId,
}

#[derive(Serialize)]
pub struct Actor {
    /// Of a refused sign-in, whose address was tried; null where it is nobody's.
    pub account_id: Option<AccountId>,
}

impl EventView {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id(0)?,
            at: row.timestamp(1)?,
            action: row.text(2)?.to_owned(),
            outcome: row.text(3)?.to_owned(),
            actor: Actor { account_id: row.optional(4, Row::id)? },
            tenant_id: row.optional(5, Row::id)?,
            address: row.text(6)?.to_owned(),
            user_agent: row.text(7)?.to_owned(),
            request_id: row.id(8)?,
        })
    }
}

/// `query` is the raw query string: `limit` (1 to 1000, default 50), `cursor`.
pub async fn list(operator: &Operator, query: &str) -> Result<Listed<EventView>> {
    let page = Page::read(query)?;
    let first = Value::Uuid(page.cursor.unwrap_or_else(Uuid::max));
    let mut tx = operator.engine().stores.platform_read().await?;
    let rows = tx.fixed(&PAGE, &[&first, &Value::Int(page.rows())]).await?;
    tx.commit().await?;
    let mut items = rows.iter().map(EventView::read).collect::<Result<Vec<_>, _>>()?;
    let next_cursor = page.cut(&mut items).map(|next| next.id.to_string());
    Ok(Listed { items, next_cursor })
}
