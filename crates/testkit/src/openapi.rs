//! OpenAPI documents as a test reads them: their operations, whether they keep their own rules, and whether a real answer
//! is as they say.

mod rules;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use rules::breaches;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "options", "head"];

/// One operation of a document.
#[derive(Clone)]
pub struct Operation {
    pub id: String,
    pub method: String,
    /// With its variables.
    pub path: String,
    json: Value,
}

/// All operations of a document, by their ids.
pub fn operations(document: &Value) -> BTreeMap<String, Operation> {
    let mut found = BTreeMap::new();
    for (path, item) in members(&document["paths"]) {
        for (method, json) in members(item).filter(|(method, _)| METHODS.contains(&method.as_str())) {
            let id = json["operationId"].as_str().unwrap_or_default().to_owned();
            let operation =
                Operation { id: id.clone(), method: method.to_uppercase(), path: path.clone(), json: json.clone() };
            assert!(found.insert(id, operation).is_none(), "two operations have the id of {method} {path}");
        }
    }
    found
}

impl Operation {
    /// Whether anyone may call it.
    pub fn is_public(&self) -> bool {
        self.json["security"].as_array().is_some_and(Vec::is_empty)
    }

    pub fn parameters(&self) -> &[Value] {
        self.json["parameters"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The schema of its JSON body, if it takes one.
    pub fn body(&self) -> Option<&Value> {
        self.json.pointer("/requestBody/content/application~1json/schema")
    }

    /// What `reply` to this operation has that `document` does not say, with objects taken as closed.
    pub fn undocumented(&self, document: &Value, status: u16, content_type: &str, body: &Value) -> Vec<String> {
        let answer = resolve(document, &self.json["responses"][status.to_string()]);
        if answer.is_null() {
            return vec![format!("{}: {status} is not documented", self.id)];
        }
        let Some(content) = answer.get("content") else {
            let unsaid = !body.is_null();
            return unsaid.then(|| format!("{}: {status} has a body", self.id)).into_iter().collect();
        };
        let essence = |media: &str| media.split(';').next().unwrap_or_default().to_owned();
        let Some((_, media)) = members(content).find(|(media, _)| essence(media) == essence(content_type)) else {
            return vec![format!("{}: {status} is not documented as `{content_type}`", self.id)];
        };
        if !essence(content_type).ends_with("json") {
            return Vec::new();
        }
        let mut schema = media["schema"].clone();
        schema["components"] = document["components"].clone();
        close(&mut schema);
        let validator = jsonschema::validator_for(&schema).expect("a schema of the document can be used");
        validator
            .iter_errors(body)
            .map(|error| format!("{}: {status} {}: {error}", self.id, error.instance_path()))
            .collect()
    }
}

/// What a `$ref` stands for; anything else stands for itself.
pub fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere"))
        }
        None => value,
    }
}

/// Objects that name their members have no others.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let names_members = members.get("type").is_some_and(|kind| kind == "object")
                && members.get("properties").is_some_and(Value::is_object);
            if names_members && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".into(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE).iter()
}
