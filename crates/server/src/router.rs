//! Every address on one page, each with who may call it. What an access allows is enforced by the engine; the page
//! declares it, for readers, for the API document and for the test that tries every operation without rights.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{MethodFilter, on};
use insula_engine::engine::Engine;
use insula_engine::identity::operator::Operator;
use insula_engine::identity::{InPerson, Public};
use insula_engine::scope::Scope;
use insula_model::problem::{Code, Problem};
use insula_model::rights::{Action, Resource};

use crate::api;
use crate::api::v1::{
    api_keys, audit, auth, authz, batch, entities, groups, jobs, openapi, org, platform, records, roles, schema,
    tenant, users,
};
use crate::call::{self, Anyone, AppState, Credential, Handler, Own};
use crate::cookie::Leaving;
use crate::health::{self, Health};
use crate::openapi::{Documents, Operation, Shape};
use crate::verb::{Method, Verb};
use crate::{body, docs, problem};

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anyone.
    Public,
    /// Anyone signed in, on what is their own.
    Own,
    /// Whoever has the right to `Action` on the tenant's `Resource`.
    Tenant(Resource, Action),
    /// Whoever has the right to `Action` on the records of the entity in the path.
    Records(Action),
    /// Whoever has the right to change records of that entity, or of one the body names, in some way: those changes, and
    /// no others.
    RecordChanges,
    /// Whoever has the right to both read and delete records of the entity in the path, if it keeps deleted ones.
    Restoring,
    /// A superuser, with a token for the platform.
    Platform,
}

