//! Nobody grants what he lacks: whether one's own permissions contain another, record by record and field by field.
//! Where that cannot be seen from their words, they do not.

use super::permission::conjuncts;
use super::{Action, Permission, Resource, Rights, Target};
use crate::entity::Schema;
use crate::expr::Expr;

impl Rights {
    /// Whether the caller holds everything `wanted` allows. Each action of it must lie within one permission of his.
    pub fn hold(&self, wanted: &Permission, schema: &Schema) -> bool {
        wanted.actions.iter().all(|action| self.permissions.iter().any(|own| contains(own, wanted, *action, schema)))
    }
}

fn contains(own: &Permission, wanted: &Permission, action: Action, schema: &Schema) -> bool {
    own.actions.contains(&action)
        && own.target.contains(wanted.target)
        && has_the_fields(own, wanted, action)
        && reaches_as_far(own, wanted, action, schema)
}

fn has_the_fields(own: &Permission, wanted: &Permission, action: Action) -> bool {
    match (own.fields.of(action), wanted.fields.of(action)) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(own), Some(wanted)) => wanted.iter().all(|field| own.contains(field)),
    }
}

/// What must hold for one's own must all be asked by the other as well. What depends on the unit of its holder reaches
/// elsewhere in other hands, so that it contains nothing.
fn reaches_as_far(own: &Permission, wanted: &Permission, action: Action, schema: &Schema) -> bool {
    use super::PermissionScope::{Own, Tenant};
    let is_general = own.target == Target::AllRecords && !own.administers();
    if own.rule.is_none() && own.scope == Tenant && !is_general {
        return true;
    }
    let Target::Only(Resource::Records(entity)) = wanted.target else {
        let as_far = match (own.scope, wanted.scope) {
            (Tenant | Own, Own) => true,
            (Tenant, Tenant) => !wanted.administers() || schema.entities().iter().all(|entity| entity.scope == Tenant),
            _ => false,
        };
        return own.rule.is_none() && as_far && !own.depends_on_place(schema);
    };
    let Some(entity) = schema.entity(entity) else { return false };
    let parts = |permission: &Permission| -> Option<Vec<Expr>> {
        permission.condition(schema, entity, action).ok().map(|condition| condition.map_or(Vec::new(), conjuncts))
    };
    let (Some(own), Some(wanted)) = (parts(own), parts(wanted)) else { return false };
    own.iter().all(|part| !part.depends_on_place() && wanted.contains(part))
}
