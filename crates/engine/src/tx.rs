//! One transaction of one scope, and what is taken from it: entities, grants. Everything taken carries the
//! transaction's lifetime as a brand, so that it cannot be used in another.

use std::marker::PhantomData;
use std::sync::Arc;

use insula_model::entity::Entity;
use insula_model::expr::CallerFacts;
use insula_model::id::{AccountId, ApiKeyId, TenantId};
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource, Rights};
use insula_model::value::{Timestamp, Value};

use crate::audit::{self, Event};
use crate::engine::Inner;
use crate::scope::Scope;
use crate::sql::{Fixed, Statement};
use crate::store::{self, Row, Shape, StoreError, Tail};
use crate::tenant::{Belief, CallerRights, Model};

static NEXT_GRANTS: Fixed =
    Fixed::new("UPDATE insula_tenant.tenant SET grants_version = grants_version + 1 WHERE tenant_id = $1");

/// What a transaction may do.
pub trait Mode: sealed::Sealed + Send {}

/// Only reads.
#[derive(Debug)]
pub enum Reading {}
/// Changes records.
#[derive(Debug)]
pub enum Writing {}
/// Changes the grants.
#[derive(Debug)]
pub enum Altering {}
/// Changes the schema.
#[derive(Debug)]
pub enum Designing {}

impl Mode for Reading {}
impl Mode for Writing {}
impl Mode for Altering {}
impl Mode for Designing {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Reading {}
    impl Sealed for super::Writing {}
    impl Sealed for super::Altering {}
    impl Sealed for super::Designing {}
}

/// Invariant in `'t`: two transactions' brands never unify.
pub(crate) type Brand<'t> = PhantomData<fn(&'t ()) -> &'t ()>;

/// What came of a transaction.
pub(crate) struct Finished<R> {
    pub(crate) result: Result<R>,
    /// The store holds another schema than the one it was worked under.
    pub(crate) schema_moved: bool,
    /// It was given up for another's sake alone.
    pub(crate) crossed: bool,
    /// The store has answered, so that versions it was told are right.
    pub(crate) confirmed: bool,
}

/// One open transaction.
pub struct Tx<'t, M: Mode> {
    pub(crate) store: store::Tx,
    pub(crate) model: Arc<Model>,
    pub(crate) caller: Arc<CallerRights>,
    pub(crate) author: Author,
    engine: crate::engine::Engine,
    schema_moved: bool,
    crossed: bool,
    pub(crate) rest: Rest,
    /// What a failure of each [`Tx::send`] so far would mean.
    meanings: Vec<Meaning>,
    brand: Brand<'t>,
    mode: PhantomData<M>,
}

/// What a transaction will do after what it does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rest {
    Unknown,
    Nothing,
}

/// What a failure of one set of a [`Tx::send`] means to the caller.
pub(crate) type Meaning = Box<dyn Fn(usize, StoreError) -> Problem + Send + Sync>;

/// For what only a defect or the store itself makes fail.
pub(crate) fn as_it_is() -> Meaning {
    Box::new(|_, error| error.into())
}

/// Who does what this transaction does; repeated in every audit event of it.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    pub(crate) email: Arc<str>,
    /// The key that was used in the caller's place.
    pub(crate) api_key: Option<ApiKeyId>,
    pub(crate) origin: crate::engine::Origin,
    pub(crate) now: Timestamp,
}

impl Tx<'_, Reading> {
    /// Says that what is read next is the last thing this transaction does: where that is a single statement, it needs no
    /// transaction around it. Whoever reads on all the same is refused.
    pub fn last(&mut self) -> &mut Self {
        self.rest = Rest::Nothing;
        self
    }
}

/// An entity of the tenant this transaction is on.
#[derive(Clone, Debug)]
pub struct EntityRef<'t> {
    pub(crate) entity: Arc<Entity>,
    brand: Brand<'t>,
}

impl<'t, M: Mode> Tx<'t, M> {
    pub(crate) fn new(scope: &Scope, store: store::Tx, model: Arc<Model>, caller: Arc<CallerRights>) -> Self {
        let author = Author {
            tenant: scope.caller().placement().tenant,
            account: scope.caller().account(),
            email: scope.caller().email_shared(),
            api_key: scope.caller().key().map(|key| key.id),
            origin: scope.origin().clone(),
            now: scope.engine().clock.now(),
        };
        Self::of(author, scope.engine_handle(), store, model, caller)
    }

    const fn of(
        author: Author,
        engine: crate::engine::Engine,
        store: store::Tx,
        model: Arc<Model>,
        caller: Arc<CallerRights>,
    ) -> Self {
        Self {
            store,
            model,
            caller,
            author,
            engine,
            schema_moved: false,
            crossed: false,
            rest: Rest::Unknown,
            meanings: Vec::new(),
            brand: PhantomData,
            mode: PhantomData,
        }
    }

    pub(crate) fn engine(&self) -> &Inner {
        &self.engine.0
    }

    /// The problem a failure means. Notes what makes the work begin again.
    pub(crate) fn failed(&mut self, error: StoreError) -> Problem {
        self.schema_moved |= error.schema_moved();
        self.crossed |= error.crossed();
        problem(error, &self.meanings)
    }

    /// The rows of a statement, for its caller and at his time.
    pub(crate) async fn rows(&mut self, statement: &Statement, args: &[Value]) -> Result<Vec<Row>> {
        let moments = statement.moments(self.author.now);
        let rows = self.store.query(&statement.text, &statement.binds(&self.caller.binds, &moments, args)).await;
        rows.map_err(|error| self.failed(error))
    }

