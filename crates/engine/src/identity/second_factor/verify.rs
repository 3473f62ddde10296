//! The second half of a sign-in: a code, for whoever has proved the password. Whatever is wrong, the answer is the same.

use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use tokio::time::Instant;

use super::challenge::Half;
use super::proof::Proof;
use crate::engine::{Inner, Origin};
use crate::identity::event::Action;
use crate::identity::login::{self, Proved, SignIn};
use crate::identity::opaque::MAX_CHARS;
use crate::identity::session::Refusal;
use crate::identity::{account, deadline, device};

/// `{mfa_token, code}` or `{mfa_token, recovery_code}`. `device` is what the client keeps of a sign-in before.
pub(in crate::identity) async fn verify(
    engine: &Inner,
    origin: &Origin,
    body: &Json,
    device: Option<&str>,
) -> Result<SignIn> {
    let (token, proof) = Members::read(body, |members, errors| {
        let token = members.text("mfa_token", MAX_CHARS, errors).map(str::to_owned);
        let proof = Proof::read(members, errors);
        Some((token?, proof?))
    })?;
    let begun = Instant::now();
    let signed_in = attempt(engine, origin, &token, &proof, device).await;
    if signed_in.as_ref().is_err_and(|problem| problem.code() == Code::Unauthenticated) {
        deadline::after(begun, engine.identity.options.refusal_pause).await;
    }
    signed_in
}

async fn attempt(engine: &Inner, origin: &Origin, token: &str, proof: &Proof, device: Option<&str>) -> Result<SignIn> {
    let now = engine.clock.now();
    let half = Half::open(engine, token, now).ok_or_else(refused)?;
    let account = half.account();
    let counted = super::count(engine, account).await?.ok_or_else(refused)?;
    let mut tx = engine.stores.platform_write().await?;
    let epoch = account::lock(&mut tx, account).await?;
    let Some(email) = login::email_in(&mut tx, account, half.realm()).await? else {
        tx.rollback().await?;
        return Err(refused());
    };
    let device = device::known(&mut tx, device, Some(account), now).await?;
    let proved =
        Proved { account, epoch: half.epoch, realm: half.realm(), keeping: half.keeping, device: device.as_ref() };
    let opened = if epoch == Some(half.epoch) && proof.holds(&mut tx, engine, account, now).await? {
        counted.clear(&mut tx).await?;
        login::open(&mut tx, engine, origin, &proved, now).await?
    } else {
        Err(Refusal::Unproved)
    };
    let (action, session) = match &opened {
        Ok((_, session)) => (Action::Login, Some(*session)),
        Err(_) => (Action::Refused, None),
    };
    login::tell(
        &mut tx,
        engine,
        origin,
        now,
        action,
        &login::Told { account, email: &email, realm: half.realm(), session },
    )
    .await?;
    tx.commit().await?;
    engine.wake();
    match opened {
        Ok((signed_in, _)) => Ok(signed_in),
        Err(Refusal::Full) => Err(login::full()),
        Err(Refusal::Unproved) => Err(refused()),
    }
}

fn refused() -> Problem {
    Problem::new(Code::Unauthenticated, "This code is not good, or the sign-in took too long. Begin it anew.")
}
