//! `POST /auth/mfa/totp`: begins with an authenticator. Anyone signed in.

use axum::response::Response;
use insula_engine::identity::second_factor;
use insula_model::problem::Result;
use serde_json::json;

use crate::call::{NoQuery, Own};
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;

pub(crate) async fn enrol(own: Own, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&second_factor::enrol(own.signed_in()).await?)
}

pub(crate) fn describe() -> Operation {
    let enrolment = Schema::output([
        required("secret", Schema::text(1, 64).described("Base 32.")),
        required("otpauth_uri", Schema::text(1, 1024)),
        required("qr_svg", Schema::text(1, 100_000).described("The same as an image.")),
    ]);
    let example = json!({
        "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "otpauth_uri": "otpauth://totp/Insula:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Insula",
        "qr_svg": "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
    });
    Operation::new("enrolAuthenticator", "Begins with an authenticator")
        .details("It is not asked for until `POST /auth/mfa/totp/confirm` has seen a code of it.")
        .answer(
            Answer::json(200, "What the authenticator is told.", Schema::named("Enrolment", enrolment))
                .example(example),
        )
        .problem(403)
        .problem(409)
}
