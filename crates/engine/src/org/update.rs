//! Changing a unit: it bites at once on everyone who belongs to it or to a part of it.

use insula_model::id::UnitId;
use insula_model::json::Json;
use insula_model::org::{Unit, UnitChange, UnitKind};
use insula_model::problem::Result;
use insula_model::rights::{Action, Resource};

use super::{check, find, unit};
use crate::tx::{Altering, Tx};

impl Tx<'_, Altering> {
    /// Permission: `org`, `update`. `{parent?, code?, name?, attributes?}`.
    pub async fn update_unit(&mut self, kind: UnitKind, id: UnitId, body: &Json) -> Result<Unit> {
        self.require(Resource::Org, Action::Update)?;
        let before = find(&self.model.tree, kind, id)?;
        let change = UnitChange::read(body, kind)?;
        let after = Unit {
            parent: change.parent.or(before.parent),
            code: change.code.over(before.code.clone()),
            name: change.name.unwrap_or_else(|| before.name.clone()),
            attributes: change.attributes.unwrap_or_else(|| before.attributes.clone()),
            ..before.clone()
        };
        check(&after, &self.model.tree)?;
        unit::update(self, &after).await?;
        self.org_changed("org.update", Some(&before), Some(&after)).await?;
        Ok(after)
    }
}
