//! The organisations of the installation, and whether they are served.

use insula_model::id::TenantId;
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::value::{Timestamp, Value};
use serde::Serialize;
use uuid::Uuid;

use crate::identity::event::{self, Action, Whom};
use crate::identity::operator::Operator;
use crate::page::{Listed, Page};
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

static PAGE: Fixed =
    Fixed::new("SELECT id, code, name, status, created_at FROM insula.tenant WHERE id >= $1 ORDER BY id LIMIT $2");
static ONE: Fixed = Fixed::new("SELECT id, code, name, status, created_at FROM insula.tenant WHERE id = $1");
static SET_STATUS: Fixed = Fixed::new("UPDATE insula.tenant SET status = $1 WHERE id = $2 AND status <> $1");

#[derive(Serialize)]
pub struct TenantView {
    pub id: TenantId,
    pub code: String,
    pub name: String,
    /// `active` or `suspended`.
    pub status: String,
    pub created_at: Timestamp,
}

/// Whether an organisation is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Active,
    Suspended,
}

impl Status {
    pub const ALL: [Self; 2] = [Self::Active, Self::Suspended];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    const fn action(self) -> Action {
        match self {
            Self::Active => Action::TenantResume,
            Self::Suspended => Action::TenantSuspend,
        }
    }

    /// The member `status`, which must be there.
    fn read(members: &mut Members<'_>, errors: &mut Errors) -> Option<Self> {
        let text = members.text("status", 20, errors)?;
        let status = Self::ALL.into_iter().find(|status| status.name() == text);
        if status.is_none() {
            errors.add(members.pointer("status"), Code::OutOfRange, "Expected \"active\" or \"suspended\".");
        }
        status
    }
}

impl TenantView {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id(0)?,
            code: row.text(1)?.to_owned(),
            name: row.text(2)?.to_owned(),
            status: row.text(3)?.to_owned(),
            created_at: row.timestamp(4)?,
        })
    }
}

/// By id. `query` is the raw query string: `limit` (1 to 1000, default 50), `cursor`.
pub async fn list(operator: &Operator, query: &str) -> Result<Listed<TenantView>> {
    let page = Page::read(query)?;
    let first = Value::Uuid(page.cursor.unwrap_or(Uuid::nil()));
    let mut tx = operator.engine().stores.platform_read().await?;
    let rows = tx.fixed(&PAGE, &[&first, &Value::Int(page.rows())]).await?;
    tx.commit().await?;
    let mut items = rows.iter().map(TenantView::read).collect::<Result<Vec<_>, _>>()?;
    let next_cursor = page.cut(&mut items).map(|next| next.id.to_string());
    Ok(Listed { items, next_cursor })
}

pub async fn show(operator: &Operator, id: TenantId) -> Result<TenantView> {
    let mut tx = operator.engine().stores.platform_read().await?;
    let found = find(&mut tx, id).await?;
    tx.commit().await?;
    found.ok_or_else(Problem::not_found)
}

/// Suspends or resumes: `{status}`. Members of a suspended organisation are signed out as long as it is: on this node at
/// once, on others within a second (requirement A5).
pub async fn update(operator: &Operator, id: TenantId, body: &Json) -> Result<TenantView> {
    let status = Members::read(body, Status::read)?;
    let engine = operator.engine();
    let mut tx = engine.stores.platform_write().await?;
    let binds = [Value::Text(status.name().to_owned()), Value::Uuid(id.uuid())];
    let changed = tx.fixed_execute(&SET_STATUS, &binds.each_ref()).await? == 1;
    let found = find(&mut tx, id).await?;
    if changed {
        let whom = Whom { account: Some(operator.account()), tenant: Some(id) };
        let now = engine.clock.now();
        event::append(&mut tx, engine, operator.origin(), now, status.action(), whom).await?;
    }
    tx.commit().await?;
    engine.identity.forget_tenant(id);
    found.ok_or_else(Problem::not_found)
}

async fn find(tx: &mut Tx, id: TenantId) -> Result<Option<TenantView>, StoreError> {
    tx.fixed(&ONE, &[&Value::Uuid(id.uuid())]).await?.first().map(TenantView::read).transpose()
}
