//! What this node knows of each tenant: its model, compiled. A model is immutable; a change of schema or grants makes
//! a new one, and everything compiled against the old goes with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use insula_model::entity::{Entity, Schema};
use insula_model::id::{AccountId, ApiKeyId, TenantId};
use insula_model::org::{Place, Tree};
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, BuiltinRole, KeyScope, Permission, RecordRight, Rights};
use insula_model::value::{Timestamp, Value};
use quick_cache::sync::Cache;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::caller::{Caller, Key};
use crate::jobs::Planned;
use crate::org;
use crate::record::{Plans, small};
use crate::sql::{CallerBinds, Fixed};
use crate::store::{Placement, Share, StoreError, Tx, Versions};

/// How long a model is believed without asking the store for its versions.
const BELIEVED_MICROS: i64 = 1_000_000;
/// Models kept; beyond it the least used are dropped and read again when needed.
const TENANTS: usize = 4096;
/// How long a transaction waits until others of its tenant have ended.
const PATIENCE: Duration = Duration::from_secs(2);
/// Accounts whose rights are kept per tenant.
const ACCOUNTS: u64 = 1024;

pub(crate) struct Tenants {
    kept: Cache<TenantId, Arc<Tenant>>,
    share: Share,
}

pub(crate) struct Tenant {
    placement: Placement,
    known: ArcSwap<Known>,
    serving: Semaphore,
    altering: Semaphore,
    pub(crate) purge_planned: Planned,
}

/// What is believed of a tenant. It is replaced as a whole, and by whoever saw it last alone: what was read from an older
/// view of the store does not come back.
#[derive(Default)]
pub(crate) struct Known {
    model: Option<Arc<Model>>,
    checked_at: AtomicI64,
}

/// One tenant's schema and grants at one pair of versions, with what was compiled from them.
pub(crate) struct Model {
    pub(crate) versions: Versions,
    pub(crate) schema: Schema,
    pub(crate) tree: Tree,
    pub(crate) plans: Plans,
    callers: Cache<Holder, Arc<CallerRights>>,
    role_sets: Cache<RoleSet, u32>,
    next_role_set: AtomicU32,
}

/// Whose rights they are: an account's, or those of a key that is used in its place.
type Holder = (AccountId, Option<ApiKeyId>);

/// What rights follow from: codes of roles, and what a key leaves of them.
pub(crate) type RoleSet = (Vec<String>, Option<Arc<[KeyScope]>>);

/// A model and a caller's rights under it.
pub(crate) type Belief = (Arc<Model>, Arc<CallerRights>);

/// A caller's rights, with a number that all callers of the same roles and scopes share: plans are kept by it.
/// Where he stands is no part of any plan: statements are bound to it.
#[derive(Debug)]
pub(crate) struct CallerRights {
    pub(crate) role_set: u32,
    pub(crate) rights: Rights,
    /// Of a key.
    pub(crate) scopes: Option<Arc<[KeyScope]>>,
    pub(crate) place: Place,
    pub(crate) binds: CallerBinds,
}

static VERSIONS: Fixed =
    Fixed::new("SELECT schema_version, grants_version FROM insula_tenant.tenant WHERE tenant_id = $1");
static ENTITIES: Fixed =
    Fixed::new("SELECT definition FROM insula_tenant.entity WHERE tenant_id = $1 ORDER BY position, id");
/// The roles of a member, his own and those of the groups he is in, and what he is.
static ROLES: Fixed = Fixed::new(
    "SELECT r.code, r.built_in, r.permissions, m.active, m.unit_id FROM insula_tenant.member m \
     JOIN insula_tenant.role r ON r.tenant_id = m.tenant_id \
     WHERE m.tenant_id = $1 AND m.account_id = $2 AND (r.id IN ( \
        SELECT mr.role_id FROM insula_tenant.member_role mr \
        WHERE mr.tenant_id = m.tenant_id AND mr.account_id = m.account_id) \
     OR r.id IN ( \
        SELECT gr.role_id FROM insula_tenant.user_group_member gm \
        JOIN insula_tenant.user_group_role gr ON gr.tenant_id = gm.tenant_id AND gr.group_id = gm.group_id \
        WHERE gm.tenant_id = m.tenant_id AND gm.account_id = m.account_id)) \
     ORDER BY r.code",
);

impl Tenants {
    /// `share` is what one tenant may take of the store's sessions.
    pub(crate) fn new(share: Share) -> Self {
        Self { kept: Cache::new(TENANTS), share }
    }

    pub(crate) fn get(&self, placement: Placement) -> Arc<Tenant> {
        if let Some(tenant) = self.kept.get(&placement.tenant) {
            return tenant;
        }
        let made = Arc::new(Tenant {
            placement,
            known: ArcSwap::default(),
            serving: Semaphore::new(self.share.serving),
            altering: Semaphore::new(self.share.altering),
            purge_planned: Planned::default(),
        });
        match self.kept.get_or_insert_with(&placement.tenant, || Ok::<_, std::convert::Infallible>(made)) {
            Ok(tenant) => tenant,
            Err(never) => match never {},
        }
    }
}

