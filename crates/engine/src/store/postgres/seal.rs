//! Passwords at rest: sealed under the installation's secret key, so that a dump of the platform's database opens
//! nothing.

use insula_model::clock::{Clock, Ids};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::seal;
use crate::store::StoreError;

pub(super) struct Seal(seal::Seal);

impl Seal {
    pub(super) fn new(secret: &SecretString) -> Self {
        Self(seal::Seal::new(b"insula/postgres/login-role-password/v1\0", secret))
    }

    /// A fresh password of 256 bits, and the same sealed for `role`: it opens under that name only.
    pub(super) fn password(&self, role: &str) -> Result<(SecretString, Vec<u8>), StoreError> {
        let ids = Ids::new(Clock::default());
        let password = SecretString::from(hex::encode(Zeroizing::new(ids.random::<32>()).as_slice()));
        let sealed = self.0.close(&ids, role.as_bytes(), password.expose_secret().as_bytes());
        Ok((password, sealed.map_err(|error| StoreError::Other(error.into()))?))
    }

    pub(super) fn open(&self, role: &str, sealed: &[u8]) -> Result<SecretString, StoreError> {
        let opened = self.0.open(role.as_bytes(), sealed).ok();
        let password = opened.and_then(|text| str::from_utf8(&text).map(SecretString::from).ok());
        password.ok_or_else(|| {
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
    fn a_password_opens_under_the_name_of_its_role_only() {
        let seal = Seal::new(&SecretString::from("one"));
        let (password, sealed) = seal.password("role").unwrap();
        assert_eq!(password.expose_secret().len(), 64);
        assert_eq!(seal.open("role", &sealed).unwrap().expose_secret(), password.expose_secret());
        assert!(seal.open("other", &sealed).is_err());
    }
}
