//! Which version of the schema came when, by whom, and what it changed.

use insula_model::entity::{Step, StepKind};
use insula_model::id::{AccountId, EventId};
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};
use insula_model::value::{Timestamp, Value};
use serde::Serialize;
use uuid::Uuid;

use crate::page::Page;
use crate::sql::Fixed;
use crate::store::Row;
use crate::tx::{Designing, Mode, Tx};

static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.schema_change (tenant_id, id, version, at, account_id, steps) \
     VALUES ($1, $2, $3, $4, $5, $6)",
);
static PAGE: Fixed = Fixed::new(
    "SELECT id, version, at, account_id, steps FROM insula_tenant.schema_change \
     WHERE tenant_id = $1 AND id <= $2 ORDER BY id DESC LIMIT $3",
);
static ONE: Fixed = Fixed::new(
    "SELECT id, version, at, account_id, steps FROM insula_tenant.schema_change WHERE tenant_id = $1 AND version = $2",
);

/// One version of the schema.
#[derive(Debug, Serialize)]
pub struct SchemaChange {
    id: Uuid,
    version: i64,
    at: Timestamp,
    account_id: AccountId,
    pub(super) steps: Vec<Step>,
}

/// A page of versions, newest first.
#[derive(Debug, Serialize)]
pub struct SchemaHistory {
    items: Vec<SchemaChange>,
    next_cursor: Option<Uuid>,
}

impl SchemaChange {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.id(0)?,
            version: row.int(1)?,
            at: row.timestamp(2)?,
            account_id: row.id(3)?,
            steps: serde_json::from_str(row.text(4)?).map_err(Problem::internal)?,
        })
    }
}

impl Tx<'_, Designing> {
    pub(super) async fn remember(&mut self, version: i64, steps: &[Step]) -> Result<()> {
        let id: EventId = self.engine().ids.next();
        let steps = serde_json::to_string(steps).map_err(Problem::internal)?;
        let (now, account) = (Value::Timestamp(self.author.now), Value::Uuid(self.author.account.uuid()));
        let row = [self.tenant(), Value::Uuid(id.uuid()), Value::Int(version), now, account, Value::Text(steps)];
        self.fixed(&INSERT, row).await
    }
}

impl<M: Mode> Tx<'_, M> {
    /// The versions there were, newest first. Permission: `entities`, `read`. What its reader may not know is in no step.
    pub async fn schema_history(&mut self, query: &str) -> Result<SchemaHistory> {
        self.require(Resource::Entities, Action::Read)?;
        let page = Page::read(query)?;
        let from = Value::Uuid(page.cursor.unwrap_or(Uuid::max()));
        let rows = self.store.fixed(&PAGE, &[&self.tenant(), &from, &Value::Int(page.rows())]).await;
        let rows = rows.map_err(|error| self.failed(error))?;
        let mut items = rows.iter().map(SchemaChange::from_row).collect::<Result<Vec<_>>>()?;
        let next_cursor = page.cut(&mut items).map(|next| next.id);
        for item in &mut items {
            item.steps.retain(|step| self.knows_step(step));
        }
        Ok(SchemaHistory { items, next_cursor })
    }

    pub(super) async fn schema_change(&mut self, version: i64) -> Result<SchemaChange> {
        let rows = self.store.fixed(&ONE, &[&self.tenant(), &Value::Int(version)]).await;
        let rows = rows.map_err(|error| self.failed(error))?;
        rows.first().map_or_else(|| Err(Problem::not_found()), SchemaChange::from_row)
    }

    /// Whether its reader may know what a step tells. What was dropped, and names that were, are told to those who design.
    fn knows_step(&self, step: &Step) -> bool {
        if self.designs() {
            return true;
        }
        let Some(entity) = self.model.schema.entity(step.entity_id) else { return false };
        match step.field_id {
            Some(id) => entity.field(id).is_some_and(|field| self.knows_field(entity, field)),
            // A key names fields by what they were called, some of which may be gone.
            None => !matches!(step.step, StepKind::AddKey | StepKind::DropKey),
        }
    }
}
