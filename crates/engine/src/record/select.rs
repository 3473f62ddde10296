//! One SELECT over an entity and the records its relations lead to: which columns, which joins, and how they come out
//! as JSON. Every join carries the read rule of the entity it leads to, so a record that may not be seen joins as none.

use std::sync::Arc;

use insula_model::entity::{DELETED_AT, Entity, Field, FieldColumn, SystemField};
use insula_model::expr::{self, Context, Expr, Leaf, ParamUse, Params, Reach};
use insula_model::id::{FieldId, TenantId};
use insula_model::problem::{Code, Problem, Result, pointer};
use insula_model::rights::{Action, RecordRight};
use insula_model::value::{ColumnType, write_json_text};

use super::expand::Expand;
use super::linked::Linked;
use super::params;
use super::source::Source;
use crate::grant::{Grant, Read};
use crate::sql::{Dialect, SqlWriter, condition};
use crate::store::{Shape, Step};
use crate::tenant::{CallerRights, Model};

/// Relations one query follows, those of filters included. SQLite joins 64 tables at most; PostgreSQL plans for seconds.
const MOST_JOINS: usize = 16;
/// Columns of one query. SQLite has 2000 at most, PostgreSQL 1664.
const MOST_COLUMNS: usize = 1_600;

/// What a reader sees: the entity, what of it may be read, and what of others.
#[derive(Clone, Copy)]
pub(super) struct Reader<'g> {
    pub(super) entity: &'g Arc<Entity>,
    pub(super) right: &'g RecordRight,
    pub(super) model: &'g Model,
    caller: &'g CallerRights,
}

/// The relation fields walked from the record, and the entity they lead to. Stands under alias `position + 1`.
struct Join {
    hops: Vec<FieldId>,
    /// The column of the last one.
    relation: FieldColumn,
    target: Arc<Entity>,
    right: Arc<RecordRight>,
}

/// One column of the result, of the table under an alias.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    Column(u32, Leaf),
    Links(u32, FieldId),
    DeletedAt,
}

pub(super) struct Select<'g> {
    reader: Reader<'g>,
    tenant: TenantId,
    dialect: Dialect,
    joins: Vec<Join>,
    columns: Vec<Output>,
    linked: Vec<Linked>,
    /// The right to delete, where it is deleted records that are wanted.
    deleted: Option<Arc<RecordRight>>,
}

impl<'g> Reader<'g> {
    pub(super) fn new(grant: &'g Grant<'_, Read>) -> Self {
        let entity = grant.right.seen.as_ref().unwrap_or(&grant.entity);
        Self { entity, right: &grant.right, model: &grant.model, caller: &grant.caller }
    }

    pub(super) fn right_on(self, entity: &Entity) -> Option<Arc<RecordRight>> {
        self.model.record_right(self.caller, entity, Action::Read)
    }

    pub(super) fn reads_field(self, entity: &Entity, field: &Field) -> bool {
        self.right_on(entity).is_some_and(|right| right.reads(entity, field))
    }

    /// Compiles a filter as this reader: what may not be read does not exist.
    /// With it come the parameters it asks for.
    pub(super) fn filter(self, source: &str) -> Result<(Expr, Vec<ParamUse>)> {
        let uses = Params::default();
        let context = Context {
            schema: &self.model.schema,
            entity: self.entity,
            readable: &|entity, field| self.reads_field(entity, field),
            visible: &|entity| self.right_on(entity).is_some(),
            params: Some(&uses),
            reach: Reach::Around,
        };
        let filter = expr::compile(source, &context)
            .map_err(|error| Problem::at("/filter", error.kind.code(), error.message))?;
        Ok((filter, uses.into_inner()))
    }

    /// A column by its name in the API, if this reader may read it.
    pub(super) fn column(self, name: &str) -> Option<(Leaf, ColumnType, bool)> {
        if let Some(field) = SystemField::named(name) {
            return Some((Leaf::System(field), field.column_type(), true));
        }
        let field = self.entity.field_named(name).filter(|field| self.reads_field(self.entity, field))?;
        Some((Leaf::Field(field.column()), field.kind.column_type(), field.required))
    }
}

