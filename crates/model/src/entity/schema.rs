//! All entities of one tenant at one version.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Entity, Field, FieldKind, MAX_ENTITIES, Revision, UNIT_FIELD};
use crate::id::{EntityId, FieldId};
use crate::name::Name;
use crate::problem::{Code, FieldError, Problem, Result};

/// A tenant's model. Immutable: a change makes a new one with a higher version.
#[derive(Debug, Default)]
pub struct Schema {
    version: i64,
    entities: Vec<Arc<Entity>>,
    by_name: HashMap<Name, usize>,
    by_id: HashMap<EntityId, usize>,
}

impl Schema {
    /// `entities` in the order people see them.
    pub fn new(version: i64, entities: Vec<Entity>) -> Self {
        let entities: Vec<Arc<Entity>> = entities.into_iter().map(Arc::new).collect();
        let by_name = entities.iter().enumerate().map(|(i, e)| (e.name.clone(), i)).collect();
        let by_id = entities.iter().enumerate().map(|(i, e)| (e.id, i)).collect();
        Self { version, entities, by_name, by_id }
    }

    /// The schema after `revisions`, at the next version. What is made comes last.
    pub fn revised(&self, revisions: &[Revision]) -> Result<Self> {
        let mut entities: Vec<Entity> = self.entities.iter().map(|entity| Entity::clone(entity)).collect();
        for revision in revisions {
            match revision {
                Revision::Create(entity) => entities.push(entity.clone()),
                Revision::Alter { before, after } => {
                    entities
                        .iter_mut()
                        .filter(|entity| entity.id == before.id)
                        .for_each(|entity| *entity = after.clone());
                }
                Revision::Drop(gone) => entities.retain(|entity| entity.id != gone.id),
            }
        }
        let next = Self::new(self.version + 1, entities);
        next.check()?;
        for revision in revisions {
            if let Revision::Alter { after, .. } = revision {
                next.check_rules(after)?;
            }
        }
        Ok(next)
    }

    /// A rule is about one record, so that only changes of its own entity can take its meaning.
    fn check_rules(&self, entity: &Entity) -> Result<()> {
        for rule in &entity.rules {
            if let Err(lost) = rule.compile(entity, self) {
                let (name, entity, why) = (&rule.name, &entity.name, lost.message);
                let detail = format!("The rule `{name}` of `{entity}` would lose its meaning: {why}.");
                return Err(Problem::conflict(format!("{detail} Change or drop it first."), Vec::new()));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let twice =
            self.entities.iter().find(|entity| self.named(entity.name.as_str()).map(|e| e.id) != Some(entity.id));
        if let Some(entity) = twice {
            let message = format!("There is an entity `{}` already.", entity.name);
            let error = FieldError { pointer: "/name".to_owned(), code: Code::NotUnique, message };
            return Err(Problem::conflict("The name is taken.", vec![error]));
        }
        if self.entities.len() > MAX_ENTITIES {
            return Err(Problem::conflict(format!("An organisation has at most {MAX_ENTITIES} entities."), Vec::new()));
        }
        if let Some(entity) =
            self.entities.iter().find(|entity| entity.scope.unit().is_some() && entity.unit_field().is_none())
        {
            let (name, scope) = (&entity.name, entity.scope.name());
            let detail = format!("The scope `{scope}` of `{name}` rests on the field `{UNIT_FIELD}` of type `unit`.");
            return Err(Problem::conflict(format!("{detail} Give it another scope first."), Vec::new()));
        }
        for (owner, field) in
            self.entities.iter().flat_map(|owner| owner.fields.iter().map(move |field| (owner, field)))
        {
            let target = field.kind.target().or(field.kind.linked());
            if target.is_some_and(|target| self.entity(target).is_none()) {
                let detail = format!("`{}.{}` leads to this entity. Drop that one first.", owner.name, field.name);
                return Err(Problem::conflict(detail, Vec::new()));
            }
        }
        Ok(())
    }

    pub const fn version(&self) -> i64 {
        self.version
    }

    pub fn entities(&self) -> &[Arc<Entity>] {
        &self.entities
    }

    pub fn named(&self, name: &str) -> Option<&Arc<Entity>> {
        self.by_name.get(name).and_then(|i| self.entities.get(*i))
    }

    pub fn entity(&self, id: EntityId) -> Option<&Arc<Entity>> {
        self.by_id.get(&id).and_then(|i| self.entities.get(*i))
    }

    /// A field of whichever entity, with its entity.
    pub fn field(&self, id: FieldId) -> Option<(&Arc<Entity>, &Field)> {
        self.entities.iter().find_map(|entity| Some((entity, entity.field(id)?)))
    }

    /// Every field that links records of `target`, with the entity it belongs to.
    pub fn links_to(&self, target: EntityId) -> impl Iterator<Item = (&Arc<Entity>, &Field)> {
        self.entities.iter().flat_map(move |entity| {
            let fields = entity.fields.iter().filter(move |field| field.kind.linked() == Some(target));
            fields.map(move |field| (entity, field))
        })
    }

    /// Every relation that leads to `target`, with the entity it belongs to.
    pub fn relations_to(&self, target: EntityId) -> impl Iterator<Item = (&Arc<Entity>, &Field)> {
        self.entities.iter().flat_map(move |entity| {
            let leads_there =
                move |field: &&Field| matches!(field.kind, FieldKind::Relation { target: t, .. } if t == target);
            entity.fields.iter().filter(leads_there).map(move |field| (entity, field))
        })
    }
}
