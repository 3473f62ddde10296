//! The sessions of the account that asks, in whatever organisation: it is one person's account.

use insula_model::id::{SessionId, TenantId};
use insula_model::problem::{Problem, Result};
use insula_model::value::{Timestamp, Value};
use serde::Serialize;
use uuid::Uuid;

use super::{Closing, EndReason, Ending};
use crate::identity::event::Action;
use crate::identity::logout::{Holder, SignedIn};
use crate::page::{Listed, Page};
use crate::sql::Fixed;
use crate::store::{Row, StoreError};

/// Ids tell the order of sign-ins.
static PAGE: Fixed = Fixed::new(
    "SELECT s.id, s.created_at, s.last_used_at, s.device, s.address FROM insula.session s \
     JOIN insula.account a ON a.id = s.account_id AND a.credential_epoch = s.credential_epoch \
     WHERE s.account_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.last_used_at > $3 AND s.id <= $4 \
     ORDER BY s.id DESC LIMIT $5",
);
static OWN: Fixed = Fixed::new(
    "SELECT s.tenant_id FROM insula.session s \
     WHERE s.id = $1 AND s.account_id = $2 AND s.ended_at IS NULL AND s.expires_at > $3 AND s.last_used_at > $4 \
     FOR UPDATE",
);

#[derive(Serialize)]
pub struct SessionView {
    pub id: SessionId,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_used_at: Timestamp,
    /// What signed in, in a few words; null where it did not say.
    pub device: Option<String>,
    /// The network it signed in from.
    pub address: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl SessionView {
    fn read(row: &Row, current: SessionId) -> Result<Self, StoreError> {
        let told = |at| row.text(at).map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
        let id = row.id(0)?;
        Ok(Self {
            id,
            created_at: row.timestamp(1)?,
            last_used_at: row.timestamp(2)?,
            device: told(3)?,
            address: told(4)?,
            current: id == current,
        })
    }
}

/// Newest first. `query` is the raw query string: `limit` (1 to 1000, default 50), `cursor`.
pub async fn list(who: SignedIn<'_>, query: &str) -> Result<Listed<SessionView>> {
    let page = Page::read(query)?;
    let Holder { engine, account, session, .. } = who.holder();
    let now = engine.clock.now();
    let binds = [
        Value::Uuid(account.uuid()),
        Value::Timestamp(now),
        Value::Timestamp(engine.identity.options.idle_since(now)),
        Value::Uuid(page.cursor.unwrap_or_else(Uuid::max)),
        Value::Int(page.rows()),
    ];
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&PAGE, &binds.each_ref()).await?;
    tx.commit().await?;
    let mut items = rows.iter().map(|row| SessionView::read(row, session)).collect::<Result<Vec<_>, _>>()?;
    let next_cursor = page.cut(&mut items).map(|next| next.id.to_string());
    Ok(Listed { items, next_cursor })
}

/// Ends one. On this node at once, on others within a second.
pub async fn end(who: SignedIn<'_>, session: SessionId) -> Result<()> {
    let Holder { engine, origin, account, email, .. } = who.holder();
    let now = engine.clock.now();
    let idle_since = Value::Timestamp(engine.identity.options.idle_since(now));
    let binds = [Value::Uuid(session.uuid()), Value::Uuid(account.uuid()), Value::Timestamp(now), idle_since];
    let mut tx = engine.stores.platform_write().await?;
    let rows = tx.fixed(&OWN, &binds.each_ref()).await?;
    let Some(row) = rows.first() else {
        tx.rollback().await?;
        return Err(Problem::not_found());
    };
    let tenant: Option<TenantId> = row.optional(0, Row::id)?;
    let (which, reason, action) = (Ending::One(session), EndReason::Logout, Action::Logout);
    let tenants = tenant.into_iter().collect();
    super::close(tx, engine, origin, now, Closing { which, reason, action, account, email, tenant, tenants }).await
}
