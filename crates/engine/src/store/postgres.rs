//! The stores in PostgreSQL: the platform's database, and cells that hold tenants behind a role each.
//!
//! Knows the driver, pools, roles and locks. Must not know what the tables are for.

mod address;
mod bind;
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

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use insula_model::id::TenantId;
use secrecy::SecretString;

use self::owner::{Cell, Owner, Sessions};
use self::pool::Pool;
use self::tx::Kind;
pub(crate) use self::tx::Tx;
use super::{Placement, Share, StoreError, Versions};

pub(crate) struct Stores {
    owner: Box<Owner>,
    platform: Pool,
    /// The cells this node knows, by number. Another node may add some.
    cells: ArcSwap<BTreeMap<i64, Arc<Cell>>>,
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
        let cells = owner.cells().await?.into_iter().map(|cell| (cell.id, Arc::new(cell))).collect();
        Ok(Self {
            owner: Box::new(owner),
            platform,
            cells: ArcSwap::from_pointee(cells),
            cell_tenant_limit,
            sessions: size.cell,
        })
    }

    /// Three quarters of a cell's sessions, and one of the owner's.
    pub(crate) const fn share(&self) -> Share {
        let quarter = self.sessions / 4;
        Share { serving: if quarter == 0 { 1 } else { 3 * quarter }, altering: 1 }
    }

    pub(crate) async fn platform_read(&self) -> Result<Tx, StoreError> {
        let opening = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned();
        Tx::lazy(&self.platform, Kind::Read, opening).await
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

    /// In the first cell with room; where there is none, in a new one.
    pub(crate) async fn create_tenant(&self, tenant: TenantId) -> Result<(Placement, Tx), StoreError> {
        let mut id = 1;
        loop {
            let cell = self.cell(id).await?;
            if let Some(tx) = tenants::create(&cell, self.owner.names(), tenant, self.cell_tenant_limit).await? {
                return Ok((Placement { tenant, cell: id }, tx));
            }
            let next = self.cells.load().range(id + 1..).next().map(|(id, _)| *id);
            id = match next {
                Some(next) => next,
                None => self.owner.add_cell(id).await?,
            };
        }
    }

    pub(crate) async fn drop_tenant(&self, placement: Placement) -> Result<(), StoreError> {
        tenants::remove(&*self.cell(placement.cell).await?, placement.tenant).await
    }

    pub(crate) async fn settle_tenant(&self, placement: Placement) -> Result<(), StoreError> {
        tenants::settle(&*self.cell(placement.cell).await?, placement.tenant).await
    }

    pub(crate) async fn unsettled_tenants(&self) -> Result<Vec<Placement>, StoreError> {
        self.list(tenants::Which::Unsettled).await
    }

    pub(crate) async fn tenant_stores(&self) -> Result<Vec<Placement>, StoreError> {
        self.list(tenants::Which::All).await
    }

    async fn list(&self, which: tenants::Which) -> Result<Vec<Placement>, StoreError> {
        let mut placements = Vec::new();
        for id in self.owner.cell_ids().await? {
            placements.extend(tenants::list(&*self.cell(id).await?, which).await?);
        }
        Ok(placements)
    }

    /// Sessions in use close when their transactions end.
    #[expect(clippy::unused_async, reason = "the other engine has something to wait for")]
    pub(crate) async fn close(&self) {
        for cell in self.cells.load().values() {
            cell.serving.close();
            cell.owner.close();
        }
        self.platform.close();
        self.owner.close();
    }

    /// A cell unknown here may have been added by another node.
    async fn cell(&self, id: i64) -> Result<Arc<Cell>, StoreError> {
        if let Some(cell) = self.cells.load().get(&id) {
            return Ok(Arc::clone(cell));
        }
        let found = Arc::new(self.owner.cell(id).await?);
        // Two at once may have looked: the first one's pools stay.
        self.cells.rcu(|cells| {
            let mut cells = BTreeMap::clone(cells);
            cells.entry(id).or_insert_with(|| Arc::clone(&found));
            cells
        });
        Ok(self.cells.load().get(&id).map_or(found, Arc::clone))
    }
}