impl<'g> Select<'g> {
    pub(super) const fn new(reader: Reader<'g>, tenant: TenantId, dialect: Dialect) -> Self {
        Self { reader, tenant, dialect, joins: Vec::new(), columns: Vec::new(), linked: Vec::new(), deleted: None }
    }

    /// Turns to the deleted records, as far as this right reaches.
    pub(super) fn of_deleted(&mut self, right: Arc<RecordRight>) {
        self.deleted = Some(right);
    }

    /// What takes the places that the record's shape notes.
    pub(super) fn take_linked(&mut self) -> Vec<Linked> {
        std::mem::take(&mut self.linked)
    }

    /// Makes the joins a condition needs.
    pub(super) fn join_for(&mut self, condition: &Expr) -> Result<()> {
        condition.paths().iter().try_for_each(|path| self.join(&path.hops).map(drop))
    }

    /// The alias the hops end at, joined if they are not yet.
    pub(super) fn join(&mut self, hops: &[FieldId]) -> Result<u32> {
        let mut from = Arc::clone(self.reader.entity);
        for end in 1..=hops.len() {
            let prefix = hops.get(..end).unwrap_or_default();
            if let Some(join) = self.joins.iter().find(|join| join.hops == prefix) {
                from = Arc::clone(&join.target);
                continue;
            }
            let (relation, target) = prefix
                .last()
                .and_then(|hop| from.field(*hop))
                .and_then(|field| Some((field.column(), self.reader.model.schema.entity(field.kind.target()?)?)))
                .ok_or_else(|| Problem::internal("a path leads over something that is no relation"))?;
            let right = self
                .reader
                .right_on(target)
                .ok_or_else(|| Problem::internal("a path leads where the reader may not go"))?;
            if self.joins.len() == MOST_JOINS {
                let message = format!("A query follows at most {MOST_JOINS} relations, those of `expand` included.");
                return Err(Problem::at("/filter", Code::OutOfRange, message));
            }
            self.joins.push(Join { hops: prefix.to_vec(), relation, target: Arc::clone(target), right });
            from = Arc::clone(target);
        }
        Ok(alias(&self.joins, hops))
    }

    /// A column of the result; the same one twice is one.
    pub(super) fn column(&mut self, alias: u32, leaf: Leaf) -> usize {
        self.output(Output::Column(alias, leaf))
    }

    fn output(&mut self, column: Output) -> usize {
        if let Some(index) = self.columns.iter().position(|other| *other == column) {
            return index;
        }
        self.columns.push(column);
        self.columns.len() - 1
    }

    /// The record as JSON: what `fields` names (everything readable where absent), with `expand` in place of ids.
    pub(super) fn record(&mut self, fields: Option<&str>, expand: Option<&str>) -> Result<Shape> {
        let expand = Expand::parse(self.reader, expand)?;
        let entity = Arc::clone(self.reader.entity);
        let names: Vec<String> = match fields {
            None => {
                let mut names = Self::all_readable(self.reader.entity, self.reader.right);
                names.extend(self.deleted.is_some().then(|| DELETED_AT.to_owned()));
                names
            }
            Some(list) => {
                let mut names = vec!["id".to_owned()];
                for name in params::items("fields", list)? {
                    if self.deleted.is_none() || name != DELETED_AT {
                        self.reader.column(name).ok_or_else(|| unknown(self.reader.entity, "fields", name))?;
                    }
                    names.extend((name != "id").then(|| name.to_owned()));
                }
                let expanded = expand.fields().filter_map(|id| entity.field(id)).map(|field| field.name.to_string());
                let unnamed: Vec<String> = expanded.filter(|name| !names.contains(name)).collect();
                names.extend(unnamed);
                names
            }
        };
        let steps = self.object(&[], &entity, &names, &expand)?;
        self.check_width()?;
        Ok(Shape { steps, captures: Vec::new() })
    }

