//! `POST /auth/refresh`: a refresh token for new tokens. Whoever holds one.

use axum::response::Response;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn refresh(public: Public, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    reply::ok(&public.refresh(&body).await?)
}
