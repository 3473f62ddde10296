//! Trading a refresh token for the next pair (requirement A4). A token works once. Seen again, someone else may hold
//! it, so the whole session ends; except right after its use, while its successor is untouched: that is a client that
//! lost the reply or asked twice at once, and only this answer is refused.

use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use insula_model::value::{Timestamp, Value};

use super::event::{self, Action, Party, Whom};
use super::opaque::{self, MAX_CHARS, OpaqueToken};
use super::session::{self, EndReason, Ending, Tokens};
use super::token::{Realm, Subject};
use crate::engine::{Inner, Origin};
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

/// How long after its use a token may come again without harm.
const GRACE_MICROS: i64 = 10_000_000;

static USE: Fixed =
    Fixed::new("UPDATE insula.refresh_token SET used_at = $1, successor = $2 WHERE hash = $3 AND used_at IS NULL");
static FIND: Fixed = Fixed::new(
    "SELECT s.account_id, s.tenant_id, s.id, s.expires_at, r.expires_at, r.used_at, n.used_at, \
     a.active AND CASE WHEN s.tenant_id IS NULL \
        THEN EXISTS (SELECT 1 FROM insula.superuser u WHERE u.account_id = a.id) \
        ELSE m.active AND t.status = 'active' END, a.email \
     FROM insula.refresh_token r \
     JOIN insula.session s ON s.id = r.session_id \
     JOIN insula.account a ON a.id = s.account_id \
     LEFT JOIN insula.membership m ON m.account_id = s.account_id AND m.tenant_id = s.tenant_id \
     LEFT JOIN insula.tenant t ON t.id = s.tenant_id \
     LEFT JOIN insula.refresh_token n ON n.hash = r.successor \
     WHERE r.hash = $1 AND s.ended_at IS NULL",
);

/// A refresh token of a session that has not been ended.
struct Found {
    subject: Subject,
    session_end: Timestamp,
    expires_at: Timestamp,
    used_at: Option<Timestamp>,
    successor_used: bool,
    /// Account, membership and tenant all are; of a session of the platform, the account of a superuser.
    active: bool,
    email: String,
}

pub(super) async fn refresh(engine: &Inner, origin: &Origin, body: &Json) -> Result<Tokens> {
    let token = Members::read(body, |members, errors| members.text("refresh_token", MAX_CHARS, errors))?;
    let hash = opaque::hash(token);
    let next = OpaqueToken::fresh(engine);
    let now = engine.clock.now();

    let mut tx = engine.stores.platform_write().await?;
    // First of all, so that of many at once one finds it unused and the others wait for that one to end.
    let first = tx.fixed_execute(&USE, &[&Value::Timestamp(now), &next.hash, &hash]).await? == 1;
    let found = find(&mut tx, &hash).await?;
    match found {
        Some(found) if first && found.is_good(now) => {
            let tokens = session::hand_out(&mut tx, engine, found.subject, next, found.session_end, now).await?;
            tx.commit().await?;
            return Ok(tokens);
        }
        Some(found) if !first && found.is_reuse(now) => end(tx, engine, origin, &found, now).await?,
        _ => tx.rollback().await?,
    }
    Err(Problem::new(Code::Unauthenticated, "This refresh token is not good any more. Sign in again."))
}

impl Found {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            subject: Subject { account: row.id(0)?, realm: Realm::of(row.optional(1, Row::id)?), session: row.id(2)? },
            session_end: row.timestamp(3)?,
            expires_at: row.timestamp(4)?,
            used_at: row.optional(5, Row::timestamp)?,
            successor_used: !row.is_null(6),
            active: row.bool(7)?,
            email: row.text(8)?.to_owned(),
        })
    }

    fn is_good(&self, now: Timestamp) -> bool {
        self.active && now < self.expires_at && now < self.session_end
    }

    fn is_reuse(&self, now: Timestamp) -> bool {
        let age = |used: Timestamp| now.as_micros().saturating_sub(used.as_micros());
        self.successor_used || self.used_at.is_some_and(|used| age(used) > GRACE_MICROS)
    }
}

async fn find(tx: &mut Tx, hash: &Value) -> Result<Option<Found>, StoreError> {
    tx.fixed(&FIND, &[hash]).await?.first().map(Found::read).transpose()
}

/// Ends the session for good, although the request is refused.
async fn end(mut tx: Tx, engine: &Inner, origin: &Origin, found: &Found, now: Timestamp) -> Result<()> {
    let Subject { account, realm, session } = found.subject;
    let which = Ending::One(session);
    session::end(&mut tx, which, EndReason::Reuse, now).await?;
    match realm {
        Realm::Tenant(tenant) => {
            let party = Party { account, tenant, email: &found.email, session: Some(session) };
            event::append_to_both(&mut tx, engine, origin, now, Action::RefreshReuse, &party).await?;
        }
        Realm::Platform => {
            let whom = Whom { account: Some(account), tenant: None };
            event::append(&mut tx, engine, origin, now, Action::RefreshReuse, whom).await?;
        }
    }
    tx.commit().await?;
    session::forget(engine, which);
    engine.wake();
    Ok(())
}
