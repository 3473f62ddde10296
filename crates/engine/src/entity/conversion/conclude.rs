//! The end of a conversion: alone on the tenant, the change is made, or nothing is left of it.

use insula_model::entity::{Entity, Revision};
use insula_model::id::{EntityId, JobId, TenantId};
use insula_model::problem::{Problem, Result};

use super::super::alter;
use super::super::survey::{self, TakeOver};
use super::asked::Conversion;
use super::converted;
use crate::engine::Engine;
use crate::jobs::{Kind, Plan, Work};
use crate::store::{StoreError, Tx as Store};
use crate::tx::{Designing, Tx};

/// Makes the change, as who asked for it and with the rights he has now.
pub(crate) async fn conclude(mut work: Work, engine: &Engine) -> Result<Work> {
    let (tenant, job) = (work.tenant(), work.job);
    let conversion = Conversion::find(&mut work.tx, tenant, job).await?;
    let conversion = conversion.ok_or_else(|| Problem::internal("nothing was converted"))?;
    let versions = work.tx.versions().ok_or_else(|| Problem::internal("a design began without its versions"))?;
    let model = engine.0.tenants.get(work.placement).model_at(&mut work.tx, versions).await?;
    let caller = model.rights_of(&mut work.tx, tenant, conversion.asked.account, None).await?;
    let author = conversion.asked.author(tenant, work.now);
    let mut tx = Tx::for_asker(author, engine.clone(), work.tx, (model, caller));
    tx.conclude(&conversion).await?;
    Conversion::delete(&mut tx.store, tenant, job).await?;
    Ok(Work { tx: tx.store, ..work })
}

/// Takes away what a conversion that comes to nothing has made on its way.
pub(crate) async fn clear(tx: &mut Store, tenant: TenantId, job: JobId) -> Result<(), StoreError> {
    let Some(Conversion { asked, .. }) = Conversion::find(tx, tenant, job).await? else { return Ok(()) };
    let dialect = tx.dialect();
    for (before, after) in converted(&asked.revisions) {
        for change in TakeOver::all(before, after).filter(TakeOver::has_new_column) {
            tx.ddl(&alter::drop_column(dialect, tenant, before.id, change.field)).await?;
        }
        tx.ddl(&alter::drop_converted_column(dialect, tenant, before.id)).await?;
    }
    Conversion::delete(tx, tenant, job).await
}

impl Tx<'_, Designing> {
    async fn conclude(&mut self, conversion: &Conversion) -> Result<()> {
        let revisions = &conversion.asked.revisions;
        let revised = self.intended(revisions).await?;
        let schema = &self.model.schema;
        let stays = |was: &Entity| schema.entity(was.id).is_some_and(|is| **is == *was);
        if !revisions.iter().filter_map(Revision::changed).all(stays) {
            return Err(Problem::conflict("What was to be changed has changed meanwhile.", Vec::new()));
        }
        let mut hindrances = Vec::new();
        for (before, _) in converted(revisions) {
            for (field, tally) in &conversion.progress.refused {
                let hindered = before.field(*field).and_then(|field| self.hindered(before, Some(field), tally.clone()));
                hindrances.extend(hindered);
            }
        }
        survey::refuse(hindrances)?;
        let entities: Vec<EntityId> = converted(revisions).map(|(before, _)| before.id).collect();
        self.make(revisions, &revised, &entities).await?;
        let keeps = |revision: &Revision| matches!(revision, Revision::Alter { after, .. } if after.soft_delete);
        if revisions.iter().any(keeps)
            && let Some(plan) = Plan::next(Kind::PurgeDeletedRecords, self.author.now)?
        {
            plan.write(self).await?;
        }
        Ok(())
    }
}
