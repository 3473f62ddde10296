//! The whole document, from the page of routes: for everybody, or for one caller in one tenant.

use insula_engine::entity::{Surface, UsableEntity};
use insula_model::rights::{Action, Resource};
use serde_json::{Map, Value, json};

use super::operation::{Operation, Parameter};
use super::problems;
use super::records::Shape;
use super::schema::{Parts, Schema};
use crate::router::{Access, Description, RouteInfo};

const ABOUT: &str = "A multi-tenant no-code application platform: organisations design entities, and their records \
                     have this API at once. Refusals are problem details (RFC 9457) with a stable `code`.";
const OF_A_TENANT: &str = "Every entity has its own paths, with its fields as types. What the caller may not use is \
                           not in this document.";
const OF_THE_PLATFORM: &str = "Entities and fields are an organisation's own: `GET /api/v1/openapi.json` with a token \
                               describes those the token reaches.";

/// The paths of `routes`: those of everybody where there is no surface, else those of its caller.
pub(super) fn document(routes: &[RouteInfo], surface: Option<&Surface>) -> Value {
    let mut parts = Parts::new();
    let mut paths = Map::new();
    let mut tags: Vec<String> = Vec::new();
    let mut add = |path: &str, method: &str, tag: String, operation: Value| {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        if let Value::Object(item) = paths.entry(path).or_insert_with(|| Value::Object(Map::new())) {
            item.insert(method.to_owned(), operation);
        }
    };
    for route in routes {
        let method = route.method.as_str().to_ascii_lowercase();
        match (route.description, surface) {
            (Description::Plain(describe), _) if surface.is_none_or(|surface| is_open(route.access, surface)) => {
                let tag = tag(route.path);
                let operation = operation(route, route.path, describe(), "", &tag, &mut parts);
                add(route.path, &method, tag, operation);
            }
            (Description::Records(describe), None) => {
                let tag = tag(route.path);
                let operation = operation(route, route.path, describe(&Shape::Any), "", &tag, &mut parts);
                add(route.path, &method, tag, operation);
            }
            (Description::Records(describe), Some(surface)) => {
                for entity in surface.entities.iter().filter(|entity| is_open_on(route.access, entity)) {
                    let path = route.path.replace("{entity}", entity.name.as_str());
                    let tag = format!("records:{}", entity.name);
                    let suffix = format!("_{}", entity.name);
                    let operation = operation(route, &path, describe(&Shape::Of(entity)), &suffix, &tag, &mut parts);
                    add(&path, &method, tag, operation);
                }
            }
            (Description::Plain(_), _) => {}
        }
    }
    let responses = problems::responses(&mut parts);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Insula",
            "version": "1.0.0",
            "description": format!("{ABOUT}\n\n{}", if surface.is_some() { OF_A_TENANT } else { OF_THE_PLATFORM }),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags.into_iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": parts,
            "responses": responses,
            "headers": headers(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token, or an API key."}},
        },
    })
}

/// Whether the caller of `surface` may use a route that is not about the records of an entity.
fn is_open(access: Access, surface: &Surface) -> bool {
    match access {
        Access::Public | Access::Own => true,
        Access::Tenant(resource, action) => surface.rights.allows(resource, action),
        Access::RecordChanges => surface.entities.iter().any(|entity| is_open_on(access, entity)),
        Access::Records(_) | Access::Restoring | Access::Platform => false,
    }
}

fn is_open_on(access: Access, entity: &UsableEntity) -> bool {
    match access {
        Access::Public | Access::Own | Access::Tenant(..) | Access::Platform => false,
        Access::Records(action) => entity.allows(action),
        Access::Restoring => entity.keeps_deleted && entity.allows(Action::Read) && entity.allows(Action::Delete),
        Access::RecordChanges => [Action::Create, Action::Update, Action::Delete].iter().any(|a| entity.allows(*a)),
    }
}

/// What `describe` says, with what every operation of its access and path has.
fn operation(
    route: &RouteInfo,
    path: &str,
    mut described: Operation,
    suffix: &str,
    tag: &str,
    parts: &mut Parts,
) -> Value {
    let variables: Vec<&str> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    // The header block, with the query in it, may be too large for any of them.
    let mut problems = vec![431];
    if route.path.starts_with("/api/v1/") {
        problems.extend([422, 500, 503]);
    }
    match route.access {
        Access::Public => {}
        Access::Own => problems.push(401),
        Access::Tenant(..) => problems.extend([401, 403]),
        Access::Platform => problems.extend([401, 404]),
        Access::Records(_) | Access::RecordChanges | Access::Restoring => problems.extend([401, 403, 404]),
    }
    if !variables.is_empty() {
        problems.push(404);
    }
    if described.has_body() {
        problems.extend([400, 413, 415]);
    }
    described.problems.extend(problems);
    if changes_once(route) {
        described.problems.extend([400, 409]);
        described = described.parameter(Parameter::idempotency_key());
    }
    let undeclared: Vec<&str> = variables.into_iter().filter(|variable| !described.declares(variable)).collect();
    let described = described.parameters(undeclared.into_iter().filter_map(Parameter::variable));
    let id = format!("{}{suffix}", described.id);
    let mut json = described.place(&id, parts);
    if let Value::Object(members) = &mut json {
        members.insert("tags".into(), json!([tag]));
        let security = if route.access == Access::Public { json!([]) } else { json!([{"bearer": []}]) };
        members.insert("security".into(), security);
        if let Some(right) = right(route.access) {
            members.insert("x-right".into(), right.into());
        }
    }
    json
}

/// Whether what the route changes happens once for each key of the client's.
fn changes_once(route: &RouteInfo) -> bool {
    let reads = matches!(route.access, Access::Public | Access::Own | Access::Platform | Access::Records(Action::Read));
    route.method == http::Method::POST && !reads
}

/// The right a route asks for, in the words of roles.
fn right(access: Access) -> Option<String> {
    let action = |action: Action| format!("{action:?}").to_ascii_lowercase();
    Some(match access {
        Access::Public | Access::Own => return None,
        Access::Tenant(Resource::Records(entity), a) => format!("records:{entity} {}", action(a)),
        Access::Tenant(resource, a) => format!("{resource:?} {}", action(a)).to_ascii_lowercase(),
        Access::Records(a) => format!("records {}", action(a)),
        Access::RecordChanges => "records create, update or delete".to_owned(),
        Access::Restoring => "records read and delete".to_owned(),
        Access::Platform => "superuser".to_owned(),
    })
}

/// The first part of the path that says what it is about.
fn tag(path: &str) -> String {
    let rest = path.strip_prefix("/api/v1/").unwrap_or("platform");
    rest.split('/').next().unwrap_or(rest).trim_end_matches(".json").to_owned()
}

fn headers() -> Value {
    let mut parts = Parts::new();
    let mut header = |description: &str, schema: Schema| json!({"description": description, "required": true, "schema": schema.place(&mut parts)});
    let seconds = Schema::integer(Some(1), Some(3600)).place(&mut Parts::new());
    json!({
        "X-Request-Id": header("The request's id, in the log and in the audit trail too.", Schema::uuid()),
        "ETag": header("Names this very representation (RFC 9110 §8.8.3).", Schema::pattern(60, "^\"[0-9a-f-]+\"$")),
        "Location": header("Where the new thing is.", Schema::format(200, "uri-reference")),
        "WWW-Authenticate": header("How to sign in.", Schema::constant("Bearer")),
        // Absent where the client had better look first.
        "Retry-After": {"description": "Seconds until it is worth trying again.", "schema": seconds},
    })
}
