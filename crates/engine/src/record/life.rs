//! Which records are meant where an entity keeps deleted ones. Of any other entity all are living, and nothing is said.

use insula_model::entity::Entity;

use crate::sql::SqlWriter;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    Living,
    Deleted,
    Either,
}

impl Life {
    /// ` AND …` of the records of `entity` under `alias`.
    pub(super) fn and(self, w: &mut SqlWriter, entity: &Entity, alias: u32) {
        let is = match self {
            Self::Living => " IS NULL",
            Self::Deleted => " IS NOT NULL",
            Self::Either => return,
        };
        if entity.soft_delete {
            w.raw(" AND ").deleted_at(alias).raw(is);
        }
    }
}
