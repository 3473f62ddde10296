//! An entity as the API shows it: the shape it was defined in, relations by the other entity's name, with ids.

use serde_json::{Map, Value as Json, json};

use super::{Entity, Field, FieldKind, Schema};
use crate::value::Duration;

impl Entity {
    pub fn view(&self, schema: &Schema) -> Json {
        let name_of = |id| self.field(id).map(|field: &Field| Json::from(field.name.as_str()));
        let keys = self.unique.iter().filter(|key| key.fields.len() > 1);
        json!({
            "id": self.id,
            "name": self.name,
            "label": self.label,
            "plural_label": self.plural_label,
            "title_field": self.title_field.and_then(name_of),
            "soft_delete": self.soft_delete,
            "scope": self.scope,
            "fields": self.fields.iter().map(|field| field.view(schema, self)).collect::<Vec<_>>(),
            "unique": keys.map(|key| key.fields.iter().filter_map(|id| name_of(*id)).collect()).collect::<Vec<Json>>(),
            "rules": self.rules.iter().map(|rule| rule.view(self)).collect::<Vec<_>>(),
        })
    }
}

impl Field {
    pub fn view(&self, schema: &Schema, owner: &Entity) -> Json {
        let mut view = Map::new();
        let mut set = |key: &str, value: Json| view.insert(key.to_owned(), value);
        set("id", json!(self.id));
        set("name", json!(self.name));
        set("label", json!(self.label));
        set("help", json!(self.help));
        set("type", json!(self.kind.name()));
        set("required", json!(self.required));
        set("unique", json!(self.unique));
        set("indexed", json!(self.indexed));
        set("default", self.default.clone().unwrap_or(Json::Null));
        match &self.kind {
            FieldKind::Text { min_length, max_length } | FieldKind::LongText { min_length, max_length } => {
                set("min_length", json!(min_length));
                set("max_length", json!(max_length));
            }
            FieldKind::Integer { min, max } => {
                set("min", json!(min));
                set("max", json!(max));
            }
            FieldKind::Decimal { precision, scale, .. } => {
                let (min, max) = self.kind.decimal_bounds();
                set("precision", json!(precision));
                set("scale", json!(scale));
                set("min", json!(min.map(|d| d.to_string())));
                set("max", json!(max.map(|d| d.to_string())));
            }
            FieldKind::RichText { max_length } => {
                set("max_length", json!(max_length));
            }
            FieldKind::Choice { options } | FieldKind::MultiChoice { options } => {
                set("options", json!(options));
            }
            FieldKind::Relation { target, on_delete } => {
                let own = (*target == owner.id).then_some(&owner.name);
                let name = own.or_else(|| schema.entity(*target).map(|entity| &entity.name));
                set("target", json!(name));
                set("on_delete", json!(on_delete));
            }
            FieldKind::Duration { min, max } => {
                let bound = |micros: &Option<i64>| micros.and_then(Duration::from_micros).map(|d| d.to_string());
                set("min", json!(bound(min)));
                set("max", json!(bound(max)));
            }
            FieldKind::Relations { target } => {
                let own = (*target == owner.id).then_some(&owner.name);
                set("target", json!(own.or_else(|| schema.entity(*target).map(|entity| &entity.name))));
            }
            FieldKind::AutoNumber
            | FieldKind::Code
            | FieldKind::Email
            | FieldKind::Url
            | FieldKind::Phone
            | FieldKind::Boolean
            | FieldKind::Date
            | FieldKind::Time
            | FieldKind::Datetime
            | FieldKind::Uuid
            | FieldKind::Json
            | FieldKind::User
            | FieldKind::Unit => {}
        }
        Json::Object(view)
    }
}