    fn check_width(&self) -> Result<()> {
        if self.columns.len() > MOST_COLUMNS {
            let message = format!("A query reads at most {MOST_COLUMNS} values of one record. Expand fewer relations.");
            return Err(Problem::at("/expand", Code::OutOfRange, message));
        }
        Ok(())
    }

    /// The record that `hops` lead to, as an object with these members.
    fn object(
        &mut self,
        hops: &[FieldId],
        entity: &Arc<Entity>,
        names: &[String],
        expand: &Expand,
    ) -> Result<Vec<Step>> {
        let own = alias(&self.joins, hops);
        let mut steps = Vec::new();
        let mut lead = String::from("{");
        for name in names {
            push_name(&mut lead, name);
            let expanded = entity.field_named(name).and_then(|field| Some((field, expand.of(field.id)?)));
            let step = match expanded {
                Some((field, inner)) if field.kind.linked().is_some() => self.linked(own, field, inner)?,
                Some((field, inner)) => self.nested(hops, field, inner)?,
                None => self.plain(own, entity, name)?,
            };
            push(&mut steps, &mut lead, step);
        }
        steps.push(Step::Raw(b"}"[..].into()));
        Ok(steps)
    }

    fn all_readable(entity: &Entity, right: &RecordRight) -> Vec<String> {
        let readable = entity.fields.iter().enumerate().filter(|(p, _)| right.readable.contains(*p));
        let mut names = vec!["id".to_owned()];
        names.extend(readable.map(|(_, field)| field.name.to_string()));
        names.extend(SystemField::ALL.iter().skip(1).map(|field| field.name().to_owned()));
        names
    }

    fn plain(&mut self, alias: u32, entity: &Entity, name: &str) -> Result<Step> {
        if self.deleted.is_some() && alias == 0 && name == DELETED_AT {
            return Ok(Step::Column { index: self.output(Output::DeletedAt), ty: ColumnType::Timestamp });
        }
        let column = entity.column_named(name).ok_or_else(|| Problem::internal("a column vanished"))?;
        let leaf = match column {
            insula_model::entity::Column::System(field) => Leaf::System(field),
            insula_model::entity::Column::Field(field) => Leaf::Field(field.column()),
        };
        let index = match (column.column_type(), leaf) {
            (ColumnType::Uuids, Leaf::Field(column)) => self.output(Output::Links(alias, column.field)),
            _ => self.column(alias, leaf),
        };
        Ok(Step::Column { index, ty: column.column_type() })
    }

    /// The record a relation leads to; null where there is none or none that may be seen.
    fn nested(&mut self, hops: &[FieldId], field: &Field, expand: &Expand) -> Result<Step> {
        let hops: Vec<FieldId> = hops.iter().copied().chain([field.id]).collect();
        let alias = self.join(&hops)?;
        let target = field.kind.target().and_then(|id| self.reader.model.schema.entity(id));
        let target = Arc::clone(target.ok_or_else(|| Problem::internal("a relation leads nowhere"))?);
        let right = self.reader.right_on(&target).ok_or_else(Problem::not_found)?;
        let present = self.column(alias, Leaf::System(SystemField::Id));
        let steps = self.object(&hops, &target, &Self::all_readable(&target, &right), expand)?;
        Ok(Step::Nested { present, steps })
    }

    /// The records a field links; those that may not be seen are left out.
    fn linked(&mut self, alias: u32, field: &Field, expand: &Expand) -> Result<Step> {
        let target = field.kind.linked().and_then(|id| self.reader.model.schema.entity(id));
        let target = target.ok_or_else(|| Problem::internal("links lead nowhere"))?;
        let right = self.reader.right_on(target).ok_or_else(Problem::not_found)?;
        let mut select =
            Select::new(Reader { entity: target, right: &right, ..self.reader }, self.tenant, self.dialect);
        let id = select.column(0, Leaf::System(SystemField::Id));
        let mut steps = vec![Step::Noted { index: id, ty: ColumnType::Uuid, list: 0 }, Step::Raw(b":"[..].into())];
        steps.extend(select.object(&[], target, &Self::all_readable(target, &right), expand)?);
        select.check_width()?;
        self.linked.push(Linked::new(&select, Shape { steps, captures: Vec::new() }));
        let index = self.output(Output::Links(alias, field.id));
        Ok(Step::Noted { index, ty: ColumnType::Uuids, list: self.linked.len() - 1 })
    }

