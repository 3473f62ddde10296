//! The whole policy at a glance: every role, every resource, every action.

use insula_model::problem::Result;
use insula_model::rights::{Action, PermissionScope, PermissionView, Resource, Target};
use serde::Serialize;

use super::{RoleView, role};
use crate::tx::{Mode, Tx};

/// Roles × resources × actions. What no cell names is not allowed.
#[derive(Debug, Serialize)]
pub struct MatrixView {
    /// Codes, in their order.
    pub roles: Vec<String>,
    /// Administration first, then the records of each entity.
    pub resources: Vec<String>,
    pub actions: [Action; 6],
    pub cells: Vec<Cell>,
}

/// Something that a role allows. Several of one role, resource and action add up.
#[derive(Debug, Serialize)]
pub struct Cell {
    pub role: String,
    pub resource: String,
    pub action: Action,
    pub scope: PermissionScope,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The fields that this action may touch; absent where all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
}

impl<M: Mode> Tx<'_, M> {
    /// Permission: `roles`, `read`.
    pub async fn authz_matrix(&mut self) -> Result<MatrixView> {
        self.require(Resource::Roles, Action::Read)?;
        let schema = &self.model.schema;
        let records = schema.entities().iter().filter(|entity| self.knows(entity));
        let targets = Resource::ADMINISTRATION.into_iter().chain(records.map(|entity| Resource::Records(entity.id)));
        let targets: Vec<(Resource, String)> =
            targets.filter_map(|resource| Some((resource, Target::Only(resource).name(schema)?))).collect();
        let mut matrix =
            MatrixView { roles: Vec::new(), resources: Vec::new(), actions: Action::ALL, cells: Vec::new() };
        for role in role::all(self).await? {
            let targets_of: Vec<Target> = role.permissions.iter().map(|permission| permission.target).collect();
            let live = |target: &Target| target.name(&self.model.schema).is_some();
            let targets_of: Vec<Target> = targets_of.into_iter().filter(live).collect();
            let RoleView { code, grants, .. } = self.view_role(role);
            for (resource, name) in &targets {
                for action in Action::ALL {
                    let covering = targets_of.iter().zip(&grants);
                    let covering =
                        covering.filter(|(target, grant)| target.covers(*resource) && grant.actions.contains(&action));
                    matrix.cells.extend(covering.map(|(_, grant)| cell(&code, name, action, grant)));
                }
            }
            matrix.roles.push(code);
        }
        matrix.resources = targets.into_iter().map(|(_, name)| name).collect();
        Ok(matrix)
    }
}

fn cell(role: &str, resource: &str, action: Action, grant: &PermissionView) -> Cell {
    let fields = grant.fields.as_ref().and_then(|fields| match action {
        Action::Create | Action::Update => fields.write.clone(),
        Action::Read | Action::Export | Action::Admin => fields.read.clone(),
        Action::Delete => None,
    });
    Cell {
        role: role.to_owned(),
        resource: resource.to_owned(),
        action,
        scope: grant.scope,
        rule: grant.rule.clone(),
        fields,
    }
}
