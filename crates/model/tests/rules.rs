//! Rules of an entity through changes of its design.

#![expect(clippy::unwrap_used, reason = "what a test builds is sound")]

use insula_model::clock::{Clock, Ids};
use insula_model::entity::{self, Entity, FieldKind, Schema};
use insula_model::json::Json;
use insula_model::name::Name;
use serde_json::json;

fn task() -> Entity {
    let body = json!({
        "name": "task",
        "fields": [{"name": "start", "type": "date"}, {"name": "due", "type": "date"}],
        "rules": [{"name": "order", "expr": "record.due >= start || due == null", "message": "no"}],
    });
    let body = Json::parse(body.to_string().as_bytes()).unwrap();
    entity::define(&body, &Schema::default(), &Ids::new(Clock::default())).unwrap()
}

#[test]
fn a_rule_follows_a_rename() {
    let task = task();
    let stored = serde_json::to_string(&task).unwrap();
    assert!(!stored.contains("due >="), "fields are held by their ids: {stored}");
    let mut renamed: Entity = serde_json::from_str(&stored).unwrap();
    renamed.fields[1].name = Name::parse("deadline").unwrap();
    let schema = Schema::new(1, vec![renamed.clone()]);
    assert_eq!(renamed.view(&schema)["rules"][0]["expr"], "record.deadline >= start || deadline == null");
    assert_eq!(renamed.rules[0].compile(&renamed, &schema), task.rules[0].compile(&task, &Schema::default()));
}

#[test]
fn a_rule_that_lost_a_field_or_its_type_means_nothing() {
    let task = task();
    let mut without = task.clone();
    without.fields.remove(1);
    assert!(without.rules[0].compile(&without, &Schema::default()).is_err());
    let mut retyped = task;
    retyped.fields[1].kind = FieldKind::Boolean;
    assert!(retyped.rules[0].compile(&retyped, &Schema::default()).is_err());
}

#[test]
fn an_entity_of_before_there_were_rules_has_none_and_keeps_nothing() {
    let mut stored = serde_json::to_value(task()).unwrap();
    for member in ["rules", "soft_delete"] {
        stored.as_object_mut().unwrap().remove(member).unwrap();
    }
    let read: Entity = serde_json::from_value(stored).unwrap();
    assert_eq!((read.rules.len(), read.soft_delete), (0, false));
}
