//! What a session's owner knows it by: the program and the system it signed in from, and roughly where. No more of it is
//! kept with the session.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const MAX_CHARS: usize = 40;

/// What each says of itself. Those that say they are another too stand before that one.
const PROGRAMS: [(&str, &str); 8] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 8] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
];

/// A short name made of a user agent (RFC 9110 §10.1.5); empty where it tells nothing.
pub(super) fn name(user_agent: &str) -> String {
    let told = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (told(&PROGRAMS), told(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        (None, Some(system)) => format!("{} on {system}", product(user_agent)),
        (None, None) => product(user_agent),
    }
}

/// The first product's name.
fn product(user_agent: &str) -> String {
    let fitting = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    user_agent.chars().take_while(fitting).take(MAX_CHARS).collect()
}

/// The network of an address: IPv4 to 24 bits, IPv6 to 48. Empty where it is none.
pub(super) fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_becomes_a_name() {
        let long = format!("{}/1", "a".repeat(100));
        for (user_agent, expect) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 \
                 Safari/537.36 Edg/126.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile \
                 Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iOS",
            ),
            ("curl/8.5.0", "curl"),
            ("python-requests/2.32 (Linux)", "python-requests on Linux"),
            ("<script>alert(1)</script>", ""),
            ("", ""),
            (&long, &"a".repeat(MAX_CHARS)),
        ] {
            assert_eq!(name(user_agent), expect, "{user_agent}");
        }
    }

    #[test]
    fn an_address_becomes_its_network() {
        for (address, expect) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("127.0.0.1", "127.0.0.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "::/48"),
            ("", ""),
            ("somewhere", ""),
        ] {
            assert_eq!(network(address), expect, "{address}");
        }
    }
}
