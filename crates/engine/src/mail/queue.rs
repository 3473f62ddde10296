//! Letters on their way. Whoever sends one takes it first, by moving the time it is due ahead, as with the outbox: that
//! keeps others away for as long as sending may take, and no longer, should this process end in the middle of it. One
//! that is cut off after it was handed over is sent again: twice is better than never.

use std::time::Duration;

use futures_util::future::join_all;
use insula_model::id::AccountId;
use insula_model::problem::{Problem, Result};
use insula_model::value::{Timestamp, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::carrier::Failure;
use crate::background::retry_at;
use crate::engine::Inner;
use crate::identity;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

/// Letters sent at once.
const LETTERS: i64 = 8;
/// Longer than sending may take.
const LEASE_SECONDS: i64 = 60;
const PATIENCE: Duration = Duration::from_secs(30);
/// After that nobody waits for it any more.
const GIVE_UP_SECONDS: i64 = 24 * 3600;

static PUT: Fixed = Fixed::new(
    "INSERT INTO insula.mail (id, subject, sealed, due_at, give_up_at, attempts) VALUES ($1, $2, $3, $4, $5, 0) \
     ON CONFLICT DO NOTHING",
);
static DUE: Fixed = Fixed::new(
    "SELECT id, sealed, give_up_at, attempts FROM insula.mail WHERE due_at <= $1 ORDER BY due_at LIMIT $2 \
     FOR UPDATE SKIP LOCKED",
);
static POSTPONE: Fixed = Fixed::new("UPDATE insula.mail SET due_at = $1, attempts = $2 WHERE id = $3");
static DONE: Fixed = Fixed::new("DELETE FROM insula.mail WHERE id = $1");

/// What is to be told, and whom. The mail itself is written when it is sent.
#[derive(Clone, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Letter {
    /// Somebody asked for a way back into the account of this address, if there is one.
    PasswordForgotten {
        email_folded: String,
    },
    PasswordChanged {
        account: AccountId,
    },
    AccountLocked {
        account: AccountId,
    },
}

/// A letter taken to be sent, for the n-th time.
struct Taken {
    id: Uuid,
    sealed: Vec<u8>,
    give_up_at: Timestamp,
    attempt: i64,
}

/// Puts a letter in the post in a platform transaction; [`Inner::wake`] once it has committed. Of several about the same
/// `subject` the first goes, for as long as it waits.
pub(crate) async fn put(tx: &mut Tx, engine: &Inner, subject: Value, letter: &Letter) -> Result<()> {
    let id: Uuid = engine.ids.next();
    let text = serde_json::to_vec(letter).map_err(Problem::internal)?;
    let sealed = engine.letters.seal(&id.to_string(), &text, engine.ids.random());
    let sealed = sealed.ok_or_else(|| Problem::internal("a letter is too long to be sealed"))?;
    let now = engine.clock.now();
    let give_up_at = Value::Timestamp(now.plus_seconds(GIVE_UP_SECONDS));
    let binds = [Value::Uuid(id), subject, Value::Bytes(sealed), Value::Timestamp(now), give_up_at];
    tx.fixed_execute(&PUT, &binds.each_ref()).await?;
    Ok(())
}

/// Sends what is due; whether there may be more.
pub(crate) async fn drain(engine: &Inner) -> Result<bool, StoreError> {
    let taken = take(engine).await?;
    join_all(taken.iter().map(|taken| send(engine, taken))).await;
    Ok(!taken.is_empty())
}

async fn take(engine: &Inner) -> Result<Vec<Taken>, StoreError> {
    let now = engine.clock.now();
    let mut tx = engine.stores.platform_write().await?;
    let rows = tx.fixed(&DUE, &[&Value::Timestamp(now), &Value::Int(LETTERS)]).await?;
    let mut taken = Vec::with_capacity(rows.len());
    for row in &rows {
        let one = Taken {
            id: row.id(0)?,
            sealed: row.bytes(1)?.to_vec(),
            give_up_at: row.timestamp(2)?,
            attempt: row.int(3)? + 1,
        };
        postpone(&mut tx, &one, now.plus_seconds(LEASE_SECONDS)).await?;
        taken.push(one);
    }
    tx.commit().await?;
    Ok(taken)
}

async fn postpone(tx: &mut Tx, taken: &Taken, due: Timestamp) -> Result<(), StoreError> {
    let binds = [Value::Timestamp(due), Value::Int(taken.attempt), Value::Uuid(taken.id)];
    tx.fixed_execute(&POSTPONE, &binds.each_ref()).await?;
    Ok(())
}

async fn send(engine: &Inner, taken: &Taken) {
    let (mail, attempt) = (taken.id, taken.attempt);
    let sent = tokio::time::timeout(PATIENCE, write_and_hand_over(engine, taken)).await;
    let settled = match sent.unwrap_or_else(|late| Err(Failure::Passing(late.into()))) {
        Ok(()) => settle(engine, taken, None).await,
        Err(Failure::Lasting(error)) => {
            tracing::error!(%mail, attempt, %error, "a mail cannot be sent and is given up");
            settle(engine, taken, None).await
        }
        Err(Failure::Passing(error)) => {
            let next = retry_at(engine.clock.now(), attempt);
            if next >= taken.give_up_at {
                tracing::error!(%mail, attempt, %error, "a mail could not be sent for a day and is given up");
                settle(engine, taken, None).await
            } else {
                tracing::warn!(%mail, attempt, %error, "a mail waits to be sent");
                settle(engine, taken, Some(next)).await
            }
        }
    };
    if let Err(error) = settled {
        // Then it is due again when the lease ends.
        tracing::warn!(%mail, %error, "what became of a mail could not be noted");
    }
}

async fn write_and_hand_over(engine: &Inner, taken: &Taken) -> Result<(), Failure> {
    let lasting = |error: Box<dyn std::error::Error + Send + Sync>| Failure::Lasting(error);
    let text = engine.letters.open(&taken.id.to_string(), &taken.sealed);
    let text = text.ok_or_else(|| lasting("it does not open under this secret key".into()))?;
    let letter: Letter = serde_json::from_slice(&text).map_err(|error| lasting(error.into()))?;
    let message =
        identity::write_letter(engine, taken.id, &letter).await.map_err(|error| Failure::Passing(error.into()))?;
    match message {
        Some(message) => engine.mail.hand_over(taken.id, &message).await,
        None => Ok(()),
    }
}

/// Forgets a letter, or puts it off to `next`.
async fn settle(engine: &Inner, taken: &Taken, next: Option<Timestamp>) -> Result<(), StoreError> {
    let mut tx = engine.stores.platform_write().await?;
    match next {
        Some(next) => postpone(&mut tx, taken, next).await?,
        None => drop(tx.fixed_execute(&DONE, &[&Value::Uuid(taken.id)]).await?),
    }
    tx.commit().await
}
