//! Rules of an entity: conditions that every record keeps which is written, each with what to say where one does not.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Entity, FieldKind, Schema, define};
use crate::expr::{Context, Expr, ExprError, MAX_LENGTH, Reach, Template};
use crate::input::{Members, text};
use crate::json::Json;
use crate::name::Name;
use crate::problem::{Code, Errors, pointer};

/// Rules of one entity. All of them are asked of every record that is written.
const MAX_RULES: usize = 100;
const MAX_MESSAGE: usize = 500;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rule {
    pub name: Name,
    pub expr: Template,
    /// For whoever writes a record that breaks it.
    pub message: String,
}

impl Rule {
    /// The condition under the fields of today; an error where it has lost one of them or its meaning.
    pub fn compile(&self, entity: &Entity, schema: &Schema) -> Result<Expr, ExprError> {
        self.expr.compile(&context(entity, schema))
    }

    pub(super) fn view(&self, entity: &Entity) -> Value {
        json!({"name": self.name, "expr": self.expr.text(&|id| entity.field(id)), "message": self.message})
    }
}

/// Of the record alone: a rule is asked when the record is written, and not when others are.
const fn context<'a>(entity: &'a Entity, schema: &'a Schema) -> Context<'a> {
    Context { schema, entity, readable: &|_, _| true, visible: &|_| true, params: None, reach: Reach::Record }
}

/// Reads `[{name, expr, message}]`, which stands at `at`, about the records of `entity`.
pub(super) fn read(items: &[Json], at: &str, entity: &Entity, schema: &Schema, errors: &mut Errors) -> Vec<Rule> {
    if items.len() > MAX_RULES {
        errors.add(at, Code::TooLong, format!("An entity has at most {MAX_RULES} rules."));
        return Vec::new();
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = pointer(at, &index.to_string());
        if let Some(rule) = one(item, &at, entity, schema, errors) {
            if rules.iter().any(|other| other.name == rule.name) {
                let message = "Two rules of one entity cannot have the same name.";
                errors.add(pointer(&at, "name"), Code::NotUnique, message);
            }
            rules.push(rule);
        }
    }
    rules
}

fn one(json: &Json, at: &str, entity: &Entity, schema: &Schema, errors: &mut Errors) -> Option<Rule> {
    let mut members = Members::of(json, at, errors)?;
    let name = define::name(&mut members, errors);
    let expr = members.text("expr", MAX_LENGTH, errors);
    let expr = expr.and_then(|source| expression(source, members.pointer("expr"), entity, schema, errors));
    let message = members.required("message", errors);
    let message = message.and_then(|json| text(json, members.pointer("message"), 1, MAX_MESSAGE, errors));
    members.finish(errors);
    Some(Rule { name: name?, expr: expr?, message: message?.to_owned() })
}

fn expression(source: &str, at: String, entity: &Entity, schema: &Schema, errors: &mut Errors) -> Option<Template> {
    let expr = match Template::parse(source, &context(entity, schema)) {
        Ok(expr) => expr,
        Err(error) => {
            errors.add(at, error.kind.code(), error.message);
            return None;
        }
    };
    let numbered = expr.fields().filter_map(|id| entity.field(id)).find(|field| field.kind == FieldKind::AutoNumber);
    if let Some(field) = numbered {
        let message = format!("`{}` is given after the rules were asked; no rule can name it", field.name);
        errors.add(at, Code::InvalidExpression, message);
        return None;
    }
    Some(expr)
}