    /// The same as JSON: see [`store::Tx::json`].
    pub(crate) async fn json(
        &mut self,
        statement: &Statement,
        args: &[Value],
        shape: &Shape,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<Tail> {
        let moments = statement.moments(self.author.now);
        let binds = statement.binds(&self.caller.binds, &moments, args);
        self.store.json(&statement.text, &binds, shape, limit, out).await.map_err(|error| self.failed(error))
    }

    /// Runs one statement once per set of binds. Its failure may come out of a later call, and as what `meaning` makes
    /// of it.
    pub(crate) async fn send(&mut self, sql: &str, sets: Vec<Vec<Value>>, meaning: Meaning) -> Result<()> {
        self.meanings.push(meaning);
        self.store.send(sql, sets).await.map_err(|error| self.failed(error))
    }

    /// Appends an audit event to this transaction.
    pub(crate) async fn append(&mut self, event: &Event<'_>) -> Result<()> {
        self.append_all(std::slice::from_ref(event)).await
    }

    /// Appends audit events to this transaction.
    pub(crate) async fn append_all(&mut self, events: &[Event<'_>]) -> Result<()> {
        let dialect = self.store.dialect();
        for (sql, sets) in audit::prepare(&self.author, &self.engine.0.ids, events) {
            self.send(sql.text(dialect), sets, as_it_is()).await?;
        }
        Ok(())
    }

    /// Commits on `Ok`, rolls back on `Err`.
    pub(crate) async fn finish<R>(self, result: Result<R>) -> Finished<R> {
        let Self { store, meanings, mut schema_moved, mut crossed, .. } = self;
        let confirmed = store.is_confirmed();
        let result = match result {
            Ok(value) => store.commit().await.map(|()| value).map_err(|error| {
                schema_moved |= error.schema_moved();
                crossed |= error.crossed();
                problem(error, &meanings)
            }),
            Err(problem) => {
                // The refusal stands whatever becomes of the rollback: a lost connection rolls back too.
                drop(store.rollback().await);
                Err(problem)
            }
        };
        Finished { result, schema_moved, crossed, confirmed }
    }

    /// What the caller may do.
    pub fn rights(&self) -> &Rights {
        &self.caller.rights
    }

    /// An entity by its name. Unknown and invisible are one answer.
    pub fn entity(&self, name: &str) -> Result<EntityRef<'t>> {
        let entity = self.model.schema.named(name).ok_or_else(Problem::not_found)?;
        if !self.knows(entity) {
            return Err(Problem::not_found());
        }
        Ok(EntityRef { entity: Arc::clone(entity), brand: PhantomData })
    }

    /// Whether an entity is there for the caller.
    pub(crate) fn knows(&self, entity: &Entity) -> bool {
        self.rights().touches(entity) || self.rights().allows(Resource::Entities, Action::Read)
    }

    /// The tenant's id, as a bind of a statement on Insula's own tables.
    pub(crate) fn tenant(&self) -> Value {
        Value::Uuid(self.author.tenant.uuid())
    }

    /// Who asks, and when, for conditions that are asked of a record at hand.
    pub(crate) fn caller_facts(&self) -> CallerFacts<'_> {
        CallerFacts { id: self.author.account, place: &self.caller.place, now: self.author.now }
    }

    /// Refuses what the caller's roles do not allow.
    pub(crate) fn require(&self, resource: Resource, action: Action) -> Result<()> {
        if self.rights().allows(resource, action) { Ok(()) } else { Err(Problem::forbidden()) }
    }
}

impl Tx<'_, Designing> {
    /// What `author` asked for before, done now, with the rights that are his now.
    pub(crate) fn for_asker(
        author: Author,
        engine: crate::engine::Engine,
        store: store::Tx,
        (model, caller): Belief,
    ) -> Self {
        Self::of(author, engine, store, model, caller)
    }
}

impl Tx<'_, Altering> {
    /// Ends a change of who may do what: its event, and the grants' next version, so that it bites at once.
    pub(crate) async fn grants_changed(&mut self, event: &Event<'_>) -> Result<()> {
        self.append(event).await?;
        let tenant = self.tenant();
        self.store.fixed_execute(&NEXT_GRANTS, &[&tenant]).await.map_err(|error| self.failed(error))?;
        Ok(())
    }
}

impl Tx<'_, Writing> {
    /// Opens a span whose refusal undoes it alone: end it with [`Tx::end_span`]. Spans do not nest.
    pub(crate) async fn open_span(&mut self) -> Result<()> {
        self.store.open_span().await.map_err(|error| self.failed(error))
    }

    /// Ends a span: keeps it, or undoes it and gives the refusal back, be it that of a [`Tx::send`] which is heard of only
    /// here. A failure that is not the request's own doing ends the transaction as ever.
    pub(crate) async fn end_span<R>(&mut self, done: Result<R>) -> Result<Result<R>> {
        let done = match done {
            Ok(value) => self.store.close_span().await.map(|()| value).map_err(|error| self.failed(error)),
            refused => refused,
        };
        match &done {
            Err(problem) if problem.code().status() >= 500 => return done.map(Ok),
            Err(_) => self.store.undo_span().await.map_err(|error| self.failed(error))?,
            Ok(_) => {}
        }
        Ok(done)
    }
}

fn problem(error: StoreError, meanings: &[Meaning]) -> Problem {
    match error {
        StoreError::Sent { send, set, cause } => match meanings.get(send) {
            Some(meaning) => meaning(set, *cause),
            None => (*cause).into(),
        },
        other => other.into(),
    }
}

impl EntityRef<'_> {
    pub fn name(&self) -> &str {
        self.entity.name.as_str()
    }
}
