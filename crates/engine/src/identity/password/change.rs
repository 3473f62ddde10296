//! Changing one's own password, with the one that is in force.

use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use secrecy::SecretString;

use super::set::{self, Setting};
use super::strength::Strength;
use super::{MAX_ATTEMPT_CHARS, Password};
use crate::identity::account::{self, Credentials};
use crate::identity::event::Action;
use crate::identity::fingerprint::Kind;
use crate::identity::lockout::{self, Entry, Subjects};
use crate::identity::logout::{Holder, SignedIn};
use crate::identity::session::Ending;

/// `{current_password, new_password}`. Ends every other session of the account; this one goes on.
pub async fn change(who: SignedIn<'_>, body: &Json) -> Result<()> {
    let Holder { engine, origin, account, session, .. } = who.holder();
    let slots = &engine.identity.slots;
    let (current, new) = Members::read(body, |members, errors| {
        let current = members.text("current_password", MAX_ATTEMPT_CHARS, errors).map(SecretString::from);
        let new = Password::read(members, "new_password", slots.hasher(), errors);
        Some((current?, new?))
    })?;
    let mut tx = engine.stores.platform_read().await?;
    let credentials = account::credentials(&mut tx, account).await?;
    let Credentials { password_hash: stored, email, epoch } = credentials.ok_or_else(Problem::unauthenticated)?;
    let strength = Strength::of_account(&mut tx, account, &email, &stored).await?;
    tx.commit().await?;
    // A session that was stolen is no licence to guess.
    let own = engine.identity.fingerprints.of(Kind::OwnPassword, account.uuid().as_bytes());
    let counted = match lockout::enter(engine, Subjects { account: own, place: None }).await? {
        Entry::Open(counted) => counted,
        Entry::Locked => return Err(wrong()),
    };
    match slots.verify(current, Some(stored)).await {
        Ok(true) => {}
        Ok(false) => return Err(wrong()),
        Err(problem) => {
            counted.take_back(engine).await?;
            return Err(problem);
        }
    }
    // From here on it is he.
    let mut tx = engine.stores.platform_write().await?;
    counted.clear(&mut tx).await?;
    tx.commit().await?;
    strength.check(slots, &new, "/new_password").await?;
    let hash = slots.hash(new, engine.ids.random()).await?;

    let mut tx = engine.stores.platform_write().await?;
    // Of two at once, the other one may have come first.
    if account::lock(&mut tx, account).await? != Some(epoch) {
        tx.rollback().await?;
        return Err(wrong());
    }
    let ending = Ending::Others(account, session);
    let history = strength.policy.history;
    let setting = Setting { account, email: &email, action: Action::PasswordChange, ending, history };
    set::set(tx, engine, origin, &setting, hash).await
}

fn wrong() -> Problem {
    Problem::at("/current_password".to_owned(), Code::WrongPassword, "This is not your password.")
}
