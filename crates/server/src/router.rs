//! Every address on one page, each with who may call it. What an access allows is enforced by the engine; the page
//! declares it, for readers, for the API document and for the test that tries every operation without rights.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{MethodFilter, on};
use http::Method;
use insula_engine::engine::Engine;
use insula_engine::identity::Public;
use insula_engine::scope::Scope;
use insula_model::problem::{Code, Problem};
use insula_model::rights::{Action, Resource};

use crate::api::v1::{audit, auth, authz, entities, groups, records, roles, users};
use crate::call::{self, AppState, Credential, Handler};
use crate::health::{self, Health};
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
    /// Whoever has the right to each action that the body names, on the records of the entity in the path.
    RecordsNamed,
}

/// One operation of the API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteInfo {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
}

/// All operations, in the order of the page.
pub fn routes() -> Vec<RouteInfo> {
    table().routes
}

fn table() -> Table {
    use Action::{Create, Delete, Read, Update};
    Table::default()
        .public(Method::GET, "/livez", health::live)
        .public(Method::GET, "/readyz", health::ready)
        .public(Method::GET, "/api/health", health::ready)
        .public(Method::GET, "/docs/problems", docs::problems)
        // Accounts and tokens
        .public(Method::POST, "/api/v1/auth/register", auth::register::register)
        .public(Method::POST, "/api/v1/auth/login", auth::login::login)
        .public(Method::POST, "/api/v1/auth/refresh", auth::refresh::refresh)
        .own(Method::POST, "/api/v1/auth/logout", auth::logout::logout)
        .own(Method::GET, "/api/v1/auth/me", auth::me::me)
        // Tenant administration
        .tenant(Method::GET, "/api/v1/users", Resource::Users, Read, users::list::list)
        .tenant(Method::POST, "/api/v1/users", Resource::Users, Create, users::create::create)
        .tenant(Method::PATCH, "/api/v1/users/{id}", Resource::Users, Update, users::update::update)
        .tenant(Method::DELETE, "/api/v1/users/{id}", Resource::Users, Delete, users::delete::delete)
        .tenant(Method::GET, "/api/v1/roles", Resource::Roles, Read, roles::list::list)
        .tenant(Method::POST, "/api/v1/roles", Resource::Roles, Create, roles::create::create)
        .tenant(Method::GET, "/api/v1/roles/{id}", Resource::Roles, Read, roles::get::get)
        .tenant(Method::PATCH, "/api/v1/roles/{id}", Resource::Roles, Update, roles::update::update)
        .tenant(Method::DELETE, "/api/v1/roles/{id}", Resource::Roles, Delete, roles::delete::delete)
        .tenant(Method::GET, "/api/v1/groups", Resource::Groups, Read, groups::list::list)
        .tenant(Method::POST, "/api/v1/groups", Resource::Groups, Create, groups::create::create)
        .tenant(Method::GET, "/api/v1/groups/{id}", Resource::Groups, Read, groups::get::get)
        .tenant(Method::PATCH, "/api/v1/groups/{id}", Resource::Groups, Update, groups::update::update)
        .tenant(Method::DELETE, "/api/v1/groups/{id}", Resource::Groups, Delete, groups::delete::delete)
        .tenant(Method::GET, "/api/v1/authz/matrix", Resource::Roles, Read, authz::matrix::matrix)
        .tenant(Method::GET, "/api/v1/audit", Resource::Audit, Read, audit::list::list)
        // Entities
        .tenant(Method::GET, "/api/v1/entities", Resource::Entities, Read, entities::list::list)
        .tenant(Method::POST, "/api/v1/entities", Resource::Entities, Create, entities::create::create)
        .tenant(Method::GET, "/api/v1/entities/{entity}", Resource::Entities, Read, entities::get::get)
        .tenant(Method::DELETE, "/api/v1/entities/{entity}", Resource::Entities, Delete, entities::delete::delete)
        // Records
        .records(Method::GET, "/api/v1/records/{entity}", Read, records::list::list)
        .records(Method::POST, "/api/v1/records/{entity}", Create, records::create::create)
        .records_named(Method::POST, "/api/v1/records/{entity}/batch", records::batch::batch)
        .records(Method::GET, "/api/v1/records/{entity}/{id}", Read, records::get::get)
        .records(Method::PATCH, "/api/v1/records/{entity}/{id}", Update, records::update::update)
        .records(Method::DELETE, "/api/v1/records/{entity}/{id}", Delete, records::delete::delete)
}

/// The router of all routes, over an engine.
pub(crate) fn build(engine: Engine) -> Router {
    let state = AppState { engine, health: Arc::new(Health::default()) };
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

/// Routes being added: each with its access, and a handler whose first argument is the credential that access asks for.
#[derive(Default)]
struct Table {
    router: Router<AppState>,
    routes: Vec<RouteInfo>,
}

impl Table {
    fn public<A: 'static>(self, method: Method, path: &'static str, handler: impl Handler<Public, A>) -> Self {
        self.add(RouteInfo { method, path, access: Access::Public }, handler)
    }

    fn own<A: 'static>(self, method: Method, path: &'static str, handler: impl Handler<Scope, A>) -> Self {
        self.add(RouteInfo { method, path, access: Access::Own }, handler)
    }

    fn tenant<A: 'static>(
        self,
        method: Method,
        path: &'static str,
        resource: Resource,
        action: Action,
        handler: impl Handler<Scope, A>,
    ) -> Self {
        self.add(RouteInfo { method, path, access: Access::Tenant(resource, action) }, handler)
    }

    fn records<A: 'static>(
        self,
        method: Method,
        path: &'static str,
        action: Action,
        handler: impl Handler<Scope, A>,
    ) -> Self {
        self.add(RouteInfo { method, path, access: Access::Records(action) }, handler)
    }

    fn records_named<A: 'static>(self, method: Method, path: &'static str, handler: impl Handler<Scope, A>) -> Self {
        self.add(RouteInfo { method, path, access: Access::RecordsNamed }, handler)
    }

    fn add<C: Credential + 'static, A: 'static>(mut self, route: RouteInfo, handler: impl Handler<C, A>) -> Self {
        let path = route.path;
        // A method axum cannot filter would answer nothing, and the test that calls every route would say so.
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::TRACE);
        let serve =
            move |State(state): State<AppState>, request: Request| call::answer(handler.clone(), path, state, request);
        self.router = self.router.route(path, on(filter, serve));
        self.routes.push(route);
        self
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
        for RouteInfo { method, path, access } in routes() {
            let action = match access {
                Access::Tenant(_, action) | Access::Records(action) => action,
                Access::Public | Access::Own | Access::RecordsNamed => continue,
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
                "/api/v1/auth/register",
                "/api/v1/auth/login",
                "/api/v1/auth/refresh"
            ]
        );
    }

    #[test]
    fn everything_else_lies_under_the_current_version() {
        for RouteInfo { path, .. } in routes() {
            let lasting = ["/livez", "/readyz", "/api/health", "/docs/problems"].contains(&path);
            assert!(lasting || path.starts_with("/api/v1/"), "{path}");
        }
    }
}
