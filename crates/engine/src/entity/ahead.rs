//! Designs that leave something to do in the background: the purge of what is deleted, where they keep it, and the conversion
//! of many records. What has to be told to the platform before is told here.

use insula_model::json::Json;
use insula_model::problem::Result;

use super::conversion::Change;
use super::design::FieldView;
use super::document::Applied;
use super::show::EntityView;
use crate::attempt::{Attempt, Done};
use crate::jobs::{self, Kind, Plan, Planned};
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

    /// Makes the schema what `body` says, once for each key; or has a job do it.
    pub async fn apply_schema(&self, body: &Json) -> Result<Done<Change<Applied>>> {
        let plan = purge_of(self.scope(), body).await?;
        jobs::announce(self.scope()).await?;
        let work = async |tx: &mut Tx<'_, Designing>| {
            write(plan, tx).await?;
            tx.apply_document(body).await
        };
        let done = self.design(body, work).await?;
        if let Done::Now(change) = &done {
            rouse(self.scope(), change).await;
        }
        Ok(done)
    }
}

impl Scope {
    /// Changes the entity of this name, or has a job do it.
    pub async fn update_entity(&self, entity: &str, body: &Json) -> Result<Change<EntityView>> {
        let plan = purge_of(self, body).await?;
        jobs::announce(self).await?;
        let work = async |tx: &mut Tx<'_, Designing>| {
            write(plan, tx).await?;
            tx.patch_entity(entity, body).await
        };
        let change = self.design(work).await?;
        rouse(self, &change).await;
        Ok(change)
    }

    /// Changes a field, or has a job do it.
    pub async fn update_field(&self, entity: &str, field: &str, body: &Json) -> Result<Change<FieldView>> {
        jobs::announce(self).await?;
        let change = self.design(async |tx| tx.patch_field(entity, field, body).await).await?;
        rouse(self, &change).await;
        Ok(change)
    }
}

async fn rouse<T: Sync>(scope: &Scope, change: &Change<T>) {
    if matches!(change, Change::Later(_)) {
        jobs::rouse(scope).await;
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
