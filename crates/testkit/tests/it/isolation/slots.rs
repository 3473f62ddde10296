//! The places of a request that take an id, read from the document: a recipe must fill every one of them.

use insula_testkit::openapi::{Operation, resolve};
use serde_json::Value;

use super::recipes::Inputs;

/// One place.
pub(super) struct Slot {
    /// `path id`, `query actor`, `body /update/0/id`.
    pub(super) at: String,
    place: Place,
    /// Takes a name in place of an id.
    pub(super) is_name: bool,
    /// Only chooses among what is answered anyway.
    pub(super) is_filter: bool,
}

enum Place {
    Path(String),
    Query(String),
    Body(String),
}

impl Slot {
    pub(super) fn read(&self, inputs: &Inputs) -> String {
        let named = |list: &[(String, String)], name: &str| {
            list.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
        };
        let found = match &self.place {
            Place::Path(name) => named(&inputs.variables, name),
            Place::Query(name) => named(&inputs.query, name),
            Place::Body(pointer) => {
                inputs.body.as_ref().and_then(|body| body.pointer(pointer)?.as_str().map(str::to_owned))
            }
        };
        found.unwrap_or_else(|| panic!("the recipe leaves out {}", self.at))
    }

    /// The same inputs with another value here.
    pub(super) fn write(&self, inputs: &Inputs, value: &str) -> Inputs {
        let mut changed = inputs.clone();
        let set = |list: &mut Vec<(String, String)>, name: &str| {
            list.retain(|(other, _)| other != name);
            list.push((name.to_owned(), value.to_owned()));
        };
        match &self.place {
            Place::Path(name) => set(&mut changed.variables, name),
            Place::Query(name) => {
                // By itself: beside another filter it might not be what decides.
                changed.query.clear();
                set(&mut changed.query, name);
            }
            Place::Body(pointer) => {
                let body = changed.body.as_mut().and_then(|body| body.pointer_mut(pointer));
                *body.unwrap_or_else(|| panic!("the recipe leaves out {}", self.at)) = value.into();
            }
        }
        changed
    }
}

pub(super) fn slots(operation: &Operation, inputs: &Inputs, document: &Value) -> Vec<Slot> {
    let mut slots = Vec::new();
    for parameter in operation.parameters().iter().map(|parameter| resolve(document, parameter)) {
        let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
        let is_id = parameter["schema"]["format"] == "uuid";
        let place = match place {
            "path" => Place::Path(name.to_owned()),
            "query" if is_id => Place::Query(name.to_owned()),
            _ => continue,
        };
        let is_filter = matches!(place, Place::Query(_));
        slots.push(Slot {
            at: format!("{} {name}", parameter["in"].as_str().unwrap()),
            place,
            is_name: !is_id,
            is_filter,
        });
    }
    if let Some(schema) = operation.body() {
        let mut pointers = Vec::new();
        in_body(document, schema, "", inputs.body.as_ref().unwrap_or(&Value::Null), &mut pointers, &operation.id);
        slots.extend(pointers.into_iter().map(|pointer| Slot {
            at: format!("body {pointer}"),
            place: Place::Body(pointer),
            is_name: false,
            is_filter: false,
        }));
    }
    slots
}

/// The pointers to every id that `schema` has room for; `value` must have one there.
fn in_body(document: &Value, schema: &Value, at: &str, value: &Value, found: &mut Vec<String>, operation: &str) {
    let schema = resolve(document, schema);
    if schema["format"] == "uuid" {
        assert!(value.is_string(), "{operation}: its recipe has no id at {at}");
        found.push(at.to_owned());
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        in_body(document, member, &format!("{at}/{name}"), &value[name], found, operation);
    }
    if schema["items"].is_object() && value.get(0).is_some() {
        in_body(document, &schema["items"], &format!("{at}/0"), &value[0], found, operation);
    }
    for choice in
        schema["anyOf"].as_array().into_iter().flatten().filter(|choice| !value.is_null() && fits(choice, value))
    {
        in_body(document, choice, at, value, found, operation);
    }
}

/// Whether a choice is about values of this kind: of its type, and with the constants it names.
fn fits(choice: &Value, value: &Value) -> bool {
    match choice["type"].as_str() {
        Some("string") => value.is_string(),
        Some("object") => choice["properties"].as_object().into_iter().flatten().all(|(name, member)| {
            let constant =
                member["enum"].as_array().filter(|options| options.len() == 1).and_then(|options| options.first());
            constant.is_none_or(|constant| value[name] == *constant)
        }),
        Some("array") => value.is_array(),
        Some(_) => false,
        None => true,
    }
}
