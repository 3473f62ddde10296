//! One operation as its endpoint describes it: what it takes, what it answers. What every operation of its kind has
//! besides, such as a token, the variables of its path and the problems they bring, the document adds.

use insula_model::org::UnitKind;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schema::{Parts, Schema};

/// An operation of the API.
pub(crate) struct Operation {
    pub(super) id: &'static str,
    summary: String,
    details: Option<String>,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    answers: BTreeMap<u16, Answer>,
    pub(super) problems: Vec<u16>,
}

/// A parameter in the query string, the path or a header.
pub(crate) struct Parameter {
    pub(super) name: &'static str,
    place: &'static str,
    description: String,
    schema: Schema,
    /// Several values, separated by commas.
    list: bool,
}

struct Body {
    schema: Schema,
    required: bool,
    example: Option<Value>,
}

/// An answer that went well.
pub(crate) struct Answer {
    status: u16,
    description: &'static str,
    schema: Option<Schema>,
    headers: Vec<&'static str>,
    example: Option<Value>,
    /// The type of a body that is no JSON.
    media: Option<&'static str>,
}

impl Parameter {
    pub(crate) fn query(name: &'static str, description: impl Into<String>, schema: Schema) -> Self {
        Self { name, place: "query", description: description.into(), schema, list: false }
    }

    /// A query parameter of values separated by commas.
    pub(crate) fn query_list(name: &'static str, description: impl Into<String>, items: Schema) -> Self {
        let schema = Schema::array(items).with("minItems", 1).with("uniqueItems", true);
        Self { list: true, ..Self::query(name, description, schema) }
    }

    pub(crate) fn header(name: &'static str, description: impl Into<String>, schema: Schema) -> Self {
        Self { place: "header", ..Self::query(name, description, schema) }
    }

    pub(crate) fn limit() -> Self {
        let schema = Schema::integer(Some(1), Some(1000)).with("default", 50);
        Self::query("limit", "The most items of a page.", schema)
    }

    pub(crate) fn cursor() -> Self {
        let description = "Where to go on: `next_cursor` of the page before, with the same other parameters.";
        Self::query("cursor", description, super::schema::cursor())
    }

    pub(super) fn idempotency_key() -> Self {
        let description = "A name for this request, such as a random UUID: sent again within a day with the same name, it \
                           is answered and not done again, and `Idempotency-Replayed: true` says so.";
        Self::header("Idempotency-Key", description, Schema::pattern(255, "^[!-~]{1,255}$"))
    }

    /// A variable of a path, by its name.
    pub(super) fn variable(name: &str) -> Option<Self> {
        let (name, description, schema) = match name {
            "entity" => ("entity", "The entity's name.", Schema::name()),
            "field" => ("field", "The field's name.", Schema::name()),
            "kind" => ("kind", "Which level of the tree.", Schema::one_of(UnitKind::ALL.map(UnitKind::plural))),
            "id" => ("id", "The id.", Schema::uuid()),
            _ => return None,
        };
        Some(Self { place: "path", ..Self::query(name, description, schema) })
    }

    pub(super) fn place(self, parts: &mut Parts) -> Value {
        let mut json = json!({
            "name": self.name, "in": self.place, "description": self.description, "required": self.place == "path",
        });
        set(&mut json, "schema", self.schema.place(parts));
        if self.list {
            set(&mut json, "style", "form".into());
            set(&mut json, "explode", false.into());
        }
        json
    }
}

impl Answer {
    pub(crate) fn json(status: u16, description: &'static str, schema: Schema) -> Self {
        Self { status, description, schema: Some(schema), headers: Vec::new(), example: None, media: None }
    }

    pub(crate) fn empty(status: u16, description: &'static str) -> Self {
        Self { status, description, schema: None, headers: Vec::new(), example: None, media: None }
    }

    /// With a body that is no JSON.
    pub(crate) fn media(mut self, media: &'static str) -> Self {
        self.media = Some(media);
        self
    }

    /// With a header of the document's list: `ETag`, `Location`.
    pub(crate) fn header(mut self, name: &'static str) -> Self {
        self.headers.push(name);
        self
    }

    pub(crate) fn example(mut self, example: Value) -> Self {
        self.example = Some(example);
        self
    }

    fn place(self, parts: &mut Parts) -> Value {
        let headers = self.headers.into_iter().chain(["X-Request-Id"]);
        let headers: Map<String, Value> =
            headers.map(|name| (name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}))).collect();
        let mut json = json!({"description": self.description, "headers": headers});
        if let Some(schema) = self.schema {
            set(&mut json, "content", content(schema, self.example, parts));
        }
        if let Some(media) = self.media {
            set(&mut json, "content", json!({media: {}}));
        }
        json
    }
}

impl Operation {
    /// `id` is for programs and never changes.
    pub(crate) fn new(id: &'static str, summary: impl Into<String>) -> Self {
        Self {
            id,
            summary: summary.into(),
            details: None,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// What the summary has no room for.
    pub(crate) fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    pub(crate) fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    pub(crate) fn parameters(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// A JSON body.
    pub(crate) fn body(mut self, schema: Schema) -> Self {
        self.body = Some(Body { schema, required: true, example: None });
        self
    }

    /// A JSON body that may be left out.
    pub(crate) fn optional_body(mut self, schema: Schema) -> Self {
        self.body = Some(Body { schema, required: false, example: None });
        self
    }

    /// An example of the body.
    pub(crate) fn sent(mut self, example: Value) -> Self {
        if let Some(body) = &mut self.body {
            body.example = Some(example);
        }
        self
    }

    pub(crate) fn answer(mut self, answer: Answer) -> Self {
        self.answers.insert(answer.status, answer);
        self
    }

    /// A problem beyond those that every operation of its kind may meet.
    pub(crate) fn problem(mut self, status: u16) -> Self {
        self.problems.push(status);
        self
    }

    pub(super) const fn has_body(&self) -> bool {
        self.body.is_some()
    }

    pub(super) fn declares(&self, variable: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.place == "path" && parameter.name == variable)
    }

    /// The operation object, without what the document adds.
    pub(super) fn place(self, id: &str, parts: &mut Parts) -> Value {
        let mut json = json!({"operationId": id, "summary": self.summary});
        if let Some(details) = self.details {
            set(&mut json, "description", details.into());
        }
        let parameters: Vec<Value> = self.parameters.into_iter().map(|parameter| parameter.place(parts)).collect();
        if !parameters.is_empty() {
            set(&mut json, "parameters", parameters.into());
        }
        if let Some(Body { schema, required, example }) = self.body {
            let content = content(schema, example, parts);
            set(&mut json, "requestBody", json!({"required": required, "content": content}));
        }
        let answers = self.answers.into_iter();
        let answers: Map<String, Value> = answers.map(|(status, a)| (status.to_string(), a.place(parts))).collect();
        let problems = self.problems.into_iter();
        let problems = problems.map(|status| {
            (status.to_string(), json!({"$ref": format!("#/components/responses/{}", super::problems::name(status))}))
        });
        set(&mut json, "responses", Value::Object(problems.chain(answers).collect()));
        json
    }
}

fn content(schema: Schema, example: Option<Value>, parts: &mut Parts) -> Value {
    let mut media = json!({"schema": schema.place(parts)});
    if let Some(example) = example {
        set(&mut media, "example", example);
    }
    json!({"application/json": media})
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(key.to_owned(), value);
    }
}
