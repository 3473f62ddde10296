//! HTTP methods as types, so that the method of a route says what its handler is given to act with: a POST gets an
//! [`Attempt`], which cannot change anything twice for one key, and has no way to forget it.

use insula_engine::attempt::Attempt;
use insula_engine::scope::Scope;

use crate::call::Credential;

/// A method, and the credential of its handlers that act on a tenant.
pub(crate) trait Verb: Copy {
    const METHOD: http::Method;
    type Caller: Credential + 'static;
}

#[derive(Clone, Copy)]
pub(crate) struct Get;
#[derive(Clone, Copy)]
pub(crate) struct Post;
#[derive(Clone, Copy)]
pub(crate) struct Put;
#[derive(Clone, Copy)]
pub(crate) struct Patch;
#[derive(Clone, Copy)]
pub(crate) struct Delete;

/// The methods under the names HTTP has for them.
pub(crate) struct Method;

impl Method {
    pub(crate) const GET: Get = Get;
    pub(crate) const POST: Post = Post;
    pub(crate) const PUT: Put = Put;
    pub(crate) const PATCH: Patch = Patch;
    pub(crate) const DELETE: Delete = Delete;
}

impl Verb for Get {
    const METHOD: http::Method = http::Method::GET;
    type Caller = Scope;
}

impl Verb for Post {
    const METHOD: http::Method = http::Method::POST;
    type Caller = Attempt;
}

impl Verb for Put {
    const METHOD: http::Method = http::Method::PUT;
    type Caller = Scope;
}

impl Verb for Patch {
    const METHOD: http::Method = http::Method::PATCH;
    type Caller = Scope;
}

impl Verb for Delete {
    const METHOD: http::Method = http::Method::DELETE;
    type Caller = Scope;
}