/// What an operation says of itself in the API document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Description {
    Plain(fn() -> Operation),
    /// By the entity whose records it is about.
    Records(fn(&Shape<'_>) -> Operation),
}

/// One operation of the API.
#[derive(Clone, Debug)]
pub struct RouteInfo {
    pub method: http::Method,
    pub path: &'static str,
    pub access: Access,
    pub(crate) description: Description,
}

/// All operations, in the order of the page.
pub fn routes() -> Vec<RouteInfo> {
    table().routes
}

const TOTP: &str = "/api/v1/auth/mfa/totp";
const UNITS: &str = "/api/v1/org/{kind}";
const UNIT: &str = "/api/v1/org/{kind}/{id}";
const FIELDS: &str = "/api/v1/entities/{entity}/fields";
const FIELD: &str = "/api/v1/entities/{entity}/fields/{field}";

fn table() -> Table {
    use Action::{Create, Delete, Read, Update};
    Table::default()
        .public(Method::GET, "/livez", health::live)
        .described(health::describe_live)
        .public(Method::GET, "/readyz", health::ready)
        .described(health::describe_ready)
        .public(Method::GET, "/api/health", health::ready)
        .described(health::describe_health)
        .public(Method::GET, "/docs/problems", docs::problems)
        .described(docs::describe_problems)
        .public(Method::GET, "/api/openapi.json", api::openapi::get)
        .described(api::openapi::describe)
        .own(Method::GET, "/api/v1/openapi.json", openapi::get)
        .described(openapi::describe)
        .sign_in()
        // The platform
        .platform(Method::GET, "/api/v1/platform/tenants", platform::tenants::list::list)
        .described(platform::tenants::list::describe)
        .platform(Method::GET, "/api/v1/platform/tenants/{id}", platform::tenants::get::get)
        .described(platform::tenants::get::describe)
        .platform(Method::PATCH, "/api/v1/platform/tenants/{id}", platform::tenants::update::update)
        .described(platform::tenants::update::describe)
        .platform(Method::GET, "/api/v1/platform/audit", platform::audit::audit)
        .described(platform::audit::describe)
        // Tenant administration
        .tenant(Method::GET, "/api/v1/tenant", Resource::Tenant, Read, tenant::get::get)
        .described(tenant::get::describe)
        .tenant(Method::PATCH, "/api/v1/tenant", Resource::Tenant, Update, tenant::update::update)
        .described(tenant::update::describe)
        .tenant(Method::GET, "/api/v1/users", Resource::Users, Read, users::list::list)
        .described(users::list::describe)
        .tenant(Method::POST, "/api/v1/users", Resource::Users, Create, users::create::create)
        .described(users::create::describe)
        .tenant(Method::GET, "/api/v1/users/{id}", Resource::Users, Read, users::get::get)
        .described(users::get::describe)
        .tenant(Method::PATCH, "/api/v1/users/{id}", Resource::Users, Update, users::update::update)
        .described(users::update::describe)
        .tenant(Method::DELETE, "/api/v1/users/{id}", Resource::Users, Delete, users::delete::delete)
        .described(users::delete::describe)
        .tenant(Method::POST, "/api/v1/users/{id}/unlock", Resource::Users, Update, users::unlock::unlock)
        .described(users::unlock::describe)
        .tenant(Method::GET, "/api/v1/roles", Resource::Roles, Read, roles::list::list)
        .described(roles::list::describe)
        .tenant(Method::POST, "/api/v1/roles", Resource::Roles, Create, roles::create::create)
        .described(roles::create::describe)
        .tenant(Method::GET, "/api/v1/roles/{id}", Resource::Roles, Read, roles::get::get)
        .described(roles::get::describe)
        .tenant(Method::PATCH, "/api/v1/roles/{id}", Resource::Roles, Update, roles::update::update)
        .described(roles::update::describe)
        .tenant(Method::DELETE, "/api/v1/roles/{id}", Resource::Roles, Delete, roles::delete::delete)
        .described(roles::delete::describe)
        .tenant(Method::GET, "/api/v1/groups", Resource::Groups, Read, groups::list::list)
        .described(groups::list::describe)
        .tenant(Method::POST, "/api/v1/groups", Resource::Groups, Create, groups::create::create)
        .described(groups::create::describe)
        .tenant(Method::GET, "/api/v1/groups/{id}", Resource::Groups, Read, groups::get::get)
        .described(groups::get::describe)
        .tenant(Method::PATCH, "/api/v1/groups/{id}", Resource::Groups, Update, groups::update::update)
        .described(groups::update::describe)
        .tenant(Method::DELETE, "/api/v1/groups/{id}", Resource::Groups, Delete, groups::delete::delete)
        .described(groups::delete::describe)
        .tenant(Method::GET, UNITS, Resource::Org, Read, org::list::list)
        .described(org::list::describe)
        .tenant(Method::POST, UNITS, Resource::Org, Create, org::create::create)
        .described(org::create::describe)
        .tenant(Method::GET, UNIT, Resource::Org, Read, org::get::get)
        .described(org::get::describe)
        .tenant(Method::PATCH, UNIT, Resource::Org, Update, org::update::update)
        .described(org::update::describe)
        .tenant(Method::DELETE, UNIT, Resource::Org, Delete, org::delete::delete)
        .described(org::delete::describe)
        .tenant(Method::GET, "/api/v1/authz/matrix", Resource::Roles, Read, authz::matrix::matrix)
        .described(authz::matrix::describe)
        .tenant(Method::GET, "/api/v1/audit", Resource::Audit, Read, audit::list::list)
        .described(audit::list::describe)
        .tenant(Method::GET, "/api/v1/jobs", Resource::Tenant, Read, jobs::list::list)
        .described(jobs::list::describe)
        .tenant(Method::GET, "/api/v1/jobs/{id}", Resource::Tenant, Read, jobs::get::get)
        .described(jobs::get::describe)
        .tenant(Method::POST, "/api/v1/jobs/{id}/cancel", Resource::Tenant, Update, jobs::cancel::cancel)
        .described(jobs::cancel::describe)
        .design()
        // Records
        .records(Method::GET, "/api/v1/records/{entity}", Read, records::list::list)
        .described(records::list::describe)
        .records(Method::POST, "/api/v1/records/{entity}/query", Read, records::query::query)
        .described(records::query::describe)
        .records(Method::POST, "/api/v1/records/{entity}", Create, records::create::create)
        .described(records::create::describe)
        .record_changes(Method::POST, "/api/v1/records/{entity}/batch", records::batch::batch)
        .described(records::batch::describe)
        .records(Method::GET, "/api/v1/records/{entity}/{id}", Read, records::get::get)
        .described(records::get::describe)
        .records(Method::PATCH, "/api/v1/records/{entity}/{id}", Update, records::update::update)
        .described(records::update::describe)
        .records(Method::PUT, "/api/v1/records/{entity}/{id}", Update, records::replace::replace)
        .described(records::replace::describe)
        .records(Method::DELETE, "/api/v1/records/{entity}/{id}", Delete, records::delete::delete)
        .described(records::delete::describe)
        .restoring(Method::POST, "/api/v1/records/{entity}/{id}/restore", records::restore::restore)
        .described(records::restore::describe)
        .changes(Method::POST, "/api/v1/batch", batch::batch)
        .described(batch::describe)
}

/// The router of all routes, over an engine.
pub(crate) fn build(engine: Engine) -> Router {
    let state = AppState { engine, health: Arc::new(Health::default()), documents: Documents::default() };
    table()
        .router
        .fallback(async |request: Request| refuse(request, Problem::not_found()))
        .method_not_allowed_fallback(async |request: Request| {
            let allowed = "The header `Allow` lists the methods of this address.";
            refuse(request, Problem::new(Code::MethodNotAllowed, allowed))
        })
        .with_state(state)
}

/// A request that no handler gets to see.
pub(crate) fn refuse(request: Request, problem: Problem) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    body::discard_rest(body, &parts.headers);
    problem::refuse(problem)
}

