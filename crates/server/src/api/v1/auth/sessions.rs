//! Where the caller's account is signed in.

pub(crate) mod end;
pub(crate) mod list;

use crate::openapi::{Schema, required};

/// A session as its owner is shown it.
fn session() -> Schema {
    Schema::named(
        "Session",
        Schema::output([
            required("id", Schema::uuid()),
            required("created_at", Schema::datetime().described("When it signed in.")),
            required("last_used_at", Schema::datetime().described("To the minute.")),
            required(
                "device",
                Schema::text(1, 100).nullable().described("What signed in, as far as it said; a name, no proof."),
            ),
            required(
                "address",
                Schema::text(1, 50).nullable().described("The network it signed in from: IPv4 to 24 bits, IPv6 to 48."),
            ),
            required("current", Schema::boolean().described("Whether it is the one that asks.")),
        ]),
    )
}
