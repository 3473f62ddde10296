//! The tables behind entities: real columns, real indexes, real foreign keys, all named by catalogue ids.

use insula_model::entity::{Entity, Field, FieldKind, OnDelete, SystemField, UniqueKey};
use insula_model::expr::Leaf;
use insula_model::id::TenantId;
use insula_model::value::ColumnType;

use crate::sql::{Dialect, SqlWriter};

/// `CREATE TABLE` and its indexes, in order.
pub(super) fn create(dialect: Dialect, tenant: TenantId, entity: &Entity) -> Vec<String> {
    let mut statements = vec![table(dialect, tenant, entity)];
    let mut keys: Vec<&UniqueKey> = entity.unique.iter().collect();
    if dialect == Dialect::Sqlite {
        // What breaches two keys is refused for the first: SQLite tries the newest index first, PostgreSQL the oldest.
        keys.reverse();
    }
    for key in keys {
        let mut w = SqlWriter::new(dialect);
        w.raw("CREATE UNIQUE INDEX ").unique_name(key.id).raw(" ON ").table(tenant, entity.id).raw(" (");
        for (i, field) in key.fields.iter().enumerate() {
            w.raw(if i == 0 { "" } else { ", " }).column_name(Leaf::Field(*field));
            w.raw(nulls_first(dialect));
        }
        w.raw(")");
        statements.push(w.finish().text);
    }
    // A relation is always indexed: every deletion of the other record looks it up.
    let indexed = |field: &&Field| !field.unique && (field.indexed || field.kind.target().is_some());
    for field in entity.fields.iter().filter(indexed) {
        let mut w = SqlWriter::new(dialect);
        w.raw("CREATE INDEX ").index_name(field.id).raw(" ON ").table(tenant, entity.id).raw(" (");
        w.column_name(Leaf::Field(field.id)).raw(nulls_first(dialect)).raw(", id)");
        statements.push(w.finish().text);
    }
    statements
}

pub(super) fn drop(dialect: Dialect, tenant: TenantId, entity: &Entity) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("DROP TABLE ").table(tenant, entity.id);
    w.finish().text
}

fn table(dialect: Dialect, tenant: TenantId, entity: &Entity) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("CREATE TABLE ").table(tenant, entity.id).raw(" (");
    for field in SystemField::ALL {
        w.raw(field.name()).raw(" ").raw(column_type(dialect, field.column_type())).raw(" NOT NULL");
        w.raw(if field == SystemField::Id { " PRIMARY KEY" } else { "" });
        w.raw(if field == SystemField::Version { "" } else { ", " });
    }
    for field in &entity.fields {
        w.raw(", ").column_name(Leaf::Field(field.id)).raw(" ").raw(column_type(dialect, field.kind.column_type()));
        w.raw(if field.required { " NOT NULL" } else { "" });
        if let FieldKind::Relation { target, on_delete } = &field.kind {
            w.raw(" REFERENCES ");
            // SQLite looks a referenced table up in the same file, without a schema.
            match dialect {
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
    }
    w.raw(if dialect == Dialect::Sqlite { ") STRICT" } else { ")" });
    w.finish().text
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
        (Dialect::Sqlite, ColumnType::Text) => "TEXT",
        (Dialect::Sqlite, ColumnType::Uuid) => "BLOB",
        (Dialect::Sqlite, _) => "INTEGER",
        (Dialect::Postgres, ColumnType::Bool) => "boolean",
        (Dialect::Postgres, ColumnType::Int | ColumnType::Decimal { .. }) => "bigint",
        // Ordered by code point, as SQLite does.
        (Dialect::Postgres, ColumnType::Text) => "text COLLATE \"C\"",
        (Dialect::Postgres, ColumnType::Date) => "date",
        (Dialect::Postgres, ColumnType::Timestamp) => "timestamptz",
        (Dialect::Postgres, ColumnType::Uuid) => "uuid",
    }
}