/// Routes being added: each with its access, a handler whose first argument is the credential that access asks for, and
/// its description, without which the page does not compile.
#[derive(Default)]
struct Table {
    router: Router<AppState>,
    routes: Vec<RouteInfo>,
}

/// A route that still lacks its description.
#[must_use = "describe it"]
struct Undescribed<D> {
    table: Table,
    method: http::Method,
    path: &'static str,
    access: Access,
    wants: PhantomData<D>,
}

/// A description that is the same for everybody.
enum Plain {}
/// A description by entity.
enum OfRecords {}

impl Table {
    /// Accounts and tokens.
    fn sign_in(self) -> Self {
        self.public(Method::POST, "/api/v1/auth/register", auth::register::register)
            .described(auth::register::describe)
            .public(Method::POST, "/api/v1/auth/login", auth::login::login)
            .described(auth::login::describe)
            .public(Method::POST, "/api/v1/auth/refresh", auth::refresh::refresh)
            .described(auth::refresh::describe)
            .leaving(Method::POST, "/api/v1/auth/logout", auth::logout::logout)
            .described(auth::logout::describe)
            .session(Method::GET, "/api/v1/auth/sessions", auth::sessions::list::list)
            .described(auth::sessions::list::describe)
            .session(Method::DELETE, "/api/v1/auth/sessions/{id}", auth::sessions::end::end)
            .described(auth::sessions::end::describe)
            .own(Method::GET, "/api/v1/auth/me", auth::me::me)
            .described(auth::me::describe)
            .public(Method::POST, "/api/v1/auth/password/forgot", auth::password::forgot::forgot)
            .described(auth::password::forgot::describe)
            .public(Method::POST, "/api/v1/auth/password/reset", auth::password::reset::reset)
            .described(auth::password::reset::describe)
            .anyone(Method::GET, "/api/v1/auth/password-policy", auth::password::policy::policy)
            .described(auth::password::policy::describe)
            .session(Method::POST, "/api/v1/auth/password/change", auth::password::change::change)
            .described(auth::password::change::describe)
            .public(Method::POST, "/api/v1/auth/mfa/verify", auth::mfa::verify::verify)
            .described(auth::mfa::verify::describe)
            .session(Method::POST, TOTP, auth::mfa::totp::enrol::enrol)
            .described(auth::mfa::totp::enrol::describe)
            .session(Method::POST, "/api/v1/auth/mfa/totp/confirm", auth::mfa::totp::confirm::confirm)
            .described(auth::mfa::totp::confirm::describe)
            .session(Method::DELETE, TOTP, auth::mfa::totp::remove::remove)
            .described(auth::mfa::totp::remove::describe)
            .in_person(Method::GET, "/api/v1/api-keys", api_keys::list::list)
            .described(api_keys::list::describe)
            .in_person(Method::POST, "/api/v1/api-keys", api_keys::create::create)
            .described(api_keys::create::describe)
            .in_person(Method::DELETE, "/api/v1/api-keys/{id}", api_keys::revoke::revoke)
            .described(api_keys::revoke::describe)
    }

