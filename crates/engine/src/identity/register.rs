//! A new organisation with its owner. It spans both stores: the tenant's comes first, the platform's rows last, so
//! that a registration cut off half-way leaves a store nobody knows. Until the very end that store is marked as being
//! registered, and only what is so marked is ever removed.

use insula_model::id::{RoleId, TenantId};
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::name::is_code;
use insula_model::problem::{Code, Errors, FieldError, Problem, Result};
use insula_model::rights::BuiltinRole;
use insula_model::value::{Email, Timestamp, Value};

use super::account::{self, Epoch, Standing};
use super::event::{self, Action, Party, Whom};
use super::password::strength::Strength;
use super::password::{Hasher, Password};
use super::session::{self, Tokens};
use super::token::{Realm, Subject};
use super::users::member::{self, Member};
use super::{label, orphans};
use crate::audit::{self, Event};
use crate::engine::{Inner, Origin, Registration};
use crate::sql::Fixed;
use crate::store::{Placement, StoreError, Tx};
use crate::tx::Author;

const MAX_CODE: usize = 50;

static TAKEN: Fixed = Fixed::new(
    "SELECT EXISTS (SELECT 1 FROM insula.account WHERE email_folded = $1), \
     EXISTS (SELECT 1 FROM insula.tenant WHERE code_folded = $2)",
);
static INSERT_TENANT: Fixed = Fixed::new(
    "INSERT INTO insula.tenant (id, code, code_folded, name, status, cell, created_at) \
     VALUES ($1, $2, $3, $4, 'active', $5, $6) ON CONFLICT DO NOTHING",
);
static INSERT_ROLE: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.role (tenant_id, id, code, name, built_in, permissions) VALUES ($1, $2, $3, $4, $5, $6)",
);

struct Application {
    code: String,
    name: String,
    email: Email,
    password: Password,
    full_name: String,
}

/// Everything about the new organisation but its secrets.
struct Founding {
    tenant: TenantId,
    code: String,
    name: String,
    owner: Member,
    now: Timestamp,
}

pub(super) async fn register(engine: &Inner, origin: &Origin, body: &Json) -> Result<Tokens> {
    if engine.identity.options.registration == Registration::Closed {
        return Err(Problem::new(Code::Forbidden, "Registration is closed. Ask an administrator to add you."));
    }
    let slots = &engine.identity.slots;
    let application = Members::read(body, |members, errors| read(members, slots.hasher(), errors))?;
    let names = [application.code.as_str(), application.name.as_str()];
    let strength = Strength::of_anybody(application.email.as_str(), &names);
    strength.check(slots, &application.password, "/password").await?;
    refuse_taken(engine, &application).await?;
    let hash = slots.hash(application.password, engine.ids.random()).await?;

    let now = engine.clock.now();
    let founding = Founding {
        tenant: engine.ids.next(),
        code: application.code,
        name: application.name,
        owner: Member::new(engine.ids.unordered(), &application.email, application.full_name, now),
        now,
    };
    let (placement, tx) = engine.stores.create_tenant(founding.tenant).await?;
    furnish(tx, engine, origin, &founding).await?;
    let tokens = enter(engine, origin, &founding, placement, hash).await;
    match &tokens {
        // The mark is taken away at the next start otherwise.
        Ok(_) => {
            if let Err(error) = engine.stores.settle_tenant(placement).await {
                tracing::warn!(tenant = %founding.tenant, %error, "a new tenant's store is still marked as being registered");
            }
        }
        Err(_) => {
            if let Err(error) = orphans::remove(engine, placement).await {
                tracing::warn!(tenant = %founding.tenant, %error, "the store of a refused registration stays until the next start");
            }
        }
    }
    tokens
}

fn read(members: &mut Members<'_>, hasher: Hasher, errors: &mut Errors) -> Option<Application> {
    let tenant = members.required("tenant", errors).and_then(|json| {
        let mut tenant = Members::of(json, &members.pointer("tenant"), errors)?;
        let code = read_code(&mut tenant, errors);
        let name = label::read(&mut tenant, "name", errors);
        tenant.finish(errors);
        Some((code?, name?))
    });
    let email = Email::read(members, errors);
    let password = Password::read(members, "password", hasher, errors);
    let full_name = label::read(members, "full_name", errors);
    let (code, name) = tenant?;
    Some(Application { code, name, email: email?, password: password?, full_name: full_name? })
}

fn read_code(tenant: &mut Members<'_>, errors: &mut Errors) -> Option<String> {
    let code = tenant.text("code", MAX_CODE, errors)?;
    if is_code(code) {
        return Some(code.to_owned());
    }
    errors.add(tenant.pointer("code"), Code::InvalidFormat, "Letters, digits, `_` and `-` only.");
    None
}

