//! What a change of the schema comes to: its steps, and what to know before it is made.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{Entity, Field, FieldKind, OnDelete, Schema};
use crate::id::{EntityId, FieldId};
use crate::rights::{Action, Permission, Resource};

/// One entity made, changed or dropped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Revision {
    Create(Entity),
    Alter { before: Arc<Entity>, after: Entity },
    Drop(Arc<Entity>),
}

impl Revision {
    /// The entity it is about, where it changes one that is there.
    pub fn changed(&self) -> Option<&Entity> {
        match self {
            Self::Create(_) => None,
            Self::Alter { before, after } => (**before != *after).then_some(before),
            Self::Drop(entity) => Some(entity),
        }
    }
}

/// What is done, in the words of the API.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    CreateEntity,
    RenameEntity,
    AlterEntity,
    DropEntity,
    AddField,
    RenameField,
    RetypeField,
    AlterField,
    ReorderFields,
    DropField,
    AddKey,
    DropKey,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    pub step: StepKind,
    /// The name it comes to have; of what is dropped, the last one.
    pub entity: String,
    pub entity_id: EntityId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field_id: Option<FieldId>,
    /// Names or types.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
    /// What of it changes, or the fields of a key.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub members: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// Values will be gone.
    DataLoss,
    /// Every record is read or written while other changes wait.
    LongLock,
    /// There are so many records that a job takes their values over, and the change comes when it has.
    BackgroundJob,
    /// Somebody will be able to see or change more than before.
    WidenedRights,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Warning {
    pub kind: WarningKind,
    pub entity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub message: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub warnings: Vec<Warning>,
}

impl Plan {
    /// What `revisions` of `schema` come to. `roles` are the permissions of the roles there are.
    pub fn of(revisions: &[Revision], schema: &Schema, roles: &[Permission]) -> Self {
        let mut plan = Self::default();
        for revision in revisions {
            match revision {
                Revision::Create(entity) => plan.step(StepKind::CreateEntity, entity),
                Revision::Drop(entity) => {
                    plan.step(StepKind::DropEntity, entity);
                    plan.warn(WarningKind::DataLoss, entity, None, "All its records are lost.");
                }
                Revision::Alter { before, after } => {
                    Altered { plan: &mut plan, before, after, schema, roles }.tell();
                }
            }
        }
        plan
    }

    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn step(&mut self, step: StepKind, entity: &Entity) {
        self.push(Step::of(step, entity));
    }

    fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Adds a warning, unless it is there.
    pub fn warn(&mut self, kind: WarningKind, entity: &Entity, field: Option<&Field>, message: &str) {
        let warning = Warning {
            kind,
            entity: entity.name.to_string(),
            field: field.map(|field| field.name.to_string()),
            message: message.to_owned(),
        };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

impl Step {
    fn of(step: StepKind, entity: &Entity) -> Self {
        Self {
            step,
            entity: entity.name.to_string(),
            entity_id: entity.id,
            field: None,
            field_id: None,
            from: None,
            to: None,
            members: Vec::new(),
        }
    }

    fn field(self, field: &Field) -> Self {
        Self { field: Some(field.name.to_string()), field_id: Some(field.id), ..self }
    }

    fn between(self, from: &impl ToString, to: &impl ToString) -> Self {
        Self { from: Some(from.to_string()), to: Some(to.to_string()), ..self }
    }
}

/// An entity that is changed, while its changes are told.
struct Altered<'a> {
    plan: &'a mut Plan,
    before: &'a Entity,
    after: &'a Entity,
    schema: &'a Schema,
    roles: &'a [Permission],
}

impl Altered<'_> {
    fn tell(&mut self) {
        let (before, after) = (self.before, self.after);
        if before.name != after.name {
            self.plan.push(Step::of(StepKind::RenameEntity, after).between(&before.name, &after.name));
        }
        let members = differing(before, after, &["id", "name", "fields", "unique"]);
        if !members.is_empty() {
            self.plan.push(Step { members, ..Step::of(StepKind::AlterEntity, after) });
        }
        if before.scope != after.scope {
            let message =
                "Whoever may act on all records alike, or by the unit they belong to, reaches others than before.";
            self.plan.warn(WarningKind::WidenedRights, after, None, message);
        }
        self.keys_dropped();
        for field in before.fields.iter().filter(|field| after.field(field.id).is_none()) {
            self.plan.push(Step::of(StepKind::DropField, after).field(field));
            self.warn(WarningKind::DataLoss, field, "All its values are lost.");
        }
        for field in &after.fields {
            match before.field(field.id) {
                None => self.added(field),
                Some(was) => self.changed(was, field),
            }
        }
        self.reordered();
        self.keys_added();
    }

    fn warn(&mut self, kind: WarningKind, field: &Field, message: &str) {
        self.plan.warn(kind, self.after, Some(field), message);
    }

    fn added(&mut self, field: &Field) {
        self.plan.push(Step::of(StepKind::AddField, self.after).field(field));
        if field.default.is_some() || field.kind == FieldKind::AutoNumber {
            self.warn(WarningKind::LongLock, field, "Every record is given a value.");
        }
        if field.unique || field.indexed {
            self.warn(WarningKind::LongLock, field, "An index over all records is built.");
        }
    }

