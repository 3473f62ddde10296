//! Rights under a schema that moves on: names may change, and what is gone takes with it all that was said of it.

#![expect(clippy::unwrap_used, reason = "what a test builds is sound")]

use insula_model::clock::{Clock, Ids};
use insula_model::entity::{self, Entity, Schema};
use insula_model::expr::{Context, Reach, Template};
use insula_model::json::Json;
use insula_model::name::Name;
use insula_model::rights::{
    Action, BuiltinRole, FieldLists, Permission, PermissionScope, RecordRight, Resource, Rights, Target,
};

fn ids() -> Ids {
    Ids::new(Clock::default())
}

fn define(body: &str, schema: &Schema) -> Entity {
    entity::define(&Json::parse(body.as_bytes()).unwrap(), schema, &ids()).unwrap()
}

fn customer() -> Entity {
    define(r#"{"name":"customer","fields":[{"name":"country","type":"text"}]}"#, &Schema::default())
}

fn ticket(customer: &Entity) -> Entity {
    let schema = Schema::new(1, vec![customer.clone()]);
    let fields = r#"[{"name":"title","type":"text","required":true},{"name":"status","type":"choice","options":["open","done","cost"]},
        {"name":"cost","type":"integer"},{"name":"code","type":"code","unique":true},
        {"name":"customer","type":"relation","target":"customer"}]"#;
    define(&format!(r#"{{"name":"ticket","fields":{fields}}}"#), &schema)
}

fn schema(entities: &[&Entity]) -> Schema {
    Schema::new(1, entities.iter().map(|entity| (*entity).clone()).collect())
}

fn template(source: &str, schema: &Schema, entity: &Entity) -> Template {
    let context =
        Context { schema, entity, readable: &|_, _| true, visible: &|_| true, params: None, reach: Reach::Around };
    Template::parse(source, &context).unwrap()
}

fn permission(entity: &Entity, actions: &[Action], rule: Option<Template>, fields: FieldLists) -> Permission {
    let target = Target::Only(Resource::Records(entity.id));
    Permission { target, actions: actions.to_vec(), scope: PermissionScope::Tenant, rule, fields }
}

fn right(permissions: &[Permission], schema: &Schema, entity: &Entity, action: Action) -> Option<RecordRight> {
    Rights::new(Vec::new(), permissions.to_vec()).on_records(schema, entity, action)
}

fn renamed(entity: &Entity, old: &str, new: &str) -> Entity {
    let mut entity = entity.clone();
    let field = entity.fields.iter_mut().find(|field| field.name.as_str() == old).unwrap();
    field.name = Name::parse(new).unwrap();
    entity
}

fn without(entity: &Entity, name: &str) -> Entity {
    let mut entity = entity.clone();
    entity.fields.retain(|field| field.name.as_str() != name);
    entity
}

#[test]
fn a_rule_keeps_its_text_and_follows_a_rename() {
    let customer = customer();
    let ticket = ticket(&customer);
    let before = schema(&[&customer, &ticket]);
    for (source, after) in [
        ("cost > 5", "price > 5"),
        ("record.cost > 5 && status == \"cost\"", "record.price > 5 && status == \"cost\""),
        ("record . cost>5 // cost\n|| title == 'cost'", "record . price>5 // cost\n|| title == 'cost'"),
        ("title == r\"cost\\\" || cost == null", "title == r\"cost\\\" || price == null"),
        ("created_by == caller.id", "created_by == caller.id"),
        (
            "customer.country in [\"cost\", \"b\"] && customer.id != null",
            "client.land in [\"cost\", \"b\"] && client.id != null",
        ),
        ("created_at > timestamp(\"2013-01-31T09:30:00Z\")", "created_at > timestamp(\"2013-01-31T09:30:00Z\")"),
        ("!(cost in [1, 2, 0x1f]) && cost < 1e5", "!(price in [1, 2, 0x1f]) && price < 1e5"),
    ] {
        let rule = template(source, &before, &ticket);
        assert_eq!(rule.text(&|id| before.field(id).map(|(_, field)| field)), source);
        let (moved, client) = (renamed(&ticket, "cost", "price"), renamed(&customer, "country", "land"));
        let moved = renamed(&moved, "customer", "client");
        let now = schema(&[&client, &moved]);
        assert_eq!(rule.text(&|id| now.field(id).map(|(_, field)| field)), after);
        let stored: Template = serde_json::from_str(&serde_json::to_string(&rule).unwrap()).unwrap();
        let context = |schema, entity| Context {
            schema,
            entity,
            readable: &|_, _| true,
            visible: &|_| true,
            params: None,
            reach: Reach::Around,
        };
        let compiled = rule.compile(&context(&before, &ticket)).unwrap();
        assert_eq!(stored.compile(&context(&now, &moved)).unwrap(), compiled, "{source}");
    }
}

#[test]
fn a_rule_that_lost_a_field_denies_whatever_is_made_under_the_name() {
    let customer = customer();
    let whole = ticket(&customer);
    let before = schema(&[&customer, &whole]);
    for source in ["cost > 5", "cost == null", "!(cost > 5)", "cost != 5 || title != \"\"", "cost == cost"] {
        let permission =
            permission(&whole, &[Action::Read], Some(template(source, &before, &whole)), FieldLists::default());
        assert!(right(std::slice::from_ref(&permission), &before, &whole, Action::Read).is_some());
        let mut changed = without(&whole, "cost");
        let dropped = schema(&[&customer, &changed]);
        assert_eq!(right(std::slice::from_ref(&permission), &dropped, &changed, Action::Read), None, "{source}");
        // The same name, another field.
        changed.fields.extend(ticket(&customer).fields.into_iter().filter(|field| field.name.as_str() == "cost"));
        let again = schema(&[&customer, &changed]);
        assert_eq!(right(std::slice::from_ref(&permission), &again, &changed, Action::Read), None, "{source}");
        let view = permission.view(&again, &|_| true).unwrap();
        assert!(view.rule.unwrap().contains("<unknown>"), "{source}");
    }
}

#[test]
fn a_list_of_fields_that_lost_them_all_is_empty_and_not_absent() {
    let customer = customer();
    let whole = ticket(&customer);
    let cost = whole.field_named("cost").unwrap().id;
    let fields = FieldLists { read: Some(vec![cost]), write: Some(vec![cost]) };
    let permission = permission(&whole, &[Action::Read, Action::Update], None, fields);
    let mut changed = without(&whole, "cost");
    changed.fields.extend(ticket(&customer).fields.into_iter().filter(|field| field.name.as_str() == "cost"));
    let again = schema(&[&customer, &changed]);
    for action in [Action::Read, Action::Update] {
        let right = right(std::slice::from_ref(&permission), &again, &changed, action).unwrap();
        assert!((0..5).all(|p| !right.readable.contains(p) && !right.writable.contains(p)), "{action:?}");
    }
    assert_eq!(permission.view(&again, &|_| true).unwrap().fields.unwrap().read, Some(Vec::new()));
}

#[test]
fn rights_add_up_and_what_differs_by_row_is_guarded() {
    let customer = customer();
    let ticket = ticket(&customer);
    let now = schema(&[&customer, &ticket]);
    let list = |names: &[&str]| Some(names.iter().map(|name| ticket.field_named(name).unwrap().id).collect());
    let read = |rule: Option<&str>, fields: Option<&[&str]>| {
        let fields = FieldLists { read: fields.and_then(list), write: None };
        permission(&ticket, &[Action::Read], rule.map(|rule| template(rule, &now, &ticket)), fields)
    };
    let (a, b) = (Some("cost > 5"), Some("status == \"open\""));
    // Which permissions; whether there is a rule; what is open everywhere and what on some rows only.
    let everything = "title status cost code customer";
    for (permissions, ruled, always, sometimes) in [
        (vec![read(None, None)], false, everything, ""),
        (vec![read(None, Some(&["title"]))], false, "title", ""),
        (vec![read(a, Some(&["title"]))], true, "title", ""),
        (vec![read(a, Some(&["title"])), read(a, Some(&["cost"]))], true, "title cost", ""),
        (vec![read(a, None), read(b, None)], true, everything, ""),
        (vec![read(a, Some(&["title", "cost"])), read(b, Some(&["title"]))], true, "title", "cost"),
        (vec![read(a, None), read(None, Some(&["title"]))], false, "title", "status cost code customer"),
        (vec![read(a, None), read(None, None)], false, everything, ""),
        (vec![read(Some("false"), None), read(None, Some(&["title"]))], false, "title", ""),
        (vec![read(a, Some(&["cost"])), read(b, Some(&["title"]))], true, "", "title cost"),
    ] {
        let right = right(&permissions, &now, &ticket, Action::Read).unwrap();
        let names = |wanted: fn(&RecordRight, usize) -> bool| {
            let fields = ticket.fields.iter().enumerate().filter(|(position, _)| wanted(&right, *position));
            fields.map(|(_, field)| field.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(right.rule.is_some(), ruled, "{permissions:?}");
        assert_eq!(names(RecordRight::always_reads), always, "{permissions:?}");
        assert_eq!(
            names(|right, p| right.readable.contains(p) && !right.always_reads(p)),
            sometimes,
            "{permissions:?}"
        );
        // What may be null to its reader must not be taken for a column that never is.
        let seen = right.seen.as_ref().map_or(&ticket, |seen| seen);
        assert_eq!(seen.fields[0].required, !sometimes.contains("title"), "{permissions:?}");
    }
    assert_eq!(right(&[read(Some("false"), None)], &now, &ticket, Action::Read), None);
    assert_eq!(right(&[read(None, None)], &now, &ticket, Action::Update), None);
}

#[test]
fn what_is_unique_is_written_only_by_who_reads_it_everywhere() {
    let customer = customer();
    let ticket = ticket(&customer);
    let now = schema(&[&customer, &ticket]);
    let code = ticket.field_named("code").unwrap().id;
    let update = permission(&ticket, &[Action::Update], None, FieldLists::default());
    let read = |rule: Option<&str>, read: Option<Vec<_>>| {
        permission(
            &ticket,
            &[Action::Read],
            rule.map(|rule| template(rule, &now, &ticket)),
            FieldLists { read, write: None },
        )
    };
    for (reads, writable) in [
        (vec![], false),
        (vec![read(None, Some(vec![]))], false),
        (vec![read(None, Some(vec![code]))], true),
        (vec![read(Some("cost > 5"), None)], true),
        (vec![read(Some("cost > 5"), None), read(None, Some(vec![]))], false),
    ] {
        let permissions: Vec<_> = reads.into_iter().chain([update.clone()]).collect();
        let right = right(&permissions, &now, &ticket, Action::Update).unwrap();
        assert_eq!((right.writable.contains(3), right.writable.contains(2)), (writable, true), "{permissions:?}");
    }
}

#[test]
fn nobody_holds_more_than_his_words_say() {
    let customer = customer();
    let ticket = ticket(&customer);
    let now = schema(&[&customer, &ticket]);
    let rights = |permissions: &[Permission]| Rights::new(Vec::new(), permissions.to_vec());
    let on = |target, actions: &[Action], scope| Permission {
        target,
        actions: actions.to_vec(),
        scope,
        rule: None,
        fields: FieldLists::default(),
    };
    let (tenant, own) = (PermissionScope::Tenant, PermissionScope::Own);
    let of_ticket = Target::Only(Resource::Records(ticket.id));
    let of_users = Target::Only(Resource::Users);
    let read = &[Action::Read][..];
    for (held, wanted, expected) in [
        (on(Target::AllRecords, read, tenant), on(of_ticket, read, tenant), true),
        (on(Target::AllRecords, read, tenant), on(of_users, read, tenant), false),
        (on(of_ticket, read, tenant), on(Target::AllRecords, read, tenant), false),
        (on(of_ticket, read, tenant), on(of_ticket, read, own), true),
        (on(of_ticket, read, own), on(of_ticket, read, tenant), false),
        (on(of_ticket, read, own), on(of_ticket, read, own), true),
        (on(Target::AllRecords, read, own), on(of_ticket, read, own), true),
        (on(Target::AllRecords, read, own), on(Target::AllRecords, read, own), true),
        (on(Target::AllRecords, read, own), on(Target::AllRecords, read, tenant), false),
        (on(of_users, &[Action::Read, Action::Update], tenant), on(of_users, read, tenant), true),
        (on(of_users, read, tenant), on(of_users, &[Action::Read, Action::Update], tenant), false),
    ] {
        assert_eq!(rights(std::slice::from_ref(&held)).hold(&wanted, &now), expected, "{held:?} {wanted:?}");
    }
    // A rule that lost its meaning may come to have one again; until then it is nobody's to give but who has all.
    let rule = template("cost > 5", &now, &ticket);
    let stale = permission(&ticket, read, Some(rule), FieldLists::default());
    let dropped = schema(&[&customer, &without(&ticket, "cost")]);
    assert!(!rights(std::slice::from_ref(&stale)).hold(&stale, &dropped));
    assert!(rights(&BuiltinRole::Owner.permissions()).hold(&stale, &dropped));
}
