//! Trading a refresh token for the next pair (requirement A4). A token works once. Seen again, someone else may hold
//! it, so the whole session ends; except right after its use, while its successor is untouched: that is a client that
//! lost the reply or asked twice at once, and it is told the same successor.

use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use insula_model::value::{Timestamp, Value};

use super::csrf::CookieProof;
use super::event::Action;
use super::lost_reply;
use super::opaque::{self, MAX_CHARS, OpaqueToken};
use super::session::{self, Closing, EndReason, Ending, Keeping, Tokens, used};
use super::token::{Realm, Subject};
use crate::engine::{Inner, Origin};
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

static USE: Fixed = Fixed::new(
    "UPDATE insula.refresh_token SET used_at = $1, successor = $2, successor_sealed = $3 \
     WHERE hash = $4 AND used_at IS NULL",
);
static FIND: Fixed = Fixed::new(
    "SELECT s.account_id, s.tenant_id, s.id, s.expires_at, r.expires_at, r.used_at, r.successor_sealed, n.used_at, n.expires_at, \
     a.active AND s.credential_epoch = a.credential_epoch AND s.last_used_at > $1 AND CASE WHEN s.tenant_id IS NULL \
        THEN EXISTS (SELECT 1 FROM insula.superuser u WHERE u.account_id = a.id) \
        ELSE m.active AND t.status = 'active' END, a.email \
     FROM insula.refresh_token r \
     JOIN insula.session s ON s.id = r.session_id \
     JOIN insula.account a ON a.id = s.account_id \
     LEFT JOIN insula.membership m ON m.account_id = s.account_id AND m.tenant_id = s.tenant_id \
     LEFT JOIN insula.tenant t ON t.id = s.tenant_id \
     LEFT JOIN insula.refresh_token n ON n.hash = r.successor \
     WHERE r.hash = $2 AND s.ended_at IS NULL",
);

/// A refresh token of a session that has not been ended.
pub(super) struct Found {
    pub(super) subject: Subject,
    session_end: Timestamp,
    expires_at: Timestamp,
    trade: Option<Trade>,
    /// Account, membership and tenant all are; of a session of the platform, the account of a superuser. The session has
    /// not lain idle.
    active: bool,
    pub(super) email: String,
}

/// What a token that was used was traded for.
struct Trade {
    at: Timestamp,
    successor_sealed: Option<Vec<u8>>,
    successor_used: bool,
    successor_expires_at: Timestamp,
}

pub(super) async fn refresh(
    engine: &Inner,
    origin: &Origin,
    body: &Json,
    cookie: Option<CookieProof<'_>>,
) -> Result<Tokens> {
    let (token, cookie) = Members::read(body, |members, errors| match (members.optional("refresh_token"), cookie) {
        (None, Some(cookie)) => Some((cookie.refresh_token, Some(cookie))),
        _ => members.text("refresh_token", MAX_CHARS, errors).map(|token| (token, None)),
    })?;
    let hash = opaque::hash(token);
    let next = OpaqueToken::fresh(engine);
    let sealed = lost_reply::seal(engine, token, &next)?;
    let now = engine.clock.now();

    let mut tx = engine.stores.platform_write().await?;
    // First of all, so that of many at once one finds it unused and the others wait for that one to end.
    let first = tx.fixed_execute(&USE, &[&Value::Timestamp(now), &next.hash, &sealed, &hash]).await? == 1;
    let idle_since = engine.identity.options.idle_since(now);
    let found = find(&mut tx, idle_since, &hash).await?;
    let session = found.as_ref().map(|found| found.subject.session);
    if let (Some(session), Some(cookie)) = (session, &cookie)
        && let Err(problem) = engine.identity.guard.check(session, cookie)
    {
        tx.rollback().await?;
        return Err(problem);
    }
    let answer = match found {
        Some(found) if first && found.is_good(now) => {
            lost_reply::erase(&mut tx, Value::Uuid(found.subject.session.uuid()), hash).await?;
            used::touch(&mut tx, found.subject.session, now).await?;
            let tokens = session::hand_out(&mut tx, engine, found.subject, next, found.session_end, now).await?;
            tx.commit().await?;
            Some(Ok(tokens))
        }
        Some(found) if !first && found.is_reuse(now) => {
            end(tx, engine, origin, &found, now).await?;
            None
        }
        found => {
            tx.rollback().await?;
            found.filter(|_| !first).and_then(|found| found.told_again(engine, token, now))
        }
    };
    let (Some(session), Some(tokens)) = (session, answer) else { return Err(spent()) };
    let keeping = if cookie.is_some() { Keeping::Cookie } else { Keeping::Body };
    tokens.map(|tokens| tokens.kept(keeping, engine, session))
}

pub(super) fn spent() -> Problem {
    Problem::new(Code::Unauthenticated, "This refresh token is not good any more. Sign in again.")
}

impl Found {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let trade = match row.optional(5, Row::timestamp)? {
            // The successor is there: it was stored with the use.
            Some(at) if !row.is_null(8) => Some(Trade {
                at,
                successor_sealed: row.optional(6, |row, at| row.bytes(at).map(<[u8]>::to_vec))?,
                successor_used: !row.is_null(7),
                successor_expires_at: row.timestamp(8)?,
            }),
            _ => None,
        };
        Ok(Self {
            subject: Subject { account: row.id(0)?, realm: Realm::of(row.optional(1, Row::id)?), session: row.id(2)? },
            session_end: row.timestamp(3)?,
            expires_at: row.timestamp(4)?,
            trade,
            active: row.bool(9)?,
            email: row.text(10)?.to_owned(),
        })
    }

    fn is_good(&self, now: Timestamp) -> bool {
        self.active && now < self.expires_at && now < self.session_end
    }

    fn is_reuse(&self, now: Timestamp) -> bool {
        self.trade.as_ref().is_some_and(|trade| trade.successor_used || !lost_reply::may_be_told(trade.at, now))
    }

    /// The reply that was lost, as far as it still holds: the same refresh token, and an access token of now.
    fn told_again(&self, engine: &Inner, token: &str, now: Timestamp) -> Option<Result<Tokens>> {
        let trade = self.trade.as_ref()?;
        let next = lost_reply::open(token, trade.successor_sealed.as_deref()?)?;
        let expires_at = trade.successor_expires_at;
        (self.active && now < expires_at && now < self.session_end)
            .then(|| session::tokens(engine, self.subject, next, expires_at, now))
    }
}

pub(super) async fn find(tx: &mut Tx, idle_since: Timestamp, hash: &Value) -> Result<Option<Found>, StoreError> {
    tx.fixed(&FIND, &[&Value::Timestamp(idle_since), hash]).await?.first().map(Found::read).transpose()
}

/// Ends the session for good, although the request is refused.
async fn end(tx: Tx, engine: &Inner, origin: &Origin, found: &Found, now: Timestamp) -> Result<()> {
    let Subject { account, realm, session } = found.subject;
    let (which, reason, action) = (Ending::One(session), EndReason::Reuse, Action::RefreshReuse);
    let (email, tenant) = (found.email.as_str(), realm.tenant());
    let tenants = tenant.into_iter().collect();
    session::close(tx, engine, origin, now, Closing { which, reason, action, account, email, tenant, tenants }).await
}