    fn changed(&mut self, was: &Field, field: &Field) {
        if was.name != field.name {
            self.plan.push(Step::of(StepKind::RenameField, self.after).field(field).between(&was.name, &field.name));
        }
        let is_retyped = was.kind.name() != field.kind.name();
        if is_retyped {
            let step = Step::of(StepKind::RetypeField, self.after).field(field);
            self.plan.push(step.between(&was.kind.name(), &field.kind.name()));
        }
        let mut members = differing(was, field, &["id", "name", "kind", "generation"]);
        if !is_retyped {
            members.extend(differing(&was.kind, &field.kind, &["type"]));
        }
        if !members.is_empty() {
            self.plan.push(Step { members, ..Step::of(StepKind::AlterField, self.after).field(field) });
        }
        if was.column() != field.column() {
            self.warn(WarningKind::LongLock, field, "Every value is read and written anew.");
        } else if !field.holds_all_of(was) {
            self.warn(WarningKind::LongLock, field, "Every value is looked at.");
        } else if was.required != field.required {
            self.warn(WarningKind::LongLock, field, "SQLite writes the whole table anew.");
        }
        if (field.unique && !was.unique) || (field.indexed && !was.indexed) {
            self.warn(WarningKind::LongLock, field, "An index over all records is built.");
        }
        self.widened(was, field);
    }

    fn widened(&mut self, was: &Field, field: &Field) {
        if let (
            FieldKind::Relation { on_delete: OnDelete::Restrict, .. },
            FieldKind::Relation { on_delete: OnDelete::Cascade | OnDelete::SetNull, target },
        )
        | (
            FieldKind::Relation { on_delete: OnDelete::SetNull, .. },
            FieldKind::Relation { on_delete: OnDelete::Cascade, target },
        ) = (&was.kind, &field.kind)
        {
            let target = self.schema.entity(*target).map_or("", |entity| entity.name.as_str());
            let message =
                format!("Whoever deletes a record of `{target}` changes or deletes the records that refer to it.");
            self.warn(WarningKind::WidenedRights, field, &message);
        }
        let ruled = self.roles.iter().any(|role| role.rule.as_ref().is_some_and(|rule| rule.names(field.id)));
        if ruled && was.kind.name() != field.kind.name() {
            let message = "Roles decide by it which records may be reached. A rule that means nothing any more denies; one \
                           that still does may reach others than before.";
            self.warn(WarningKind::WidenedRights, field, message);
        }
        if was.unique && !field.unique && self.writes_unread(field) {
            let message = "Roles that may write it without reading it can do so once it is not unique.";
            self.warn(WarningKind::WidenedRights, field, message);
        }
        let demanded = |field: &Field| field.required && field.default.is_none();
        if demanded(was) && !demanded(field) && self.creates_without(field) {
            let message = "Roles that may create records but not write it can do so once it needs no value of theirs.";
            self.warn(WarningKind::WidenedRights, field, message);
        }
    }

    /// The permissions of roles on records of this entity by one of these actions.
    fn granted(&self, actions: &'static [Action]) -> impl Iterator<Item = &Permission> {
        let resource = Resource::Records(self.before.id);
        self.roles.iter().filter(move |role| actions.iter().any(|action| role.allows(resource, *action)))
    }

    fn writes_unread(&self, field: &Field) -> bool {
        let lists = |list: &Option<Vec<FieldId>>| list.as_ref().is_none_or(|list| list.contains(&field.id));
        self.granted(&[Action::Create, Action::Update])
            .any(|role| lists(&role.fields.write) && !lists(&role.fields.read))
    }

    fn creates_without(&self, field: &Field) -> bool {
        let unlisted = |list: &Option<Vec<FieldId>>| list.as_ref().is_some_and(|list| !list.contains(&field.id));
        self.granted(&[Action::Create]).any(|role| unlisted(&role.fields.write))
    }

    fn reordered(&mut self) {
        let common = |one: &Entity, other: &Entity| -> Vec<FieldId> {
            one.fields.iter().map(|field| field.id).filter(|id| other.field(*id).is_some()).collect()
        };
        if common(self.before, self.after) != common(self.after, self.before) {
            self.plan.step(StepKind::ReorderFields, self.after);
        }
    }

    /// A key of one field is told as `unique` of that field.
    fn keys_dropped(&mut self) {
        for key in self.before.unique.iter().filter(|key| key.fields.len() > 1) {
            if !self.after.unique.iter().any(|other| other.id == key.id) {
                let members = names(self.before, &key.fields);
                self.plan.push(Step { members, ..Step::of(StepKind::DropKey, self.after) });
            }
        }
    }

    fn keys_added(&mut self) {
        for key in self.after.unique.iter().filter(|key| key.fields.len() > 1) {
            if !self.before.unique.iter().any(|other| other.id == key.id) {
                let members = names(self.after, &key.fields);
                self.plan.push(Step { members, ..Step::of(StepKind::AddKey, self.after) });
                self.plan.warn(WarningKind::LongLock, self.after, None, "An index over all records is built.");
            }
        }
    }
}

fn names(entity: &Entity, fields: &[FieldId]) -> Vec<String> {
    fields.iter().filter_map(|id| entity.field(*id)).map(|field| field.name.to_string()).collect()
}

/// The members in which two differ as they are stored.
fn differing<T: Serialize>(one: &T, other: &T, but: &[&str]) -> Vec<String> {
    let members = |value: &T| match serde_json::to_value(value) {
        Ok(Json::Object(members)) => members,
        _ => Map::new(),
    };
    let (one, other) = (members(one), members(other));
    let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
    let differ = names.filter(|name| one.get(*name) != other.get(*name) && !but.contains(&name.as_str()));
    differ.cloned().collect()
}
