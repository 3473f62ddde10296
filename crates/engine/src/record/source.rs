//! What somebody may see of an entity, as a table to select from: everything above it, from filters to cursors, can name
//! nothing else.

use insula_model::entity::{Entity, Schema, SystemField};
use insula_model::expr::Leaf;
use insula_model::id::TenantId;
use insula_model::rights::RecordRight;

use super::life::Life;
use crate::sql::{Policy, SqlWriter};

pub(super) struct Source<'a> {
    pub(super) tenant: TenantId,
    pub(super) schema: &'a Schema,
    pub(super) entity: &'a Entity,
    pub(super) right: &'a RecordRight,
    /// The right to delete, where it is deleted records that are wanted.
    pub(super) deleted: Option<&'a RecordRight>,
}

impl Source<'_> {
    /// The table under an alias. Where fields are open on some records only it is one made for this reader, in which they
    /// are null elsewhere; else the entity's own.
    pub(super) fn table(&self, w: &mut SqlWriter, alias: u32) {
        if self.right.guards.is_empty() {
            w.table(self.tenant, self.entity.id);
        } else {
            self.made(w, alias);
        }
        w.raw(" AS a").number(alias.into());
    }

    /// ` AND …`: the records that are there for this reader.
    pub(super) fn and_rule(&self, w: &mut SqlWriter, alias: u32) {
        // A table made for the reader holds no others.
        if self.right.guards.is_empty() {
            self.rule(w, alias);
        }
    }

    fn made(&self, w: &mut SqlWriter, alias: u32) {
        w.raw("(SELECT ");
        for (i, field) in SystemField::ALL.into_iter().enumerate() {
            w.raw(if i == 0 { "" } else { ", " }).column(alias, Leaf::System(field));
        }
        for (position, field) in self.entity.fields.iter().enumerate() {
            if !self.right.readable.contains(position) || !field.kind.is_column() {
                continue;
            }
            let column = Leaf::Field(field.column());
            w.raw(", ");
            if let Some((_, guard)) = self.right.guards.iter().find(|(guarded, _)| *guarded == position) {
                w.raw("CASE WHEN ");
                self.policy().condition(w, guard, alias);
                w.raw(" THEN ").column(alias, column).raw(" END AS ").column_name(column);
            } else {
                w.column(alias, column);
            }
        }
        if self.deleted.is_some() {
            w.raw(", ").deleted_at(alias);
        }
        w.raw(" FROM ").table(self.tenant, self.entity.id).raw(" AS a").number(alias.into()).raw(" WHERE TRUE");
        self.rule(w, alias);
        w.raw(")");
    }

    fn rule(&self, w: &mut SqlWriter, alias: u32) {
        if let Some(rule) = &self.right.rule {
            w.raw(" AND ");
            self.policy().condition(w, rule, alias);
        }
        let Some(right) = self.deleted else { return Life::Living.and(w, self.entity, alias) };
        Life::Deleted.and(w, self.entity, alias);
        if let Some(rule) = &right.rule {
            w.raw(" AND ");
            self.policy().condition(w, rule, alias);
        }
    }

    const fn policy(&self) -> Policy<'_> {
        Policy { tenant: self.tenant, schema: self.schema, entity: self.entity }
    }
}