/// Says early what the last step would say anyway, before anything expensive is done.
async fn refuse_taken(engine: &Inner, application: &Application) -> Result<()> {
    let (email, code) = (Value::Text(application.email.folded()), Value::Text(fold(&application.code)));
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&TAKEN, &[&email, &code]).await?;
    tx.commit().await?;
    match rows.first() {
        Some(row) => taken(row.bool(0)?, row.bool(1)?),
        None => Ok(()),
    }
}

fn taken(email: bool, code: bool) -> Result<()> {
    let error = |pointer: &str, message: &str| FieldError {
        pointer: pointer.to_owned(),
        code: Code::NotUnique,
        message: message.to_owned(),
    };
    let errors: Vec<FieldError> = [
        email.then(|| error("/email", "This address has an account already.")),
        code.then(|| error("/tenant/code", "This code is taken.")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::conflict("Choose another where `errors` points.", errors)) }
}

/// Fills the tenant's own store: roles, the owner, the first events.
async fn furnish(mut tx: Tx, engine: &Inner, origin: &Origin, founding: &Founding) -> Result<()> {
    let owner_role = insert_roles(&mut tx, engine, founding.tenant).await?;
    let mut owner = founding.owner.clone();
    member::insert(&mut tx, founding.tenant, &owner).await?;
    member::give(&mut tx, founding.tenant, owner.account, owner_role).await?;
    owner.roles.push(BuiltinRole::Owner.code().to_owned());

    let author = Author {
        tenant: founding.tenant,
        account: owner.account,
        email: owner.email.as_str().into(),
        api_key: None,
        origin: origin.clone(),
        now: founding.now,
    };
    let tenant = serde_json::json!({ "code": founding.code, "name": founding.name }).to_string();
    for (action, subject, after) in [
        ("tenant.create", founding.tenant.uuid(), tenant.into_bytes()),
        ("user.create", owner.account.uuid(), owner.audited()),
    ] {
        let event = Event { action, entity: None, subject: Some(subject), before: None, after: Some(&after) };
        audit::append(&mut tx, &author, &engine.ids, &event).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The built-in roles; the owner's id.
async fn insert_roles(tx: &mut Tx, engine: &Inner, tenant: TenantId) -> Result<RoleId> {
    let mut owner = None;
    for role in BuiltinRole::ALL {
        let id: RoleId = engine.ids.next();
        let binds = [
            Value::Uuid(tenant.uuid()),
            Value::Uuid(id.uuid()),
            Value::Text(role.code().to_owned()),
            Value::Text(role.name().to_owned()),
            Value::Bool(true),
            Value::Text(serde_json::to_string(&role.permissions()).map_err(Problem::internal)?),
        ];
        tx.fixed_execute(&INSERT_ROLE, &binds.each_ref()).await?;
        if role == BuiltinRole::Owner {
            owner = Some(id);
        }
    }
    owner.ok_or_else(|| Problem::internal("there is no built-in owner"))
}

/// Makes the tenant known and signs its owner in. Whoever took a name meanwhile keeps it.
async fn enter(
    engine: &Inner,
    origin: &Origin,
    founding: &Founding,
    placement: Placement,
    password_hash: String,
) -> Result<Tokens> {
    let (account, tenant, now) = (founding.owner.account, founding.tenant, founding.now);
    let mut tx = engine.stores.platform_write().await?;
    let code_taken = !insert_tenant(&mut tx, founding, placement).await?;
    let email_taken = !account::insert(&mut tx, &founding.owner, password_hash).await?;
    if let Err(problem) = taken(email_taken, code_taken) {
        tx.rollback().await?;
        return Err(problem);
    }
    account::join(&mut tx, account, tenant, Standing::Active, now).await?;
    let whom = Whom { account: Some(account), tenant: Some(tenant) };
    event::append(&mut tx, engine, origin, now, Action::TenantCreate, whom).await?;
    let session = engine.ids.next();
    let subject = Subject { account, realm: Realm::Tenant(tenant), session };
    let tokens = session::open(&mut tx, engine, origin, subject, Epoch::FIRST, now)
        .await?
        .map_err(|_| Problem::internal("the first session of an account was refused"))?;
    let party = Party { account, tenant, email: &founding.owner.email, session: Some(session) };
    event::append_to_both(&mut tx, engine, origin, now, Action::Login, &party).await?;
    tx.commit().await?;
    engine.wake();
    Ok(tokens)
}

/// False where the code is taken.
async fn insert_tenant(tx: &mut Tx, founding: &Founding, placement: Placement) -> Result<bool, StoreError> {
    let binds = [
        Value::Uuid(founding.tenant.uuid()),
        Value::Text(founding.code.clone()),
        Value::Text(fold(&founding.code)),
        Value::Text(founding.name.clone()),
        Value::Int(placement.cell),
        Value::Timestamp(founding.now),
    ];
    Ok(tx.fixed_execute(&INSERT_TENANT, &binds.each_ref()).await? == 1)
}

/// Codes compare without case.
fn fold(code: &str) -> String {
    code.to_ascii_lowercase()
}
