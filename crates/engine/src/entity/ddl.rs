//! The tables behind entities: real columns, real indexes, real foreign keys, all named by catalogue ids.

use insula_model::entity::{Entity, Field, FieldKind, OnDelete, SystemField, UniqueKey};
use insula_model::expr::Leaf;
use insula_model::id::{EntityId, FieldId, TenantId};
use insula_model::value::ColumnType;

use crate::sql::{Dialect, SqlWriter};

/// `CREATE TABLE` and its indexes, in order.
pub(super) fn create(dialect: Dialect, tenant: TenantId, entity: &Entity) -> Vec<String> {
    let mut statements = vec![table(dialect, tenant, entity, entity.id)];
    statements.extend(in_order(dialect, &entity.unique).map(|key| unique_index(dialect, tenant, entity, key)));
    if entity.soft_delete {
        statements.push(deleted_index(dialect, tenant, entity));
    }
    let indexed = entity.fields.iter().filter(|field| is_indexed(field));
    statements.extend(indexed.map(|field| index(dialect, tenant, entity, field)));
    for field in &entity.fields {
        statements.extend(beside(dialect, tenant, entity, field));
    }
    statements
}

/// Unique keys in the order in which to make their indexes. What breaches two keys is refused for the first: SQLite tries the
/// newest index first, PostgreSQL the oldest.
pub(super) fn in_order(dialect: Dialect, keys: &[UniqueKey]) -> impl Iterator<Item = &UniqueKey> {
    let mut keys: Vec<&UniqueKey> = keys.iter().collect();
    if dialect == Dialect::Sqlite {
        keys.reverse();
    }
    keys.into_iter()
}

/// The index behind a unique key. What is deleted is unique no more.
pub(super) fn unique_index(dialect: Dialect, tenant: TenantId, entity: &Entity, key: &UniqueKey) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("CREATE UNIQUE INDEX ").unique_name(key.id).raw(" ON ").table(tenant, entity.id).raw(" (");
    for (i, field) in key.fields.iter().filter_map(|id| entity.field(*id)).enumerate() {
        w.raw(if i == 0 { "" } else { ", " }).column_name(Leaf::Field(field.column()));
        w.raw(nulls_first(dialect));
    }
    w.raw(if entity.soft_delete { ") WHERE deleted_at IS NULL" } else { ")" });
    w.finish().text
}

/// The index of what waits to be purged, in the order in which it will be.
pub(super) fn deleted_index(dialect: Dialect, tenant: TenantId, entity: &Entity) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("CREATE INDEX ").deleted_name(entity.id).raw(" ON ").table(tenant, entity.id);
    w.raw(" (deleted_at) WHERE deleted_at IS NOT NULL");
    w.finish().text
}

/// The column of an entity that keeps deleted records, as it is defined.
pub(super) fn deleted_column(w: &mut SqlWriter) {
    let timestamp = column_type(w.dialect(), ColumnType::Timestamp);
    w.raw("deleted_at ").raw(timestamp);
}

/// The column beside those that a job fills: the version of the record that it read.
pub(super) fn converted_column(w: &mut SqlWriter) {
    let int = column_type(w.dialect(), ColumnType::Int);
    w.raw("converted ").raw(int);
}

/// Whether a field has an index of its own. A relation always has: every deletion of the other record looks it up.
pub(super) fn is_indexed(field: &Field) -> bool {
    !field.unique && (field.indexed || field.kind.target().is_some())
}

pub(super) fn index(dialect: Dialect, tenant: TenantId, entity: &Entity, field: &Field) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("CREATE INDEX ").index_name(field.id).raw(" ON ").table(tenant, entity.id).raw(" (");
    w.column_name(Leaf::Field(field.column())).raw(nulls_first(dialect)).raw(", id)");
    w.finish().text
}

/// The table a field has beside the entity's own, if it is of such a type.
pub(super) fn beside(dialect: Dialect, tenant: TenantId, entity: &Entity, field: &Field) -> Vec<String> {
    match field.kind {
        FieldKind::Relations { target } => links(dialect, tenant, entity, field.id, target),
        FieldKind::AutoNumber => {
            let mut made = SqlWriter::new(dialect);
            let integer = column_type(dialect, ColumnType::Int);
            made.raw("CREATE TABLE ").counter_table(tenant, field.id).raw(" (last ").raw(integer).raw(" NOT NULL)");
            made.raw(if dialect == Dialect::Sqlite { " STRICT" } else { "" });
            let mut filled = SqlWriter::new(dialect);
            filled.raw("INSERT INTO ").counter_table(tenant, field.id).raw(" (last) VALUES (0)");
            vec![made.finish().text, filled.finish().text]
        }
        _ => Vec::new(),
    }
}

