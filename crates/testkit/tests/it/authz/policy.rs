//! The policy as it ships, word for word: what each built-in role allows, and who may call each route. A change of either
//! shows here, for a person to agree to.

use std::fmt::Write as _;

use insula::router::{Access, routes};
use insula_model::clock::{Clock, Ids};
use insula_model::rights::{Action, BuiltinRole, Resource, Rights};
use insula_testkit::{TestApp, both_stores};
use serde_json::{Value, json};

/// `role | resource | action action …`, as `GET /authz/matrix` tells it.
fn table(matrix: &Value) -> String {
    let mut text = String::new();
    let list = |name: &str| matrix[name].as_array().unwrap().clone();
    for role in list("roles") {
        for resource in list("resources") {
            let cell = |action: &Value| {
                let mut cells = list("cells").into_iter();
                let found = cells.find(|c| c["role"] == role && c["resource"] == resource && c["action"] == *action);
                found.map_or_else(
                    || "-".to_owned(),
                    |cell| {
                        let plain =
                            cell["scope"] == "tenant" && cell.get("where").is_none() && cell.get("fields").is_none();
                        let action = action.as_str().unwrap();
                        if plain { action.to_owned() } else { format!("{action}({})", cell["scope"].as_str().unwrap()) }
                    },
                )
            };
            let actions: Vec<String> = list("actions").iter().map(cell).collect();
            let (role, resource) = (role.as_str().unwrap(), resource.as_str().unwrap());
            let _ = writeln!(text, "{role:<8} {resource:<16} {}", actions.join(" "));
        }
    }
    text
}

both_stores! {
    async fn the_matrix_is_what_was_agreed_to(app: TestApp) {
        let owner = app.register("acme").await;
        owner.post("/entities", &json!({"name": "thing", "fields": []})).await.expect(201);
        let matrix = owner.get("/authz/matrix").await.expect(200);
        insta::assert_snapshot!("matrix", table(&matrix.body));
        owner.user("viewer").await.get("/authz/matrix").await.expect_problem(403, "forbidden");
        let admin = owner.user("admin").await.get("/authz/matrix").await.expect(200);
        assert_eq!(admin.body, matrix.body);
    }
}

#[test]
fn every_route_is_open_to_whom_was_agreed_to() {
    let thing = Resource::Records(Ids::new(Clock::default()).next());
    let mut text = String::new();
    for route in routes() {
        let (access, asked) = match route.access {
            Access::Public => ("anyone".to_owned(), None),
            Access::Own => ("signed in".to_owned(), None),
            Access::Tenant(resource, action) => {
                (format!("{} {}", resource.name(), action.name()), Some((resource, action)))
            }
            Access::Platform => ("superuser".to_owned(), None),
            Access::RecordChanges => ("records, each".to_owned(), Some((thing, Action::Create))),
            Access::Restoring => ("records read and delete".to_owned(), Some((thing, Action::Delete))),
            Access::Records(action) => (format!("records {}", action.name()), Some((thing, action))),
        };
        let may = |role: &BuiltinRole| {
            let rights = Rights::new(Vec::new(), role.permissions());
            route.access != Access::Platform && asked.is_none_or(|(resource, action)| rights.allows(resource, action))
        };
        let roles: Vec<&str> = BuiltinRole::ALL.iter().filter(|role| may(role)).map(|role| role.code()).collect();
        let _ = writeln!(text, "{:<6} {:<36} {:<16} {}", route.method.as_str(), route.path, access, roles.join(" "));
    }
    insta::assert_snapshot!("routes", text);
}
