//! The whole policy at a glance: every role, every resource, every action.

use insula_model::problem::Result;
use insula_model::rights::{Action, PermissionScope, PermissionView, Resource, Target};
use serde::Serialize;

use super::role;
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
            let grants: Vec<(Target, PermissionView)> =
                role.permissions.iter().filter_map(|p| Some((p.target, self.view_permission(p)?))).collect();
            for (resource, name) in &targets {
                for action in Action::ALL {
                    let covering = grants.iter().filter(|(target, _)| target.covers(*resource));
                    let allowing = covering.filter(|(_, grant)| grant.actions.contains(&action));
                    matrix.cells.extend(allowing.map(|(_, grant)| cell(&role.code, name, action, grant)));
                }
            }
            matrix.roles.push(role.code);
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
