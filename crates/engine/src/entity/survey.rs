//! What of the records that are there stands in the way of a change. Nothing is lost in silence: values are read by the
//! rules they are to follow, in this program, so that both stores say the same.

use insula_model::entity::{Entity, Field, FieldKind, Refused, UniqueKey};
use insula_model::expr::Leaf;
use insula_model::problem::{Code, FieldError, Problem, Result};
use insula_model::rights::Action;
use insula_model::value::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::alter;
use crate::sql::{Slot, SqlWriter};
use crate::tx::{Mode, Tx};

/// Records looked at in one go.
const PAGE: u64 = 500;
/// Records that are named.
const NAMED: usize = 5;

/// Something that stands in the way.
#[derive(Clone, Debug, Serialize)]
pub struct Hindrance {
    entity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip)]
    code: Code,
    message: String,
    /// How many records, where it is about some.
    records: usize,
    /// The first of them, where the caller may read them all.
    first: Vec<Uuid>,
}

impl Hindrance {
    pub(super) fn into_message(self) -> String {
        self.message
    }
}

/// The records that stand in the way of one field or key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    count: usize,
    first: Vec<Uuid>,
    why: Option<(Code, String)>,
}

impl Tally {
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn add(&mut self, record: Uuid, why: (Code, String)) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(record);
        }
        self.why.get_or_insert(why);
    }
}

/// How many of the values are still to be taken over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Left {
    All,
    /// A job has taken over those of all records that have not changed since.
    Changed,
}

/// A change of one field's values: from what, to what.
#[derive(Clone, Copy)]
pub(super) struct TakeOver<'e> {
    pub(super) entity: &'e Entity,
    pub(super) was: &'e Field,
    pub(super) field: &'e Field,
    pub(super) left: Left,
}

impl<'e> TakeOver<'e> {
    /// Those of a change in which values have to be looked at.
    pub(super) fn all(before: &'e Entity, after: &'e Entity) -> impl Iterator<Item = Self> {
        let pairs = after.fields.iter().filter_map(|field| Some((before.field(field.id)?, field)));
        let pairs = pairs.filter(|(was, field)| was.column() != field.column() || !field.holds_all_of(was));
        pairs.map(move |(was, field)| Self { entity: before, was, field, left: Left::All })
    }

    /// Whether the new values have a column of their own.
    pub(super) fn has_new_column(&self) -> bool {
        self.was.column() != self.field.column()
    }

    /// The new value of a record, where it differs or has another column.
    pub(super) fn value(&self, old: &Value) -> std::result::Result<Option<Value>, Refused> {
        let new = self.field.take_over(self.was, old)?;
        Ok(Some(new).filter(|new| self.has_new_column() || new != old))
    }
}

/// The new values of a page of records, each with its record's id.
pub(super) type Taken = Vec<Vec<Value>>;

/// What becomes of the hindrances of a change that is to be made.
pub(super) fn refuse(hindrances: Vec<Hindrance>) -> Result<()> {
    if hindrances.is_empty() {
        return Ok(());
    }
    let error = |hindrance: Hindrance| {
        let named: Vec<String> = hindrance.first.iter().map(ToString::to_string).collect();
        let records = if named.is_empty() { String::new() } else { format!(" The first: {}.", named.join(", ")) };
        FieldError { pointer: String::new(), code: hindrance.code, message: format!("{}{records}", hindrance.message) }
    };
    let errors = hindrances.into_iter().map(error).collect();
    Err(Problem::conflict("The records that are there stand in the way. Nothing was changed.", errors))
}

