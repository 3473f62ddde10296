//! JSON Schema (2020-12, the dialect of OpenAPI 3.1), as far as the API needs it. A string cannot be made without its
//! greatest length (requirement C2), and a schema carries the named ones it refers to, so that no reference leads nowhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The longest integer every JSON reader can hold.
const MAX_INTEGER: i64 = insula_model::value::MAX_INTEGER;

/// A schema, with what it refers to by name.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    json: Map<String, Value>,
    parts: Parts,
}

/// Named schemas: the document's `components/schemas`.
pub(super) type Parts = BTreeMap<String, Value>;

/// A member of an object.
pub(crate) struct Member {
    name: String,
    schema: Schema,
    required: bool,
}

/// A member that must be there.
pub(crate) fn required(name: impl Into<String>, schema: Schema) -> Member {
    Member { name: name.into(), schema, required: true }
}

/// A member that may be absent.
pub(crate) fn optional(name: impl Into<String>, schema: Schema) -> Member {
    Member { name: name.into(), schema, required: false }
}

impl Schema {
    fn new(json: Value) -> Self {
        let json = if let Value::Object(json) = json { json } else { Map::new() };
        Self { json, parts: Parts::new() }
    }

    /// `min` to `max` code points.
    pub(crate) fn text(min: u32, max: u32) -> Self {
        let mut schema = Self::new(json!({"type": "string", "maxLength": max}));
        if min > 0 {
            schema.set("minLength", min);
        }
        schema
    }

    /// A text of a shape (ECMA-262).
    pub(crate) fn pattern(max: u32, pattern: &str) -> Self {
        Self::text(0, max).with("pattern", pattern)
    }

    /// A text of a format that JSON Schema, RFC 9457 or OpenAPI knows.
    pub(crate) fn format(max: u32, format: &str) -> Self {
        Self::text(0, max).with("format", format)
    }

    pub(crate) fn uuid() -> Self {
        Self::format(36, "uuid")
    }

    /// A name of one line, not blank.
    pub(crate) fn label() -> Self {
        let line = r"[^\x00-\x1f\x7f-\x9f]*";
        Self::text(1, 200).with("pattern", format!(r"^{line}\S{line}$"))
    }

    /// The machine name of an entity or field.
    pub(crate) fn name() -> Self {
        Self::pattern(63, "^[a-z][a-z0-9_]{0,62}$")
    }

    /// Requirement C3.
    pub(crate) fn code() -> Self {
        Self::pattern(50, "^[A-Za-z0-9_-]{1,50}$")
    }

    pub(crate) fn email() -> Self {
        Self::format(254, "email")
    }

    pub(crate) fn date() -> Self {
        Self::format(10, "date")
    }

    /// RFC 3339.
    pub(crate) fn datetime() -> Self {
        Self::format(40, "date-time")
    }

    /// One of these texts.
    pub(crate) fn one_of<T: AsRef<str>>(options: impl IntoIterator<Item = T>) -> Self {
        let options: Vec<String> = options.into_iter().map(|option| option.as_ref().to_owned()).collect();
        let longest = options.iter().map(|option| option.chars().count()).max().unwrap_or(0);
        Self::new(json!({"type": "string", "enum": options, "maxLength": longest}))
    }

    pub(crate) fn integer(min: Option<i64>, max: Option<i64>) -> Self {
        let (min, max) = (min.unwrap_or(-MAX_INTEGER), max.unwrap_or(MAX_INTEGER));
        Self::new(json!({"type": "integer", "minimum": min, "maximum": max}))
    }

    pub(crate) fn number() -> Self {
        Self::new(json!({"type": "number"}))
    }

    pub(crate) fn boolean() -> Self {
        Self::new(json!({"type": "boolean"}))
    }

    /// Exactly this value.
    pub(crate) fn constant(value: &str) -> Self {
        Self::one_of([value])
    }

    pub(crate) fn array(items: Self) -> Self {
        let Self { json, parts } = items;
        let mut array = Self::new(json!({"type": "array", "items": json}));
        array.parts = parts;
        array
    }

    /// An object that is sent: a member nobody asked for is refused.
    pub(crate) fn input(members: impl IntoIterator<Item = Member>) -> Self {
        Self::output(members).with("additionalProperties", false)
    }

