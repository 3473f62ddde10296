//! What every document of ours must keep: the specification, and the rules of the house.

use serde_json::Value;

use super::{members, operations, resolve};

/// The specification's own schema; see `openapi/ORIGIN.md`.
const SPECIFICATION: &str = include_str!("../../openapi/oas-3.1-schema.json");

/// Everything a document does not keep. Empty where it is sound.
pub fn breaches(document: &Value) -> Vec<String> {
    let mut breaches = of_the_specification(document);
    visit(document, "", &mut |value, at| {
        if let Some(reference) = value["$ref"].as_str()
            && document.pointer(reference.trim_start_matches('#')).is_none()
        {
            breaches.push(format!("{at}: {reference} leads nowhere"));
        }
        if is_unbounded_text(value) {
            breaches.push(format!("{at}: a text without maxLength"));
        }
    });
    // Collecting them holds their ids to be different.
    for operation in operations(document).values() {
        let named = |name: &str| {
            let parameters = operation.parameters().iter().map(|parameter| resolve(document, parameter));
            parameters.filter(|p| p["in"] == "path" && p["name"] == name).count() == 1
        };
        let variables = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        breaches.extend(
            variables.filter(|name| !named(name)).map(|name| format!("{}: `{name}` is no parameter", operation.id)),
        );
        if operation.id.is_empty() {
            breaches.push(format!("{} {}: no operationId", operation.method, operation.path));
        }
    }
    breaches.extend(examples(document));
    breaches
}

fn of_the_specification(document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SPECIFICATION).expect("the specification's schema is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("the specification's schema can be used");
    let told = |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    let mut breaches: Vec<String> = validator.iter_errors(document).map(told).collect();
    let mut schemas: Vec<(String, &Value)> =
        members(&document["components"]["schemas"]).map(|(name, schema)| (name.clone(), schema)).collect();
    visit(document, "", &mut |value, at| {
        if let Some(schema) = value.get("schema") {
            schemas.push((at.to_owned(), schema));
        }
    });
    for (at, schema) in schemas {
        if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
            breaches.push(format!("{at}: {error}"));
        }
    }
    breaches
}

/// A schema that lets any text through. Names that merely are `type` are no schemas: their values are objects.
fn is_unbounded_text(value: &Value) -> bool {
    let is_text = match &value["type"] {
        Value::String(kind) => kind == "string",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    };
    is_text && !value["maxLength"].is_u64()
}

/// An example that is not what it is an example of misleads.
fn examples(document: &Value) -> Vec<String> {
    let mut breaches = Vec::new();
    visit(document, "", &mut |value, at| {
        let (Some(example), Some(schema)) = (value.get("example"), value.get("schema")) else { return };
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::validator_for(&schema).expect("a schema of the document can be used");
        breaches.extend(validator.iter_errors(example).map(|error| format!("{at}: the example: {error}")));
    });
    breaches
}

/// Every object of the document, with the pointer to it.
fn visit<'d>(value: &'d Value, at: &str, look: &mut impl FnMut(&'d Value, &str)) {
    match value {
        Value::Object(map) => {
            look(value, at);
            for (name, member) in map.iter().filter(|(name, _)| *name != "example" && *name != "examples") {
                visit(member, &format!("{at}/{}", name.replace('/', "~1")), look);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit(item, &format!("{at}/{index}"), look);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_breach_is_seen() {
        let sound = || {
            json!({
                "openapi": "3.1.0", "info": {"title": "a", "version": "1"},
                "paths": {"/a/{id}": {"get": {
                    "operationId": "a",
                    "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Id"}}],
                    "responses": {"200": {"description": "a", "content": {"application/json": {
                        "schema": {"type": "integer"}, "example": 1,
                    }}}},
                }}},
                "components": {"schemas": {"Id": {"type": "string", "maxLength": 3}}},
            })
        };
        assert_eq!(breaches(&sound()), Vec::<String>::new());
        let check = |pointer: &str, value: Value, expect: &str| {
            let mut broken = sound();
            *broken.pointer_mut(pointer).unwrap() = value;
            let found = breaches(&broken);
            assert!(found.iter().any(|breach| breach.contains(expect)), "{pointer}: {found:?}");
        };
        check("/openapi", json!("3.0.0"), "does not match");
        check("/components/schemas/Id", json!({"type": "string"}), "maxLength");
        check("/components/schemas/Id", json!({"type": "text"}), "not valid");
        check("/components/schemas", json!({}), "leads nowhere");
        check("/paths/~1a~1{id}/get/operationId", json!(""), "no operationId");
        check("/paths/~1a~1{id}/get/parameters/0/name", json!("other"), "no parameter");
        check("/paths/~1a~1{id}/get/responses/200/content/application~1json/example", json!("1"), "the example");
    }
}