impl Tenant {
    /// A place among the tenant's transactions that read or write, so that others find sessions too. Held for as long as
    /// the transaction is.
    pub(crate) async fn serve(&self) -> Result<SemaphorePermit<'_>> {
        turn(&self.serving).await
    }

    /// The same among those that alter, which are few.
    pub(crate) async fn alter(&self) -> Result<SemaphorePermit<'_>> {
        turn(&self.altering).await
    }

    /// What is believed now. A read takes it before its transaction sees anything.
    pub(crate) fn known(&self) -> Arc<Known> {
        self.known.load_full()
    }

    /// The model a read may use: at most a second old, checked in the read's own transaction when older.
    pub(crate) async fn model_for_read(
        &self,
        known: &Arc<Known>,
        tx: &mut Tx,
        now: Timestamp,
    ) -> Result<Arc<Model>, StoreError> {
        let age = now.as_micros().saturating_sub(known.checked_at.load(Ordering::Relaxed));
        if let Some(model) = known.model.as_ref().filter(|_| age < BELIEVED_MICROS) {
            return Ok(Arc::clone(model));
        }
        // Once a second at most, and no part of every read's size.
        Box::pin(self.confirmed(known, tx, now)).await
    }

    /// The model of the versions that are the store's now.
    async fn confirmed(&self, known: &Arc<Known>, tx: &mut Tx, now: Timestamp) -> Result<Arc<Model>, StoreError> {
        let versions = self.read_versions(tx).await?;
        if let Some(model) = known.model.as_ref().filter(|model| model.versions == versions) {
            known.checked_at.store(now.as_micros(), Ordering::Relaxed);
            return Ok(Arc::clone(model));
        }
        let model = self.load(tx, versions).await?;
        self.replace(known, &model, now.as_micros());
        Ok(model)
    }

    /// The model of exactly the versions a write found.
    pub(crate) async fn model_at(&self, tx: &mut Tx, versions: Versions) -> Result<Arc<Model>, StoreError> {
        let known = self.known();
        if let Some(model) = known.model.as_ref().filter(|model| model.versions == versions) {
            return Ok(Arc::clone(model));
        }
        let model = Box::pin(self.load(tx, versions)).await?;
        self.replace(&known, &model, i64::MIN);
        Ok(model)
    }

    fn replace(&self, known: &Arc<Known>, model: &Arc<Model>, checked_at: i64) {
        let next = Known { model: Some(Arc::clone(model)), checked_at: AtomicI64::new(checked_at) };
        self.known.compare_and_swap(known, Arc::new(next));
    }

    /// What this node last knew, of whatever age: for a write that has it confirmed with its first statement.
    pub(crate) fn believed(&self, caller: &Caller) -> Option<Belief> {
        let model = self.known.load().model.clone()?;
        let rights = model.callers.get(&holder(caller.account(), caller.key()))?;
        Some((model, rights))
    }

    /// Reads the model from the store.
    async fn load(&self, tx: &mut Tx, versions: Versions) -> Result<Arc<Model>, StoreError> {
        let entities = entities(tx, self.placement.tenant).await?;
        Ok(Arc::new(Model {
            versions,
            schema: Schema::new(versions.schema, entities),
            tree: org::tree(tx, self.placement.tenant).await?,
            plans: Plans::default(),
            callers: small(ACCOUNTS),
            role_sets: small(ACCOUNTS),
            next_role_set: AtomicU32::new(0),
        }))
    }

    /// Forgets what is believed; the next transaction reads it from the store.
    pub(crate) fn forget(&self) {
        self.known.store(Arc::default());
    }

    async fn read_versions(&self, tx: &mut Tx) -> Result<Versions, StoreError> {
        let tenant = Value::Uuid(self.placement.tenant.uuid());
        let rows = tx.fixed(&VERSIONS, &[&tenant]).await?;
        let row =
            rows.first().ok_or_else(|| StoreError::Other("the tenant's store does not know its tenant".into()))?;
        Ok(Versions { schema: row.int(0)?, grants: row.int(1)? })
    }
}

async fn entities(tx: &mut Tx, tenant: TenantId) -> Result<Vec<Entity>, StoreError> {
    let rows = tx.fixed(&ENTITIES, &[&Value::Uuid(tenant.uuid())]).await?;
    let read = |row: &crate::store::Row| -> Result<Entity, StoreError> {
        serde_json::from_str(row.text(0)?).map_err(|error| StoreError::Other(error.into()))
    };
    rows.iter().map(read).collect()
}

/// The tenant's schema as this transaction sees it, for who has no model: no version is asked for.
pub(crate) async fn schema(tx: &mut Tx, tenant: TenantId) -> Result<Schema, StoreError> {
    Ok(Schema::new(0, entities(tx, tenant).await?))
}

