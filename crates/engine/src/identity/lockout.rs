//! Counting failed sign-ins (requirement B6). An attempt is counted before its password is looked at, so that of many at
//! once no more are looked at than may fail; one that succeeds takes its count back.
//!
//! It is counted by the address it names, whether or not that is somebody's; or, from a device its owner has signed in
//! with before, by that device, so that others cannot lock him out there. And by where it comes from, so that nobody
//! tries one password at each of many accounts.

mod gates;
mod tally;

use insula_model::problem::{Code, Problem, Result};
use insula_model::value::{Timestamp, Value};

use gates::Gate;
pub(super) use gates::Gates;
use tally::{Rule, Tally, Verdict};

use super::account::NEVER;
use crate::engine::{Inner, SignInLimits};
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

/// In how many seconds so many failures are too many.
const WINDOW_SECONDS: i64 = 15 * 60;
/// Of one subject, looked at at once by one node: else those that will succeed would count as failures of one another.
const AT_ONCE: usize = 4;
/// The same of those that come from one place.
const AT_ONCE_FROM_ONE_PLACE: usize = 32;

/// Locks the row too.
static COUNTED: Fixed = Fixed::new(
    "INSERT INTO insula.sign_in_tally (subject, failures, since, locks, locked_until) VALUES ($1, 0, $2, 0, $3) \
     ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject RETURNING failures, since, locks, locked_until",
);
static KEEP: Fixed = Fixed::new(
    "UPDATE insula.sign_in_tally SET failures = $1, since = $2, locks = $3, locked_until = $4 WHERE subject = $5",
);
static CLEAR: Fixed = Fixed::new("DELETE FROM insula.sign_in_tally WHERE subject = $1");
static TAKE_BACK: Fixed =
    Fixed::new("UPDATE insula.sign_in_tally SET failures = failures - 1 WHERE subject = $1 AND failures > 0");

/// Whose failures are counted, in keyed hashes.
pub(super) struct Subjects {
    /// Of an account, or of a device of its owner's.
    pub(super) account: Value,
    /// Where it comes from. `None` where nothing is gained by changing the account.
    pub(super) place: Option<Value>,
}

/// What has become of an attempt so far.
pub(super) enum Entry {
    /// Its password may be looked at, and it counts as failed until it is [`Counted::clear`]ed.
    Open(Counted),
    /// It is refused, whatever its password.
    Locked,
}

/// An attempt that was counted.
pub(super) struct Counted {
    subjects: Subjects,
    /// If it fails, the account is locked, which it has not been of late.
    pub(super) is_last: bool,
    _gates: [Option<Gate>; 2],
}

/// Counts an attempt. 429 where too many came from one place: that tells nothing of any account.
pub(super) async fn enter(engine: &Inner, subjects: Subjects) -> Result<Entry> {
    let SignInLimits { per_account, per_place } = engine.identity.options.sign_in_limits;
    let all = &engine.identity.gates;
    let account_gate = all.pass(&subjects.account, AT_ONCE).await?;
    let place_gate = match &subjects.place {
        Some(place) => Some(all.pass(place, AT_ONCE_FROM_ONE_PLACE).await?),
        None => None,
    };
    let now = engine.clock.now();
    let mut tx = engine.stores.platform_write().await?;
    if let Some(place) = &subjects.place
        && count(&mut tx, place, &Rule { limit: per_place, locks: tally::Locks::Never }, now).await? == Verdict::Refused
    {
        tx.rollback().await?;
        return Err(Problem::new(
            Code::RateLimited,
            "Too many sign-ins from here have failed. Try again in a quarter of an hour.",
        ));
    }
    let verdict =
        count(&mut tx, &subjects.account, &Rule { limit: per_account, locks: tally::Locks::Growing }, now).await?;
    tx.commit().await?;
    if verdict == Verdict::Refused {
        return Ok(Entry::Locked);
    }
    let is_last = verdict == Verdict::FirstLock;
    Ok(Entry::Open(Counted { subjects, is_last, _gates: [Some(account_gate), place_gate] }))
}

async fn count(tx: &mut Tx, subject: &Value, rule: &Rule, now: Timestamp) -> Result<Verdict, StoreError> {
    let rows = tx.fixed(&COUNTED, &[subject, &Value::Timestamp(now), &Value::Timestamp(NEVER)]).await?;
    let mut tally = rows.first().map_or(Ok(Tally::new(now)), Tally::read)?;
    let verdict = tally.count(rule, now);
    if verdict != Verdict::Refused {
        let binds = [
            &Value::Int(tally.failures),
            &Value::Timestamp(tally.since),
            &Value::Int(tally.locks),
            &Value::Timestamp(tally.locked_until),
            subject,
        ];
        tx.fixed_execute(&KEEP, &binds).await?;
    }
    Ok(verdict)
}

impl Tally {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            failures: row.int(0)?,
            since: row.timestamp(1)?,
            locks: row.int(2)?,
            locked_until: row.timestamp(3)?,
        })
    }
}

impl Counted {
    /// Forgets the failures of the account, in the transaction of what succeeded; of those from the same place this one
    /// alone, or whoever has one account would have as many attempts at others as he likes.
    pub(super) async fn clear(&self, tx: &mut Tx) -> Result<(), StoreError> {
        if let Some(place) = &self.subjects.place {
            tx.fixed_execute(&TAKE_BACK, &[place]).await?;
        }
        clear(tx, &self.subjects.account).await
    }

    /// Takes back an attempt whose password nobody looked at.
    pub(super) async fn take_back(&self, engine: &Inner) -> Result<(), StoreError> {
        let mut tx = engine.stores.platform_write().await?;
        for subject in self.subjects.place.iter().chain([&self.subjects.account]) {
            tx.fixed_execute(&TAKE_BACK, &[subject]).await?;
        }
        tx.commit().await
    }
}

/// Forgets the failures of one subject.
pub(super) async fn clear(tx: &mut Tx, subject: &Value) -> Result<(), StoreError> {
    tx.fixed_execute(&CLEAR, &[subject]).await?;
    Ok(())
}
