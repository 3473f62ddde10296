//! Identity against both stores, without HTTP.

mod guesses;
mod purge;
mod rights;
mod two_stores;
use std::sync::Arc;

use insula_model::clock::Clock;
use insula_model::id::{RequestId, TenantId};
use insula_model::problem::Code;
use insula_model::value::{Timestamp, Value};
use tempfile::TempDir;
use uuid::Uuid;

use super::users::{UserView, delete, list, update};
use super::*;
use crate::attempt::{Attempt, Done};
use crate::engine::{Options, Registration, SignInLimits};
use crate::mail::MailOptions;
use crate::scope::Scope;
use crate::sql::Fixed;
use crate::store::StoreOptions;
use crate::store::scratch::on_scratch;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const PASSWORD: &str = "correct horse battery";

struct World {
    engine: Engine,
    clock: Clock,
}

/// Runs a test on SQLite, then on PostgreSQL.
fn on_both(test: impl AsyncFn(World)) {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sqlite = StoreOptions::Sqlite { data_dir: dir.path().to_owned() };
    runtime.block_on(async { test(World::new(sqlite, Registration::Open).await).await });
    on_scratch(async |scratch| {
        let postgres = StoreOptions::Postgres { url: scratch.url(), cell_tenant_limit: 1000 };
        let world = World::new(postgres, Registration::Open).await;
        let engine = world.engine.clone();
        test(world).await;
        engine.close().await;
    });
}

fn options(store: StoreOptions, clock: &Clock, registration: Registration) -> Options {
    Options {
        store,
        secret_key: "0123456789abcdef0123456789abcdef".into(),
        identity: IdentityOptions {
            registration,
            refusal_pause: std::time::Duration::ZERO,
            // They all come from one place here.
            sign_in_limits: SignInLimits { per_account: 10, per_place: 100_000 },
            bcrypt_cost: 4,
            ..IdentityOptions::default()
        },
        mail: MailOptions::into_folder("/nowhere".into()),
        clock: clock.clone(),
    }
}

fn origin() -> Origin {
    Origin { request: RequestId::from(Uuid::nil()), address: "192.0.2.1".into(), user_agent: "test".into() }
}

