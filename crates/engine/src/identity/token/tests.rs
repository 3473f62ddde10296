use insula_model::clock::{Clock, Ids};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value as Claim, json};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::*;
use crate::engine::TokenAlgorithm;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_500_000);
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The key of an installation that has no ring yet.
fn derived(secret: &str) -> Key {
    Key::derived(&SecretString::from(secret)).unwrap()
}

fn signer() -> Signer {
    Signer::new(vec![derived(SECRET)])
}

fn key(algorithm: TokenAlgorithm, secret: u8, signs_at: i64) -> Key {
    Key::new(algorithm, Zeroizing::new([secret; 32]), NOW.plus_seconds(signs_at)).unwrap()
}

fn header_of(token: &str) -> &str {
    token.split_once('.').unwrap().0
}

fn subject() -> Subject {
    let ids = Ids::new(Clock::fixed(NOW));
    Subject { account: ids.next(), realm: Realm::Tenant(ids.next()), session: ids.next() }
}

fn claims() -> Claim {
    let subject = subject();
    let now = NOW.as_seconds();
    json!({
        "iss": "insula", "aud": "insula", "sub": subject.account, "tid": subject.realm.tenant(), "sid": subject.session,
        "jti": "0".repeat(JTI_LENGTH), "iat": now, "nbf": now, "exp": now + 1800,
    })
}

/// A token with these parts, rightly signed.
fn signed(signer: &Signer, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = signer.keys.load()[0].sign(message.as_bytes());
    format!("{message}.{signature}")
}

fn own_header(signer: &Signer) -> Claim {
    serde_json::from_str(&own_header_text(signer)).unwrap()
}

fn own_header_text(signer: &Signer) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(&signer.keys.load()[0].header).unwrap()).unwrap()
}

#[test]
fn what_is_issued_verifies_and_another_library_reads_it() {
    let signer = signer();
    let subject = subject();
    let token = signer.issue(subject, [7; 16], NOW, 1800).unwrap();
    assert_eq!(signer.verify(&token, NOW), Ok(subject));

    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.set_audience(&["insula"]);
    let key = DecodingKey::from_secret(derived(SECRET).secret());
    let read = jsonwebtoken::decode::<Claim>(&token, &key, &validation).unwrap();
    assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
    assert!(read.header.kid.is_some());
    assert_eq!(read.claims["exp"].as_i64().unwrap() - read.claims["iat"].as_i64().unwrap(), 1800);
    assert_eq!(read.claims["jti"], "07".repeat(16));
    assert_eq!(read.claims.as_object().unwrap().len(), 9);
}

#[test]
fn time_is_ours_and_an_end_is_an_end() {
    let signer = signer();
    let token = signer.issue(subject(), [7; 16], NOW, 1800).unwrap();
    for (seconds, expected) in [(-6, false), (-5, true), (0, true), (1799, true), (1800, false), (1801, false)] {
        assert_eq!(signer.verify(&token, NOW.plus_seconds(seconds)).is_ok(), expected, "{seconds}");
    }
}

#[test]
fn another_secret_and_the_bare_secret_sign_nothing() {
    let ours = signer();
    let other = Signer::new(vec![derived(&SECRET.to_uppercase())]);
    let bare = EncodingKey::from_secret(SECRET.as_bytes());
    let header = Header { kid: own_header(&ours)["kid"].as_str().map(Into::into), ..Header::new(Algorithm::HS256) };
    for token in [
        signed(&other, &own_header_text(&ours), &claims().to_string()),
        jsonwebtoken::encode(&header, &claims(), &bare).unwrap(),
    ] {
        assert_eq!(ours.verify(&token, NOW), Err(Unfit::Bad), "{token}");
    }
    let token = other.issue(subject(), [7; 16], NOW, 1800).unwrap();
    assert_eq!(ours.verify(&token, NOW), Err(Unfit::UnknownKey), "{token}");
}

#[test]
fn req_a1_headers_of_others_are_refused_though_rightly_signed() {
    let signer = signer();
    assert!(signer.verify(&signed(&signer, &own_header_text(&signer), &claims().to_string()), NOW).is_ok());
    let changed = |name: &str, value: Claim| {
        let mut header = own_header(&signer);
        header[name] = value;
        header.to_string()
    };
    for header in [
        changed("alg", json!("none")),
        changed("alg", json!("None")),
        changed("alg", json!("nOnE")),
        changed("alg", json!("HS384")),
        changed("alg", json!("RS256")),
        changed("alg", json!(null)),
        changed("typ", json!("JWT")),
        changed("typ", json!(null)),
        changed("kid", json!("../../../../dev/null")),
        changed("kid", json!("x' UNION SELECT 'key' --")),
        changed("kid", json!(1)),
        changed("kid", json!("0123456789ABCDEF")),
        changed("kid", json!("0123456789abcdef0")),
        changed("jku", json!("https://example.org/keys")),
        changed("x5u", json!("https://example.org/cert")),
        changed("jwk", json!({"kty": "oct", "k": "AAAA"})),
        changed("crit", json!(["exp"])),
        changed("b64", json!(false)),
        changed("zip", json!("DEF")),
        own_header_text(&signer).replace("\"alg\"", "\"alg\":\"none\",\"alg\""),
        own_header_text(&signer).replace(',', ", "),
        "{}".to_owned(),
        String::new(),
    ] {
        assert_eq!(signer.verify(&signed(&signer, &header, &claims().to_string()), NOW), Err(Unfit::Bad), "{header}");
    }
}

