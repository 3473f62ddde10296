//! Letters, written when they are sent: by then an account may be gone, and a token is made only now, so that none waits
//! anywhere.

use insula_model::id::AccountId;
use uuid::Uuid;

use super::account;
use super::password::forgot;
use crate::engine::Inner;
use crate::mail::{Letter, Message, Paragraph};
use crate::store::StoreError;

/// The mail of a letter under the id it is sent with; `None` where there is nobody to send it to.
pub(crate) async fn write_letter(engine: &Inner, mail: Uuid, letter: &Letter) -> Result<Option<Message>, StoreError> {
    match letter {
        Letter::PasswordForgotten { email_folded } => {
            let invitation = forgot::invite(engine, mail, email_folded).await?;
            Ok(invitation.map(|(to, token)| password_forgotten(&engine.mail.public_url, to, &token)))
        }
        Letter::PasswordChanged { account } => Ok(address(engine, *account).await?.map(password_changed)),
        Letter::AccountLocked { account } => Ok(address(engine, *account).await?.map(account_locked)),
    }
}

async fn address(engine: &Inner, account: AccountId) -> Result<Option<String>, StoreError> {
    let mut tx = engine.stores.platform_read().await?;
    let found = account::credentials(&mut tx, account).await?;
    tx.commit().await?;
    Ok(found.map(|found| found.email))
}

fn password_forgotten(public_url: &str, to: String, token: &str) -> Message {
    let text = |text: String| Paragraph::Text(text);
    Message {
        subject: "Set a new password".to_owned(),
        paragraphs: vec![
            text(format!("Somebody asked to set a new password for the account of {to}.")),
            text("If it was you, follow this link within an hour. It works once.".to_owned()),
            Paragraph::Link(format!("{public_url}/reset?token={token}")),
            text("If it was not you, do nothing: the password stays as it is.".to_owned()),
        ],
        to,
    }
}

fn password_changed(to: String) -> Message {
    let text = |text: String| Paragraph::Text(text);
    Message {
        subject: "Your password was changed".to_owned(),
        paragraphs: vec![
            text(format!("The password of the account of {to} was changed, and other sign-ins were ended.")),
            text("If it was not you, set a new password at once and tell your administrator.".to_owned()),
        ],
        to,
    }
}

fn account_locked(to: String) -> Message {
    let text = |text: String| Paragraph::Text(text);
    Message {
        subject: "Sign-ins to your account have failed".to_owned(),
        paragraphs: vec![
            text(format!("Somebody tried wrong passwords for the account of {to}, ten times in a quarter of an hour.")),
            text("Sign-ins from devices you have not used before are refused for a while. Yours go on.".to_owned()),
            text("If it was not you, nothing needs to be done: nobody got in.".to_owned()),
        ],
        to,
    }
}
