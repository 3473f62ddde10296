//! Making the tables of an entity what its new design asks for. The steps are the same on both stores: columns are added
//! and filled, values taken over, and then what was is taken away. Only the last differs: SQLite makes the table anew.

use insula_model::entity::{Entity, Field, FieldKind, UniqueKey};
use insula_model::expr::Leaf;
use insula_model::id::EntityId;
use insula_model::problem::{Problem, Result};
use insula_model::value::Value;

use super::survey::{self, Left, TakeOver, Tally, default_of};
use super::{alter, ddl};
use crate::sql::{Dialect, Slot, SqlWriter};
use crate::store::StoreError;
use crate::tx::{Designing, Meaning, Tx};

impl Tx<'_, Designing> {
    /// Makes `after` of `before`, or says which records stand in the way. `left` are the values of fields that come to have
    /// another column.
    pub(super) async fn reshape(&mut self, before: &Entity, after: &Entity, left: Left) -> Result<()> {
        let (dialect, tenant, id) = (self.store.dialect(), self.author.tenant, after.id);
        survey::refuse(self.hindrances_to_new(before, after).await?)?;
        let rebuilt = dialect == Dialect::Sqlite && needs_rebuild(before, after);
        let stale = stale_indexes(dialect, before, after);
        for statement in stale.iter().map(|index| index.dropped(dialect, tenant)) {
            self.run(&statement).await?;
        }
        let is_missing = |field: &&Field| left == Left::All || before.field(field.id).is_none();
        for field in after.fields.iter().filter(|field| has_new_column(before, field)).filter(is_missing) {
            self.run(&alter::add_column(dialect, tenant, id, field)).await?;
        }
        if after.soft_delete && !before.soft_delete {
            self.run(&alter::add_deleted_column(dialect, tenant, id)).await?;
        }
        for field in after.fields.iter().filter(|field| before.field(field.id).is_none()) {
            self.furnish(after, field).await?;
        }
        let mut hindrances = Vec::new();
        for change in TakeOver::all(before, after) {
            let tally = self.take_over(TakeOver { left, ..change }).await?;
            hindrances.extend(self.hindered(before, Some(change.field), tally));
        }
        survey::refuse(hindrances)?;
        for field in &before.fields {
            if after.field(field.id).is_none_or(|is| is.kind.name() != field.kind.name())
                && let Some(statement) = ddl::drop_beside(dialect, tenant, field)
            {
                self.run(&statement).await?;
            }
        }
        if rebuilt {
            self.rebuild(after).await?;
        } else if dialect == Dialect::Postgres {
            self.finish_columns(before, after).await?;
            if left == Left::Changed {
                self.run(&alter::drop_converted_column(dialect, tenant, id)).await?;
            }
        }
        self.index(before, after, if rebuilt { None } else { Some(&stale) }).await
    }

    async fn run(&mut self, ddl: &str) -> Result<()> {
        self.store.ddl(ddl).await.map_err(|error| self.failed(error))
    }

    /// What a new field has for the records that are there.
    async fn furnish(&mut self, entity: &Entity, field: &Field) -> Result<()> {
        let (dialect, tenant) = (self.store.dialect(), self.author.tenant);
        for statement in ddl::beside(dialect, tenant, entity, field) {
            self.run(&statement).await?;
        }
        if field.kind == FieldKind::AutoNumber {
            for statement in alter::number(dialect, tenant, entity.id, field) {
                self.rewrite(&statement, &[]).await?;
            }
        }
        match default_of(field) {
            Some(Value::Uuids(ids)) => {
                for id in ids {
                    self.rewrite(&alter::fill_links(dialect, tenant, entity.id, field), &[&Value::Uuid(id)]).await?;
                }
            }
            Some(value) => self.rewrite(&alter::fill(dialect, tenant, entity.id, field), &[&value]).await?,
            None => {}
        }
        Ok(())
    }

    async fn rewrite(&mut self, sql: &str, binds: &[&Value]) -> Result<()> {
        self.store.rewrite(sql, binds).await.map(drop).map_err(|error| self.failed(error))
    }

    /// Writes every value anew that differs in the field's new form.
    async fn take_over(&mut self, change: TakeOver<'_>) -> Result<Tally> {
        let mut w = SqlWriter::new(self.store.dialect());
        w.raw("UPDATE ").table(self.author.tenant, change.entity.id).raw(" SET ");
        w.column_name(Leaf::Field(change.field.column())).raw(" = ").bind(Slot::Arg(0));
        w.raw(" WHERE id = ").bind(Slot::Arg(1));
        let sql = w.finish().text;
        let mut tally = Tally::default();
        let mut from = None;
        while let Some((taken, last)) = self.taken(change, from, &mut tally).await? {
            if !taken.is_empty() {
                self.send(&sql, taken, meaning()).await?;
            }
            from = Some(last);
        }
        Ok(tally)
    }

    /// SQLite: the table anew, without the columns that are gone.
    async fn rebuild(&mut self, after: &Entity) -> Result<()> {
        let spare: EntityId = self.engine().ids.next();
        for statement in alter::rebuild(self.author.tenant, after, spare) {
            self.run(&statement).await?;
        }
        let rows = self.store.query(&alter::dangling(after.id), &[]).await.map_err(|error| self.failed(error))?;
        if rows.first().is_none_or(|row| row.int(0).is_ok_and(|dangling| dangling == 0)) {
            return Ok(());
        }
        Err(Problem::internal("a table made anew has references that lead nowhere"))
    }

    /// PostgreSQL: columns that are gone, and what else may be said of one that stays.
    async fn finish_columns(&mut self, before: &Entity, after: &Entity) -> Result<()> {
        let (tenant, id) = (self.author.tenant, after.id);
        let columns = |entity: &Entity| -> Vec<Field> {
            entity.fields.iter().filter(|field| field.kind.is_column()).cloned().collect()
        };
        for was in columns(before) {
            if after.field(was.id).is_none_or(|is| is.column() != was.column()) {
                self.run(&alter::drop_column(Dialect::Postgres, tenant, id, &was)).await?;
            }
        }
        if before.soft_delete && !after.soft_delete {
            self.run(&alter::drop_deleted_column(tenant, id)).await?;
        }
        for field in columns(after) {
            let was = before.field(field.id).filter(|was| was.column() == field.column());
            if was.map_or(field.required, |was| was.required != field.required) {
                self.run(&alter::require(tenant, id, &field)).await?;
            }
            let Some(was) = was.filter(|was| leads(was) != leads(&field)) else { continue };
            if was.kind.target().is_some() {
                self.run(&alter::drop_reference(tenant, id, was)).await?;
            }
            if field.kind.target().is_some() {
                self.run(&alter::add_reference(tenant, id, &field)).await?;
            }
        }
        Ok(())
    }

    /// Makes the indexes that are missing: all where the table was made anew, else those whose old form was dropped and
    /// those that are new.
    async fn index(&mut self, before: &Entity, after: &Entity, dropped: Option<&[Index]>) -> Result<()> {
        let (dialect, tenant) = (self.store.dialect(), self.author.tenant);
        let is_missing = |index: &Index| {
            dropped.is_none_or(|dropped| dropped.iter().any(|other| other.is_like(index)) || !has(before, index))
        };
        for key in ddl::in_order(dialect, &after.unique) {
            if is_missing(&Index::Unique(key.clone())) {
                self.make_unique(after, key).await?;
            }
        }
        if after.soft_delete && (dropped.is_none() || !before.soft_delete) {
            self.run(&ddl::deleted_index(dialect, tenant, after)).await?;
        }
        for field in after.fields.iter().filter(|field| ddl::is_indexed(field)) {
            if is_missing(&Index::Plain(field.clone())) {
                self.run(&ddl::index(dialect, tenant, after, field)).await?;
            }
        }
        Ok(())
    }

    async fn make_unique(&mut self, entity: &Entity, key: &UniqueKey) -> Result<()> {
        let sql = ddl::unique_index(self.store.dialect(), self.author.tenant, entity, key);
        self.store.open_span().await.map_err(|error| self.failed(error))?;
        match self.store.ddl(&sql).await {
            Ok(()) => self.store.close_span().await.map_err(|error| self.failed(error)),
            Err(StoreError::Unique(_)) => {
                self.store.undo_span().await.map_err(|error| self.failed(error))?;
                survey::refuse(self.duplicates(entity, key).await?.into_iter().collect())
            }
            Err(error) => Err(self.failed(error)),
        }
    }
}

