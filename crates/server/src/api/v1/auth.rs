//! Accounts and tokens.

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod mfa;
pub(crate) mod password;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod sessions;

use serde_json::{Value, json};

use crate::openapi::{Schema, optional, required};

/// What a sign-in answers.
fn tokens() -> Schema {
    let seconds = || Schema::integer(Some(1), None).described("Seconds.");
    Schema::named(
        "Tokens",
        Schema::output([
            required("access_token", Schema::text(1, 4096)),
            optional(
                "refresh_token",
                Schema::text(1, 512).described("Works once. Of a cookie session, in the cookie alone."),
            ),
            optional("csrf_token", Schema::text(1, 64).described("Of a cookie session: for `X-CSRF-Token`.")),
            required("token_type", Schema::constant("bearer")),
            required("expires_in", seconds()),
            required("refresh_expires_in", seconds()),
        ]),
    )
}

fn tokens_example() -> Value {
    json!({
        "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9.e30.qdF2jJ4mCkD0c6m1Hh2Yc3tPpK0uV5o3n7Jr9LxW8sA",
        "refresh_token": "0bM3aGvJxw8nqS5i7kT2eUu1yRzPpLdCfXhQ9oWmVtE", "token_type": "bearer",
        "expires_in": 1800, "refresh_expires_in": 604_800,
    })
}
