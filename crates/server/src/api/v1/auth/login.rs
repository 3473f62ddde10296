//! `POST /auth/login`: address and password for tokens. Anyone.

use axum::response::Response;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::reply;

pub(crate) async fn login(public: Public, JsonBody(body): JsonBody) -> Result<Response> {
    reply::ok(&public.login(&body).await?)
}