#[test]
fn req_a2_claims_are_required_and_checked() {
    let signer = signer();
    let header = own_header_text(&signer);
    let check = |claims: &str| signer.verify(&signed(&signer, &header, claims), NOW).is_ok();
    assert!(check(&claims().to_string()));
    for name in ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"] {
        let mut without = claims();
        without.as_object_mut().unwrap().remove(name);
        assert!(!check(&without.to_string()), "without {name}");
        let twice = claims().to_string().replace(&format!("\"{name}\""), &format!("\"{name}\":0,\"{name}\""));
        assert!(!check(&twice), "{name} twice");
    }
    let later = NOW.as_seconds() + NOT_BEFORE_LEEWAY_SECONDS + 1;
    for (name, value) in [
        ("iss", json!("other")),
        ("aud", json!("other")),
        ("aud", json!(["insula"])),
        ("sub", json!("")),
        ("tid", json!(1)),
        ("jti", json!("")),
        ("exp", json!(NOW.as_seconds())),
        ("exp", json!("9999999999")),
        ("exp", json!(9e99)),
        ("nbf", json!(later)),
        ("iat", json!(later)),
    ] {
        let mut changed = claims();
        changed[name] = value.clone();
        assert!(!check(&changed.to_string()), "{name} = {value}");
    }
    assert!(!check("[]") && !check("") && !check("null"));
}

#[test]
fn shapes_that_are_no_token() {
    let signer = signer();
    let token = signer.issue(subject(), [7; 16], NOW, 1800).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let (most, _) = signature.split_at(signature.len() - 1);
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        message.to_owned(),
        format!("{message}."),
        format!("{message}.{most}"),
        format!("{token}="),
        format!("{token}.{signature}"),
        format!("{header}.{claims}.{claims}.{claims}.{signature}"),
        format!("{header}..{signature}"),
        format!(" {token}"),
        format!("{token}\n"),
        token.to_uppercase(),
        format!("{header}.{claims}.{}", signature.replace(['-', '_'], "+")) + "+",
        "a".repeat(MAX_LENGTH + 1),
    ] {
        assert_eq!(signer.verify(&bad, NOW), Err(Unfit::Bad), "{bad:?}");
    }
    // Every other last character either signs something else or is not the one way to write these bytes.
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        let other = format!("{message}.{most}{last}");
        assert_eq!(signer.verify(&other, NOW).is_ok(), other == token, "{last}");
    }
}

#[test]
fn req_a1_the_newest_key_whose_time_has_come_signs_and_the_others_verify() {
    use TokenAlgorithm::{EdDsa, Hs256};
    for (old, new) in [(Hs256, Hs256), (Hs256, EdDsa), (EdDsa, Hs256), (EdDsa, EdDsa)] {
        let signer = Signer::new(vec![key(old, 1, 0)]);
        let first = signer.issue(subject(), [7; 16], NOW, 1800).unwrap();
        signer.hold(vec![key(new, 2, 5), key(old, 1, 0)]);
        let before = signer.issue(subject(), [7; 16], NOW.plus_seconds(4), 1800).unwrap();
        let after = signer.issue(subject(), [7; 16], NOW.plus_seconds(5), 1800).unwrap();
        assert_eq!(header_of(&before), header_of(&first));
        assert_ne!(header_of(&after), header_of(&first));
        for token in [&first, &before, &after] {
            // The second time from memory, where it is slow to reckon.
            for seconds in [5, 6] {
                assert!(signer.verify(token, NOW.plus_seconds(seconds)).is_ok(), "{token}");
            }
            assert_eq!(signer.verify(token, NOW.plus_seconds(1805)), Err(Unfit::Bad), "{token}");
        }
        signer.hold(vec![key(new, 2, 5)]);
        assert_eq!(signer.verify(&first, NOW.plus_seconds(5)), Err(Unfit::UnknownKey));
    }
}

#[test]
fn req_a1_a_key_is_good_for_its_own_algorithm_alone() {
    use TokenAlgorithm::{EdDsa, Hs256};
    let signer = Signer::new(vec![key(EdDsa, 1, 0)]);
    let token = signer.issue(subject(), [7; 16], NOW, 1800).unwrap();
    let (message, _) = token.rsplit_once('.').unwrap();
    // The public key is no secret: nothing may take it for one.
    let public = signer.keys.load()[0].public().unwrap();
    let forger = Key::new(Hs256, Zeroizing::new(public), NOW).unwrap();
    assert_eq!(signer.verify(&format!("{message}.{}", forger.sign(message.as_bytes())), NOW), Err(Unfit::Bad));
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_audience(&["insula"]);
    let public = DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(public)).unwrap();
    let read = jsonwebtoken::decode::<Claim>(&token, &public, &validation).unwrap();
    assert_eq!(read.claims["jti"], "07".repeat(16));
}
