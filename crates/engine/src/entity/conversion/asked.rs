//! A conversion as it is stored: what is to be, who asked for it, and how far it got.

use std::collections::BTreeMap;
use std::sync::Arc;

use insula_model::entity::Revision;
use insula_model::id::{AccountId, ApiKeyId, FieldId, JobId, RequestId, TenantId};
use insula_model::value::{Timestamp, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::survey::Tally;
use crate::engine::Origin;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};
use crate::tx::Author;

static FIND: Fixed =
    Fixed::new("SELECT asked, progress FROM insula_tenant.conversion WHERE tenant_id = $1 AND job_id = $2");
static ALL: Fixed = Fixed::new("SELECT job_id, asked FROM insula_tenant.conversion WHERE tenant_id = $1");
static INSERT: Fixed =
    Fixed::new("INSERT INTO insula_tenant.conversion (tenant_id, job_id, asked, progress) VALUES ($1, $2, $3, $4)");
static KEEP: Fixed =
    Fixed::new("UPDATE insula_tenant.conversion SET progress = $1 WHERE tenant_id = $2 AND job_id = $3");
static DELETE: Fixed = Fixed::new("DELETE FROM insula_tenant.conversion WHERE tenant_id = $1 AND job_id = $2");

/// What somebody asked for. Gone with the end of its job, as it says who he is and where he was.
#[derive(Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) revisions: Vec<Revision>,
    pub(super) account: AccountId,
    /// Asked with it; its end does not end what was asked.
    api_key: Option<ApiKeyId>,
    email: Arc<str>,
    request: RequestId,
    address: Arc<str>,
    user_agent: Arc<str>,
}

impl Asked {
    pub(super) fn by(author: &Author, revisions: &[Revision]) -> Self {
        let Origin { request, address, user_agent } = author.origin.clone();
        let Author { account, api_key, .. } = *author;
        let email = Arc::clone(&author.email);
        Self { revisions: revisions.to_vec(), account, api_key, email, request, address, user_agent }
    }

    /// Who does it now.
    pub(super) fn author(&self, tenant: TenantId, now: Timestamp) -> Author {
        let (address, user_agent) = (Arc::clone(&self.address), Arc::clone(&self.user_agent));
        let origin = Origin { request: self.request, address, user_agent };
        let Self { account, api_key, .. } = *self;
        Author { tenant, account, api_key, email: Arc::clone(&self.email), origin, now }
    }
}

/// The job goes over the records in the order of their ids, again and again until little is left to do.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// How often it has gone over all.
    pub(super) passes: u32,
    /// Records it has looked at in the first of them.
    pub(super) looked_at: i64,
    /// Which of the entities it is at, and behind which record.
    pub(super) entity: usize,
    pub(super) behind: Option<Uuid>,
    /// Records it has converted in this pass.
    pub(super) converted: usize,
    /// What of which field it could not convert in this pass.
    pub(super) refused: BTreeMap<FieldId, Tally>,
    /// Whether only what takes being alone is left.
    pub(super) is_over: bool,
}

pub(super) struct Conversion {
    pub(super) asked: Asked,
    pub(super) progress: Progress,
}

impl Conversion {
    pub(super) async fn find(tx: &mut Tx, tenant: TenantId, job: JobId) -> Result<Option<Self>, StoreError> {
        let rows = tx.fixed(&FIND, &key(tenant, job).each_ref()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Self { asked: read(row.text(0)?)?, progress: read(row.text(1)?)? }))
    }

    /// What is asked for in this tenant and not made yet.
    pub(super) async fn all(tx: &mut Tx, tenant: TenantId) -> Result<Vec<(JobId, Asked)>, StoreError> {
        let rows = tx.fixed(&ALL, &[&Value::Uuid(tenant.uuid())]).await?;
        rows.iter().map(|row| Ok((row.id(0)?, read(row.text(1)?)?))).collect()
    }

    pub(super) async fn insert(&self, tx: &mut Tx, tenant: TenantId, job: JobId) -> Result<(), StoreError> {
        let [tenant, job] = key(tenant, job);
        let binds = [tenant, job, written(&self.asked)?, written(&self.progress)?];
        tx.fixed_execute(&INSERT, &binds.each_ref()).await.map(drop)
    }

    pub(super) async fn keep(&self, tx: &mut Tx, tenant: TenantId, job: JobId) -> Result<(), StoreError> {
        let [tenant, job] = key(tenant, job);
        let binds = [written(&self.progress)?, tenant, job];
        tx.fixed_execute(&KEEP, &binds.each_ref()).await.map(drop)
    }

    pub(super) async fn delete(tx: &mut Tx, tenant: TenantId, job: JobId) -> Result<(), StoreError> {
        tx.fixed_execute(&DELETE, &key(tenant, job).each_ref()).await.map(drop)
    }
}

fn key(tenant: TenantId, job: JobId) -> [Value; 2] {
    [Value::Uuid(tenant.uuid()), Value::Uuid(job.uuid())]
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Other(error.into()))
}

fn written<T: Serialize>(value: &T) -> Result<Value, StoreError> {
    serde_json::to_string(value).map(Value::Text).map_err(|error| StoreError::Other(error.into()))
}
