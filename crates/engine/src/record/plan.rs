//! Plans kept by what they were made from. They belong to one model, so a change of schema or grants drops them all.

use std::hash::Hash;
use std::sync::Arc;

use insula_model::id::EntityId;
use insula_model::rights::{Action, RecordRight};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, UnitWeighter};

use super::get::GetPlan;
use super::list::ListPlan;
use super::validate::Check;
use crate::sql::Statement;

/// Plans kept per tenant and kind.
const KEPT: u64 = 256;
/// How many there usually are. A cache that reckons with more begins with more memory, and there are some for each tenant.
const USUAL: usize = 64;

/// Compiled statements of one model.
pub(crate) struct Plans {
    pub(super) gets: Cache<PlanKey, Arc<GetPlan>>,
    pub(super) lists: Cache<PlanKey, Arc<ListPlan>>,
    pub(super) inserts: Cache<EntityId, Arc<Statement>>,
    pub(super) checks: Cache<EntityId, Arc<[Check]>>,
    pub(crate) rights: Cache<(u32, EntityId, Action), Option<Arc<RecordRight>>>,
}

impl Default for Plans {
    fn default() -> Self {
        Self { gets: small(KEPT), lists: small(KEPT), inserts: small(KEPT), checks: small(KEPT), rights: small(KEPT) }
    }
}

/// A cache as each tenant has some.
pub(crate) fn small<K: Eq + Hash, V: Clone>(kept: u64) -> Cache<K, V> {
    Cache::with_weighter(USUAL, kept, UnitWeighter)
}

/// Role set, entity, and the query's text without its cursor.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct PlanKey(u32, EntityId, Box<str>);

/// The same key, borrowed for a look-up.
#[derive(Hash)]
pub(super) struct PlanKeyRef<'a>(pub(super) u32, pub(super) EntityId, pub(super) &'a str);

impl Equivalent<PlanKey> for PlanKeyRef<'_> {
    fn equivalent(&self, key: &PlanKey) -> bool {
        self.0 == key.0 && self.1 == key.1 && *self.2 == *key.2
    }
}

impl From<&PlanKeyRef<'_>> for PlanKey {
    fn from(key: &PlanKeyRef<'_>) -> Self {
        Self(key.0, key.1, key.2.into())
    }
}
