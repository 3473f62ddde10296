//! Names of roles, schemas, databases and locks. All are made of literals, ids and numbers, so none needs quoting.

use insula_model::id::TenantId;
use uuid::Uuid;

/// Roles and databases belong to the whole cluster: each of ours carries the installation's mark.
#[derive(Clone, Debug)]
pub(super) struct Names {
    mark: String,
}

impl Names {
    pub(super) fn new(installation: Uuid) -> Self {
        let hex = installation.as_simple().to_string();
        Self { mark: format!("insula_{}", hex.get(..8).unwrap_or_default()) }
    }

    /// The login role of the platform's tables.
    pub(super) fn platform(&self) -> String {
        format!("{}_platform", self.mark)
    }

    /// The role that may use the system tables; every tenant's role is a member.
    pub(super) fn member(&self) -> String {
        format!("{}_member", self.mark)
    }

    /// The login role of a cell.
    pub(super) fn cell(&self, cell: i64) -> String {
        format!("{}_cell{cell}", self.mark)
    }

    /// The database of a cell that is not the platform's own. A login role of the same name is no clash.
    pub(super) fn database(&self, cell: i64) -> String {
        self.cell(cell)
    }
}

/// A tenant's role.
pub(super) fn role(tenant: TenantId) -> String {
    format!("insula_t_{}", tenant.uuid().as_simple())
}

/// A tenant's schema.
pub(super) fn schema(tenant: TenantId) -> String {
    format!("tenant_{}", tenant.uuid().as_simple())
}

/// The inverse of [`schema`].
pub(super) fn tenant_of(schema: &str) -> Option<TenantId> {
    let hex = schema.strip_prefix("tenant_").filter(|hex| hex.len() == 32)?;
    Uuid::try_parse(hex).ok().map(TenantId::from)
}

/// The advisory lock of a tenant: writes share it, a schema change holds it alone. Two tenants on one key would
/// only wait for each other.
pub(super) fn lock(tenant: TenantId) -> i64 {
    let (high, low) = tenant.uuid().as_u64_pair();
    (high ^ low).cast_signed()
}

/// Advisory locks of the store itself. They have two numbers, which PostgreSQL keeps apart from those with one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lock {
    Migrate = 1,
    AddCell = 2,
    AddTenant = 3,
}

impl Lock {
    /// The statement that takes the lock until the transaction ends.
    pub(super) fn take(self) -> String {
        format!("SELECT pg_advisory_xact_lock(1229870924, {})", self as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_names_its_tenant() {
        let tenant = TenantId::from(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        assert_eq!(tenant_of(&schema(tenant)), Some(tenant));
        for other in ["tenant_", "tenant_01234567-89ab-cdef-0123-456789abcdef", "public", "insula_tenant"] {
            assert_eq!(tenant_of(other), None, "{other}");
        }
    }
}
