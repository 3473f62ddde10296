//! `POST /auth/login`: address and password for tokens. Anyone.

use axum::response::Response;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn login(public: Public, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    reply::ok(&public.login(&body).await?)
}