    /// An object that is answered: members may be added.
    pub(crate) fn output(members: impl IntoIterator<Item = Member>) -> Self {
        let mut object = Self::new(json!({"type": "object"}));
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for Member { name, schema, required: must } in members {
            if must {
                required.push(name.clone());
            }
            properties.insert(name, object.take(schema));
        }
        object.set("properties", properties);
        if !required.is_empty() {
            object.set("required", required);
        }
        object
    }

    /// An object of whatever members.
    pub(crate) fn free_form() -> Self {
        Self::new(json!({"type": "object", "additionalProperties": true}))
    }

    /// An object of whatever members, each of which is this.
    pub(crate) fn values(each: Self) -> Self {
        let mut schema = Self::new(json!({"type": "object"}));
        let each = schema.take(each);
        schema.with("additionalProperties", each)
    }

    /// Any of several.
    pub(crate) fn any_of(choices: impl IntoIterator<Item = Self>) -> Self {
        let mut schema = Self::new(json!({}));
        let choices: Vec<Value> = choices.into_iter().map(|choice| schema.take(choice)).collect();
        schema.set("anyOf", choices);
        schema
    }

    /// `schema` under a name of the document.
    pub(crate) fn named(name: impl Into<String>, schema: Self) -> Self {
        let name = name.into();
        let mut reference = Self::reference(&name);
        let json = reference.take(schema);
        reference.parts.insert(name, json);
        reference
    }

    /// A schema that stands in the document already: for what refers to itself.
    pub(crate) fn reference(name: &str) -> Self {
        Self::new(json!({"$ref": format!("#/components/schemas/{name}")}))
    }

    /// The same, or null.
    pub(crate) fn nullable(mut self) -> Self {
        if let Some(options) = self.json.get_mut("enum").and_then(Value::as_array_mut) {
            options.push(Value::Null);
        }
        match self.json.get("type").cloned() {
            Some(Value::Array(_)) => self,
            Some(kind) => self.with("type", json!([kind, "null"])),
            None => Self::any_of([self, Self::new(json!({"type": "null"}))]),
        }
    }

    pub(crate) fn described(self, description: impl Into<String>) -> Self {
        let description = description.into();
        if description.is_empty() { self } else { self.with("description", description) }
    }

    /// One more keyword.
    pub(crate) fn with(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self.set(keyword, value);
        self
    }

    fn set(&mut self, keyword: &str, value: impl Into<Value>) {
        self.json.insert(keyword.to_owned(), value.into());
    }

    /// Takes in what another schema refers to, and gives its JSON.
    fn take(&mut self, other: Self) -> Value {
        self.parts.extend(other.parts);
        Value::Object(other.json)
    }

    /// The JSON; what it refers to goes into `parts`.
    pub(super) fn place(self, parts: &mut Parts) -> Value {
        parts.extend(self.parts);
        Value::Object(self.json)
    }
}

/// A page of a collection.
pub(crate) fn page(items: Schema) -> [Member; 2] {
    [required("items", Schema::array(items)), required("next_cursor", cursor().nullable())]
}

/// Where a page starts; opaque.
pub(crate) fn cursor() -> Schema {
    Schema::pattern(16_384, "^[A-Za-z0-9_-]*$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_added_to_every_kind_of_schema() {
        let check = |schema: Schema, expect: Value| {
            assert_eq!(schema.nullable().place(&mut Parts::new()), expect);
        };
        check(Schema::boolean(), json!({"type": ["boolean", "null"]}));
        check(Schema::boolean().nullable(), json!({"type": ["boolean", "null"]}));
        check(Schema::one_of(["a"]), json!({"type": ["string", "null"], "enum": ["a", null], "maxLength": 1}));
        check(Schema::reference("X"), json!({"anyOf": [{"$ref": "#/components/schemas/X"}, {"type": "null"}]}));
    }

    #[test]
    fn what_is_referred_to_comes_along() {
        let inner = Schema::named("Inner", Schema::boolean());
        let outer = Schema::named("Outer", Schema::output([required("inner", Schema::array(inner))]));
        let mut parts = Parts::new();
        assert_eq!(outer.place(&mut parts), json!({"$ref": "#/components/schemas/Outer"}));
        assert_eq!(parts.keys().collect::<Vec<_>>(), ["Inner", "Outer"]);
    }
}
