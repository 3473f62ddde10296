//! The walls, as programs that must not compile. Each stands beside its twin, which differs in the one line that matters
//! and must compile, so that a refusal is known to be for the reason named.
//!
//! # A caller cannot be forged
//! Only the authenticator makes one; from outside there is the one of a scope.
//! ```
//! use insula_engine::{caller::Caller, scope::Scope};
//! fn of(scope: &Scope) -> Caller {
//!     scope.caller().clone()
//! }
//! ```
//! ```compile_fail
//! use insula_engine::{caller::Caller, scope::Scope};
//! fn of(scope: &Scope) -> Caller {
//!     Caller { ..scope.caller().clone() }
//! }
//! ```
//!
//! # A tenant's id opens nothing
//! ```
//! use insula_engine::scope::Scope;
//! async fn names(scope: &Scope) {
//!     let _ = scope.read(async |tx| tx.entities()).await;
//! }
//! ```
//! ```compile_fail
//! use insula_model::id::TenantId;
//! async fn names(scope: &TenantId) {
//!     let _ = scope.read(async |tx| tx.entities()).await;
//! }
//! ```
//!
//! # An operator opens no tenant
//! Who runs the installation has the platform's tables and no organisation's records.
//! ```
//! use insula_engine::scope::Scope;
//! async fn names(caller: &Scope) {
//!     let _ = caller.read(async |tx| tx.entities()).await;
//! }
//! ```
//! ```compile_fail
//! use insula_engine::identity::operator::Operator;
//! async fn names(caller: &Operator) {
//!     let _ = caller.read(async |tx| tx.entities()).await;
//! }
//! ```
//!
//! # A member runs no platform
//! ```
//! use insula_engine::{identity::operator::Operator, platform::tenants};
//! async fn all(caller: &Operator) {
//!     let _ = tenants::list(caller, "").await;
//! }
//! ```
//! ```compile_fail
//! use insula_engine::{platform::tenants, scope::Scope};
//! async fn all(caller: &Scope) {
//!     let _ = tenants::list(caller, "").await;
//! }
//! ```
//!
//! # An operator cannot be forged
//! ```
//! use insula_engine::identity::operator::Operator;
//! fn of(operator: Operator) -> Operator {
//!     operator
//! }
//! ```
//! ```compile_fail
//! use insula_engine::identity::operator::Operator;
//! fn of(operator: Operator) -> Operator {
//!     Operator { ..operator }
//! }
//! ```
//!
//! # A grant is for one action
//! ```
//! use insula_engine::{grant::{Create, Read}, scope::Scope};
//! async fn page(scope: &Scope) {
//!     let _ = scope.read(async |tx| {
//!         let entity = tx.entity("ticket")?;
//!         let query = tx.authorize::<Read>(&entity)?.query("limit=1")?;
//!         tx.list(&query).await
//!     }).await;
//! }
//! ```
//! ```compile_fail
//! use insula_engine::{grant::{Create, Read}, scope::Scope};
//! async fn page(scope: &Scope) {
//!     let _ = scope.read(async |tx| {
//!         let entity = tx.entity("ticket")?;
//!         let query = tx.authorize::<Create>(&entity)?.query("limit=1")?;
//!         tx.list(&query).await
//!     }).await;
//! }
//! ```
//!
//! # A query is checked before it runs
//! ```
//! use insula_engine::{grant::Read, scope::Scope};
//! async fn page(scope: &Scope) {
//!     let _ = scope.read(async |tx| {
//!         let entity = tx.entity("ticket")?;
//!         let query = tx.authorize::<Read>(&entity)?.query("limit=1")?;
//!         tx.list(&query).await
//!     }).await;
//! }
//! ```
//! ```compile_fail
//! use insula_engine::{grant::Read, scope::Scope};
//! async fn page(scope: &Scope) {
//!     let _ = scope.read(async |tx| {
//!         let entity = tx.entity("ticket")?;
//!         let query = "limit=1";
//!         tx.list(&query).await
//!     }).await;
//! }
//! ```
//!
//! # A record is checked before it is stored
//! ```
//! use insula_engine::{grant::Create, scope::Scope};
//! use insula_model::json::Json;
//! async fn add(scope: &Scope, body: &Json) {
//!     let _ = scope.write(async |tx| {
//!         let grant = tx.authorize::<Create>(&tx.entity("ticket")?)?;
//!         tx.insert(&grant, grant.draft(body)?).await
//!     }).await;
//! }
//! ```
//! ```compile_fail
//! use insula_engine::{grant::Create, scope::Scope};
//! use insula_model::json::Json;
//! async fn add(scope: &Scope, body: &Json) {
//!     let _ = scope.write(async |tx| {
//!         let grant = tx.authorize::<Create>(&tx.entity("ticket")?)?;
//!         tx.insert(&grant, body.clone()).await
//!     }).await;
//! }
//! ```
//!
//! # A read cannot write
//! ```
//! use insula_engine::{grant::Delete, record::Precondition, scope::Scope};
//! use insula_model::id::RecordId;
//! async fn remove(scope: &Scope, id: RecordId) {
//!     let _ = scope.write(async |tx| {
//!         let grant = tx.authorize::<Delete>(&tx.entity("ticket")?)?;
//!         tx.delete(&grant, id, &Precondition::None).await
//!     }).await;
//! }
//! ```
//! ```compile_fail
//! use insula_engine::{grant::Delete, record::Precondition, scope::Scope};
//! use insula_model::id::RecordId;
//! async fn remove(scope: &Scope, id: RecordId) {
//!     let _ = scope.read(async |tx| {
//!         let grant = tx.authorize::<Delete>(&tx.entity("ticket")?)?;
//!         tx.delete(&grant, id, &Precondition::None).await
//!     }).await;
//! }
//! ```
//!
//! # A stored record does not leave the engine
//! What the store holds has no name outside; what leaves was reduced by a grant.
//! ```
//! use insula_engine::record::VisibleRecord as Record;
//! fn reply(record: Record) -> Vec<u8> {
//!     record.into_json()
//! }
//! ```
//! ```compile_fail
//! use insula_engine::record::StoredRecord as Record;
//! fn reply(record: Record) -> Vec<u8> {
//!     record.into_json()
//! }
//! ```
//!
//! # An entity belongs to its transaction
//! Two transactions have two brands, which never unify.
//! ```
//! use insula_engine::{grant::Read, scope::Scope};
//! async fn mix(a: &Scope, b: &Scope) {
//!     let _ = a.read(async |of_a| {
//!         let entity = of_a.entity("ticket")?;
//!         of_a.authorize::<Read>(&entity).map(drop)
//!     }).await;
//! }
//! ```
//! ```compile_fail
//! use insula_engine::{grant::Read, scope::Scope};
//! async fn mix(a: &Scope, b: &Scope) {
//!     let _ = a.read(async |of_a| {
//!         let entity = of_a.entity("ticket")?;
//!         b.read(async |of_b| of_b.authorize::<Read>(&entity).map(drop)).await
//!     }).await;
//! }
//! ```
//!
//! # A POST cannot forget that it may be sent again
//! Its credential opens no write but through the key, which asks for the body and for an outcome it can tell again.
//! ```
//! use insula_engine::{attempt::Attempt, grant::Create, record::Saved};
//! use insula_model::json::Json;
//! async fn add(attempt: &Attempt, body: &Json) {
//!     let _ = attempt.write(body, async |tx| {
//!         let grant = tx.authorize::<Create>(&tx.entity("ticket")?)?;
//!         tx.insert(&grant, grant.draft(body)?).await.map(Saved::Created)
//!     }).await;
//! }
//! ```
//! ```compile_fail
//! use insula_engine::{attempt::Attempt, grant::Create, record::Saved};
//! use insula_model::json::Json;
//! async fn add(attempt: &Attempt, body: &Json) {
//!     let _ = attempt.scope().write(async |tx| {
//!         let grant = tx.authorize::<Create>(&tx.entity("ticket")?)?;
//!         tx.insert(&grant, grant.draft(body)?).await.map(Saved::Created)
//!     }).await;
//! }
//! ```
//! ```compile_fail
//! use insula_engine::{attempt::Attempt, grant::Create, record::Saved};
//! use insula_model::json::Json;
//! async fn add(attempt: &Attempt, body: &Json) {
//!     let _ = attempt.write(body, async |tx| {
//!         let grant = tx.authorize::<Create>(&tx.entity("ticket")?)?;
//!         tx.insert(&grant, grant.draft(body)?).await.map(|record| record.id())
//!     }).await;
//! }
//! ```
