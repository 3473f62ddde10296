//! `GET /authz/matrix`: what every role allows, on every resource, by every action. Right: `roles` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::api::v1::roles;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional, required};
use crate::reply;

pub(crate) async fn matrix(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&scope.read(async |tx| tx.authz_matrix().await).await?)
}

pub(crate) fn describe() -> Operation {
    let cell = Schema::output([
        required("role", Schema::code()),
        required("resource", roles::resource()),
        required("action", roles::action()),
        required("scope", roles::scope()),
        optional("where", Schema::text(0, roles::rule_length())),
        optional("fields", Schema::array(Schema::name()).described("Absent where it is every field.")),
    ]);
    let matrix = Schema::output([
        required("roles", Schema::array(Schema::code())),
        required("resources", Schema::array(roles::resource())),
        required("actions", Schema::array(roles::action())),
        required("cells", Schema::array(Schema::named("PolicyCell", cell))),
    ]);
    let example = serde_json::json!({
        "roles": ["viewer"], "resources": ["entities", "records:ticket"], "actions": ["read"],
        "cells": [{"role": "viewer", "resource": "records:ticket", "action": "read", "scope": "tenant"}],
    });
    Operation::new("getMatrix", "What every role allows, on every resource, by every action")
        .details("What no cell names is not allowed; several of one role, resource and action add up.")
        .answer(Answer::json(200, "The whole policy.", Schema::named("Matrix", matrix)).example(example))
}
