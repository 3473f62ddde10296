//! `expand=customer.owner,carrier`: which relations are shown as records, and which of those records' own. A field or
//! an entity the reader may not read is not there to be expanded.

use std::sync::Arc;

use insula_model::entity::{Entity, FieldKind};
use insula_model::id::FieldId;
use insula_model::problem::{Code, Problem, Result};

use super::params;
use super::select::{Reader, unknown};

/// How deep records stand in each other.
const MOST_LEVELS: usize = 3;
/// Relations one query expands, those on the way to others counted.
const MOST_EXPANDED: usize = 8;

/// The relations of one entity that are shown as records, each with those of its target.
#[derive(Debug, Default)]
pub(super) struct Expand(Vec<(FieldId, Self)>);

impl Expand {
    pub(super) fn parse(reader: Reader<'_>, list: Option<&str>) -> Result<Self> {
        let mut expand = Self::default();
        let mut relations = 0;
        for path in list.map_or(Ok(Vec::new()), |list| params::items("expand", list))? {
            relations += expand.add(reader, path)?;
            if relations > MOST_EXPANDED {
                let message = format!("At most {MOST_EXPANDED} relations can be expanded at once.");
                return Err(Problem::at("/expand", Code::OutOfRange, message));
            }
        }
        Ok(expand)
    }

    /// What is shown of the relation `field`; nothing where its id is.
    pub(super) fn of(&self, field: FieldId) -> Option<&Self> {
        self.0.iter().find(|(id, _)| *id == field).map(|(_, expand)| expand)
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = FieldId> {
        self.0.iter().map(|(id, _)| *id)
    }

    /// How many relations it did not have before.
    fn add(&mut self, reader: Reader<'_>, path: &str) -> Result<usize> {
        let mut entity: Arc<Entity> = Arc::clone(reader.entity);
        let mut level = self;
        let (mut added, mut many) = (0, false);
        for (depth, name) in path.split('.').enumerate() {
            if depth == MOST_LEVELS {
                let message = format!("`{path}` leads over more than {MOST_LEVELS} relations.");
                return Err(Problem::at("/expand", Code::OutOfRange, message));
            }
            let (field, target) = relation(reader, &entity, name, path)?;
            if entity.field(field).is_some_and(|field| field.kind.linked().is_some()) {
                if many {
                    let message = format!("`{path}` leads from many records to many, which cannot be expanded yet.");
                    return Err(Problem::at("/expand", Code::NotSupported, message));
                }
                many = true;
            }
            let position = level.0.iter().position(|(id, _)| *id == field);
            if position.is_none() {
                level.0.push((field, Self::default()));
                added += 1;
            }
            let last = level.0.len() - 1;
            level = match level.0.get_mut(position.unwrap_or(last)) {
                Some((_, inner)) => inner,
                None => return Err(Problem::internal("a relation vanished")),
            };
            entity = target;
        }
        Ok(added)
    }
}

fn relation(reader: Reader<'_>, entity: &Entity, name: &str, path: &str) -> Result<(FieldId, Arc<Entity>)> {
    let unknown = || unknown(reader.entity, "expand", path);
    if insula_model::entity::SystemField::named(name).is_some() {
        return Err(no_relation(path));
    }
    let field = entity.field_named(name).filter(|field| reader.reads_field(entity, field)).ok_or_else(unknown)?;
    if field.kind == FieldKind::User {
        let message = "Users cannot be expanded yet; `GET /users/{id}` tells who it is.";
        return Err(Problem::at("/expand", Code::NotSupported, message));
    }
    if field.kind == FieldKind::Unit {
        let message = "Units cannot be expanded yet; `GET /org/…` tells of them.";
        return Err(Problem::at("/expand", Code::NotSupported, message));
    }
    let target = field.kind.target().or(field.kind.linked()).ok_or_else(|| no_relation(path))?;
    let target = reader.model.schema.entity(target).ok_or_else(unknown)?;
    reader.right_on(target).ok_or_else(unknown)?;
    Ok((field.id, Arc::clone(target)))
}

fn no_relation(path: &str) -> Problem {
    Problem::at("/expand", Code::InvalidType, format!("`{path}` is no relation and cannot be expanded."))
}
