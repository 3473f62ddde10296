//! The file of a tenant whose first transaction has not committed yet: gone again if it never does.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use insula_model::id::TenantId;

use crate::store::StoreError;

use super::file::{File, blocking};
use super::open_files::OpenFiles;

/// Tenants being made; no sweep may take their files for orphans.
#[derive(Default)]
pub(super) struct Nursery(Mutex<HashSet<TenantId>>);

impl Nursery {
    pub(super) fn holds(&self, tenant: TenantId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&tenant)
    }
}

pub(super) struct Newborn {
    tenant: TenantId,
    /// Absent while the file is being made, and when it is to stay.
    file: Option<Arc<File>>,
    files: Arc<OpenFiles>,
    nursery: Arc<Nursery>,
}

impl Newborn {
    /// Makes the file.
    pub(super) async fn make(
        tenant: TenantId,
        files: &Arc<OpenFiles>,
        nursery: &Arc<Nursery>,
    ) -> Result<(Self, Arc<File>), StoreError> {
        nursery.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
        let mut newborn = Self { tenant, file: None, files: Arc::clone(files), nursery: Arc::clone(nursery) };
        let path = files.path(tenant);
        // The guard goes along: if nobody waits for the file any more, it is removed over there.
        blocking(move || {
            let file = Arc::new(File::create_tenant(path)?);
            newborn.file = Some(Arc::clone(&file));
            Ok((newborn, file))
        })
        .await
    }

    /// The tenant is committed: its file stays.
    pub(super) fn live(mut self) {
        if let Some(file) = self.file.take() {
            self.files.put(self.tenant, file);
        }
    }
}

impl Drop for Newborn {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.file.take().map(|file| file.destroy()) {
            tracing::error!(%error, tenant = %self.tenant, "the file of a tenant that was not made stays behind");
        }
        self.nursery.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant);
    }
}