    /// The schema: entities, fields, documents.
    fn design(self) -> Self {
        use Action::{Create, Delete, Read, Update};
        self.tenant(Method::GET, "/api/v1/entities", Resource::Entities, Read, entities::list::list)
            .described(entities::list::describe)
            .tenant(Method::POST, "/api/v1/entities", Resource::Entities, Create, entities::create::create)
            .described(entities::create::describe)
            .tenant(Method::GET, "/api/v1/entities/{entity}", Resource::Entities, Read, entities::get::get)
            .described(entities::get::describe)
            .tenant(Method::PATCH, "/api/v1/entities/{entity}", Resource::Entities, Update, entities::update::update)
            .described(entities::update::describe)
            .tenant(Method::DELETE, "/api/v1/entities/{entity}", Resource::Entities, Delete, entities::delete::delete)
            .described(entities::delete::describe)
            .tenant(Method::POST, FIELDS, Resource::Entities, Update, entities::fields::create::create)
            .described(entities::fields::create::describe)
            .tenant(Method::PATCH, FIELD, Resource::Entities, Update, entities::fields::update::update)
            .described(entities::fields::update::describe)
            .tenant(Method::DELETE, FIELD, Resource::Entities, Update, entities::fields::delete::delete)
            .described(entities::fields::delete::describe)
            .tenant(Method::GET, "/api/v1/schema", Resource::Entities, Read, schema::get::get)
            .described(schema::get::describe)
            .tenant(Method::GET, "/api/v1/schema/history", Resource::Entities, Read, schema::history::history)
            .described(schema::history::describe)
            .tenant(Method::POST, "/api/v1/schema/plan", Resource::Entities, Update, schema::compare::compare)
            .described(schema::compare::describe)
            .tenant(Method::POST, "/api/v1/schema/apply", Resource::Entities, Update, schema::apply::apply)
            .described(schema::apply::describe)
    }

    fn public<A: 'static>(
        self,
        verb: impl Verb,
        path: &'static str,
        handler: impl Handler<Public, A>,
    ) -> Undescribed<Plain> {
        self.add(verb, path, Access::Public, handler)
    }

    /// Of everybody, who is answered as a member where he shows that he is one.
    fn anyone<A: 'static>(
        self,
        verb: impl Verb,
        path: &'static str,
        handler: impl Handler<Anyone, A>,
    ) -> Undescribed<Plain> {
        self.add(verb, path, Access::Public, handler)
    }

    fn own<A: 'static>(
        self,
        verb: impl Verb,
        path: &'static str,
        handler: impl Handler<Scope, A>,
    ) -> Undescribed<Plain> {
        self.add(verb, path, Access::Own, handler)
    }

    /// Of whoever is signed in himself, and of no program in his place.
    fn in_person<A: 'static>(
        self,
        verb: impl Verb,
        path: &'static str,
        handler: impl Handler<InPerson, A>,
    ) -> Undescribed<Plain> {
        self.add(verb, path, Access::Own, handler)
    }

    /// Of the sign-in itself, to a tenant or to the platform.
    fn session<A: 'static>(
        self,
        verb: impl Verb,
        path: &'static str,
        handler: impl Handler<Own, A>,
    ) -> Undescribed<Plain> {
        self.add(verb, path, Access::Own, handler)
    }

    /// The end of a sign-in, which a browser's cookie can stand for as well.
    fn leaving<A: 'static>(
        self,
        verb: impl Verb,
        path: &'static str,
        handler: impl Handler<Leaving, A>,
    ) -> Undescribed<Plain> {
        self.add(verb, path, Access::Own, handler)
    }

    fn platform<A: 'static>(
        self,
        verb: impl Verb,
        path: &'static str,
        handler: impl Handler<Operator, A>,
    ) -> Undescribed<Plain> {
        self.add(verb, path, Access::Platform, handler)
    }

    fn tenant<V: Verb, A: 'static>(
        self,
        verb: V,
        path: &'static str,
        resource: Resource,
        action: Action,
        handler: impl Handler<V::Caller, A>,
    ) -> Undescribed<Plain> {
        self.add(verb, path, Access::Tenant(resource, action), handler)
    }

    fn records<V: Verb, A: 'static>(
        self,
        verb: V,
        path: &'static str,
        action: Action,
        handler: impl Handler<V::Caller, A>,
    ) -> Undescribed<OfRecords> {
        self.add(verb, path, Access::Records(action), handler)
    }

    fn record_changes<V: Verb, A: 'static>(
        self,
        verb: V,
        path: &'static str,
        handler: impl Handler<V::Caller, A>,
    ) -> Undescribed<OfRecords> {
        self.add(verb, path, Access::RecordChanges, handler)
    }

    fn restoring<V: Verb, A: 'static>(
        self,
        verb: V,
        path: &'static str,
        handler: impl Handler<V::Caller, A>,
    ) -> Undescribed<OfRecords> {
        self.add(verb, path, Access::Restoring, handler)
    }

    /// Of records of any entities, which the body names.
    fn changes<V: Verb, A: 'static>(
        self,
        verb: V,
        path: &'static str,
        handler: impl Handler<V::Caller, A>,
    ) -> Undescribed<Plain> {
        self.add(verb, path, Access::RecordChanges, handler)
    }

    fn add<V: Verb, C: Credential + 'static, A: 'static, D>(
        mut self,
        _: V,
        path: &'static str,
        access: Access,
        handler: impl Handler<C, A>,
    ) -> Undescribed<D> {
        // A method axum cannot filter would answer nothing, and the test that calls every route would say so.
        let filter = MethodFilter::try_from(V::METHOD).unwrap_or(MethodFilter::TRACE);
        let serve =
            move |State(state): State<AppState>, request: Request| call::answer(handler.clone(), path, state, request);
        self.router = self.router.route(path, on(filter, serve));
        Undescribed { table: self, method: V::METHOD, path, access, wants: PhantomData }
    }
}

