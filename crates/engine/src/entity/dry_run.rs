//! What a change would come to, and what stands in its way, without making it.

use insula_model::entity::{Plan, Revision};
use insula_model::problem::Result;
use serde::Serialize;

use super::survey::Hindrance;
use crate::tx::{Mode, Tx};

/// A plan as the API shows it.
#[derive(Debug, Serialize)]
pub struct PlanView {
    /// Of the schema it starts from.
    version: i64,
    #[serde(flatten)]
    plan: Plan,
    /// What has to be mended first: as it is, the change would be refused.
    conflicts: Vec<Hindrance>,
}

impl<M: Mode> Tx<'_, M> {
    pub(super) async fn dry_run(&mut self, revisions: &[Revision]) -> Result<PlanView> {
        self.require_revisions(revisions)?;
        self.model.schema.revised(revisions)?;
        let mut plan = self.plan_of(revisions).await?;
        let mut conflicts = self.conversions_beside(revisions).await?;
        if self.converts_many(revisions).await? {
            self.warn_of_job(revisions, &mut plan);
        }
        for revision in revisions {
            if let Revision::Alter { before, after } = revision {
                conflicts.extend(self.hindrances(before, after).await?);
            }
        }
        Ok(PlanView { version: self.model.schema.version(), plan, conflicts })
    }
}