    /// `SELECT columns FROM … LEFT JOIN … WHERE <read rule>`, to which conditions are added with [`Select::and`].
    pub(super) fn write(&self) -> SqlWriter {
        let mut w = self.writer();
        self.write_to(&mut w);
        w
    }

    /// For what consists of several such statements.
    pub(super) fn writer(&self) -> SqlWriter {
        SqlWriter::new(self.dialect)
    }

    pub(super) fn write_to(&self, w: &mut SqlWriter) {
        w.raw("SELECT ");
        for (i, column) in self.columns.iter().enumerate() {
            w.raw(if i == 0 { "" } else { ", " });
            match *column {
                Output::Column(alias, leaf) => w.column(alias, leaf),
                Output::Links(alias, field) => w.links(self.tenant, alias, field),
                Output::DeletedAt => w.deleted_at(0),
            };
        }
        self.write_from(w);
    }

    /// The same rows, counted.
    pub(super) fn write_count(&self) -> SqlWriter {
        let mut w = SqlWriter::new(self.dialect);
        w.raw("SELECT count(*)");
        self.write_from(&mut w);
        w
    }

    fn write_from(&self, w: &mut SqlWriter) {
        let own = Source { deleted: self.deleted.as_deref(), ..self.source(self.reader.entity, self.reader.right) };
        w.raw(" FROM ");
        own.table(w, 0);
        for join in &self.joins {
            let own = alias(&self.joins, &join.hops);
            let from = join.hops.split_last().map_or(0, |(_, rest)| alias(&self.joins, rest));
            let source = self.source(&join.target, &join.right);
            w.raw(" LEFT JOIN ");
            source.table(w, own);
            w.raw(" ON ");
            w.column(own, Leaf::System(SystemField::Id)).raw(" = ");
            w.column(from, Leaf::Field(join.relation));
            source.and_rule(w, own);
        }
        w.raw(" WHERE TRUE");
        own.and_rule(w, 0);
    }

    const fn source<'s>(&'s self, entity: &'s Entity, right: &'s RecordRight) -> Source<'s> {
        Source { tenant: self.tenant, schema: &self.reader.model.schema, entity, right, deleted: None }
    }

    /// Adds a condition whose joins have been made.
    pub(super) fn and(&self, w: &mut SqlWriter, expr: &Expr) {
        w.raw(" AND ");
        condition(w, self.tenant, expr, &mut |hops| alias(&self.joins, hops));
    }
}

/// The alias of the table that `hops` lead to; the record itself is 0.
fn alias(joins: &[Join], hops: &[FieldId]) -> u32 {
    let position = joins.iter().position(|join| join.hops == hops);
    position.map_or(0, |p| u32::try_from(p + 1).unwrap_or(u32::MAX))
}

/// A parameter names something that is no field, or none the caller may know.
pub(super) fn unknown(entity: &Entity, parameter: &str, name: &str) -> Problem {
    Problem::at(pointer("", parameter), Code::UnknownField, format!("`{name}` is not a field of `{}`.", entity.name))
}

fn push_name(lead: &mut String, name: &str) {
    if lead != "{" {
        lead.push(',');
    }
    let mut quoted = Vec::new();
    write_json_text(name, &mut quoted);
    lead.push_str(&String::from_utf8_lossy(&quoted));
    lead.push(':');
}

fn push(steps: &mut Vec<Step>, lead: &mut String, step: Step) {
    steps.push(Step::Raw(std::mem::take(lead).into_bytes().into()));
    steps.push(step);
}
