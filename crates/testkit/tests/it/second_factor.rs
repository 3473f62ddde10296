//! The second factor (requirement B8): codes of an authenticator and codes for the day it is lost, each good once.

mod codes;
mod nowhere;
mod sign_in;

use aws_lc_rs::hmac;
use insula_model::clock::Clock;
use insula_model::value::Timestamp;
use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, Reply, TestApp};
use serde_json::json;

/// An authenticator as people have one, made of what the enrolment tells (RFC 4226, RFC 6238).
pub(super) struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Reads the base 32 of RFC 4648 in what an enrolment tells.
    pub(super) fn new(told: &Reply) -> Self {
        let secret = told.body["secret"].as_str().unwrap();
        let bits: String = secret
            .bytes()
            .map(|b| format!("{:05b}", if b.is_ascii_uppercase() { b - b'A' } else { b - b'2' + 26 }))
            .collect();
        let bytes =
            bits.as_bytes().chunks_exact(8).map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2));
        Self(bytes.collect::<Result<_, _>>().unwrap())
    }

    pub(super) fn code(&self, now: Timestamp) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &(now.as_seconds() / 30).to_be_bytes());
        let offset = usize::from(tag.as_ref()[19] & 15);
        let part: [u8; 4] = tag.as_ref()[offset..offset + 4].try_into().unwrap();
        format!("{:06}", (u32::from_be_bytes(part) & 0x7fff_ffff) % 1_000_000)
    }
}

/// Somebody with an authenticator, and his recovery codes.
pub(super) struct Enrolled {
    caller: Caller,
    authenticator: Authenticator,
    pub(super) recovery: Vec<String>,
}

pub(super) async fn enrol(caller: &Caller, clock: &Clock) -> Enrolled {
    let told = caller.post("/auth/mfa/totp", &json!(null)).await.expect(200);
    let authenticator = Authenticator::new(&told);
    let code = json!({"code": authenticator.code(clock.now())});
    let done = caller.post("/auth/mfa/totp/confirm", &code).await.expect(200);
    let recovery = done.body["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
    Enrolled { caller: caller.clone(), authenticator, recovery: recovery.collect() }
}

/// What a right password is answered with.
async fn challenge(app: &TestApp, email: &str) -> String {
    let reply = app.anonymous().post("/auth/login", &json!({"email": email, "password": PASSWORD})).await.expect(200);
    assert_eq!(reply.body["mfa_required"], true, "{reply:?}");
    assert!(reply.body.get("access_token").is_none() && reply.header("set-cookie").is_empty(), "{reply:?}");
    reply.body["mfa_token"].as_str().unwrap().to_owned()
}

async fn verify(app: &TestApp, token: &str, member: &str, code: &str) -> Reply {
    app.anonymous().post("/auth/mfa/verify", &json!({"mfa_token": token, member: code})).await
}
