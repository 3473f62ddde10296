//! Adding a user.

use insula_model::id::{AccountId, UnitId};
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, FieldError, Problem, Result};
use insula_model::rights::{Action, Resource};
use insula_model::value::Email;

use super::change::{self, Change};
use super::member::{self, Member};
use super::{Kind, UserView, conclude, grant, home};
use crate::attempt::{Attempt, Done, Outcome};
use crate::identity::account::{self, Standing};
use crate::identity::label;
use crate::identity::password::strength::Strength;
use crate::identity::password::{Hasher, Password, imported};
use crate::roles;
use crate::scope::Scope;
use crate::tx::{Mode, Tx};

/// Characters that are looked at.
const MAX_KIND: usize = 20;

struct NewUser {
    email: Email,
    full_name: String,
    secret: Secret,
    roles: Vec<String>,
    unit: Option<UnitId>,
}

/// What the new user will sign in with.
enum Secret {
    Password(Password),
    /// Set elsewhere.
    Hash(String),
    /// Nothing: it is a program.
    None,
}

/// Permission: `users`, `create`; and every permission of the roles given. `{email, full_name, password, roles, unit?}`, or
/// `password_hash` in place of `password`; `{kind: "service", full_name, roles, unit?}` is a program's.
///
/// An address that has an account already, through another organisation, becomes a member here too and keeps the
/// password it has: the one sent is not used. The answer is the same, so that it tells nothing of other organisations,
/// the id included, which is random and not ordered by time.
pub async fn create(attempt: &Attempt, body: &Json) -> Result<Done<UserView>> {
    let scope = attempt.scope();
    // Before any work is done for the request, hashing above all.
    scope.read(async |tx| tx.require(Resource::Users, Action::Create)).await?;
    let engine = scope.engine();
    let slots = &engine.identity.slots;
    let id = engine.ids.unordered();
    let new = Members::read(body, |members, errors| read(members, id, slots.hasher(), errors))?;
    let hash = match new.secret {
        Secret::Password(password) => {
            let mut tx = engine.stores.platform_read().await?;
            let strength = Strength::of_tenant(&mut tx, scope.caller().tenant(), new.email.as_str()).await?;
            tx.commit().await?;
            strength.check(slots, &password, "/password").await?;
            slots.hash(password, engine.ids.random()).await?
        }
        Secret::Hash(hash) => hash,
        Secret::None => account::NO_PASSWORD.to_owned(),
    };

    let applicant = Member::new(id, &new.email, new.full_name, engine.clock.now());
    let applicant = Member { unit: new.unit, ..applicant };
    let (user, change) = register(scope, applicant, hash).await?;
    let done = Box::pin(change::make(engine, change, admit(attempt, &without_secret(body), &user, &new.roles))).await?;
    Ok(done.map(UserView::from))
}

fn read(members: &mut Members<'_>, id: AccountId, hasher: Hasher, errors: &mut Errors) -> Option<NewUser> {
    let kind = read_kind(members, errors)?;
    let full_name = label::read(members, "full_name", errors);
    let (email, secret) = match kind {
        Kind::Person => (Email::read(members, errors), read_secret(members, hasher, errors)),
        Kind::Service => {
            refuse_credentials(members, errors);
            (Some(Email::of_service(id)), Some(Secret::None))
        }
    };
    let roles = members.required("roles", errors).and_then(|json| grant::read(json, members, errors));
    let unit = home::read(members, errors).over(None);
    Some(NewUser { email: email?, full_name: full_name?, secret: secret?, roles: roles?, unit })
}

fn read_kind(members: &mut Members<'_>, errors: &mut Errors) -> Option<Kind> {
    match members.optional_text("kind", MAX_KIND, errors) {
        None | Some("person") => Some(Kind::Person),
        Some("service") => Some(Kind::Service),
        Some(_) => {
            errors.add(members.pointer("kind"), Code::OutOfRange, "Expected \"person\" or \"service\".");
            None
        }
    }
}

fn refuse_credentials(members: &mut Members<'_>, errors: &mut Errors) {
    for name in ["email", "password", "password_hash"] {
        if members.optional(name).is_some() {
            errors.add(members.pointer(name), Code::Invalid, "A program has none: it calls with keys.");
        }
    }
}

fn read_secret(members: &mut Members<'_>, hasher: Hasher, errors: &mut Errors) -> Option<Secret> {
    if members.optional("password_hash").is_none() {
        return Password::read(members, "password", hasher, errors).map(Secret::Password);
    }
    if members.optional("password").is_some() {
        errors.add(members.pointer("password"), Code::Invalid, "Give `password` or `password_hash`, not both.");
    }
    imported::read(members, errors).map(Secret::Hash)
}

/// What a request that may be sent again is known by: not by a password, of which no hash is kept that is quick to make.
fn without_secret(body: &Json) -> Json {
    let Json::Object(members) = body else { return body.clone() };
    Json::Object(members.iter().filter(|(name, _)| name != "password").cloned().collect())
}

/// Makes the member in the tenant's store.
async fn admit(attempt: &Attempt, body: &Json, user: &Member, codes: &[String]) -> Result<Done<Member>> {
    attempt
        .alter(body, async |tx| {
            tx.require(Resource::Users, Action::Create)?;
            let mut user = user.clone();
            let roles = roles::choose(tx, codes).await?;
            home::check(tx, user.unit)?;
            grant::may_give(tx.rights(), &tx.model.schema, &user, &roles)?;
            let tenant = tx.author.tenant;
            if !member::insert(&mut tx.store, tenant, &user).await.map_err(|error| tx.failed(error))? {
                return Err(taken());
            }
            for role in roles {
                member::give(&mut tx.store, tenant, user.account, role.id).await.map_err(|error| tx.failed(error))?;
                user.roles.push(role.code);
            }
            conclude(tx, "user.create", None, Some(&user)).await?;
            Ok(user)
        })
        .await
}

impl Outcome for Member {
    fn note(&self) -> serde_json::Value {
        serde_json::json!(self.account)
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> Result<Self> {
        let account = serde_json::from_value(note).map_err(Problem::internal)?;
        tx.require(Resource::Users, Action::Read)?;
        let tenant = tx.author.tenant;
        let found = member::find(&mut tx.store, tenant, account).await.map_err(|error| tx.failed(error))?;
        found.ok_or_else(Problem::not_found)
    }
}

fn taken() -> Problem {
    let error = FieldError {
        pointer: "/email".to_owned(),
        code: Code::NotUnique,
        message: "This address is a user's already.".to_owned(),
    };
    Problem::conflict("Choose another address.", vec![error])
}

/// Writes the platform's rows: an account, where the address has none, and a membership that is good for nothing until the
/// tenant's store has the member. The answer is the user under the account the address has now.
async fn register(scope: &Scope, applicant: Member, hash: String) -> Result<(Member, Change)> {
    let (engine, placement) = (scope.engine(), scope.caller().placement());
    let mut tx = engine.stores.platform_write().await?;
    let account = account::ensure(&mut tx, &applicant, hash).await?;
    let last_used_at = if account == applicant.account { applicant.created_at } else { account::NEVER };
    let user = Member { account, ..applicant };
    account::join(&mut tx, user.account, placement.tenant, Standing::Inactive, last_used_at).await?;
    let change = change::note(&mut tx, engine, placement, user.account).await?;
    tx.commit().await?;
    Ok((user, change))
}
