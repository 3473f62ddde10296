//! Stores in SQLite files: `platform.db`, and `tenants/<id>.db` for each tenant.
//!
//! Knows which files exist. What a file is, how reads and writes share it and how a statement runs are the modules
//! below. Must not know what the tables mean, but for the row that says whose file it is.

mod cells;
mod connection;
mod error;
mod file;
mod migrate;
mod newborn;
mod open_files;
mod reader;
mod statement;
#[cfg(test)]
mod tests;
mod tx;
mod writer;

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use insula_model::id::TenantId;

pub(crate) use tx::Tx;

use super::{Placement, StoreError};

use file::{File, blocking, remove, unmark};
use newborn::{Newborn, Nursery};
use open_files::{Capacity, OpenFiles};

/// How many tenants' files stay open, if the process may have as many descriptors. One takes some 130 KiB: to open it
/// again takes as long as twenty reads.
const OPEN_FILES: usize = 1024;
/// How many of them are warm, which takes half as much again for the writer, and for what is read.
const WARM_FILES: usize = 256;
/// Descriptors of a file: the database and the log once per connection, and the log's index.
const DESCRIPTORS: usize = 5;

pub(crate) struct Stores {
    platform: Arc<File>,
    tenants: Arc<OpenFiles>,
    nursery: Arc<Nursery>,
}

impl Stores {
    pub(crate) async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Self::with_capacity(data_dir.to_owned(), capacity()).await
    }

    async fn with_capacity(data_dir: PathBuf, capacity: Capacity) -> Result<Self, StoreError> {
        blocking(move || {
            let folder = data_dir.join("tenants");
            make_folder(&folder)?;
            Ok(Self {
                platform: Arc::new(File::open_platform(data_dir.join("platform.db"))?),
                tenants: Arc::new(OpenFiles::new(folder, capacity)),
                nursery: Arc::default(),
            })
        })
        .await
    }

    pub(crate) async fn platform_read(&self) -> Result<Tx, StoreError> {
        Tx::read(&self.platform).await
    }

    pub(crate) async fn platform_write(&self) -> Result<Tx, StoreError> {
        Tx::write(Arc::clone(&self.platform)).await
    }

    pub(crate) async fn tenant_read(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        Tx::read(&self.tenants.get(tenant).await?).await
    }

    pub(crate) async fn tenant_write(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        Tx::write(self.tenants.get(tenant).await?).await?.with_versions()
    }

    pub(crate) async fn tenant_alter(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        Tx::alone(self.tenants.get(tenant).await?).await?.with_versions()
    }

    pub(crate) async fn tenant_redesign(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        Tx::redesign(self.tenants.get(tenant).await?).await?.with_versions()
    }

    pub(crate) async fn create_tenant(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        let (newborn, file) = Newborn::make(tenant, &self.tenants, &self.nursery).await?;
        Tx::alone(file).await?.with_newborn(newborn, tenant)
    }

    pub(crate) async fn drop_tenant(&self, tenant: TenantId) -> Result<(), StoreError> {
        let open = self.tenants.remove(tenant);
        let path = self.tenants.path(tenant);
        if let Some(file) = open {
            file.close().await;
        }
        blocking(move || remove(&path)).await
    }

    pub(crate) async fn settle_tenant(&self, tenant: TenantId) -> Result<(), StoreError> {
        let path = self.tenants.path(tenant);
        blocking(move || unmark(&path)).await
    }

    pub(crate) async fn unsettled_tenants(&self) -> Result<Vec<Placement>, StoreError> {
        self.tenants_with(".db-registering").await
    }

    /// Every file in the folder but those being made right now.
    pub(crate) async fn tenant_stores(&self) -> Result<Vec<Placement>, StoreError> {
        self.tenants_with(".db").await
    }

    async fn tenants_with(&self, suffix: &'static str) -> Result<Vec<Placement>, StoreError> {
        let folder = self.tenants.folder().to_owned();
        let find = move || tenants_in(&folder, suffix).map_err(|error| StoreError::Unavailable(error.into()));
        let found = blocking(find).await?;
        let settled = found.into_iter().filter(|tenant| !self.nursery.holds(*tenant));
        Ok(settled.map(|tenant| Placement { tenant, cell: 1 }).collect())
    }

    pub(crate) async fn close(&self) {
        self.tenants.close().await;
        Arc::clone(&self.platform).close().await;
    }
}

/// As many as the process may have. Half of its descriptors are for others, such as connections.
fn capacity() -> Capacity {
    // The soft limit is low for programs that cannot count beyond 1024, and meant to be raised by those that can.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let files = usize::try_from(limit / 2).unwrap_or(usize::MAX) / DESCRIPTORS;
    let warm = files.clamp(1, WARM_FILES);
    Capacity { warm, cool: files.min(OPEN_FILES).saturating_sub(warm) }
}

/// Makes a folder that only its owner may look into; one that exists keeps its rights.
fn make_folder(path: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| StoreError::Unavailable(error.into()))
}

fn tenants_in(folder: &Path, suffix: &str) -> io::Result<Vec<TenantId>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        found.extend(name.to_str().and_then(|name| name.strip_suffix(suffix)).and_then(TenantId::parse));
    }
    Ok(found)
}
