//! The stores in PostgreSQL: the platform's database, and cells that hold tenants behind a role each.
//!
//! Knows the driver, pools, roles and locks. Must not know what the tables are for.

mod address;
mod bind;
mod cells;
mod columns;
mod error;
mod migrate;
mod names;
mod owner;
mod pool;
mod seal;
mod tenants;
#[cfg(test)]
pub(crate) mod tests;
mod tx;

use std::sync::Arc;

use insula_model::id::TenantId;
use secrecy::SecretString;

use self::cells::Cells;
use self::owner::{Cell, Owner, Sessions};
use self::pool::Pool;
use self::tx::Kind;
pub(crate) use self::tx::Tx;
use super::{Placement, Share, StoreError, Versions};

pub(crate) struct Stores {
    owner: Box<Owner>,
    platform: Pool,
    cells: Cells,
    cell_tenant_limit: u32,
    /// Of a cell.
    sessions: usize,
}

impl Stores {
    pub(crate) async fn open(
        url: &SecretString,
        cell_tenant_limit: u32,
        secret: &SecretString,
    ) -> Result<Self, StoreError> {
        Self::open_sized(url, cell_tenant_limit, secret, Sessions::USUAL).await
    }

    async fn open_sized(
        url: &SecretString,
        cell_tenant_limit: u32,
        secret: &SecretString,
        size: Sessions,
    ) -> Result<Self, StoreError> {
        let (owner, platform) = Owner::open(url, secret, size).await?;
        let stores =
            Self { owner: Box::new(owner), platform, cells: Cells::default(), cell_tenant_limit, sessions: size.cell };
        for id in stores.owner.cell_ids().await? {
            stores.cell_if_up(id).await?;
        }
        Ok(stores)
    }

    /// Three quarters of a cell's sessions, and one of the owner's.
    pub(crate) const fn share(&self) -> Share {
        let quarter = self.sessions / 4;
        Share { serving: if quarter == 0 { 1 } else { 3 * quarter }, altering: 1 }
    }

    pub(crate) async fn platform_read(&self) -> Result<Tx, StoreError> {
        Tx::lazy(&self.platform, Kind::Read, tx::READ.to_owned()).await
    }

    pub(crate) async fn platform_write(&self) -> Result<Tx, StoreError> {
        Tx::lazy(&self.platform, Kind::Write, "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned()).await
    }

    pub(crate) async fn tenant_read(&self, placement: Placement) -> Result<Tx, StoreError> {
        tenants::read(&*self.cell(placement.cell).await?, placement.tenant).await
    }

    pub(crate) async fn tenant_write(&self, placement: Placement) -> Result<Tx, StoreError> {
        tenants::write(&*self.cell(placement.cell).await?, placement.tenant).await
    }

    pub(crate) async fn tenant_write_at(&self, placement: Placement, believed: Versions) -> Result<Tx, StoreError> {
        tenants::write_at(&*self.cell(placement.cell).await?, placement.tenant, believed).await
    }

    pub(crate) async fn tenant_alter(&self, placement: Placement) -> Result<Tx, StoreError> {
        tenants::alter(&*self.cell(placement.cell).await?, placement.tenant).await
    }

    /// In the first cell with room; where there is none, in a new one. One that is down may have room: none is added
    /// while it is.
    pub(crate) async fn create_tenant(&self, tenant: TenantId) -> Result<(Placement, Tx), StoreError> {
        let mut down = None;
        let mut last = 0;
        for id in self.owner.cell_ids().await? {
            last = id;
            match self.create_in(id, tenant).await {
                Ok(Some(made)) => return Ok(made),
                Ok(None) => {}
                Err(error @ StoreError::Unavailable(_)) => down = Some(error),
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = down {
            return Err(error);
        }
        loop {
            last = self.owner.add_cell(last).await?;
            // Another node may have added and filled it meanwhile.
            if let Some(made) = self.create_in(last, tenant).await? {
                return Ok(made);
            }
        }
    }

    async fn create_in(&self, cell: i64, tenant: TenantId) -> Result<Option<(Placement, Tx)>, StoreError> {
        let (names, limit) = (self.owner.names(), self.cell_tenant_limit);
        let tx = tenants::create(&*self.cell(cell).await?, names, tenant, limit).await?;
        Ok(tx.map(|tx| (Placement { tenant, cell }, tx)))
    }

    pub(crate) async fn drop_tenant(&self, placement: Placement) -> Result<(), StoreError> {
        tenants::remove(&*self.cell(placement.cell).await?, placement.tenant).await
    }

    pub(crate) async fn settle_tenant(&self, placement: Placement) -> Result<(), StoreError> {
        tenants::settle(&*self.cell(placement.cell).await?, placement.tenant).await
    }

    /// Those of the cells that are up.
    pub(crate) async fn unsettled_tenants(&self) -> Result<Vec<Placement>, StoreError> {
        self.list(tenants::Which::Unsettled).await
    }

    /// Those of the cells that are up.
    pub(crate) async fn tenant_stores(&self) -> Result<Vec<Placement>, StoreError> {
        self.list(tenants::Which::All).await
    }

    async fn list(&self, which: tenants::Which) -> Result<Vec<Placement>, StoreError> {
        let mut placements = Vec::new();
        for id in self.owner.cell_ids().await? {
            if let Some(cell) = self.cell_if_up(id).await? {
                placements.extend(tenants::list(&cell, which).await?);
            }
        }
        Ok(placements)
    }

    /// Sessions in use close when their transactions end.
    #[expect(clippy::unused_async, reason = "the other engine has something to wait for")]
    pub(crate) async fn close(&self) {
        self.cells.close();
        self.platform.close();
        self.owner.close();
    }

    /// A cell unknown here may have been added by another node, or been down when this one started.
    async fn cell(&self, id: i64) -> Result<Arc<Cell>, StoreError> {
        self.cells.get(id, || self.owner.cell(id)).await
    }

    /// None where the cell does not answer: that is no reason to do without the others.
    async fn cell_if_up(&self, id: i64) -> Result<Option<Arc<Cell>>, StoreError> {
        match self.cell(id).await {
            Ok(cell) => Ok(Some(cell)),
            Err(StoreError::Unavailable(error)) => {
                tracing::error!(cell = id, %error, "a cell is down; its tenants are not served until it is up");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
