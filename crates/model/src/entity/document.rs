//! The whole schema as one document, to be compared with the one that is there: so it moves between environments.

use std::collections::HashMap;
use std::sync::Arc;

use super::define::{self, Before, Origin};
use super::plan::Revision;
use super::redefine::matched;
use super::{Entity, Schema};
use crate::clock::Ids;
use crate::id::EntityId;
use crate::input::Members;
use crate::json::Json;
use crate::problem::{Code, Result, pointer};
use crate::value::MAX_INTEGER;

/// Most entities one tenant can have.
pub const MAX_ENTITIES: usize = 1000;

/// Reads `{entities}`, as `GET /schema` shows it, into what has to change for the schema to be that. Entities and fields
/// are those of their ids where these are known here, else those of their names; what is left out is dropped.
pub fn document(body: &Json, schema: &Schema, ids: &Ids) -> Result<Vec<Revision>> {
    Members::read(body, |members, errors| {
        // Of the place it was read at: a note for people.
        if members.optional_int("version", errors).is_some_and(|version| !(1..=MAX_INTEGER).contains(&version)) {
            errors.add(members.pointer("version"), Code::OutOfRange, "Versions count from 1 and stay within 2⁵³.");
        }
        members.required("entities", errors)?;
        let at = members.pointer("entities");
        let items = members.optional_array("entities", errors)?;
        if items.len() > MAX_ENTITIES {
            errors.add(at, Code::TooLong, format!("An organisation has at most {MAX_ENTITIES} entities."));
            return None;
        }
        let there = matched(items, schema.entities(), &at, errors);
        let own: Vec<EntityId> =
            there.iter().map(|before| before.map_or_else(|| ids.next(), |before: &Arc<Entity>| before.id)).collect();
        let mut named: HashMap<&str, EntityId> = HashMap::with_capacity(items.len());
        for (i, (item, id)) in items.iter().zip(&own).enumerate() {
            if let Some(name) = define::own_name(item)
                && named.insert(name, *id).is_some()
            {
                let at = pointer(&pointer(&at, &i.to_string()), "name");
                errors.add(at, Code::NotUnique, "Two entities cannot have the same name.");
            }
        }
        let target = |name: &str| named.get(name).copied();
        let mut revisions = Vec::with_capacity(items.len());
        for (i, ((item, id), before)) in items.iter().zip(&own).zip(&there).enumerate() {
            let at = pointer(&at, &i.to_string());
            let Some(mut inner) = Members::of(item, &at, errors) else { continue };
            inner.raw("id");
            let before_it = before.map_or(Before::Elsewhere, |before| Before::This(before));
            let origin = Origin { id: *id, before: before_it, target: &target, schema, ids };
            let after = define::entity(&mut inner, &origin, errors);
            inner.finish(errors);
            revisions.extend(after.map(|after| match before {
                Some(before) => Revision::Alter { before: Arc::clone(before), after },
                None => Revision::Create(after),
            }));
        }
        let gone = schema.entities().iter().filter(|entity| !own.contains(&entity.id));
        revisions.extend(gone.map(|entity| Revision::Drop(Arc::clone(entity))));
        Some(revisions)
    })
}
