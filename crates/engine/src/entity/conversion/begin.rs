//! Whether a change is left to a job, and what the request does of it: columns and a job.

use insula_model::entity::{Entity, Plan, Revision, WarningKind};
use insula_model::id::{EntityId, JobId};
use insula_model::problem::{Code, Problem, Result};

use super::super::alter;
use super::super::survey::{self, Hindrance, TakeOver};
use super::asked::{Asked, Conversion, Progress};
use super::converted;
use crate::jobs::{self, Kind};
use crate::sql::SqlWriter;
use crate::tx::{Designing, Mode, Tx};

impl<M: Mode> Tx<'_, M> {
    /// Whether so many values are to be taken over that a job does it.
    pub(in crate::entity) async fn converts_many(&mut self, revisions: &[Revision]) -> Result<bool> {
        for (entity, _) in converted(revisions) {
            if self.has_many(entity).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn has_many(&mut self, entity: &Entity) -> Result<bool> {
        let mut w = SqlWriter::new(self.store.dialect());
        w.raw("SELECT id FROM ").table(self.author.tenant, entity.id);
        w.raw(" LIMIT 1 OFFSET ").number(self.engine().converted_at_once);
        let rows = self.store.query(&w.finish().text, &[]).await.map_err(|error| self.failed(error))?;
        Ok(!rows.is_empty())
    }

    pub(in crate::entity) fn warn_of_job(&self, revisions: &[Revision], plan: &mut Plan) {
        let most = self.engine().converted_at_once;
        let message = format!(
            "There are more than {most} records: a job takes their values over, and the change comes with its end."
        );
        for (_, after) in converted(revisions) {
            plan.warn(WarningKind::BackgroundJob, after, None, &message);
        }
    }

    /// What a job is still making of entities that `revisions` change.
    pub(in crate::entity) async fn conversions_beside(&mut self, revisions: &[Revision]) -> Result<Vec<Hindrance>> {
        let tenant = self.author.tenant;
        let under_way = Conversion::all(&mut self.store, tenant).await.map_err(|error| self.failed(error))?;
        let mut found = Vec::new();
        for (job, asked) in under_way {
            let busy: Vec<EntityId> = asked.revisions.iter().filter_map(Revision::changed).map(|e| e.id).collect();
            let beside = revisions.iter().filter_map(Revision::changed).find(|entity| busy.contains(&entity.id));
            if let Some(entity) = beside {
                let message =
                    format!("The job {job} is changing `{}`. Wait until it has ended, or cancel it.", entity.name);
                found.push(survey::hindrance(entity, None, (Code::Conflict, message)));
            }
        }
        Ok(found)
    }
}

impl Tx<'_, Designing> {
    /// Of what a job is changing nothing else changes meanwhile.
    pub(in crate::entity) async fn refuse_beside_conversion(&mut self, revisions: &[Revision]) -> Result<()> {
        match self.conversions_beside(revisions).await?.into_iter().next() {
            Some(hindrance) => Err(Problem::conflict(hindrance.into_message(), Vec::new())),
            None => Ok(()),
        }
    }

    /// Has a job make the change. What would refuse it at once and is quickly seen refuses it now.
    pub(in crate::entity) async fn convert_later(&mut self, revisions: &[Revision]) -> Result<JobId> {
        let (dialect, tenant) = (self.store.dialect(), self.author.tenant);
        for revision in revisions {
            if let Revision::Alter { before, after } = revision {
                survey::refuse(self.hindrances_to_new(before, after).await?)?;
            }
        }
        for (before, after) in converted(revisions) {
            let mut columns = vec![alter::add_converted_column(dialect, tenant, before.id)];
            let changes = TakeOver::all(before, after).filter(TakeOver::has_new_column);
            columns.extend(changes.map(|change| alter::add_column(dialect, tenant, before.id, change.field)));
            self.run_all(columns).await?;
        }
        let job = jobs::ask(self, Kind::ConvertRecords).await?;
        let conversion = Conversion { asked: Asked::by(&self.author, revisions), progress: Progress::default() };
        let inserted = conversion.insert(&mut self.store, tenant, job).await;
        inserted.map(|()| job).map_err(|error| self.failed(error))
    }
}
