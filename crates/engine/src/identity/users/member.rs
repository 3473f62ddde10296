//! Members as a tenant's store holds them.

use insula_model::id::{AccountId, RoleId, TenantId, UnitId};
use insula_model::value::{Timestamp, Value};

use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};
use insula_model::value::Email;

static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.member (tenant_id, account_id, email, email_folded, full_name, active, created_at, \
     unit_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
);
static GIVE: Fixed =
    Fixed::new("INSERT INTO insula_tenant.member_role (tenant_id, account_id, role_id) VALUES ($1, $2, $3)");
static TAKE_ALL: Fixed = Fixed::new("DELETE FROM insula_tenant.member_role WHERE tenant_id = $1 AND account_id = $2");
static UPDATE: Fixed = Fixed::new(
    "UPDATE insula_tenant.member SET full_name = $1, active = $2, unit_id = $3 WHERE tenant_id = $4 AND account_id = $5",
);
static DELETE: Fixed = Fixed::new("DELETE FROM insula_tenant.member WHERE tenant_id = $1 AND account_id = $2");
static PAGE: Fixed = Fixed::new(
    "SELECT account_id, email, email_folded, full_name, active, created_at, unit_id FROM insula_tenant.member \
     WHERE tenant_id = $1 AND account_id >= $2 ORDER BY account_id LIMIT $3",
);
static ROLES: Fixed = Fixed::new(
    "SELECT mr.account_id, r.code FROM insula_tenant.member_role mr \
     JOIN insula_tenant.role r ON r.tenant_id = mr.tenant_id AND r.id = mr.role_id \
     WHERE mr.tenant_id = $1 AND mr.account_id >= $2 AND mr.account_id <= $3 ORDER BY mr.account_id, r.code",
);
static OTHER_OWNERS: Fixed = Fixed::new(
    "SELECT count(*) FROM insula_tenant.member m \
     JOIN insula_tenant.member_role mr ON mr.tenant_id = m.tenant_id AND mr.account_id = m.account_id \
     JOIN insula_tenant.role r ON r.tenant_id = mr.tenant_id AND r.id = mr.role_id \
     WHERE m.tenant_id = $1 AND m.account_id <> $2 AND m.active AND r.code = 'owner'",
);

#[derive(Clone, Debug)]
pub(in crate::identity) struct Member {
    pub(in crate::identity) account: AccountId,
    pub(in crate::identity) email: String,
    pub(in crate::identity) email_folded: String,
    pub(in crate::identity) full_name: String,
    pub(in crate::identity) active: bool,
    pub(in crate::identity) created_at: Timestamp,
    /// The one he belongs to.
    pub(in crate::identity) unit: Option<UnitId>,
    /// Codes, in their order.
    pub(in crate::identity) roles: Vec<String>,
}

impl Member {
    /// An active member without roles.
    pub(in crate::identity) fn new(account: AccountId, email: &Email, full_name: String, now: Timestamp) -> Self {
        Self {
            account,
            email: email.as_str().to_owned(),
            email_folded: email.folded(),
            full_name,
            active: true,
            created_at: now,
            unit: None,
            roles: Vec::new(),
        }
    }

    pub(super) fn has_role(&self, code: &str) -> bool {
        self.roles.iter().any(|role| role == code)
    }

    /// What the audit trail tells of a member.
    pub(in crate::identity) fn audited(&self) -> Vec<u8> {
        let values = serde_json::json!({
            "email": self.email, "full_name": self.full_name, "roles": self.roles, "active": self.active,
            "unit": self.unit,
        });
        values.to_string().into_bytes()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            account: row.id(0)?,
            email: row.text(1)?.to_owned(),
            email_folded: row.text(2)?.to_owned(),
            full_name: row.text(3)?.to_owned(),
            active: row.bool(4)?,
            created_at: row.timestamp(5)?,
            unit: row.optional(6, Row::id)?,
            roles: Vec::new(),
        })
    }
}

