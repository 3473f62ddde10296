//! `POST /auth/register`: makes an organisation and its owner. Anyone, where registration is open.

use axum::response::Response;
use http::StatusCode;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::reply;

pub(crate) async fn register(public: Public, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    reply::json(StatusCode::CREATED, &public.register(&body).await?)
}
