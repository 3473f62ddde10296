//! Every route, called without the right it declares.

use insula::router::{Access, RouteInfo, routes};
use insula_model::rights::Action;
use insula_testkit::{TestApp, both_stores};
use serde_json::{Value, json};

/// The path with something real in place of its variables.
fn filled(route: &RouteInfo, id: &str) -> String {
    route
        .path
        .replace("{entity}", "thing")
        .replace("{field}", "name")
        .replace("{kind}", "companies")
        .replace("{id}", id)
}

both_stores! {
    async fn no_route_answers_whom_it_does_not_declare(app: TestApp) {
        let owner = app.register("acme").await;
        owner.post("/entities", &json!({"name": "thing", "fields": []})).await.expect(201);
        let id = owner.post("/records/thing", &json!({})).await.expect(201).id().to_owned();
        let viewer = owner.user("viewer").await;
        let mut tried = 0;
        for route in routes() {
            if route.access == Access::Public {
                continue;
            }
            let path = filled(&route, &id);
            // A body that would do something if it were let through.
            let bodies = match route.access {
                // Each action by itself.
                Access::RecordChanges if route.path == "/api/v1/batch" => {
                    let operation = |op: &str, id: Value, data: Value| json!({"operations": [{"op": op, "entity": "thing", "id": id, "data": data}]});
                    let id = json!(id);
                    vec![
                        operation("create", Value::Null, json!({})),
                        operation("update", id.clone(), json!({})),
                        operation("delete", id, Value::Null),
                    ]
                }
                Access::RecordChanges => {
                    vec![json!({"create": [{}]}), json!({"update": [{"id": id}]}), json!({"delete": [id]})]
                }
                _ => vec![json!({"name": "other"})],
            };
            let may = match route.access {
                Access::Public | Access::Own => true,
                Access::Platform => false,
                Access::Records(action) => action == Action::Read,
                Access::RecordChanges | Access::Restoring => false,
                // The viewer sees the schema and nothing else of the administration.
                Access::Tenant(_, action) => {
                    let shown = ["/api/v1/entities", "/api/v1/schema"].iter().any(|start| path.starts_with(start));
                    action == Action::Read && shown
                },
            };
            for body in bodies {
                let anyone = app.anonymous();
                let sent = anyone.send(anyone.request(route.method.clone(), &path).json(&body)).await;
                sent.expect_problem(401, "unauthenticated");
                if !may {
                    let sent = viewer.send(viewer.request(route.method.clone(), &path).json(&body)).await;
                    // To a member of a tenant there is no platform to be found.
                    let platform = route.access == Access::Platform;
                    let (status, code) = if platform { (404, "not_found") } else { (403, "forbidden") };
                    sent.expect_problem(status, code);
                    tried += 1;
                }
            }
        }
        assert!(tried >= 10, "only {tried} routes were refused");
        assert_eq!(owner.get("/records/thing?count=exact").await.expect(200).body["total"], 1);
        assert_eq!(owner.get("/entities").await.expect(200).items().len(), 1);
    }
}
