//! Stub; replaced by the engine's own files.
#![expect(unused_variables, clippy::unused_async, clippy::todo, reason = "stub")]
use insula_model::id::TenantId;
use insula_model::value::Value;

use super::{Placement, Row, Shape, StoreError, Tail, Versions};

pub(crate) struct Stores;
pub(crate) struct Tx;
impl Stores {
    pub(crate) async fn open(data_dir: &std::path::Path) -> Result<Self, StoreError> {
        todo!()
    }
    pub(crate) async fn tenant_read(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        todo!()
    }
    pub(crate) async fn tenant_write(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        todo!()
    }
    pub(crate) async fn tenant_alter(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        todo!()
    }
    pub(crate) async fn create_tenant(&self, tenant: TenantId) -> Result<Tx, StoreError> {
        todo!()
    }
    pub(crate) async fn drop_tenant(&self, tenant: TenantId) -> Result<(), StoreError> {
        todo!()
    }
    pub(crate) async fn platform_read(&self) -> Result<Tx, StoreError> {
        todo!()
    }
    pub(crate) async fn platform_write(&self) -> Result<Tx, StoreError> {
        todo!()
    }
    pub(crate) async fn tenant_stores(&self) -> Result<Vec<Placement>, StoreError> {
        todo!()
    }
    pub(crate) async fn close(&self) {}
}

impl Tx {
    pub(crate) const fn versions(&self) -> Option<Versions> {
        None
    }
    pub(crate) async fn query(&mut self, sql: &str, binds: &[&Value]) -> Result<Vec<Row>, StoreError> {
        todo!()
    }
    pub(crate) async fn execute(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        todo!()
    }
    pub(crate) async fn execute_many(&mut self, sql: &str, sets: Vec<Vec<Value>>) -> Result<(), (usize, StoreError)> {
        todo!()
    }
    pub(crate) async fn ddl(&mut self, sql: &str) -> Result<(), StoreError> {
        todo!()
    }
    pub(crate) async fn json(
        &mut self,
        sql: &str,
        binds: &[&Value],
        shape: &Shape,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<Tail, StoreError> {
        todo!()
    }
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        todo!()
    }
    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        todo!()
    }
}
