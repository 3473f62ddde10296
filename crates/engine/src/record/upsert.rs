//! Making a record or changing the one that is there already, by the values of a unique key.

use insula_model::draft;
use insula_model::entity::{Entity, Field, FieldKind, UniqueKey};
use insula_model::expr::Leaf;
use insula_model::id::FieldId;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result, pointer};
use insula_model::value::Value;

use super::life::Life;
use super::params;
use super::select::unknown;
use super::visible::{Saved, VisibleRecord};
use crate::grant::{Create, Grant, Update};
use crate::parameters::each;
use crate::tx::{EntityRef, Tx, Writing};

/// The fields that `?upsert=` names.
#[derive(Debug)]
pub struct UpsertKey(String);

impl UpsertKey {
    /// Reads the query string of a create, which knows no other parameter.
    pub fn parse(raw: &str) -> Result<Option<Self>> {
        let (mut key, mut errors) = (None, Errors::default());
        each(raw, &["upsert"], &mut errors, |_, fields, _| key = Some(Self(fields)));
        errors.check()?;
        Ok(key)
    }
}

impl<'t> Tx<'t, Writing> {
    /// Changes the record that has the body's values of `key` as a merge patch would, or makes it. Needs both rights, and
    /// finds what the caller may both change and read: to find a record by its values is to read it. Any other stands in
    /// the way as it does of any new one.
    pub async fn upsert(&mut self, entity: &EntityRef<'t>, key: &UpsertKey, body: &Json) -> Result<Saved> {
        let (create, update) = (self.authorize::<Create>(entity)?, self.authorize::<Update>(entity)?);
        let key = values(key_fields(&create, key)?, body)?;
        if let Some(record) = self.change_by(&update, &key, body).await? {
            return Ok(Saved::Updated(record));
        }
        let record = create.draft(body)?;
        // On PostgreSQL another may be making the same record right now: the insertion waits for it, fails, and leaves
        // the record to be found.
        self.open_span().await?;
        let made = self.insert(&create, record).await;
        match self.end_span(made).await? {
            Ok(record) => Ok(Saved::Created(record)),
            Err(problem) if problem.code() == Code::Conflict => {
                self.change_by(&update, &key, body).await?.map(Saved::Updated).ok_or(problem)
            }
            Err(problem) => Err(problem),
        }
    }

    async fn change_by(
        &mut self,
        grant: &Grant<'t, Update>,
        key: &[(Leaf, Value)],
        body: &Json,
    ) -> Result<Option<VisibleRecord>> {
        let Some(before) = self.lock_by(grant, key, Life::Living).await? else { return Ok(None) };
        if !self.sees(&grant.entity, grant.reads.as_deref(), &before).await? {
            return Ok(None);
        }
        let patch = grant.patch(&but_for(key, &grant.entity, body))?;
        self.change(grant, before, &patch).await.map(Some)
    }
}

/// The body without its key: what a record is found by is not written, and need not be for its author to write.
fn but_for(key: &[(Leaf, Value)], entity: &Entity, body: &Json) -> Json {
    let Json::Object(members) = body else { return body.clone() };
    let is_key = |name: &str| {
        let field = entity.field_named(name);
        field.is_some_and(|field| key.iter().any(|(leaf, _)| *leaf == Leaf::Field(field.column())))
    };
    Json::Object(members.iter().filter(|(name, _)| !is_key(name)).cloned().collect())
}

/// The fields named, which must be those of one unique key.
fn key_fields<'g>(grant: &'g Grant<'_, Create>, key: &UpsertKey) -> Result<Vec<&'g Field>> {
    let entity = &grant.entity;
    let mut fields = Vec::new();
    for name in params::items("upsert", &key.0)? {
        let field = entity
            .field_named(name)
            .filter(|field| grant.shows(field))
            .ok_or_else(|| unknown(entity, "upsert", name))?;
        fields.push(field);
    }
    let is_key = keys(entity).any(|unique| {
        unique.fields.len() == fields.len() && fields.iter().all(|field| unique.fields.contains(&field.id))
    });
    if is_key { Ok(fields) } else { Err(Problem::at("/upsert", Code::OutOfRange, known_keys(entity, grant))) }
}

/// The keys whose values a body can have: a number the system gives is in none.
fn keys(entity: &Entity) -> impl Iterator<Item = &UniqueKey> {
    let given = |id: &FieldId| entity.field(*id).is_some_and(|field| field.kind == FieldKind::AutoNumber);
    entity.unique.iter().filter(move |unique| !unique.fields.iter().any(given))
}

/// Says which keys there are, of those whose every field the caller may read.
fn known_keys(entity: &Entity, grant: &Grant<'_, Create>) -> String {
    let key = |fields: &[FieldId]| {
        let names = fields
            .iter()
            .map(|id| entity.field(*id).filter(|field| grant.shows(field)).map(|field| field.name.as_str().to_owned()));
        names.collect::<Option<Vec<_>>>().map(|names| format!("`{}`", names.join(",")))
    };
    let keys: Vec<String> = keys(entity).filter_map(|unique| key(&unique.fields)).collect();
    if keys.is_empty() {
        return format!("No field of `{}` is unique, so no record can be found by one.", entity.name);
    }
    format!("Name the fields of one unique key. `{}` has: {}.", entity.name, keys.join(", "))
}

/// The body's value of every field of the key. Null equals nothing and finds no record.
fn values(fields: Vec<&Field>, body: &Json) -> Result<Vec<(Leaf, Value)>> {
    let Json::Object(members) = body else {
        return Err(Problem::at("", Code::InvalidType, format!("A record is an object, found {}.", body.kind())));
    };
    let (mut key, mut errors) = (Vec::with_capacity(fields.len()), Errors::default());
    for field in fields {
        let at = pointer("", field.name.as_str());
        let given = members.iter().find(|(name, _)| name == field.name.as_str()).map(|(_, json)| json);
        match given.filter(|json| **json != Json::Null).map(|json| draft::value_of(field, json)) {
            Some(Ok(value)) => key.push((Leaf::Field(field.column()), value)),
            Some(Err((code, message))) => errors.add(at, code, message),
            None => errors.add(at, Code::Required, "An upsert needs a value of every field of its key."),
        }
    }
    errors.check()?;
    Ok(key)
}