impl<D> Undescribed<D> {
    fn with(self, description: Description) -> Table {
        let Self { mut table, method, path, access, .. } = self;
        table.routes.push(RouteInfo { method, path, access, description });
        table
    }
}

impl Undescribed<Plain> {
    fn described(self, describe: fn() -> Operation) -> Table {
        self.with(Description::Plain(describe))
    }
}

impl Undescribed<OfRecords> {
    fn described(self, describe: fn(&Shape<'_>) -> Operation) -> Table {
        self.with(Description::Records(describe))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_operation_is_listed_twice() {
        let mut seen = HashSet::new();
        for RouteInfo { method, path, .. } in routes() {
            assert!(seen.insert((method.clone(), path)), "{method} {path}");
        }
    }

    #[test]
    fn what_a_method_means_is_what_its_access_allows() {
        for RouteInfo { method, path, access, .. } in routes() {
            let action = match access {
                Access::Tenant(_, action) | Access::Records(action) => action,
                Access::Public | Access::Own | Access::RecordChanges | Access::Restoring | Access::Platform => continue,
            };
            let fitting = match method.as_str() {
                "GET" => [Action::Read, Action::Export].contains(&action),
                "DELETE" => action == Action::Delete || path.contains("/fields/"),
                "PATCH" | "PUT" => action == Action::Update,
                _ => true,
            };
            assert!(fitting, "{method} {path} declares {action:?}");
        }
    }

    #[test]
    fn only_signing_in_health_and_documentation_are_public() {
        let public: Vec<_> = routes().into_iter().filter(|r| r.access == Access::Public).map(|r| r.path).collect();
        assert_eq!(
            public,
            [
                "/livez",
                "/readyz",
                "/api/health",
                "/docs/problems",
                "/api/openapi.json",
                "/api/v1/auth/register",
                "/api/v1/auth/login",
                "/api/v1/auth/refresh",
                "/api/v1/auth/password/forgot",
                "/api/v1/auth/password/reset",
                "/api/v1/auth/password-policy",
                "/api/v1/auth/mfa/verify"
            ]
        );
    }

    /// What is one's own has no key to be sent again with: the sign-in itself, and secrets that are told once.
    #[test]
    fn a_post_of_ones_own_signs_in_or_makes_a_key() {
        let own =
            routes().into_iter().filter(|route| route.access == Access::Own && route.method == http::Method::POST);
        for RouteInfo { path, .. } in own {
            let excepted = ["/api/v1/auth/", "/api/v1/api-keys"].iter().any(|start| path.starts_with(start));
            assert!(excepted, "{path}");
        }
    }

    #[test]
    fn everything_else_lies_under_the_current_version() {
        for RouteInfo { path, .. } in routes() {
            let lasting = ["/livez", "/readyz", "/api/health", "/docs/problems", "/api/openapi.json"].contains(&path);
            assert!(lasting || path.starts_with("/api/v1/"), "{path}");
        }
    }
}