/// Links of a record go with it, and so do those to it: what is left of those was audited before.
fn links(dialect: Dialect, tenant: TenantId, entity: &Entity, field: FieldId, target: EntityId) -> Vec<String> {
    let mut table = SqlWriter::new(dialect);
    table.raw("CREATE TABLE ").link_table(tenant, field).raw(" (");
    for (column, to) in [("source", entity.id), ("target", target)] {
        table.raw(column).raw(" ").raw(column_type(dialect, ColumnType::Uuid)).raw(" NOT NULL REFERENCES ");
        match dialect {
            Dialect::Sqlite => table.table_name(to),
            Dialect::Postgres => table.table(tenant, to),
        };
        table.raw(" (id) ON DELETE CASCADE, ");
    }
    table.raw("PRIMARY KEY (source, target))");
    table.raw(if dialect == Dialect::Sqlite { " STRICT, WITHOUT ROWID" } else { "" });
    let mut index = SqlWriter::new(dialect);
    index.raw("CREATE UNIQUE INDEX ").index_name(field).raw(" ON ").link_table(tenant, field).raw(" (target, source)");
    vec![table.finish().text, index.finish().text]
}

/// `DROP TABLE` of the entity and of what stands beside it, in order.
pub(super) fn drop(dialect: Dialect, tenant: TenantId, entity: &Entity) -> Vec<String> {
    let mut statements: Vec<String> =
        entity.fields.iter().filter_map(|field| drop_beside(dialect, tenant, field)).collect();
    let mut w = SqlWriter::new(dialect);
    w.raw("DROP TABLE ").table(tenant, entity.id);
    // References of other tables that are dropped with it go first, whichever is first.
    w.raw(if dialect == Dialect::Postgres { " CASCADE" } else { "" });
    statements.push(w.finish().text);
    statements
}

pub(super) fn drop_beside(dialect: Dialect, tenant: TenantId, field: &Field) -> Option<String> {
    let mut w = SqlWriter::new(dialect);
    w.raw("DROP TABLE ");
    match field.kind {
        FieldKind::Relations { .. } => w.link_table(tenant, field.id),
        FieldKind::AutoNumber => w.counter_table(tenant, field.id),
        _ => return None,
    };
    Some(w.finish().text)
}

/// The entity's table, under the name that `as_if` would have.
pub(super) fn table(dialect: Dialect, tenant: TenantId, entity: &Entity, as_if: EntityId) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("CREATE TABLE ").table(tenant, as_if).raw(" (");
    for field in SystemField::ALL {
        w.raw(field.name()).raw(" ").raw(column_type(dialect, field.column_type())).raw(" NOT NULL");
        w.raw(if field == SystemField::Id { " PRIMARY KEY" } else { "" });
        w.raw(if field == SystemField::Version { "" } else { ", " });
    }
    for field in entity.fields.iter().filter(|field| field.kind.is_column()) {
        w.raw(", ");
        column(&mut w, field);
        w.raw(if field.required { " NOT NULL" } else { "" });
        reference(&mut w, tenant, field);
    }
    if entity.soft_delete {
        w.raw(", ");
        deleted_column(&mut w);
    }
    w.raw(if dialect == Dialect::Sqlite { ") STRICT" } else { ")" });
    w.finish().text
}

/// A field's column with its type.
pub(super) fn column(w: &mut SqlWriter, field: &Field) {
    let ty = column_type(w.dialect(), field.kind.column_type());
    w.column_name(Leaf::Field(field.column())).raw(" ").raw(ty);
}

/// ` REFERENCES …` of a relation.
pub(super) fn reference(w: &mut SqlWriter, tenant: TenantId, field: &Field) {
    let FieldKind::Relation { target, on_delete } = &field.kind else { return };
    w.raw(" REFERENCES ");
    // SQLite looks a referenced table up in the same file, without a schema.
    match w.dialect() {
        Dialect::Sqlite => w.table_name(*target),
        Dialect::Postgres => w.table(tenant, *target),
    };
    w.raw(" (id) ON DELETE ").raw(match on_delete {
        // Looked at when the statement ends, so that a record deleted by the same statement does not count.
        OnDelete::Restrict => "NO ACTION",
        OnDelete::Cascade => "CASCADE",
        OnDelete::SetNull => "SET NULL",
    });
}

/// Null sorts smallest: SQLite's own way, and said to PostgreSQL.
const fn nulls_first(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " NULLS FIRST",
    }
}

const fn column_type(dialect: Dialect, ty: ColumnType) -> &'static str {
    match (dialect, ty) {
        (Dialect::Sqlite, ColumnType::Text | ColumnType::Json | ColumnType::Texts) => "TEXT",
        (Dialect::Sqlite, ColumnType::Uuid) => "BLOB",
        (Dialect::Sqlite, _) => "INTEGER",
        (Dialect::Postgres, ColumnType::Bool) => "boolean",
        (Dialect::Postgres, ColumnType::Int | ColumnType::Decimal { .. } | ColumnType::Duration) => "bigint",
        // Ordered by code point, as SQLite does.
        (Dialect::Postgres, ColumnType::Text) => "text COLLATE \"C\"",
        // Kept as it is written; jsonb would put its members in another order.
        (Dialect::Postgres, ColumnType::Json) => "json",
        (Dialect::Postgres, ColumnType::Texts) => "text[]",
        (Dialect::Postgres, ColumnType::Date) => "date",
        (Dialect::Postgres, ColumnType::Time) => "time",
        (Dialect::Postgres, ColumnType::Timestamp) => "timestamptz",
        (Dialect::Postgres, ColumnType::Uuid) => "uuid",
        (Dialect::Postgres, ColumnType::Uuids) => "uuid[]",
    }
}