/// An index that was or is to be.
enum Index {
    Unique(UniqueKey),
    Plain(Field),
}

impl Index {
    fn dropped(&self, dialect: Dialect, tenant: insula_model::id::TenantId) -> String {
        match self {
            Self::Unique(key) => alter::drop_unique(dialect, tenant, key),
            Self::Plain(field) => alter::drop_index(dialect, tenant, field),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unique(one), Self::Unique(other)) => one.id == other.id,
            (Self::Plain(one), Self::Plain(other)) => one.id == other.id,
            _ => false,
        }
    }
}

fn has(before: &Entity, index: &Index) -> bool {
    match index {
        Index::Unique(key) => before.unique.iter().any(|other| other.id == key.id),
        Index::Plain(field) => before.field(field.id).is_some_and(ddl::is_indexed),
    }
}

/// The indexes that are no longer what the design says. Of unique ones the order in which they were made counts, so all go
/// that would come to be made in another.
fn stale_indexes(dialect: Dialect, before: &Entity, after: &Entity) -> Vec<Index> {
    let is_same = |id| before.field(id).map(Field::column) == after.field(id).map(Field::column);
    let plain = before.fields.iter().filter(|field| ddl::is_indexed(field));
    let plain = plain.filter(|field| !is_same(field.id) || !after.field(field.id).is_some_and(ddl::is_indexed));
    let mut stale: Vec<Index> = plain.cloned().map(Index::Plain).collect();
    let wanted: Vec<&UniqueKey> = ddl::in_order(dialect, &after.unique).collect();
    let mut kept = 0;
    let mut in_order = true;
    for key in ddl::in_order(dialect, &before.unique) {
        let fits = in_order && wanted.get(kept).is_some_and(|other| other.id == key.id);
        if fits && before.soft_delete == after.soft_delete && key.fields.iter().all(|id| is_same(*id)) {
            kept += 1;
        } else {
            // One that is dropped for good leaves the order of the others as it is.
            in_order = in_order && !after.unique.iter().any(|other| other.id == key.id);
            stale.push(Index::Unique(key.clone()));
        }
    }
    stale
}

fn has_new_column(before: &Entity, field: &Field) -> bool {
    field.kind.is_column() && before.field(field.id).is_none_or(|was| was.column() != field.column())
}

const fn leads(field: &Field) -> Option<&FieldKind> {
    match &field.kind {
        kind @ FieldKind::Relation { .. } => Some(kind),
        _ => None,
    }
}

/// Whether SQLite has no other words for it: it adds columns that may be null, and that is all.
fn needs_rebuild(before: &Entity, after: &Entity) -> bool {
    let stays = |was: &Field| {
        after
            .field(was.id)
            .is_some_and(|is| was.column() == is.column() && was.required == is.required && leads(was) == leads(is))
    };
    let is_new = |field: &&Field| field.kind.is_column() && before.field(field.id).is_none();
    !before.fields.iter().filter(|field| field.kind.is_column()).all(stays)
        || (before.soft_delete && !after.soft_delete)
        || after.fields.iter().filter(is_new).any(|field| field.required)
}

/// Values stay unique by the old rules until the new ones are made.
fn meaning() -> Meaning {
    Box::new(|_, error| match error {
        StoreError::Unique(_) => Problem::conflict("Values that are unique would no longer be.", Vec::new()),
        other => other.into(),
    })
}
