//! Beginning with an authenticator. Nobody is asked for it until a code of it was shown.

use insula_model::problem::{Problem, Result};
use insula_model::value::Value;
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Serialize;
use zeroize::Zeroizing;

use super::totp::SECRET_BYTES;
use crate::identity::base32;
use crate::identity::logout::{Holder, SignedIn};
use crate::sql::Fixed;

/// Who issues, as an authenticator shows it.
const ISSUER: &str = "Insula";
/// Pixels.
const QR_SIZE: u32 = 256;

static BEGIN: Fixed = Fixed::new(
    "INSERT INTO insula.second_factor (account_id, secret_sealed, used_step) VALUES ($1, $2, 0) \
     ON CONFLICT (account_id) DO UPDATE SET secret_sealed = excluded.secret_sealed, used_step = 0",
);

/// What an authenticator is told, once.
#[derive(Serialize)]
pub struct Enrolment {
    /// Base 32.
    pub secret: String,
    pub otpauth_uri: String,
    pub qr_svg: String,
}

/// 409 where there is one that is asked for: it must be removed first.
pub async fn enrol(who: SignedIn<'_>) -> Result<Enrolment> {
    let holder = who.holder();
    let Holder { engine, account, email, .. } = holder;
    let secret: Zeroizing<[u8; SECRET_BYTES]> = Zeroizing::new(engine.ids.random());
    let sealed = engine.identity.seals.secrets.seal(&account.to_string(), secret.as_slice(), engine.ids.random());
    let sealed = Value::Bytes(sealed.ok_or_else(|| Problem::internal("sealing failed"))?);
    let mut tx = super::begin(&holder).await?;
    if super::is_set(&mut tx, account).await? {
        tx.rollback().await?;
        return Err(Problem::conflict("There is a second factor already. Remove it first.", Vec::new()));
    }
    tx.fixed_execute(&BEGIN, &[&Value::Uuid(account.uuid()), &sealed]).await?;
    tx.commit().await?;
    told(secret.as_slice(), email)
}

fn told(secret: &[u8], email: &str) -> Result<Enrolment> {
    let secret = base32::encode(secret).to_uppercase();
    // Neither an `@` nor anything else of an address means something in a path but these (RFC 3986 §3.3).
    let label: String = form_urlencoded::byte_serialize(email.as_bytes()).collect();
    let otpauth_uri = format!("otpauth://totp/{ISSUER}:{label}?secret={secret}&issuer={ISSUER}");
    let code = QrCode::new(&otpauth_uri).map_err(Problem::internal)?;
    let qr_svg = code.render::<svg::Color<'_>>().min_dimensions(QR_SIZE, QR_SIZE).build();
    Ok(Enrolment { secret, otpauth_uri, qr_svg })
}