/// One member with its roles.
pub(in crate::identity) async fn find(
    tx: &mut Tx,
    tenant: TenantId,
    account: AccountId,
) -> Result<Option<Member>, StoreError> {
    let first = page(tx, tenant, account, 1).await?.into_iter().next();
    Ok(first.filter(|member| member.account == account))
}

/// Members from the account `from` on, in the order of their ids, with their roles.
pub(super) async fn page(
    tx: &mut Tx,
    tenant: TenantId,
    from: AccountId,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    let (tenant, from) = (Value::Uuid(tenant.uuid()), Value::Uuid(from.uuid()));
    let rows = tx.fixed(&PAGE, &[&tenant, &from, &Value::Int(limit)]).await?;
    let mut members = rows.iter().map(Member::read).collect::<Result<Vec<_>, _>>()?;
    let Some(last) = members.last().map(|member| Value::Uuid(member.account.uuid())) else {
        return Ok(members);
    };
    for row in tx.fixed(&ROLES, &[&tenant, &from, &last]).await? {
        let account: AccountId = row.id(0)?;
        if let Ok(index) = members.binary_search_by_key(&account, |member| member.account)
            && let Some(member) = members.get_mut(index)
        {
            member.roles.push(row.text(1)?.to_owned());
        }
    }
    Ok(members)
}

/// Adds a member, still without roles. False where the address or the account is one already.
pub(in crate::identity) async fn insert(tx: &mut Tx, tenant: TenantId, member: &Member) -> Result<bool, StoreError> {
    let binds = [
        Value::Uuid(tenant.uuid()),
        Value::Uuid(member.account.uuid()),
        Value::Text(member.email.clone()),
        Value::Text(member.email_folded.clone()),
        Value::Text(member.full_name.clone()),
        Value::Bool(member.active),
        Value::Timestamp(member.created_at),
        unit(member),
    ];
    Ok(tx.fixed_execute(&INSERT, &binds.each_ref()).await? == 1)
}

pub(in crate::identity) async fn give(
    tx: &mut Tx,
    tenant: TenantId,
    account: AccountId,
    role: RoleId,
) -> Result<(), StoreError> {
    let binds = [Value::Uuid(tenant.uuid()), Value::Uuid(account.uuid()), Value::Uuid(role.uuid())];
    tx.fixed_execute(&GIVE, &binds.each_ref()).await?;
    Ok(())
}

pub(super) async fn take_all(tx: &mut Tx, tenant: TenantId, account: AccountId) -> Result<(), StoreError> {
    tx.fixed_execute(&TAKE_ALL, &[&Value::Uuid(tenant.uuid()), &Value::Uuid(account.uuid())]).await?;
    Ok(())
}

fn unit(member: &Member) -> Value {
    member.unit.map_or(Value::Null, |unit| Value::Uuid(unit.uuid()))
}

/// Writes the name, the unit, and whether the member is active.
pub(super) async fn update(tx: &mut Tx, tenant: TenantId, member: &Member) -> Result<(), StoreError> {
    let binds = [
        Value::Text(member.full_name.clone()),
        Value::Bool(member.active),
        unit(member),
        Value::Uuid(tenant.uuid()),
        Value::Uuid(member.account.uuid()),
    ];
    tx.fixed_execute(&UPDATE, &binds.each_ref()).await?;
    Ok(())
}

/// Removes a member with its roles.
pub(super) async fn delete(tx: &mut Tx, tenant: TenantId, account: AccountId) -> Result<(), StoreError> {
    take_all(tx, tenant, account).await?;
    tx.fixed_execute(&DELETE, &[&Value::Uuid(tenant.uuid()), &Value::Uuid(account.uuid())]).await?;
    Ok(())
}

/// How many active owners there are besides `account`.
pub(super) async fn other_owners(tx: &mut Tx, tenant: TenantId, account: AccountId) -> Result<i64, StoreError> {
    let rows = tx.fixed(&OTHER_OWNERS, &[&Value::Uuid(tenant.uuid()), &Value::Uuid(account.uuid())]).await?;
    rows.first().map_or(Ok(0), |row| row.int(0))
}
