//! Codes for the day the authenticator is lost. Each works once; the store keeps keyed hashes.

use insula_model::id::AccountId;
use insula_model::value::Value;

use crate::engine::Inner;
use crate::identity::base32;
use crate::identity::fingerprint::Kind;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

const CODES: usize = 10;
/// Of randomness: 80 bits.
const BYTES: usize = 10;
/// Characters between two hyphens.
const GROUP: usize = 4;

static KEEP: Fixed = Fixed::new("INSERT INTO insula.recovery_code (account_id, hash) VALUES ($1, $2)");
static USE: Fixed = Fixed::new("DELETE FROM insula.recovery_code WHERE account_id = $1 AND hash = $2");

/// Makes an account's codes, which has none.
pub(super) async fn make(tx: &mut Tx, engine: &Inner, account: AccountId) -> Result<Vec<String>, StoreError> {
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let code = base32::encode(&engine.ids.random::<BYTES>());
        let binds = [Value::Uuid(account.uuid()), hash(engine, account, &code)];
        tx.fixed_execute(&KEEP, &binds.each_ref()).await?;
        codes.push(written(&code));
    }
    Ok(codes)
}

/// Uses one up; whether it was there to be.
pub(super) async fn use_up(tx: &mut Tx, engine: &Inner, account: AccountId, code: &str) -> Result<bool, StoreError> {
    let binds = [Value::Uuid(account.uuid()), hash(engine, account, &read(code))];
    Ok(tx.fixed_execute(&USE, &binds.each_ref()).await? == 1)
}

fn hash(engine: &Inner, account: AccountId, code: &str) -> Value {
    engine.identity.fingerprints.of(Kind::RecoveryCode, &[account.uuid().as_bytes(), code.as_bytes()].concat())
}

/// In groups, to be read off paper.
fn written(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(GROUP).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// However it was typed.
fn read(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
