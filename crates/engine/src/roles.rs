//! Roles: what may be done, under a name. The built-in ones are the program's; a tenant makes others. Nobody makes or
//! gives one that allows more than he may himself.

mod create;
mod delete;
mod matrix;
mod role;
mod show;
mod update;

pub use matrix::MatrixView;
pub(crate) use role::{Role, all, choose};
pub use show::RoleView;

use std::sync::Arc;

use insula_model::entity::{Entity, Field};
use insula_model::problem::{Code, FieldError, Problem, Result};
use insula_model::rights::{Action, Author, Permission, RecordRight};

use crate::audit::Event;
use crate::tx::{Altering, Mode, Tx};

impl<M: Mode> Tx<'_, M> {
    /// Whether a field is there for the caller: he may read or write it somewhere, or designs the entity.
    pub(crate) fn knows_field(&self, entity: &Entity, field: &Field) -> bool {
        self.designs() || self.reads_somewhere(entity, field) || self.writes_somewhere(entity, field)
    }

    pub(crate) fn designs(&self) -> bool {
        self.rights().allows(insula_model::rights::Resource::Entities, Action::Update)
    }

    fn right(&self, entity: &Entity, action: Action) -> Option<Arc<RecordRight>> {
        self.model.record_right(&self.caller, entity, action)
    }

    fn reads_somewhere(&self, entity: &Entity, field: &Field) -> bool {
        self.right(entity, Action::Read).is_some_and(|reads| reads.reads(entity, field))
    }

    fn writes_somewhere(&self, entity: &Entity, field: &Field) -> bool {
        let Some(position) = entity.fields.iter().position(|other| other.id == field.id) else { return false };
        let writes = |action| self.right(entity, action).is_some_and(|right| right.writable.contains(position));
        writes(Action::Create) || writes(Action::Update)
    }

    /// Runs `read` with what the caller may name in a role.
    pub(crate) fn as_author<T>(&self, read: impl FnOnce(&Author<'_>) -> Result<T>) -> Result<T> {
        read(&Author {
            schema: &self.model.schema,
            knows: &|entity| self.knows(entity),
            sees: &|entity| self.right(entity, Action::Read).is_some_and(|right| right.rule.is_none()),
            reads: &|entity, field| {
                self.right(entity, Action::Read).is_some_and(|right| right.always_reads_field(entity, field))
            },
            writes: &|entity, field| self.writes_somewhere(entity, field),
        })
    }

    /// Refuses permissions the caller does not have himself, all but those `already` given.
    fn require_held(&self, wanted: &[Permission], already: &[Permission]) -> Result<()> {
        let held = |wanted: &Permission| already.contains(wanted) || self.rights().hold(wanted, &self.model.schema);
        if wanted.iter().all(held) { Ok(()) } else { Err(Problem::forbidden()) }
    }
}

impl Tx<'_, Altering> {
    async fn role_changed(&mut self, action: &'static str, before: Option<&Role>, after: Option<&Role>) -> Result<()> {
        let subject = before.or(after).map(|role| role.id.uuid());
        let bytes = |role: Option<&Role>| role.map(|role| role.audited(&self.model.schema));
        let (before, after) = (bytes(before), bytes(after));
        let event = Event { action, entity: None, subject, before: before.as_deref(), after: after.as_deref() };
        self.grants_changed(&event).await
    }
}

/// The refusal of a code that another one of its kind has.
pub(crate) fn code_taken(kind: &str) -> Problem {
    let message = format!("Another {kind} has this code.");
    let error = FieldError { pointer: "/code".to_owned(), code: Code::NotUnique, message };
    Problem::conflict("Choose another code.", vec![error])
}
