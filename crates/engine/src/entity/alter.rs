//! The words for changing a table that is there. SQLite has few of them: what it cannot say is a table made anew.

use insula_model::entity::{Entity, Field, SystemField, UniqueKey};
use insula_model::expr::Leaf;
use insula_model::id::{EntityId, TenantId};

use super::ddl;
use crate::sql::{Dialect, Slot, SqlWriter};

/// A column of a field, still without values.
pub(super) fn add_column(dialect: Dialect, tenant: TenantId, entity: EntityId, field: &Field) -> String {
    let mut w = altering(dialect, tenant, entity);
    w.raw(" ADD COLUMN ");
    ddl::column(&mut w, field);
    ddl::reference(&mut w, tenant, field);
    w.finish().text
}

/// The column of an entity that comes to keep deleted records.
pub(super) fn add_deleted_column(dialect: Dialect, tenant: TenantId, entity: EntityId) -> String {
    let mut w = altering(dialect, tenant, entity);
    w.raw(" ADD COLUMN ");
    ddl::deleted_column(&mut w);
    w.finish().text
}

/// The same of one that keeps none any more, with its index.
pub(super) fn drop_deleted_column(tenant: TenantId, entity: EntityId) -> String {
    let mut w = altering(Dialect::Postgres, tenant, entity);
    w.raw(" DROP COLUMN deleted_at");
    w.finish().text
}

/// The column that notes which records a job has converted.
pub(super) fn add_converted_column(dialect: Dialect, tenant: TenantId, entity: EntityId) -> String {
    let mut w = altering(dialect, tenant, entity);
    w.raw(" ADD COLUMN ");
    ddl::converted_column(&mut w);
    w.finish().text
}

pub(super) fn drop_converted_column(dialect: Dialect, tenant: TenantId, entity: EntityId) -> String {
    let mut w = altering(dialect, tenant, entity);
    w.raw(" DROP COLUMN converted");
    w.finish().text
}

/// Some deleted records.
pub(super) fn deleted(dialect: Dialect, tenant: TenantId, entity: EntityId) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("SELECT id FROM ").table(tenant, entity).raw(" WHERE deleted_at IS NOT NULL ORDER BY id");
    w.finish().text
}

pub(super) fn drop_column(dialect: Dialect, tenant: TenantId, entity: EntityId, field: &Field) -> String {
    let mut w = altering(dialect, tenant, entity);
    w.raw(" DROP COLUMN ").column_name(Leaf::Field(field.column()));
    w.finish().text
}

/// Gives every record the value of the one bind.
pub(super) fn fill(dialect: Dialect, tenant: TenantId, entity: EntityId, field: &Field) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("UPDATE ").table(tenant, entity).raw(" SET ").column_name(Leaf::Field(field.column()));
    w.raw(" = ").bind(Slot::Arg(0));
    w.finish().text
}

/// Links every record to the record of the one bind.
pub(super) fn fill_links(dialect: Dialect, tenant: TenantId, entity: EntityId, field: &Field) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("INSERT INTO ").link_table(tenant, field.id).raw(" (source, target) SELECT id, ").bind(Slot::Arg(0));
    w.raw(if dialect == Dialect::Postgres { "::uuid" } else { "" }).raw(" FROM ").table(tenant, entity);
    w.finish().text
}

/// Numbers every record by its id, which is the order in which they were made, and has the counter go on from there.
pub(super) fn number(dialect: Dialect, tenant: TenantId, entity: EntityId, field: &Field) -> [String; 2] {
    let mut numbers = SqlWriter::new(dialect);
    numbers.raw("UPDATE ").table(tenant, entity).raw(" AS a0 SET ").column_name(Leaf::Field(field.column()));
    numbers.raw(" = o.n FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM ").table(tenant, entity);
    numbers.raw(") AS o WHERE o.id = a0.id");
    let mut counter = SqlWriter::new(dialect);
    counter.raw("UPDATE ").counter_table(tenant, field.id).raw(" SET last = (SELECT count(*) FROM ");
    counter.table(tenant, entity).raw(")");
    [numbers.finish().text, counter.finish().text]
}

/// Whether a value must be there.
pub(super) fn require(tenant: TenantId, entity: EntityId, field: &Field) -> String {
    let mut w = altering(Dialect::Postgres, tenant, entity);
    w.raw(" ALTER COLUMN ").column_name(Leaf::Field(field.column()));
    w.raw(if field.required { " SET NOT NULL" } else { " DROP NOT NULL" });
    w.finish().text
}

