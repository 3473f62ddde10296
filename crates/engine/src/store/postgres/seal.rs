//! Passwords of the login roles at rest, so that a dump of the platform's database opens nothing.

use insula_model::clock::{Clock, Ids};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::seal;
use crate::store::StoreError;

pub(super) struct Seal(seal::Seal);

impl Seal {
    pub(super) fn new(secret: &SecretString) -> Self {
        Self(seal::Seal::new("insula/postgres/login-role-password/v1", secret.expose_secret().as_bytes()))
    }

    /// A fresh password of 256 bits, and the same sealed for `role`: it opens under that name only.
    pub(super) fn password(&self, role: &str) -> Result<(SecretString, Vec<u8>), StoreError> {
        let ids = Ids::new(Clock::default());
        let password = SecretString::from(hex::encode(Zeroizing::new(ids.random::<32>()).as_slice()));
        let sealed = self.0.seal(role, password.expose_secret().as_bytes(), ids.random());
        Ok((password, sealed.ok_or_else(|| StoreError::Other("sealing failed".into()))?))
    }

    pub(super) fn open(&self, role: &str, sealed: &[u8]) -> Result<SecretString, StoreError> {
        let password = self.0.open(role, sealed).and_then(|text| String::from_utf8(text.to_vec()).ok());
        password.map(SecretString::from).ok_or_else(|| {
            StoreError::Other(
                format!(
                    "the secret key does not open the stored password of the database role {role}: \
                     start with the secret key this installation was made with"
                )
                .into(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_under_its_key_and_name_only() {
        let seal = Seal::new(&SecretString::from("one"));
        let (password, sealed) = seal.password("role").unwrap();
        assert_eq!(password.expose_secret().len(), 64);
        assert_eq!(seal.open("role", &sealed).unwrap().expose_secret(), password.expose_secret());
        assert!(seal.open("other", &sealed).is_err());
        assert!(Seal::new(&SecretString::from("two")).open("role", &sealed).is_err());
    }
}
