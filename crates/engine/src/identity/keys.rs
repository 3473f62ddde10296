//! The ring of keys that access tokens are signed with, as the platform's store holds it (requirement A1). Every node
//! reads it again every few seconds, and when a token comes that names a key it does not know.

use insula_model::value::{Timestamp, Value};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::event::{self, Action, Whom};
use super::token::{Key, Secret, Signer};
use crate::engine::{Engine, Inner, OpenError, Origin, TokenAlgorithm};
use crate::seal::Seal;
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

/// How soon the ring is read again at the earliest, whatever tokens come.
const PAUSE_MICROS: i64 = 1_000_000;
/// How long a new key waits until it signs: every node knows it by then.
const SETTLE_SECONDS: i64 = 5;
/// Longer than the longest access token lives.
const KEPT_SECONDS: i64 = 25 * 3600;
const LABEL: &str = "insula/signing-key/v1";

static ALL: Fixed =
    Fixed::new("SELECT id, algorithm, secret_sealed, signs_at FROM insula.signing_key ORDER BY signs_at DESC, id");
static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula.signing_key (id, algorithm, secret_sealed, signs_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT DO NOTHING",
);
static PURGE: Fixed = Fixed::new(
    "DELETE FROM insula.signing_key WHERE signs_at < \
     (SELECT max(k.signs_at) FROM insula.signing_key k WHERE k.signs_at <= $1)",
);

/// Opens and seals what the store holds of keys.
pub(super) struct Ring {
    seal: Seal,
    secret: SecretString,
    read_at: tokio::sync::Mutex<Timestamp>,
}

impl Ring {
    pub(super) fn new(secret: &SecretString) -> Self {
        Self {
            seal: Seal::new(LABEL, secret.expose_secret().as_bytes()),
            secret: secret.clone(),
            read_at: tokio::sync::Mutex::new(Timestamp::from_micros(0)),
        }
    }

    /// Those of the store that open; where there are none, the one that needs no store.
    async fn read(&self, tx: &mut Tx) -> Result<Vec<Key>, StoreError> {
        let rows = tx.fixed(&ALL, &[]).await?;
        let mut keys = Vec::with_capacity(rows.len() + 1);
        for row in &rows {
            match self.open(row)? {
                Some(key) => keys.push(key),
                None => {
                    tracing::warn!(key = row.text(0)?, "the secret key does not open this signing key: it is not used");
                }
            }
        }
        if keys.is_empty() {
            keys.push(self.derived()?);
        }
        Ok(keys)
    }

    fn derived(&self) -> Result<Key, StoreError> {
        Key::derived(&self.secret).ok_or_else(|| StoreError::Other("no key can be derived".into()))
    }

    fn open(&self, row: &Row) -> Result<Option<Key>, StoreError> {
        let Some(algorithm) = TokenAlgorithm::named(row.text(1)?) else { return Ok(None) };
        let opened = self.seal.open(&named(row.text(0)?, algorithm), row.bytes(2)?);
        let secret = opened.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok()).map(Zeroizing::new);
        let signs_at = row.timestamp(3)?;
        Ok(secret.and_then(|secret| Key::new(algorithm, secret, signs_at)))
    }

    async fn store(&self, tx: &mut Tx, engine: &Inner, key: &Key) -> Result<(), StoreError> {
        let sealed = self.seal.seal(&named(key.name(), key.algorithm()), key.secret(), engine.ids.random());
        let binds = [
            Value::Text(key.name().to_owned()),
            Value::Text(key.algorithm().name().to_owned()),
            Value::Bytes(sealed.ok_or_else(|| StoreError::Other("sealing failed".into()))?),
            Value::Timestamp(key.signs_at()),
        ];
        tx.fixed_execute(&INSERT, &binds.each_ref()).await?;
        Ok(())
    }
}

/// What a sealed key opens under: its algorithm cannot be exchanged in the store.
fn named(name: &str, algorithm: TokenAlgorithm) -> String {
    format!("{name} {}", algorithm.name())
}

/// Reads the ring, unless that was done a moment ago; whoever waits for it to be read finds it read.
pub(crate) async fn read_keys_again(engine: &Inner) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let mut read_at = engine.identity.ring.read_at.lock().await;
    if (0..PAUSE_MICROS).contains(&now.as_micros().saturating_sub(read_at.as_micros())) {
        return Ok(());
    }
    let mut tx = engine.stores.platform_read().await?;
    let keys = engine.identity.ring.read(&mut tx).await?;
    tx.commit().await?;
    engine.identity.signer.hold(keys);
    *read_at = now;
    Ok(())
}

/// Takes away the keys all of whose tokens have ended.
pub(super) async fn purge(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    tx.fixed_execute(&PURGE, &[&Value::Timestamp(now.plus_seconds(-KEPT_SECONDS))]).await?;
    Ok(())
}

/// Adds a key to the ring, and with the first one that which signed until then.
async fn add(tx: &mut Tx, engine: &Inner, signs_at: Timestamp) -> Result<String, StoreError> {
    let ring = &engine.identity.ring;
    let algorithm = engine.identity.options.token_algorithm;
    let secret: Secret = Zeroizing::new(engine.ids.random());
    let key = Key::new(algorithm, secret, signs_at).ok_or_else(|| StoreError::Other("no key can be made".into()))?;
    if tx.fixed(&ALL, &[]).await?.is_empty() {
        ring.store(tx, engine, &ring.derived()?).await?;
    }
    ring.store(tx, engine, &key).await?;
    Ok(key.name().to_owned())
}

impl Engine {
    /// Reads the ring for the first time. Where its newest key is for another algorithm than was asked for, it gets one
    /// that is, which signs at once.
    pub(crate) async fn open_keys(&self) -> Result<(), StoreError> {
        let engine = &*self.0;
        let now = engine.clock.now();
        let mut tx = engine.stores.platform_read().await?;
        let keys = engine.identity.ring.read(&mut tx).await?;
        tx.commit().await?;
        let asked = engine.identity.options.token_algorithm;
        if keys.first().is_some_and(|newest| newest.algorithm() == asked) {
            engine.identity.signer.hold(keys);
            return Ok(());
        }
        let mut tx = engine.stores.platform_write().await?;
        add(&mut tx, engine, now).await?;
        let keys = engine.identity.ring.read(&mut tx).await?;
        tx.commit().await?;
        engine.identity.signer.hold(keys);
        Ok(())
    }

    /// Makes a new signing key; its name. For the command line alone. It signs within seconds, on every node; those before
    /// it are good until the last of their tokens has ended.
    pub async fn rotate_keys(&self, origin: &Origin) -> Result<String, OpenError> {
        let engine = &*self.0;
        let now = engine.clock.now();
        let mut tx = engine.stores.platform_write().await?;
        let name = add(&mut tx, engine, now.plus_seconds(SETTLE_SECONDS)).await?;
        event::append(&mut tx, engine, origin, now, Action::KeyRotate, Whom::default()).await?;
        tx.commit().await?;
        Ok(name)
    }
}

/// A signer for an installation whose ring has not been read.
pub(super) fn signer(secret: &SecretString) -> Signer {
    Signer::new(Key::derived(secret).into_iter().collect())
}
