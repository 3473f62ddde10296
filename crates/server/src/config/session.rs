//! What proves who somebody is, how long people stay signed in, and how often one may be.

use insula_engine::engine::{IdentityOptions, TokenAlgorithm, WhenFull};
use insula_engine::public_url::PublicUrl;

use super::{Findings, ServeArgs, given, number};

const DAY: i64 = 24 * 3600;
/// A year.
const MOST_MINUTES: i64 = 365 * 24 * 60;

pub(super) fn options(args: &ServeArgs, production: bool, findings: &mut Findings) -> IdentityOptions {
    let minutes = number(args.access_token_expire_min.as_ref(), "ACCESS_TOKEN_EXPIRE_MIN", 30, 1..=1440, findings);
    let days = number(args.refresh_token_expire_days.as_ref(), "REFRESH_TOKEN_EXPIRE_DAYS", 7, 1..=365, findings);
    let most = number(args.session_absolute_days.as_ref(), "SESSION_ABSOLUTE_DAYS", 30, 1..=365, findings);
    let idle = number(args.session_idle_min.as_ref(), "SESSION_IDLE_MIN", 0, 0..=MOST_MINUTES, findings);
    let limit = number(args.session_limit.as_ref(), "SESSION_LIMIT", 10, 1..=1000, findings);
    IdentityOptions {
        token_algorithm: token_algorithm(args, findings),
        public_url: public_url(args, production, findings),
        access_token_seconds: minutes * 60,
        refresh_token_seconds: days * DAY,
        session_seconds: most * DAY,
        session_idle_seconds: (idle > 0).then_some(idle * 60),
        session_limit: usize::try_from(limit).unwrap_or(1),
        when_full: when_full(args, findings),
        ..IdentityOptions::default()
    }
}

fn public_url(args: &ServeArgs, production: bool, findings: &mut Findings) -> Option<PublicUrl> {
    let url = PublicUrl::parse(given(args.public_url.as_ref())?);
    match &url {
        None => findings.add("PUBLIC_URL must be a scheme, a host and a port if need be, like https://insula.example"),
        Some(url) if production && !url.is_https() => {
            findings.add(
                "PUBLIC_URL must begin with https:// in production: cookies would go over the network in the open",
            );
        }
        Some(_) => {}
    }
    url
}

fn token_algorithm(args: &ServeArgs, findings: &mut Findings) -> TokenAlgorithm {
    let named = given(args.token_algorithm.as_ref()).map(TokenAlgorithm::named);
    named.unwrap_or(Some(TokenAlgorithm::Hs256)).unwrap_or_else(|| {
        findings.add("TOKEN_ALGORITHM must be HS256 or EdDSA");
        TokenAlgorithm::Hs256
    })
}

fn when_full(args: &ServeArgs, findings: &mut Findings) -> WhenFull {
    match given(args.session_limit_policy.as_ref()) {
        None | Some("evict-oldest") => WhenFull::EvictOldest,
        Some("deny") => WhenFull::Deny,
        Some(_) => {
            findings.add("SESSION_LIMIT_POLICY must be evict-oldest or deny");
            WhenFull::Deny
        }
    }
}
