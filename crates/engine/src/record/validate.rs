//! Rules of an entity, asked of records that are about to be stored. What they say is a function of the record alone, so
//! the store is not asked.

use std::borrow::Cow;
use std::sync::Arc;

use insula_model::entity::Entity;
use insula_model::expr::{Expr, Path};
use insula_model::problem::{Code, Errors};
use insula_model::value::Value;

use super::stored::StoredRecord;
use crate::tenant::Model;
use crate::tx::{Mode, Tx};

/// One rule, compiled.
pub(crate) struct Check {
    /// Absent where the rule has lost its meaning: then no record keeps it.
    condition: Option<Expr>,
    message: String,
}

impl Model {
    fn checks(&self, entity: &Entity) -> Arc<[Check]> {
        if let Some(checks) = self.plans.checks.get(&entity.id) {
            return checks;
        }
        let compiled = entity
            .rules
            .iter()
            .map(|rule| Check { condition: rule.compile(entity, &self.schema).ok(), message: rule.message.clone() });
        let checks: Arc<[Check]> = compiled.collect();
        self.plans.checks.insert(entity.id, Arc::clone(&checks));
        checks
    }
}

impl<M: Mode> Tx<'_, M> {
    /// Adds a mistake for every rule of `entity` that `record`, which stands at `at` in the body, does not keep.
    pub(super) fn validate(&self, entity: &Entity, record: &StoredRecord, at: &str, errors: &mut Errors) {
        if entity.rules.is_empty() {
            return;
        }
        let caller = self.caller_facts();
        let mut column = |path: &Path| Cow::Owned(record.value(entity, path.leaf).unwrap_or(Value::Null));
        for check in &*self.model.checks(entity) {
            if !check.condition.as_ref().is_some_and(|condition| condition.eval(&mut column, &caller)) {
                errors.add(at, Code::RuleViolated, check.message.as_str());
            }
        }
    }
}