/// Waits its turn, for a while.
async fn turn(places: &Semaphore) -> Result<SemaphorePermit<'_>> {
    if let Ok(place) = places.try_acquire() {
        return Ok(place);
    }
    match tokio::time::timeout(PATIENCE, places.acquire()).await {
        Ok(Ok(place)) => Ok(place),
        _ => Err(Problem::unavailable("the tenant has all of its share of the store's sessions in use")),
    }
}

impl Model {
    /// What `account` may do, or a key in its place. An account that is no active member may do nothing, and is told to
    /// sign in.
    pub(crate) async fn rights_of(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        account: AccountId,
        key: Option<&Key>,
    ) -> Result<Arc<CallerRights>> {
        match (self.callers.get(&holder(account, key)), key) {
            (Some(rights), _) => Ok(rights),
            (None, None) => Box::pin(self.load_rights(tx, tenant, account)).await,
            (None, Some(key)) => Box::pin(self.load_rights_of_key(tx, tenant, account, key)).await,
        }
    }

    async fn load_rights_of_key(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        account: AccountId,
        key: &Key,
    ) -> Result<Arc<CallerRights>> {
        let own = match self.callers.get(&holder(account, None)) {
            Some(rights) => rights,
            None => self.load_rights(tx, tenant, account).await?,
        };
        let scopes = Arc::clone(&key.scopes);
        let standing = (own.place.clone(), own.binds.clone());
        Ok(self.keep(holder(account, Some(key)), own.rights.within(&scopes), Some(scopes), standing))
    }

    async fn load_rights(&self, tx: &mut Tx, tenant: TenantId, account: AccountId) -> Result<Arc<CallerRights>> {
        let (tenant, id) = (Value::Uuid(tenant.uuid()), Value::Uuid(account.uuid()));
        let rows = tx.fixed(&ROLES, &[&tenant, &id]).await?;
        let unit = match rows.first() {
            Some(row) if row.bool(3)? => row.optional(4, crate::store::Row::id)?,
            _ => return Err(Problem::unauthenticated()),
        };
        let mut roles = Vec::new();
        let mut permissions: Vec<Permission> = Vec::new();
        for row in &rows {
            roles.push(row.text(0)?.to_owned());
            permissions.extend(permissions_of(row)?);
        }
        let place = self.tree.place(unit);
        let binds = CallerBinds::new(tx.dialect(), account, &place);
        Ok(self.keep(holder(account, None), Rights::new(roles, permissions), None, (place, binds)))
    }

    fn keep(
        &self,
        holder: Holder,
        rights: Rights,
        scopes: Option<Arc<[KeyScope]>>,
        (place, binds): (Place, CallerBinds),
    ) -> Arc<CallerRights> {
        let fresh = || Ok::<_, std::convert::Infallible>(self.next_role_set.fetch_add(1, Ordering::Relaxed));
        let set: RoleSet = (rights.roles().to_vec(), scopes.clone());
        let role_set = match self.role_sets.get_or_insert_with(&set, fresh) {
            Ok(number) => number,
            Err(never) => match never {},
        };
        let rights = Arc::new(CallerRights { role_set, rights, scopes, place, binds });
        self.callers.insert(holder, Arc::clone(&rights));
        rights
    }

    /// What a caller may do with the records of `entity` by `action`; `None` where nothing. Compiled once per set of roles.
    pub(crate) fn record_right(
        &self,
        caller: &CallerRights,
        entity: &Entity,
        action: Action,
    ) -> Option<Arc<RecordRight>> {
        let key = (caller.role_set, entity.id, action);
        if let Some(right) = self.plans.rights.get(&key) {
            return right;
        }
        let right = caller.rights.on_records(&self.schema, entity, action).map(Arc::new);
        self.plans.rights.insert(key, right.clone());
        right
    }
}

fn holder(account: AccountId, key: Option<&Key>) -> Holder {
    (account, key.map(|key| key.id))
}

/// Everything the roles of a member allow, be he active or not.
pub(crate) async fn permissions_held(
    tx: &mut Tx,
    tenant: TenantId,
    account: AccountId,
) -> Result<Vec<Permission>, StoreError> {
    let rows = tx.fixed(&ROLES, &[&Value::Uuid(tenant.uuid()), &Value::Uuid(account.uuid())]).await?;
    let each = rows.iter().map(permissions_of).collect::<Result<Vec<_>, _>>()?;
    Ok(each.into_iter().flatten().collect())
}

/// The permissions of a role's row, which begins with code, whether it is built in, and permissions.
pub(crate) fn permissions_of(row: &crate::store::Row) -> Result<Vec<Permission>, StoreError> {
    match BuiltinRole::named(row.text(0)?) {
        Some(role) if row.bool(1)? => Ok(role.permissions()),
        _ => serde_json::from_str(row.text(2)?).map_err(|error| StoreError::Other(error.into())),
    }
}
