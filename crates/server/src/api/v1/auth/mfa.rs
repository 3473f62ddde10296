//! The second factor of a sign-in.

pub(crate) mod totp;
pub(crate) mod verify;

use crate::openapi::{Member, Schema, optional, required};

/// What a sign-in answers in place of tokens.
pub(super) fn challenge() -> Schema {
    let method = Schema::one_of(["totp", "recovery_code"]);
    let members = [
        required("mfa_required", Schema::boolean()),
        required("mfa_token", Schema::text(1, 512).described("For `POST /auth/mfa/verify`, within five minutes.")),
        required("methods", Schema::array(method)),
    ];
    Schema::named("SecondFactorChallenge", Schema::output(members))
}

/// What proves the factor: one of the two.
fn proof() -> [Member; 2] {
    [
        optional("code", Schema::text(1, 64).nullable().described("Of the authenticator; good once.")),
        optional("recovery_code", Schema::text(1, 64).nullable().described("In place of `code`; good once.")),
    ]
}