impl<M: Mode> Tx<'_, M> {
    /// Everything that stands in the way of making `after` of `before`, as far as it can be seen without doing so.
    pub(super) async fn hindrances(&mut self, before: &Entity, after: &Entity) -> Result<Vec<Hindrance>> {
        let mut found = self.hindrances_to_new(before, after).await?;
        for change in TakeOver::all(before, after) {
            let mut tally = Tally::default();
            let mut from = None;
            while let Some((_, last)) = self.taken(change, from, &mut tally).await? {
                from = Some(last);
            }
            found.extend(self.hindered(before, Some(change.field), tally));
        }
        // As far as the columns are there that tell who lives.
        let known = Entity { soft_delete: before.soft_delete && after.soft_delete, ..after.clone() };
        let is_there = |id| before.field(id).zip(after.field(id)).is_some_and(|(was, is)| was.column() == is.column());
        for key in new_keys(before, after).filter(|key| key.fields.iter().all(|id| is_there(*id))) {
            found.extend(self.duplicates(&known, key).await?);
        }
        Ok(found)
    }

    /// What stands in the way of fields to be added.
    pub(super) async fn hindrances_to_new(&mut self, before: &Entity, after: &Entity) -> Result<Vec<Hindrance>> {
        let new = after.fields.iter().filter(|field| before.field(field.id).is_none());
        let mut found = Vec::new();
        if before.soft_delete && !after.soft_delete {
            found.extend(self.deleted(before).await?);
        }
        for field in new {
            let default = default_of(field);
            if field.required
                && default.is_none()
                && field.kind != FieldKind::AutoNumber
                && self.has_records(before).await?
            {
                let message = "There are records already, which need a value. Give the field a `default`.";
                found.push(hindrance(before, Some(field), (Code::Required, message.to_owned())));
            }
            let ids = match &default {
                Some(Value::Uuid(id)) => std::slice::from_ref(id),
                Some(Value::Uuids(ids)) => ids,
                _ => &[],
            };
            let target =
                field.kind.target().or(field.kind.linked()).and_then(|id| self.model.schema.entity(id).cloned());
            let Some(target) = target else { continue };
            for id in ids {
                if !self.has_record(&target, *id).await? {
                    let message = "The `default` leads to no record.";
                    found.push(hindrance(before, Some(field), (Code::NoSuchRecord, message.to_owned())));
                }
            }
        }
        Ok(found)
    }

    /// The values of the next records after `from` as the field is to hold them, where they differ or the field has another
    /// column, and the last record of the page. Nothing where there is no further record.
    pub(super) async fn taken(
        &mut self,
        change: TakeOver<'_>,
        from: Option<Uuid>,
        tally: &mut Tally,
    ) -> Result<Option<(Taken, Uuid)>> {
        let TakeOver { entity, was, field, left } = change;
        let column = Leaf::Field(was.column());
        let mut w = SqlWriter::new(self.store.dialect());
        w.raw("SELECT a0.id, ").column(0, column).raw(" FROM ").table(self.author.tenant, entity.id);
        w.raw(" AS a0 WHERE a0.id > ").bind(Slot::Arg(0));
        if left == Left::Changed {
            // One that was emptied meanwhile has its old value in the new column.
            w.raw(" AND a0.converted IS DISTINCT FROM a0.version");
        } else if !field.required || was.required {
            w.raw(" AND ").column(0, column).raw(" IS NOT NULL");
        }
        w.raw(" ORDER BY a0.id LIMIT ").number(PAGE);
        let from = Value::Uuid(from.unwrap_or_default());
        let rows = self.store.query(&w.finish().text, &[&from]).await.map_err(|error| self.failed(error))?;
        let mut last = None;
        let mut taken = Taken::new();
        for row in &rows {
            let id: Uuid = row.id(0)?;
            last = Some(id);
            let old = row.value(1, was.kind.column_type())?;
            match change.value(&old) {
                Ok(Some(new)) => taken.push(vec![new, Value::Uuid(id)]),
                Ok(None) => {}
                Err(why) => tally.add(id, why),
            }
        }
        Ok(last.map(|last| (taken, last)))
    }

    /// The records that have a key's values in common.
    pub(super) async fn duplicates(&mut self, entity: &Entity, key: &UniqueKey) -> Result<Option<Hindrance>> {
        let sql = alter::duplicates(self.store.dialect(), self.author.tenant, entity, key);
        let rows = self.store.query(&sql, &[]).await.map_err(|error| self.failed(error))?;
        let mut tally = Tally::default();
        for row in &rows {
            tally.add(row.id(0)?, (Code::NotUnique, "Values are not unique.".to_owned()));
        }
        let field = if key.fields.len() == 1 { key.fields.first().and_then(|id| entity.field(*id)) } else { None };
        Ok(self.hindered(entity, field, tally))
    }

    /// What a tally says. Records are named to whoever may read all of them.
    pub(super) fn hindered(&self, entity: &Entity, field: Option<&Field>, tally: Tally) -> Option<Hindrance> {
        let (code, why) = tally.why?;
        let what = match field {
            Some(field) => format!("`{}.{}`", entity.name, field.name),
            None => format!("a key of `{}`", entity.name),
        };
        let records = if tally.count == 1 { "1 record".to_owned() } else { format!("{} records", tally.count) };
        let reads = self.model.record_right(&self.caller, entity, Action::Read);
        let first = if reads.is_some_and(|reads| reads.is_whole()) { tally.first } else { Vec::new() };
        let message = format!("{records} stand in the way by {what}: {why}");
        Some(Hindrance { records: tally.count, first, ..hindrance(entity, field, (code, message)) })
    }

    /// Deleted records, which would come back where none are kept any more.
    async fn deleted(&mut self, entity: &Entity) -> Result<Option<Hindrance>> {
        let sql = alter::deleted(self.store.dialect(), self.author.tenant, entity.id);
        let rows = self.store.query(&sql, &[]).await.map_err(|error| self.failed(error))?;
        let message = "Deleted records are kept. Restore them, or wait until they are purged.";
        let found = hindrance(entity, None, (Code::Conflict, message.to_owned()));
        Ok((!rows.is_empty()).then_some(Hindrance { records: rows.len(), ..found }))
    }

    async fn has_records(&mut self, entity: &Entity) -> Result<bool> {
        let mut w = SqlWriter::new(self.store.dialect());
        w.raw("SELECT id FROM ").table(self.author.tenant, entity.id).raw(" LIMIT 1");
        let rows = self.store.query(&w.finish().text, &[]).await.map_err(|error| self.failed(error))?;
        Ok(!rows.is_empty())
    }

    async fn has_record(&mut self, entity: &Entity, id: Uuid) -> Result<bool> {
        let mut w = SqlWriter::new(self.store.dialect());
        w.raw("SELECT id FROM ").table(self.author.tenant, entity.id).raw(" WHERE id = ").bind(Slot::Arg(0));
        w.raw(if entity.soft_delete { " AND deleted_at IS NULL" } else { "" });
        let rows = self.store.query(&w.finish().text, &[&Value::Uuid(id)]).await;
        Ok(!rows.map_err(|error| self.failed(error))?.is_empty())
    }
}

/// The value that records of before the field are given.
pub(super) fn default_of(field: &Field) -> Option<Value> {
    let default = field.default.as_ref().map(insula_model::json::Json::from)?;
    insula_model::draft::value_of(field, &default).ok().filter(|value| !value.is_null())
}

/// Keys that `before` does not have.
pub(super) fn new_keys<'e>(before: &'e Entity, after: &'e Entity) -> impl Iterator<Item = &'e UniqueKey> {
    after.unique.iter().filter(|key| !before.unique.iter().any(|other| other.id == key.id))
}

pub(super) fn hindrance(entity: &Entity, field: Option<&Field>, (code, message): (Code, String)) -> Hindrance {
    Hindrance {
        entity: entity.name.to_string(),
        field: field.map(|field| field.name.to_string()),
        code,
        message,
        records: 0,
        first: Vec::new(),
    }
}
