//! Tenant stores that are marked as being registered: what a registration leaves behind that was cut off half-way.
//! Nothing is ever removed because the platform does not know it: its tables may be an older copy, and the store all
//! that is left of a tenant.

use std::collections::HashSet;

use insula_model::id::TenantId;
use insula_model::value::{Timestamp, Value};

use crate::engine::{Engine, Inner, OpenError};
use crate::sql::Fixed;
use crate::store::{Placement, StoreError, Tx};

/// A younger store may belong to a registration that is running on another node.
const AGE_MICROS: i64 = 3600 * 1_000_000;

static KNOWN: Fixed = Fixed::new("SELECT id FROM insula.tenant WHERE id = $1");
static ALL: Fixed = Fixed::new("SELECT id FROM insula.tenant");

impl Engine {
    /// Ends what registrations left half-way: a store that the platform knows is settled, another one removed.
    pub(crate) async fn sweep_orphans(&self) -> Result<(), OpenError> {
        let stores = &self.0.stores;
        let before = self.0.clock.now().as_micros().saturating_sub(AGE_MICROS);
        let known = self.known_tenants().await?;
        let unsettled = stores.unsettled_tenants().await?;
        for placement in &unsettled {
            let tenant = placement.tenant;
            if known.contains(&tenant) {
                stores.settle_tenant(*placement).await?;
            } else if made_at(tenant).is_some_and(|at| at.as_micros() < before) {
                tracing::warn!(%tenant, "removing the store of a tenant that was never registered");
                stores.drop_tenant(*placement).await?;
            }
        }
        let mut unknown = stores.tenant_stores().await?;
        unknown.retain(|placement| !known.contains(&placement.tenant) && !unsettled.contains(placement));
        if let Some(one) = unknown.first() {
            let (count, tenant) = (unknown.len(), one.tenant);
            tracing::error!(count, %tenant, "the platform does not know tenants whose stores exist; they stay as they are");
        }
        Ok(())
    }

    async fn known_tenants(&self) -> Result<HashSet<TenantId>, StoreError> {
        let mut tx = self.0.stores.platform_read().await?;
        let rows = tx.fixed(&ALL, &[]).await?;
        tx.commit().await?;
        rows.iter().map(|row| row.id(0)).collect()
    }
}

/// Removes the store of a registration that failed, unless its tenant is known: a commit whose answer got lost.
pub(super) async fn remove(engine: &Inner, placement: Placement) -> Result<(), StoreError> {
    let mut tx = engine.stores.platform_read().await?;
    let known = is_known(&mut tx, placement.tenant).await?;
    tx.commit().await?;
    if known { Ok(()) } else { engine.stores.drop_tenant(placement).await }
}

async fn is_known(tx: &mut Tx, tenant: TenantId) -> Result<bool, StoreError> {
    Ok(!tx.fixed(&KNOWN, &[&Value::Uuid(tenant.uuid())]).await?.is_empty())
}

/// When the id was made: the first 48 bits of a UUIDv7 are milliseconds since 1970 (RFC 9562 §5.7).
fn made_at(tenant: TenantId) -> Option<Timestamp> {
    let id = tenant.uuid();
    let millis = i64::try_from(id.as_u128() >> 80).ok()?;
    (id.get_version_num() == 7).then(|| Timestamp::from_micros(millis.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use insula_model::clock::{Clock, Ids};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_id_tells_when_it_was_made() {
        let now = Timestamp::from_micros(1_700_000_000_123_000);
        assert_eq!(made_at(Ids::new(Clock::fixed(now)).next()), Some(now));
        assert_eq!(made_at(TenantId::from(Uuid::from_u128(0x1234_4000_8000 << 64))), None);
    }
}
