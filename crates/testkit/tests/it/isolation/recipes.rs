//! A request that succeeds, for every operation. What it needs is made for it alone, since it may use it up.

use std::sync::atomic::{AtomicU32, Ordering};

use insula_model::clock::Clock;
use insula_testkit::Caller;
use insula_testkit::caller::PASSWORD;
use insula_testkit::mails::mail_to;
use insula_testkit::openapi::Operation;
use serde_json::{Value, json};

use super::world::Side;
use crate::second_factor::{Authenticator, enrol};

/// Stands in what is sent, so that what comes back was stored by somebody else.
const SENT: &str = "sent";

/// What is sent with an operation.
#[derive(Clone, Default)]
pub(super) struct Inputs {
    /// Of the path's variables, by name.
    pub(super) variables: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
}

impl Inputs {
    /// The path with its query.
    pub(super) fn path(&self, operation: &Operation) -> String {
        let fill = |path: String, (name, value): &(String, String)| path.replace(&format!("{{{name}}}"), value);
        let path = self.variables.iter().fold(operation.path.clone(), fill);
        assert!(!path.contains('{'), "{}: its recipe leaves {path} open", operation.id);
        if self.query.is_empty() {
            return path;
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{path}?{query}")
    }

    /// Whether it names something by its id, other than to filter.
    pub(super) fn names_ids(&self) -> bool {
        let is_id = |text: &str| text.len() == 36 && text.matches('-').count() == 4;
        fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::String(text) => found.push(text),
                Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
                Value::Object(members) => members.values().for_each(|member| texts(member, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        self.body.iter().for_each(|body| texts(body, &mut found));
        found.extend(self.variables.iter().map(|(_, value)| value.as_str()));
        found.into_iter().any(is_id)
    }

    fn body(body: Value) -> Self {
        Self { body: Some(body), ..Self::default() }
    }

    fn variable(name: &str, value: &str) -> Self {
        Self { variables: vec![(name.to_owned(), value.to_owned())], ..Self::default() }
    }

    fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The inputs with which `owner` of `side` succeeds.
pub(super) async fn recipe(operation: &Operation, side: &Side, owner: &Caller) -> Inputs {
    let (base, entity) = operation.id.split_once('_').unwrap_or((&operation.id, ""));
    match base {
        "getProblems"
        | "getLiveness"
        | "getReadiness"
        | "getHealth"
        | "getPlatformDocument"
        | "getDocument"
        | "getMe"
        | "getPasswordPolicy"
        | "getOrganisation"
        | "logout"
        | "listSessions"
        | "listApiKeys"
        | "enrolAuthenticator"
        | "listUsers"
        | "listJobs"
        | "listRoles"
        | "listGroups"
        | "getMatrix"
        | "listEntities"
        | "getSchema"
        | "listSchemaVersions"
        | "listRecords" => Inputs::default(),
        "register" => {
            let code = format!("new{}", number());
            Inputs::body(json!({
                "tenant": {"code": code, "name": "New"}, "email": format!("{code}@new.example"),
                "password": PASSWORD, "full_name": "New",
            }))
        }
        "login" => Inputs::body(json!({"email": owner.email, "password": PASSWORD})),
        "refresh" => Inputs::body(json!({"refresh_token": owner.refresh_token})),
        "endSession" => {
            let other = owner.login(&owner.email).await.get("/auth/sessions").await.expect(200);
            let current = |session: &&Value| session["current"] == true;
            Inputs::variable("id", other.items().iter().find(current).unwrap()["id"].as_str().unwrap())
        }
        "createApiKey" => {
            let program = json!({"kind": "service", "full_name": side.canary, "roles": ["viewer"]});
            let mut body = api_key(SENT);
            body["account"] = made("users", &program, owner).await.into();
            Inputs::body(body)
        }
        "revokeApiKey" => Inputs::variable("id", &made("api-keys", &api_key(&side.canary), owner).await),
        "confirmAuthenticator" => {
            let told = owner.post("/auth/mfa/totp", &json!(null)).await.expect(200);
            Inputs::body(json!({"code": Authenticator::new(&told).code(Clock::default().now())}))
        }
        "removeAuthenticator" => {
            let recovery = enrol(owner, &Clock::default()).await.recovery.swap_remove(0);
            Inputs::body(json!({"recovery_code": recovery}))
        }
        "verifySecondFactor" => {
            let recovery = enrol(owner, &Clock::default()).await.recovery.swap_remove(0);
            let login = json!({"email": owner.email, "password": PASSWORD});
            let half = owner.post("/auth/login", &login).await.expect(200);
            Inputs::body(json!({"mfa_token": half.body["mfa_token"], "recovery_code": recovery}))
        }
        "forgotPassword" => Inputs::body(json!({"email": owner.email})),
        "resetPassword" => Inputs::body(json!({"token": reset_token(side, owner).await, "new_password": PASSWORD})),
        "changePassword" => Inputs::body(json!({"current_password": PASSWORD, "new_password": PASSWORD})),
        "updateOrganisation" => Inputs::body(json!({"name": SENT, "policies": {"password": {"min_length": 13}}})),
        "createUser" | "updateUser" => {
            let unit = made("org/companies", &unit(&side.canary), owner).await;
            if base == "updateUser" {
                Inputs::variable("id", &user(side, owner).await).with(json!({"full_name": SENT, "unit": unit}))
            } else {
                let mut body = member(side, SENT);
                body["unit"] = unit.into();
                Inputs::body(body)
            }
        }
        "getUser" | "deleteUser" | "unlockUser" => Inputs::variable("id", &user(side, owner).await),
        "createRole" => Inputs::body(role(SENT)),
        "updateRole" => {
            Inputs::variable("id", &made("roles", &role(&side.canary), owner).await).with(json!({"name": SENT}))
        }
        "getRole" | "deleteRole" => Inputs::variable("id", &made("roles", &role(&side.canary), owner).await),
        "createGroup" => Inputs::body(group(SENT, &side.account)),
        "updateGroup" => {
            let id = made("groups", &group(&side.canary, &side.account), owner).await;
            Inputs::variable("id", &id).with(json!({"name": SENT, "members": [side.account]}))
        }
        "getGroup" | "deleteGroup" => {
            Inputs::variable("id", &made("groups", &group(&side.canary, &side.account), owner).await)
        }
        "listUnits" => Inputs::variable("kind", "companies"),
        "createUnit" => {
            let parent = made("org/companies", &unit(&side.canary), owner).await;
            Inputs::variable("kind", "branches").with(json!({"name": SENT, "parent": parent}))
        }
        "getUnit" | "updateUnit" | "deleteUnit" => {
            let company = made("org/companies", &unit(&side.canary), owner).await;
            let branch = json!({"name": side.canary, "parent": company});
            let id = made("org/branches", &branch, owner).await;
            let variables = vec![("kind".to_owned(), "branches".to_owned()), ("id".to_owned(), id)];
            let body = (base == "updateUnit").then(|| json!({"name": SENT, "parent": company}));
            Inputs { variables, body, ..Inputs::default() }
        }
        "listAuditEvents" => Inputs {
            query: vec![("actor".into(), side.account.clone()), ("record".into(), side.record.clone())],
            ..Inputs::default()
        },
        "getJob" | "cancelJob" => Inputs::variable("id", &job(side, owner).await),
        "createEntity" => Inputs::body(entity_of(&format!("made{}", number()), SENT)),
        "getEntity" => Inputs::variable("entity", "ticket"),
        "deleteEntity" => {
            let name = format!("made{}", number());
            owner.post("/entities", &entity_of(&name, &side.canary)).await.expect(201);
            Inputs::variable("entity", &name)
        }
        "updateEntity" => {
            let name = format!("made{}", number());
            owner.post("/entities", &entity_of(&name, &side.canary)).await.expect(201);
            Inputs::variable("entity", &name).with(json!({"label": SENT}))
        }
        "addField" | "updateField" | "dropField" => {
            let name = format!("made{}", number());
            owner.post("/entities", &entity_of(&name, &side.canary)).await.expect(201);
            let body = match base {
                "addField" => Some(json!({"name": "more", "type": "text", "label": SENT})),
                "updateField" => Some(json!({"label": SENT})),
                _ => None,
            };
            let gone = json!({"name": "gone", "type": "text"});
            owner.post(&format!("/entities/{name}/fields"), &gone).await.expect(201);
            let variables =
                [("entity", name.as_str()), ("field", "gone")].map(|(name, value)| (name.into(), value.into()));
            Inputs { variables: variables.into(), body, ..Inputs::default() }
        }
        // As it is, but for a label: what this side needs stays. Without ids: elsewhere those of a document mean nothing.
        "planSchema" | "applySchema" => {
            let mut document = owner.get("/schema").await.expect(200).body;
            for entity in document["entities"].as_array_mut().unwrap() {
                entity.as_object_mut().unwrap().remove("id");
                for field in entity["fields"].as_array_mut().unwrap() {
                    field.as_object_mut().unwrap().remove("id");
                }
            }
            document["entities"][0]["plural_label"] = json!(format!("{SENT} {}", number()));
            Inputs::body(document)
        }
        "createRecord" => Inputs::body(draft(entity, side, owner, SENT).await),
        "getRecord" | "deleteRecord" => Inputs::variable("id", &record(entity, side, owner).await),
        "restoreRecord" => {
            let id = record(entity, side, owner).await;
            owner.delete(&format!("/records/{entity}/{id}")).await.expect(204);
            Inputs::variable("id", &id)
        }
        "queryRecords" => {
            Inputs::body(json!({"sort": "-name", "filter": "name != params.none", "params": {"none": SENT}}))
        }
        "changeManyRecords" => {
            let id = record("ticket", side, owner).await;
            let customer = json!({"name": side.canary});
            Inputs::body(json!({"operations": [
                {"op": "update", "entity": "ticket", "id": id, "data": {"name": SENT}},
                {"op": "create", "entity": "customer", "data": customer, "ref": "new"},
                {"op": "update", "entity": "ticket", "id": id, "data": {"customer": "$ref:new"}},
            ]}))
        }
        "updateRecord" | "replaceRecord" => {
            Inputs::variable("id", &record(entity, side, owner).await).with(draft(entity, side, owner, SENT).await)
        }
        "changeRecords" => {
            let mut change = draft(entity, side, owner, SENT).await;
            change["id"] = record(entity, side, owner).await.into();
            let gone = record(entity, side, owner).await;
            let new = draft(entity, side, owner, SENT).await;
            Inputs::body(json!({"create": [new], "update": [change], "delete": [gone]}))
        }
        _ => panic!("{} has no recipe: add a request that succeeds to {}", operation.id, file!()),
    }
}

fn member(side: &Side, name: &str) -> Value {
    let email = format!("member{}@{}.example", number(), side.code);
    json!({"email": email, "full_name": name, "password": PASSWORD, "roles": ["editor"]})
}

fn role(name: &str) -> Value {
    let grant = json!({"resource": "records:ticket", "actions": ["read"], "scope": "tenant", "where": "priority > 1"});
    json!({"code": format!("role{}", number()), "name": name, "grants": [grant]})
}

fn api_key(name: &str) -> Value {
    json!({"name": name, "scopes": [{"resource": "records:ticket", "actions": ["read"]}]})
}

fn group(name: &str, member: &str) -> Value {
    json!({"code": format!("group{}", number()), "name": name, "members": [member], "roles": ["viewer"]})
}

fn unit(name: &str) -> Value {
    json!({"name": name, "code": format!("unit{}", number())})
}

async fn made(what: &str, body: &Value, owner: &Caller) -> String {
    owner.post(&format!("/{what}"), body).await.expect(201).id().to_owned()
}

fn entity_of(name: &str, label: &str) -> Value {
    json!({"name": name, "label": label, "fields": [{"name": "name", "type": "text"}]})
}

/// Of a mail to a member who forgot a password.
async fn reset_token(side: &Side, owner: &Caller) -> String {
    let member = member(side, &side.canary);
    owner.post("/users", &member).await.expect(201);
    let email = member["email"].as_str().unwrap();
    owner.post("/auth/password/forgot", &json!({"email": email})).await.expect(202);
    mail_to(&side.data_dir, email).await.after("/reset?token=").to_owned()
}

async fn user(side: &Side, owner: &Caller) -> String {
    owner.post("/users", &member(side, &side.canary)).await.expect(201).id().to_owned()
}

/// A job that waits: a request with a key leaves something to be purged. One that was cancelled has a successor.
async fn job(side: &Side, owner: &Caller) -> String {
    let request = owner.request(reqwest::Method::POST, "/records/customer").json(&json!({"name": side.canary}));
    owner.send(request.header("idempotency-key", number().to_string())).await.expect(201);
    let jobs = owner.get("/jobs").await.expect(200);
    jobs.items().iter().find(|job| job["state"] == "waiting").expect("a job waits")["id"].as_str().unwrap().to_owned()
}

/// A record of `entity` with every field, those that refer to others too.
async fn draft(entity: &str, side: &Side, owner: &Caller, name: &str) -> Value {
    if entity != "ticket" {
        return json!({"name": name});
    }
    let customer = json!({"name": side.canary});
    let customer = owner.post("/records/customer", &customer).await.expect(201).id().to_owned();
    json!({"name": name, "priority": 3, "customer": customer, "others": [customer], "agent": side.account})
}

async fn record(entity: &str, side: &Side, owner: &Caller) -> String {
    let draft = draft(entity, side, owner, &side.canary).await;
    owner.post(&format!("/records/{entity}"), &draft).await.expect(201).id().to_owned()
}
