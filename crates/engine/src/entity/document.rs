//! The whole schema as one document: shown, compared and applied.

use insula_model::entity::Step;
use insula_model::json::Json;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};
use serde::Serialize;

use super::conversion::Change;
use super::design::Design;
use super::show::EntityView;
use crate::attempt::Outcome;
use crate::tx::{Designing, Mode, Tx};

/// The schema at one version.
#[derive(Debug, Serialize)]
pub struct SchemaView {
    version: i64,
    entities: Vec<EntityView>,
}

/// What applying a document has come to.
#[derive(Debug, Serialize)]
pub struct Applied {
    /// Of the schema afterwards.
    version: i64,
    steps: Vec<Step>,
}

impl<M: Mode> Tx<'_, M> {
    /// Permission: `entities`, `read`. What the caller may not know is not in it.
    pub fn schema(&self) -> Result<SchemaView> {
        Ok(SchemaView { version: self.model.schema.version(), entities: self.entities()? })
    }
}

impl Tx<'_, Designing> {
    /// Makes the schema what the document says; as a whole, or not at all. Permission: `entities`, `update`, and what else
    /// its steps need.
    pub(super) async fn apply_document(&mut self, body: &Json) -> Result<Change<Applied>> {
        let before = self.model.schema.version();
        let revisions = self.revisions(Design::Document(body))?;
        let revised = self.revise_or_convert(&revisions).await?;
        revised.try_map(|revised| {
            let version = if revised.plan.is_empty() { before } else { revised.schema.version() };
            Ok(Applied { version, steps: revised.plan.steps })
        })
    }
}

impl Outcome for Applied {
    /// The version alone where nothing was to be done, so that no other's steps are told for it.
    fn note(&self) -> serde_json::Value {
        serde_json::json!([self.version, self.steps.is_empty()])
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> Result<Self> {
        let (version, is_empty): (i64, bool) = serde_json::from_value(note).map_err(Problem::internal)?;
        tx.require(Resource::Entities, Action::Update)?;
        let steps = if is_empty { Vec::new() } else { tx.schema_change(version).await?.steps };
        Ok(Self { version, steps })
    }
}