/// Adds a user by a request without a key.
async fn create(scope: &Scope, body: &Json) -> Result<UserView> {
    let scope = Scope::new(scope.engine_handle(), scope.caller().clone(), scope.origin().clone());
    match super::users::create(&Attempt::new(scope, None), body).await? {
        Done::Now(user) | Done::Before(user) => Ok(user),
    }
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn registration(code: &str, email: &str) -> Json {
    json(&format!(
        r#"{{"tenant":{{"code":"{code}","name":"Acme"}},"email":"{email}","password":"{PASSWORD}","full_name":"Ada"}}"#
    ))
}

fn credentials(email: &str, password: &str) -> Json {
    json(&format!(r#"{{"email":"{email}","password":"{password}"}}"#))
}

fn user(email: &str, role: &str) -> Json {
    json(&format!(r#"{{"email":"{email}","full_name":"Bob","password":"{PASSWORD}","roles":["{role}"]}}"#))
}

/// What axum asks of a handler's future.
fn send<T: Send>(future: T) -> T {
    future
}

impl World {
    async fn new(store: StoreOptions, registration: Registration) -> Self {
        let clock = Clock::fixed(NOW);
        let engine = Engine::open(options(store, &clock, registration)).await.unwrap();
        Self { engine, clock }
    }

    fn public(&self) -> Public {
        self.engine.public(origin())
    }

    async fn register(&self, code: &str, email: &str) -> Result<Tokens> {
        send(self.public().register(&registration(code, email))).await
    }

    async fn login(&self, email: &str, password: &str) -> Result<Tokens> {
        let credentials = credentials(email, password);
        send(async { self.public().login(&credentials, None).await.map(|signed_in| signed_in.tokens) }).await
    }

    async fn refresh(&self, token: &str) -> Result<Tokens> {
        send(self.public().refresh(&json(&format!(r#"{{"refresh_token":"{token}"}}"#)), None)).await
    }

    async fn scope(&self, tokens: &Tokens) -> Result<Scope> {
        send(self.engine.authenticate(&tokens.access_token, origin())).await
    }

    /// An owner's scope in a tenant of its own.
    async fn owner(&self, code: &str) -> Scope {
        let tokens = self.register(code, &format!("owner@{code}.example")).await.unwrap();
        self.scope(&tokens).await.unwrap()
    }

    async fn signed_in(&self, email: &str) -> Scope {
        let tokens = self.login(email, PASSWORD).await.unwrap();
        self.scope(&tokens).await.unwrap()
    }
}

fn code<T>(result: Result<T>) -> Option<Code> {
    result.err().map(|problem| problem.code())
}

fn pointers<T>(result: Result<T>) -> Vec<(String, Code)> {
    let problem = result.err().unwrap();
    problem.errors().iter().map(|error| (error.pointer.clone(), error.code)).collect()
}

#[test]
fn an_owner_registers_and_is_let_in() {
    on_both(async |world| {
        let tokens = world.register("Acme", "Ada@Example.org").await.unwrap();
        assert_eq!((tokens.token_type, tokens.expires_in, tokens.refresh_expires_in), ("bearer", 1800, 604_800));
        let scope = world.scope(&tokens).await.unwrap();
        let me = send(me(&scope)).await.unwrap();
        assert_eq!((me.account.email.as_str(), me.account.full_name.as_str()), ("Ada@example.org", "Ada"));
        assert_eq!((me.tenant.code.as_str(), me.tenant.name.as_str()), ("Acme", "Acme"));
        assert_eq!(me.roles, ["owner"]);
        let resources: Vec<_> = me.permissions.iter().map(|permission| permission.resource.as_str()).collect();
        assert_eq!(resources, ["records:*", "entities", "users", "roles", "groups", "org", "audit", "tenant"]);
        let again = world.login("ada@example.ORG", PASSWORD).await.unwrap();
        assert_eq!(world.scope(&again).await.unwrap().caller().account(), me.account.id);
    });
}

#[test]
fn mistakes_in_a_registration_are_told_together() {
    on_both(async |world| {
        let body = json(
            r#"{"tenant":{"code":"a b","name":" ","id":1},"email":"x","password":"short","full_name":null,"role":"owner"}"#,
        );
        let mut found = pointers(world.public().register(&body).await);
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [
            ("/email", Code::InvalidFormat),
            ("/full_name", Code::Required),
            ("/password", Code::TooShort),
            ("/role", Code::UnknownField),
            ("/tenant/code", Code::InvalidFormat),
            ("/tenant/id", Code::UnknownField),
            ("/tenant/name", Code::TooShort),
        ];
        assert_eq!(found, expected.map(|(at, code)| (at.to_owned(), code)));
    });
}

#[test]
fn what_is_taken_is_told_and_leaves_nothing() {
    on_both(async |world| {
        world.register("acme", "ada@example.org").await.unwrap();
        for (tenant, email, expected) in [
            ("ACME", "bob@example.org", &["/tenant/code"][..]),
            ("other", "ADA@example.org", &["/email"]),
            ("Acme", "ada@Example.org", &["/email", "/tenant/code"]),
        ] {
            let found: Vec<String> =
                pointers(world.register(tenant, email).await).into_iter().map(|(at, _)| at).collect();
            assert_eq!(found, expected);
        }
        let race: Vec<_> = (0..8)
            .map(|n| {
                let (engine, email) = (world.engine.clone(), format!("n{n}@example.org"));
                tokio::spawn(async move { engine.public(origin()).register(&registration("race", &email)).await })
            })
            .collect();
        let mut won = 0;
        for attempt in race {
            match attempt.await.unwrap() {
                Ok(_) => won += 1,
                Err(problem) => assert_eq!(problem.code(), Code::Conflict),
            }
        }
        assert_eq!(won, 1);
        assert_eq!(world.engine.0.stores.tenant_stores().await.unwrap().len(), 2);
    });
}

#[tokio::test]
async fn closed_means_closed() {
    let dir = TempDir::new().unwrap();
    let world = World::new(StoreOptions::Sqlite { data_dir: dir.path().to_owned() }, Registration::Closed).await;
    let refused = world.public().register(&registration("acme", "ada@example.org")).await;
    assert_eq!(code(refused), Some(Code::Forbidden));
}

#[test]
fn every_refused_sign_in_is_the_same() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        let bob = create(&owner, &user("bob@acme.example", "viewer")).await.unwrap();
        update(&owner, bob.id, &json(r#"{"active":false}"#)).await.unwrap();
        let long = format!("{PASSWORD}{}", "x".repeat(100));
        let mut answers = Vec::new();
        for (email, password) in [
            ("nobody@acme.example", PASSWORD),
            ("not an address", PASSWORD),
            ("owner@acme.example", "wrong"),
            ("owner@acme.example", &long),
            ("bob@acme.example", PASSWORD),
            ("bob@acme.example", "wrong"),
        ] {
            answers.push(world.login(email, password).await.err().unwrap().to_string());
        }
        let elsewhere = format!(r#"{{"email":"owner@acme.example","password":"{PASSWORD}","tenant":"other"}}"#);
        answers.push(world.public().login(&json(&elsewhere), None).await.err().unwrap().to_string());
        answers.dedup();
        assert_eq!(answers, ["unauthenticated: E-mail or password is wrong."]);
        let named = elsewhere.replace("other", "ACME");
        assert!(world.public().login(&json(&named), None).await.is_ok());
        let other = named.replace('}', r#","session":"memory"}"#);
        assert_eq!(code(world.public().login(&json(&other), None).await), Some(Code::OutOfRange));
    });
}

#[test]
fn a_token_ends_with_its_time_and_its_session() {
    on_both(async |world| {
        let tokens = world.register("acme", "ada@example.org").await.unwrap();
        let other = world.login("ada@example.org", PASSWORD).await.unwrap();
        world.clock.advance(1799);
        let scope = world.scope(&tokens).await.unwrap();
        world.clock.advance(1);
        assert_eq!(code(world.scope(&tokens).await), Some(Code::Unauthenticated));

        let mut tokens = world.refresh(tokens.refresh_token()).await.unwrap();
        assert!(world.scope(&tokens).await.is_ok());
        send(logout(SignedIn::Member(&scope), None)).await.unwrap();
        assert_eq!(code(world.scope(&tokens).await), Some(Code::Unauthenticated));
        assert_eq!(code(world.refresh(tokens.refresh_token()).await), Some(Code::Unauthenticated));

        let other = world.refresh(other.refresh_token()).await.unwrap();
        tokens = world.login("ada@example.org", PASSWORD).await.unwrap();
        let (one, two) = (world.scope(&tokens).await.unwrap(), world.scope(&other).await);
        assert!(two.is_ok());
        logout(SignedIn::Member(&one), Some(&json(r#"{"all":true}"#))).await.unwrap();
        for tokens in [&tokens, &other] {
            assert_eq!(code(world.scope(tokens).await), Some(Code::Unauthenticated));
        }
        assert_eq!(
            code(logout(SignedIn::Member(&one), Some(&json(r#"{"everyone":true}"#))).await),
            Some(Code::UnknownField)
        );
    });
}

#[test]
fn an_end_on_another_node_is_seen_within_a_second() {
    on_both(async |world| {
        let tokens = world.register("acme", "ada@example.org").await.unwrap();
        let scope = world.scope(&tokens).await.unwrap();
        let mut tx = world.engine.0.stores.platform_write().await.unwrap();
        let ending = session::Ending::One(scope.caller().session());
        session::end(&mut tx, ending, session::EndReason::Logout, NOW).await.unwrap();
        tx.commit().await.unwrap();
        world.clock.advance(1);
        assert_eq!(code(world.scope(&tokens).await), Some(Code::Unauthenticated));
    });
}

#[test]
fn req_a5_what_was_proved_in_an_older_epoch_is_good_for_nothing() {
    on_both(async |world| {
        let tokens = world.register("acme", "ada@example.org").await.unwrap();
        let scope = world.scope(&tokens).await.unwrap();
        let caller = scope.caller();
        let engine = &world.engine.0;
        let mut tx = engine.stores.platform_write().await.unwrap();
        account::raise_epoch(&mut tx, caller.account()).await.unwrap();
        // A sign-in whose password was found right before that.
        let realm = token::Realm::Tenant(caller.tenant());
        let subject = token::Subject { account: caller.account(), realm, session: engine.ids.next() };
        let opened = session::open(&mut tx, engine, &origin(), subject, account::Epoch::FIRST, NOW).await.unwrap();
        assert_eq!(opened.err(), Some(session::Refusal::Unproved));
        tx.commit().await.unwrap();
        world.clock.advance(1);
        assert_eq!(code(world.scope(&tokens).await), Some(Code::Unauthenticated));
        assert_eq!(code(world.refresh(tokens.refresh_token()).await), Some(Code::Unauthenticated));
        let now = world.signed_in("ada@example.org").await;
        assert_eq!(sessions::list(SignedIn::Member(&now), "").await.unwrap().items.len(), 1);
    });
}

#[test]
fn a_chain_has_an_end() {
    on_both(async |world| {
        let mut tokens = world.register("acme", "ada@example.org").await.unwrap();
        for _ in 0..5 {
            world.clock.advance(6 * 24 * 3600 - 1);
            tokens = world.refresh(tokens.refresh_token()).await.unwrap();
        }
        assert_eq!(tokens.refresh_expires_in, 5);
        world.clock.advance(4);
        assert!(world.scope(&tokens).await.is_ok());
        world.clock.advance(1);
        assert_eq!(code(world.scope(&tokens).await), Some(Code::Unauthenticated));
        assert_eq!(code(world.refresh(tokens.refresh_token()).await), Some(Code::Unauthenticated));

        let tokens = world.login("ada@example.org", PASSWORD).await.unwrap();
        world.clock.advance(7 * 24 * 3600);
        assert_eq!(code(world.refresh(tokens.refresh_token()).await), Some(Code::Unauthenticated));
    });
}

#[test]
fn users_are_added_changed_and_removed() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        let bob = send(create(&owner, &user("Bob@acme.example", "editor"))).await.unwrap();
        assert_eq!(
            (bob.email.as_str(), &bob.roles[..], bob.active),
            ("Bob@acme.example", &["editor".to_owned()][..], true)
        );
        assert_eq!(
            pointers(create(&owner, &user("bob@ACME.example", "viewer")).await),
            [("/email".into(), Code::NotUnique)]
        );
        assert_eq!(
            pointers(create(&owner, &user("x@acme.example", "boss")).await),
            [("/roles/0".into(), Code::OutOfRange)]
        );

        let scope = world.signed_in("bob@acme.example").await;
        assert_eq!(me(&scope).await.unwrap().roles, ["editor"]);
        let changed =
            update(&owner, bob.id, &json(r#"{"full_name":"Robert","roles":["viewer","editor"]}"#)).await.unwrap();
        assert_eq!(
            (changed.full_name.as_str(), &changed.roles[..]),
            ("Robert", &["editor".to_owned(), "viewer".into()][..])
        );
        let found = me(&scope).await.unwrap();
        assert_eq!(
            (found.account.full_name.as_str(), &found.roles[..]),
            ("Robert", &["editor".to_owned(), "viewer".into()][..])
        );

        let page = send(list(&owner, "limit=1")).await.unwrap();
        let rest = list(&owner, &format!("limit=1&cursor={}", page.next_cursor.unwrap())).await.unwrap();
        assert_eq!(rest.next_cursor, None);
        let users = page.items.into_iter().chain(rest.items).map(|user| (user.id, user.roles));
        let users: std::collections::HashMap<_, _> = users.collect();
        assert_eq!((users.len(), users.get(&bob.id)), (2, Some(&found.roles)));

        send(delete(&owner, bob.id)).await.unwrap();
        assert_eq!(code(me(&scope).await), Some(Code::Unauthenticated));
        assert_eq!(code(world.login("bob@acme.example", PASSWORD).await), Some(Code::Unauthenticated));
        assert_eq!(code(delete(&owner, bob.id).await), Some(Code::NotFound));
        create(&owner, &user("bob@acme.example", "viewer")).await.unwrap();
        assert!(world.login("bob@acme.example", PASSWORD).await.is_ok());
    });
}

#[test]
fn who_is_inactive_is_out_at_once_and_may_come_back() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        let bob = create(&owner, &user("bob@acme.example", "viewer")).await.unwrap();
        let tokens = world.login("bob@acme.example", PASSWORD).await.unwrap();
        assert!(world.scope(&tokens).await.is_ok());
        assert!(!send(update(&owner, bob.id, &json(r#"{"active":false}"#))).await.unwrap().active);
        assert_eq!(code(world.scope(&tokens).await), Some(Code::Unauthenticated));
        assert_eq!(code(world.refresh(tokens.refresh_token()).await), Some(Code::Unauthenticated));
        update(&owner, bob.id, &json(r#"{"active":true}"#)).await.unwrap();
        assert_eq!(code(world.scope(&tokens).await), Some(Code::Unauthenticated));
        assert!(world.login("bob@acme.example", PASSWORD).await.is_ok());
    });
}

#[test]
fn rights_bound_what_one_may_do_to_others() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        let mut scopes = Vec::new();
        for role in ["admin", "editor", "viewer"] {
            create(&owner, &user(&format!("{role}@acme.example"), role)).await.unwrap();
            scopes.push(world.signed_in(&format!("{role}@acme.example")).await);
        }
        let boss = owner.caller().account();
        let own = |scope: &Scope| scope.caller().account();
        let promote = json(r#"{"roles":["owner"]}"#);
        for (n, scope) in scopes.iter().enumerate() {
            let admin = n == 0;
            let refused = Some(Code::Forbidden);
            let expected = if admin { None } else { refused };
            assert_eq!(code(list(scope, "").await), expected);
            assert_eq!(code(create(scope, &user(&format!("new{n}@acme.example"), "viewer")).await), expected);
            assert_eq!(code(create(scope, &user(&format!("boss{n}@acme.example"), "owner")).await), refused);
            assert_eq!(code(update(scope, own(scope), &promote).await), refused);
            assert_eq!(code(update(scope, boss, &json(r#"{"full_name":"X"}"#)).await), refused);
            assert_eq!(code(delete(scope, boss).await), refused);
        }
        let stranger = world.owner("other").await;
        for answer in [code(update(&stranger, boss, &promote).await), code(delete(&stranger, boss).await)] {
            assert_eq!(answer, Some(Code::NotFound));
        }
    });
}

#[test]
fn the_last_owner_stays() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        let ada = owner.caller().account();
        let bob = create(&owner, &user("bob@acme.example", "owner")).await.unwrap().id;
        let leaving = [r#"{"roles":["admin"]}"#, r#"{"active":false}"#];
        update(&owner, bob, &json(leaving[1])).await.unwrap();
        for change in leaving {
            assert_eq!(code(update(&owner, ada, &json(change)).await), Some(Code::Conflict), "{change}");
        }
        assert_eq!(code(delete(&owner, ada).await), Some(Code::Conflict));
        update(&owner, bob, &json(r#"{"active":true}"#)).await.unwrap();
        delete(&owner, ada).await.unwrap();
        assert_eq!(code(world.login("owner@acme.example", PASSWORD).await), Some(Code::Unauthenticated));
        let bob = world.signed_in("bob@acme.example").await;
        assert_eq!(list(&bob, "").await.unwrap().items.len(), 1);
    });
}

#[test]
fn a_change_of_nothing_good_is_refused() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        let ada = owner.caller().account();
        for (body, pointer, expected) in [
            (r#"{"full_name":null}"#, "/full_name", Code::InvalidType),
            (r#"{"full_name":""}"#, "/full_name", Code::TooShort),
            (r#"{"roles":null}"#, "/roles", Code::InvalidType),
            (r#"{"roles":[]}"#, "/roles", Code::TooShort),
            (r#"{"roles":["owner","owner"]}"#, "/roles/1", Code::NotUnique),
            (r#"{"roles":["owner","nobody"]}"#, "/roles/1", Code::OutOfRange),
            (r#"{"roles":[1]}"#, "/roles/0", Code::InvalidType),
            (r#"{"active":"yes"}"#, "/active", Code::InvalidType),
            (r#"{"active":null}"#, "/active", Code::InvalidType),
            (r#"{"email":"x@y.example"}"#, "/email", Code::UnknownField),
            (r#"{"tenant_id":"x"}"#, "/tenant_id", Code::UnknownField),
            ("[]", "", Code::InvalidType),
        ] {
            assert_eq!(pointers(update(&owner, ada, &json(body)).await), [(pointer.to_owned(), expected)], "{body}");
        }
    });
}

#[test]
fn one_account_in_two_tenants() {
    on_both(async |world| {
        let (acme, other) = (world.owner("acme").await, world.owner("other").await);
        let bob = create(&acme, &user("bob@acme.example", "viewer")).await.unwrap();
        let unused = "one more password, unused";
        let body =
            format!(r#"{{"email":"bob@acme.example","full_name":"B","password":"{unused}","roles":["editor"]}}"#);
        assert_eq!(create(&other, &json(&body)).await.unwrap().id, bob.id);
        assert_eq!(code(world.login("bob@acme.example", unused).await), Some(Code::Unauthenticated));

        let tenant_of = |code: &'static str| {
            let body = json(&format!(r#"{{"email":"bob@acme.example","password":"{PASSWORD}","tenant":"{code}"}}"#));
            let world = &world;
            async move {
                let tokens = world.public().login(&body, None).await.unwrap().tokens;
                me(&world.scope(&tokens).await.unwrap()).await.unwrap()
            }
        };
        world.clock.advance(1);
        assert_eq!(tenant_of("acme").await.roles, ["viewer"]);
        world.clock.advance(1);
        assert_eq!(tenant_of("other").await.roles, ["editor"]);
        world.clock.advance(1);
        let last = world.signed_in("bob@acme.example").await;
        assert_eq!(me(&last).await.unwrap().tenant.code, "other");

        delete(&other, bob.id).await.unwrap();
        assert_eq!(code(world.engine.authenticate("", origin()).await), Some(Code::Unauthenticated));
        assert_eq!(code(me(&last).await), Some(Code::Unauthenticated));
        let stays = world.signed_in("bob@acme.example").await;
        assert_eq!(me(&stays).await.unwrap().tenant.code, "acme");
    });
}

#[test]
fn what_was_never_registered_is_swept_once_it_is_old() {
    on_both(async |world| {
        world.owner("acme").await;
        let orphan: TenantId = world.engine.ids().next();
        let (_, tx) = world.engine.0.stores.create_tenant(orphan).await.unwrap();
        tx.commit().await.unwrap();
        for (later, expected) in [(3600, 2), (1, 1)] {
            world.clock.advance(later);
            world.engine.sweep_orphans().await.unwrap();
            assert_eq!(world.engine.0.stores.tenant_stores().await.unwrap().len(), expected);
        }
        assert!(world.login("owner@acme.example", PASSWORD).await.is_ok());
    });
}

/// As after an older copy of the platform's tables was restored.
#[test]
fn a_tenant_the_platform_does_not_know_stays() {
    on_both(async |world| {
        static FORGET: [Fixed; 4] = [
            Fixed::new("DELETE FROM insula.refresh_token"),
            Fixed::new("DELETE FROM insula.session"),
            Fixed::new("DELETE FROM insula.membership"),
            Fixed::new("DELETE FROM insula.tenant"),
        ];
        world.owner("acme").await;
        let stores = &world.engine.0.stores;
        let known = stores.tenant_stores().await.unwrap();
        let mut tx = stores.platform_write().await.unwrap();
        for forget in &FORGET {
            tx.fixed_execute(forget, &[]).await.unwrap();
        }
        tx.commit().await.unwrap();
        world.clock.advance(24 * 3600);
        world.engine.sweep_orphans().await.unwrap();
        assert_eq!(stores.tenant_stores().await.unwrap(), known);
        drop(stores.tenant_write(known[0]).await.unwrap());
    });
}

/// Cut off after the platform's part: the tenant is known, and its mark goes at the next start.
#[test]
fn a_known_tenant_is_settled_at_the_next_start() {
    on_both(async |world| {
        static KNOW: Fixed = Fixed::new(
            "INSERT INTO insula.tenant (id, code, code_folded, name, status, cell, created_at) \
             VALUES ($1, 'a', 'a', 'A', 'active', 1, $2)",
        );
        let stores = &world.engine.0.stores;
        let tenant: TenantId = world.engine.ids().next();
        let (placement, tx) = stores.create_tenant(tenant).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(stores.unsettled_tenants().await.unwrap(), [placement]);
        let mut tx = stores.platform_write().await.unwrap();
        tx.fixed_execute(&KNOW, &[&Value::Uuid(tenant.uuid()), &Value::Timestamp(NOW)]).await.unwrap();
        tx.commit().await.unwrap();
        world.clock.advance(24 * 3600);
        world.engine.sweep_orphans().await.unwrap();
        assert_eq!(stores.unsettled_tenants().await.unwrap(), []);
        assert_eq!(stores.tenant_stores().await.unwrap(), [placement]);
    });
}

#[tokio::test]
async fn passwords_and_tokens_are_in_no_file() {
    let dir = TempDir::new().unwrap();
    let world = World::new(StoreOptions::Sqlite { data_dir: dir.path().to_owned() }, Registration::Open).await;
    let tokens = world.register("acme", "ada@example.org").await.unwrap();
    let next = world.refresh(tokens.refresh_token()).await.unwrap();
    let owner = world.scope(&next).await.unwrap();
    create(&owner, &user("bob@acme.example", "viewer")).await.unwrap();
    world.login("bob@acme.example", PASSWORD).await.unwrap();
    world.engine.close().await;
    let (mut folders, mut seen) = (vec![dir.path().to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            seen += bytes.len();
            for secret in [PASSWORD, tokens.refresh_token(), next.refresh_token(), &next.access_token] {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", path.display());
            }
        }
    }
    assert!(seen > 0);
}

/// What a read sees that began before a change is not taken for the present by those that come after it.
#[test]
fn a_read_that_began_before_a_change_brings_nothing_back() {
    on_both(async |world| {
        static ANY: Fixed = Fixed::new("SELECT grants_version FROM insula_tenant.tenant WHERE tenant_id = $1");
        let owner = world.owner("acme").await;
        let engine = &world.engine.0;
        let placement = owner.caller().placement();
        let tenant = engine.tenants.get(placement);
        let known = tenant.known();
        let mut old = engine.stores.tenant_read(placement).await.unwrap();
        old.fixed(&ANY, &[&Value::Uuid(placement.tenant.uuid())]).await.unwrap();
        create(&owner, &user("bob@acme.example", "viewer")).await.unwrap();
        world.clock.advance(2);
        let now = world.clock.now();
        let stale = tenant.model_for_read(&known, &mut old, now).await.unwrap();
        let mut new = engine.stores.tenant_read(placement).await.unwrap();
        let current = tenant.model_for_read(&tenant.known(), &mut new, now).await.unwrap();
        assert!(current.versions.grants > stale.versions.grants, "{:?}", current.versions);
    });
}

/// Writes go by what this node believes, in the round trip that has it confirmed.
#[test]
fn a_write_follows_what_another_node_has_just_changed() {
    on_scratch(async |scratch| {
        let postgres = || StoreOptions::Postgres { url: scratch.url(), cell_tenant_limit: 1000 };
        let world = World::new(postgres(), Registration::Open).await;
        let here = Engine::open(options(postgres(), &world.clock, Registration::Open)).await.unwrap();
        let owner = world.owner("acme").await;
        let bob = create(&owner, &user("bob@acme.example", "editor")).await.unwrap();
        let tokens = world.login("bob@acme.example", PASSWORD).await.unwrap();
        let bob_here = here.authenticate(&tokens.access_token, origin()).await.unwrap();
        let design = async |field: &str| {
            // Numbers and links lie in tables of their own, which go and come with the entity.
            let entity = json(&format!(
                r#"{{"name":"item","fields":[{{"name":"{field}","type":"text"}},{{"name":"no","type":"auto_number"}},
                    {{"name":"links","type":"relations","target":"item"}}]}}"#
            ));
            owner.design(async |tx| tx.create_entity(&entity).await).await.unwrap();
        };
        let drop_it = async || owner.design(async |tx| tx.drop_entity(&tx.entity("item")?).await).await.unwrap();
        let write = async |field: &str| {
            let body = json(&format!(r#"{{"{field}":"x"}}"#));
            let work = async |tx: &mut crate::tx::Tx<'_, crate::tx::Writing>| {
                let grant = tx.authorize::<crate::grant::Create>(&tx.entity("item")?)?;
                let record = grant.draft(&body)?;
                tx.insert(&grant, record).await.map(|record| String::from_utf8(record.into_json()).unwrap())
            };
            bob_here.write(work).await
        };
        let written = async |field: &str, number: u32| {
            let record = write(field).await.unwrap();
            assert!(record.contains(&format!(r#""no":{number},"links":[],"#)), "{record}");
        };

        design("title").await;
        written("title", 1).await;
        written("title", 2).await;
        drop_it().await;
        design("size").await;
        // Refused by what was believed, allowed by what is.
        written("size", 1).await;
        drop_it().await;
        design("title").await;
        // Allowed by what was believed, refused by what is.
        assert_eq!(code(write("size").await), Some(Code::UnknownField));
        // What was refused took no number.
        written("title", 1).await;
        super::users::update(&owner, bob.id, &json(r#"{"roles":["viewer"]}"#)).await.unwrap();
        assert_eq!(code(write("title").await), Some(Code::Forbidden));
        super::users::update(&owner, bob.id, &json(r#"{"roles":["editor"]}"#)).await.unwrap();
        written("title", 2).await;
        here.close().await;
        world.engine.close().await;
    });
}

/// Without waiting for its background, which reads the ring every few seconds.
#[test]
fn req_a1_a_token_of_a_key_that_only_another_node_knows_is_looked_up() {
    on_scratch(async |scratch| {
        let postgres = || StoreOptions::Postgres { url: scratch.url(), cell_tenant_limit: 1000 };
        let world = World::new(postgres(), Registration::Open).await;
        let here = Engine::open(options(postgres(), &world.clock, Registration::Open)).await.unwrap();
        let old = world.register("acme", "ada@example.org").await.unwrap();
        world.engine.rotate_keys(&origin()).await.unwrap();
        world.clock.advance(10);
        read_keys_again(&world.engine.0).await.unwrap();
        let new = world.login("ada@example.org", PASSWORD).await.unwrap();
        assert_ne!(new.access_token.split('.').next(), old.access_token.split('.').next());
        for tokens in [&new, &old] {
            assert!(here.authenticate(&tokens.access_token, origin()).await.is_ok());
        }
        here.close().await;
        world.engine.close().await;
    });
}

/// The cell has 16 sessions and the owner 3; a tenant gets 12 and 1.
#[test]
fn one_tenant_does_not_take_all_sessions() {
    on_scratch(async |scratch| {
        let postgres = StoreOptions::Postgres { url: scratch.url(), cell_tenant_limit: 1000 };
        let world = World::new(postgres, Registration::Open).await;
        let (greedy, other) = (Arc::new(world.owner("greedy").await), world.owner("other").await);
        let (enter, mut entered) = tokio::sync::mpsc::unbounded_channel();
        let leave = Arc::new(tokio::sync::Semaphore::new(0));
        let mut running = Vec::new();
        for turn in 0..19 {
            let (scope, enter, leave) = (Arc::clone(&greedy), enter.clone(), Arc::clone(&leave));
            running.push(tokio::spawn(async move {
                if turn < 16 {
                    let stay = async |_: &mut crate::tx::Tx<'_, crate::tx::Reading>| {
                        enter.send(turn).unwrap();
                        leave.acquire().await.unwrap().forget();
                        Ok(())
                    };
                    scope.read(stay).await.ok();
                } else {
                    let stay = async |_: &mut crate::tx::Tx<'_, crate::tx::Altering>| {
                        enter.send(turn).unwrap();
                        leave.acquire().await.unwrap().forget();
                        Ok(())
                    };
                    scope.alter(stay).await.ok();
                }
            }));
        }
        for _ in 0..13 {
            entered.recv().await.unwrap();
        }
        let one_more = tokio::time::timeout(std::time::Duration::from_millis(300), entered.recv()).await;
        assert!(one_more.is_err(), "{one_more:?}");
        assert!(send(list(&other, "")).await.is_ok());
        assert!(send(create(&other, &user("bob@other.example", "viewer"))).await.is_ok());
        leave.add_permits(19);
        for task in running {
            task.await.unwrap();
        }
        world.engine.close().await;
    });
}
