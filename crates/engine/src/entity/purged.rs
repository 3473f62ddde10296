//! Designs that keep deleted records, and the purge of those: its run is planned in the transaction of the design.

use insula_model::json::Json;
use insula_model::problem::Result;

use super::document::Applied;
use super::show::EntityView;
use crate::attempt::{Attempt, Done};
use crate::jobs::{Kind, Plan, Planned};
use crate::scope::Scope;
use crate::tx::{Designing, Tx};

impl Attempt {
    /// Makes the entity that `body` defines, once for each key.
    pub async fn create_entity(&self, body: &Json) -> Result<Done<EntityView>> {
        let plan = purge_of(self.scope(), body).await?;
        let work = async |tx: &mut Tx<'_, Designing>| {
            write(plan, tx).await?;
            tx.create_entity(body).await
        };
        self.design(body, work).await
    }

    /// Makes the schema what `body` says, once for each key.
    pub async fn apply_schema(&self, body: &Json) -> Result<Done<Applied>> {
        let plan = purge_of(self.scope(), body).await?;
        let work = async |tx: &mut Tx<'_, Designing>| {
            write(plan, tx).await?;
            tx.apply_schema(body).await
        };
        self.design(body, work).await
    }
}

impl Scope {
    /// Changes the entity of this name.
    pub async fn update_entity(&self, entity: &str, body: &Json) -> Result<EntityView> {
        let plan = purge_of(self, body).await?;
        let work = async |tx: &mut Tx<'_, Designing>| {
            write(plan, tx).await?;
            tx.update_entity(entity, body).await
        };
        self.design(work).await
    }
}

async fn write(plan: Option<Plan>, tx: &mut Tx<'_, Designing>) -> Result<()> {
    match plan {
        Some(plan) => plan.write(tx).await,
        None => Ok(()),
    }
}

/// The purge a design makes necessary. Each design's own: there may have been none that kept any, and so no run.
async fn purge_of(scope: &Scope, body: &Json) -> Result<Option<Plan>> {
    if keeps_deleted(body) {
        return Ok(Plan::prepare(scope, Kind::PurgeDeletedRecords, &Planned::default()).await?);
    }
    Ok(None)
}

/// Whether a definition or a document, sound or not, asks for that.
fn keeps_deleted(body: &Json) -> bool {
    let entities = match body.member("entities") {
        Some(Json::Array(entities)) => entities.as_slice(),
        _ => &[],
    };
    body.member("soft_delete") == Some(&Json::Bool(true)) || entities.iter().any(keeps_deleted)
}