/// Takes away a relation's foreign key, whatever PostgreSQL has called it.
pub(super) fn drop_reference(tenant: TenantId, entity: EntityId, field: &Field) -> String {
    let mut w = SqlWriter::new(Dialect::Postgres);
    w.raw("DO $$ DECLARE k name; BEGIN SELECT c.conname INTO STRICT k FROM pg_catalog.pg_constraint c");
    w.raw(" JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]");
    w.raw(" WHERE c.contype = 'f' AND c.conrelid = '").table(tenant, entity).raw("'::pg_catalog.regclass");
    w.raw(" AND a.attname = '")
        .column_name(Leaf::Field(field.column()))
        .raw("'; EXECUTE pg_catalog.format('ALTER TABLE ");
    w.table(tenant, entity).raw(" DROP CONSTRAINT %I', k); END $$");
    w.finish().text
}

pub(super) fn add_reference(tenant: TenantId, entity: EntityId, field: &Field) -> String {
    let mut w = altering(Dialect::Postgres, tenant, entity);
    w.raw(" ADD FOREIGN KEY (").column_name(Leaf::Field(field.column())).raw(")");
    ddl::reference(&mut w, tenant, field);
    w.finish().text
}

pub(super) fn drop_unique(dialect: Dialect, tenant: TenantId, key: &UniqueKey) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("DROP INDEX ").schema(tenant).unique_name(key.id);
    w.finish().text
}

pub(super) fn drop_index(dialect: Dialect, tenant: TenantId, field: &Field) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("DROP INDEX ").schema(tenant).index_name(field.id);
    w.finish().text
}

/// The table made anew, under the name of `spare` until it takes the old one's place (SQLite, "Making Other Kinds Of Table
/// Schema Changes"). Foreign keys must be off: those that lead here are of the name, and hold again when it is back.
/// All indexes go with the old one.
pub(super) fn rebuild(tenant: TenantId, entity: &Entity, spare: EntityId) -> [String; 4] {
    let dialect = Dialect::Sqlite;
    let mut copied = SqlWriter::new(dialect);
    copied.raw("INSERT INTO ").table_name(spare).raw(" (");
    columns(&mut copied, entity);
    copied.raw(") SELECT ");
    columns(&mut copied, entity);
    // In the order of making, so that the rows lie as before.
    copied.raw(" FROM ").table_name(entity.id).raw(" ORDER BY rowid");
    let mut dropped = SqlWriter::new(dialect);
    dropped.raw("DROP TABLE ").table_name(entity.id);
    let mut renamed = SqlWriter::new(dialect);
    renamed.raw("ALTER TABLE ").table_name(spare).raw(" RENAME TO ").table_name(entity.id);
    let made = ddl::table(dialect, tenant, entity, spare);
    [made, copied.finish().text, dropped.finish().text, renamed.finish().text]
}

fn columns(w: &mut SqlWriter, entity: &Entity) {
    for field in SystemField::ALL {
        w.raw(if field == SystemField::Id { "" } else { ", " }).raw(field.name());
    }
    for field in entity.fields.iter().filter(|field| field.kind.is_column()) {
        w.raw(", ").column_name(Leaf::Field(field.column()));
    }
    if entity.soft_delete {
        w.raw(", deleted_at");
    }
}

/// How many rows of the table lead nowhere.
pub(super) fn dangling(entity: EntityId) -> String {
    let mut w = SqlWriter::new(Dialect::Sqlite);
    w.raw("SELECT count(*) FROM pragma_foreign_key_check('").table_name(entity).raw("')");
    w.finish().text
}

/// Some records that have the values of a key in common with others.
pub(super) fn duplicates(dialect: Dialect, tenant: TenantId, entity: &Entity, key: &UniqueKey) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("SELECT id FROM (SELECT id, count(*) OVER (PARTITION BY ");
    let fields: Vec<&Field> = key.fields.iter().filter_map(|id| entity.field(*id)).collect();
    for (i, field) in fields.iter().enumerate() {
        w.raw(if i == 0 { "" } else { ", " }).column_name(Leaf::Field(field.column()));
    }
    w.raw(") AS n FROM ").table(tenant, entity.id).raw(" WHERE TRUE");
    for field in fields {
        w.raw(" AND ").column_name(Leaf::Field(field.column())).raw(" IS NOT NULL");
    }
    w.raw(if entity.soft_delete { " AND deleted_at IS NULL" } else { "" });
    w.raw(") AS d WHERE n > 1 ORDER BY id");
    w.finish().text
}

fn altering(dialect: Dialect, tenant: TenantId, entity: EntityId) -> SqlWriter {
    let mut w = SqlWriter::new(dialect);
    w.raw("ALTER TABLE ").table(tenant, entity);
    w
}
