//! The organisation's tree, users in it, and how far the rights of those who stand in it reach.

mod paths;
mod people;
mod scopes;
mod tree;

use insula_testkit::Caller;
use serde_json::{Value, json};

/// Two companies; the first with two branches, of which one has two departments. By name.
struct House {
    owner: Caller,
    units: Vec<(&'static str, String)>,
}

/// Each unit with its collection and its parent.
const UNITS: [(&str, &str, Option<&str>); 7] = [
    ("acme", "companies", None),
    ("north", "branches", Some("acme")),
    ("south", "branches", Some("acme")),
    ("sales", "departments", Some("north")),
    ("works", "departments", Some("north")),
    ("fleet", "departments", Some("south")),
    ("other", "companies", None),
];

impl House {
    async fn build(owner: Caller) -> Self {
        let mut house = Self { owner, units: Vec::new() };
        for (name, kind, parent) in UNITS {
            let mut body = json!({"name": name, "code": name, "attributes": {"region": format!("of {name}")}});
            if let Some(parent) = parent {
                body["parent"] = house.unit(parent).into();
            }
            let made = house.owner.post(&format!("/org/{kind}"), &body).await.expect(201);
            house.units.push((name, made.id().to_owned()));
        }
        house
    }

    fn unit(&self, name: &str) -> &str {
        self.units.iter().find(|(other, _)| *other == name).map(|(_, id)| id.as_str()).unwrap()
    }

    async fn role(&self, code: &str, grants: Value) {
        let body = json!({"code": code, "name": code, "grants": grants});
        self.owner.post("/roles", &body).await.expect(201);
    }

    /// A new user with a role, who belongs to a unit.
    async fn user(&self, name: &str, role: &str, unit: Option<&str>) -> Caller {
        let user = self.owner.user_named(name, role).await;
        self.place(&user, unit).await;
        user
    }

    async fn place(&self, user: &Caller, unit: Option<&str>) {
        let path = format!("/users/{}", account(user).await);
        self.owner.patch(&path, &json!({"unit": unit.map(|unit| self.unit(unit))})).await.expect(200);
    }
}

async fn account(user: &Caller) -> String {
    user.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned()
}

/// Whether `unit` is `above`, or part of it.
fn is_within(unit: &str, above: &str) -> bool {
    let parent = UNITS.iter().find(|(name, ..)| *name == unit).and_then(|(_, _, parent)| *parent);
    unit == above || parent.is_some_and(|parent| is_within(parent, above))
}

/// The unit of a collection that `unit` is, or is part of.
fn at(unit: &str, kind: &str) -> Option<&'static str> {
    UNITS.iter().find(|(name, of, _)| *of == kind && is_within(unit, name)).map(|(name, ..)| *name)
}

fn filter(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Titles, sorted.
fn titles(items: &[Value]) -> Vec<String> {
    let mut titles: Vec<String> = items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}
