//! Reading many records: filter, sort, page.

use std::sync::Arc;

use insula_model::entity::SystemField;
use insula_model::expr::{Expr, Leaf, ParamUse, Path};
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result, pointer};
use insula_model::rights::{Action, RecordRight};
use insula_model::value::{ColumnType, Value, quoted};

use super::cursor::{self, OrderKey, Part};
use super::linked::Linked;
use super::params::{self, Params};
use super::plan::PlanKeyRef;
use super::select::{Reader, Select, unknown};
use super::visible::VisiblePage;
use crate::grant::{Grant, Read};
use crate::sql::{self, FIRST_PARAM, Slot, SqlWriter, Statement};
use crate::store::Shape;
use crate::tx::{Brand, Mode, Rest, Tx};

#[cfg(test)]
mod tests;

/// A query that was checked against the entity and the caller's rights, and compiled.
pub struct ValidQuery<'t> {
    plan: Arc<ListPlan>,
    /// What the filter's parameters are in this call.
    params: Vec<Value>,
    fingerprint: [u8; 8],
    /// The statement for a page after the first, with the place it starts at.
    after: Option<(Statement, Vec<Value>)>,
    _brand: Brand<'t>,
}

/// Everything about a list but where it starts, and what its filter's parameters are.
pub(super) struct ListPlan {
    first: Statement,
    shape: Shape,
    linked: Vec<Linked>,
    limit: usize,
    order: Vec<OrderKey>,
    count: Option<Statement>,
    fingerprint: [u8; 8],
    uses: Vec<ParamUse>,
}

impl<'t> Grant<'t, Read> {
    /// Checks and compiles the raw query string of a list. Plans are kept: the same text again costs a look-up.
    pub fn query(&self, raw: &str) -> Result<ValidQuery<'t>> {
        let key = PlanKeyRef(self.caller.role_set, self.entity.id, raw);
        if !raw.contains("cursor")
            && let Some(plan) = self.model.plans.lists.get(&key).filter(|plan| plan.uses.is_empty())
        {
            return Ok(ValidQuery {
                fingerprint: plan.fingerprint,
                plan,
                params: Vec::new(),
                after: None,
                _brand: std::marker::PhantomData,
            });
        }
        let params = Params::parse(raw, params::OF_MANY)?;
        let query = self.valid(&params, &[])?;
        if params.cursor.is_none() {
            self.model.plans.lists.insert((&key).into(), Arc::clone(&query.plan));
        }
        Ok(query)
    }

    /// The same from a body `{filter, sort, fields, expand, limit, cursor, count, params}`. What the filter names as
    /// `params.x` is no part of the plan, so that values, or how many there are, make none of their own.
    pub fn query_of(&self, body: &Json) -> Result<ValidQuery<'t>> {
        let (params, given) = Params::read(body)?;
        self.valid(&params, given)
    }

    fn valid(&self, params: &Params, given: &[(String, Json)]) -> Result<ValidQuery<'t>> {
        let Params { filter, sort, fields, expand, count, limit, deleted, cursor: _ } = params;
        let text = format!("{:?}", (filter, sort, fields, expand, count, limit, deleted));
        let key = PlanKeyRef(self.caller.role_set, self.entity.id, &text);
        let plan = if let Some(plan) = self.model.plans.lists.get(&key) {
            plan
        } else {
            let plan = Arc::new(self.compile(params)?.0);
            self.model.plans.lists.insert((&key).into(), Arc::clone(&plan));
            plan
        };
        let values = bound(self, &plan.uses, given)?;
        let fingerprint =
            if values.is_empty() { plan.fingerprint } else { cursor::fingerprint_with(plan.fingerprint, &values) };
        let after = match &params.cursor {
            None => None,
            Some(cursor) => {
                let place = cursor::decode(cursor, fingerprint, &plan.order)?;
                let (plan, select, filter) = self.compile(params)?;
                let start = (place.as_slice(), FIRST_PARAM + plan.uses.len());
                let statement = page(&select, filter.as_ref(), &plan.order, Some(start));
                Some((statement, place))
            }
        };
        Ok(ValidQuery { plan, params: values, fingerprint, after, _brand: std::marker::PhantomData })
    }

    /// Deleted records are for who may bring them back, which is who may delete them.
    fn right_to_deleted(&self) -> Result<Arc<RecordRight>> {
        let right = self.model.record_right(&self.caller, &self.entity, Action::Delete);
        let right = right.ok_or_else(Problem::forbidden)?;
        if self.entity.soft_delete {
            return Ok(right);
        }
        let message = format!("`{}` keeps no deleted records.", self.entity.name);
        Err(Problem::at("/deleted", Code::OutOfRange, message))
    }

    fn compile(&self, params: &Params) -> Result<(ListPlan, Select<'_>, Option<Expr>)> {
        let reader = Reader::new(self);
        let (filter, uses) = params.filter.as_deref().map(|source| reader.filter(source)).transpose()?.unzip();
        let uses = uses.unwrap_or_default();
        let mut select = Select::new(reader, self.tenant, self.dialect);
        if params.deleted {
            select.of_deleted(self.right_to_deleted()?);
        }
        if let Some(filter) = &filter {
            select.join_for(filter)?;
        }
        let count = params.count.then(|| {
            let mut w = select.write_count();
            if let Some(filter) = &filter {
                select.and(&mut w, filter);
            }
            w.finish()
        });
        let mut shape = select.record(params.fields.as_deref(), params.expand.as_deref())?;
        let order = order(reader, params.sort.as_deref())?;
        let capture = |key: &OrderKey| (select.column(key.alias, key.path.leaf), key.path.column_type);
        shape.captures = order.iter().map(capture).collect();
        let first = page(&select, filter.as_ref(), &order, None);
        let follows = format!("{:?}", (&params.filter, &params.sort, params.deleted));
        let fingerprint = cursor::fingerprint(self.entity.id, &follows);
        let linked = select.take_linked();
        Ok((ListPlan { first, shape, linked, limit: params.limit, order, count, fingerprint, uses }, select, filter))
    }
}

/// The arguments that the filter's parameters are, each checked against the field beside it.
fn bound(grant: &Grant<'_, Read>, uses: &[ParamUse], given: &[(String, Json)]) -> Result<Vec<Value>> {
    let mut errors = Errors::default();
    for (name, _) in given {
        if !uses.iter().any(|param| param.name == *name) {
            let message = format!("The filter does not use `params.{name}`.");
            errors.add(pointer("/params", name), Code::UnknownParameter, message);
        }
    }
    let mut values = Vec::with_capacity(uses.len());
    for param in uses {
        let at = pointer("/params", &param.name);
        let Some((_, json)) = given.iter().find(|(name, _)| *name == param.name) else {
            let message = "The filter names it: send it in `params` of `POST /records/{entity}/query`.";
            errors.add(at, Code::Required, message);
            continue;
        };
        let read = param.read(json, &at, &mut errors);
        values.push(if param.is_list {
            sql::list(grant.dialect, &read)
        } else {
            read.into_iter().next().unwrap_or(Value::Null)
        });
    }
    errors.check()?;
    Ok(values)
}

/// The statement of one page. Argument 0 is the limit, the filter's parameters follow; `start` is the place it starts at
/// and where its values are among the arguments.
fn page(select: &Select<'_>, filter: Option<&Expr>, order: &[OrderKey], start: Option<(&[Value], usize)>) -> Statement {
    let mut w = select.writer();
    let write = |w: &mut SqlWriter, part: Option<Part>| {
        select.write_to(w);
        if let Some(filter) = filter {
            select.and(w, filter);
        }
        if let (Some((place, first)), Some(part)) = (start, part) {
            cursor::after(w, order, place, first, part);
        }
        cursor::order_by(w, order, part);
        w.raw(" LIMIT ").bind(Slot::Arg(0));
    };
    match start.map(|(place, _)| Part::after(order, place)) {
        None => write(&mut w, None),
        Some([part]) => write(&mut w, Some(*part)),
        // Both engines read them one after the other, and the second only where the first leaves the page short.
        Some(parts) => {
            for (i, part) in parts.iter().enumerate() {
                w.raw(if i == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
                write(&mut w, Some(*part));
                w.raw(") AS part");
            }
            w.raw(" LIMIT ").bind(Slot::Arg(0));
        }
    }
    w.finish()
}

/// Reads `-due,title`. The id breaks the last ties.
fn order(reader: Reader<'_>, sort: Option<&str>) -> Result<Vec<OrderKey>> {
    let mut order = Vec::new();
    let mut names = Vec::new();
    for item in sort.map_or(Ok(Vec::new()), |list| params::items("sort", list))? {
        let (name, descending) = item.strip_prefix('-').map_or((item, false), |name| (name, true));
        if names.contains(&name) {
            return Err(Problem::at("/sort", Code::InvalidFormat, format!("`{name}` is named twice.")));
        }
        names.push(name);
        let (leaf, column_type, never_null) =
            reader.column(name).ok_or_else(|| unknown(reader.entity, "sort", name))?;
        if let Some(field) = reader.entity.field_named(name).filter(|field| !field.kind.is_orderable()) {
            let message = format!("`{name}` is of type `{}`, which has no order.", field.kind.name());
            return Err(Problem::at("/sort", Code::InvalidType, message));
        }
        order.push(OrderKey { path: Path { hops: Vec::new(), leaf, column_type, never_null }, alias: 0, descending });
    }
    if !names.contains(&"id") {
        let leaf = Leaf::System(SystemField::Id);
        let path = Path { hops: Vec::new(), leaf, column_type: ColumnType::Uuid, never_null: true };
        order.push(OrderKey { path, alias: 0, descending: false });
    }
    Ok(order)
}

impl ValidQuery<'_> {
    /// The statement of the page, and its arguments.
    fn page(&self) -> (&Statement, Vec<Value>) {
        let mut args = vec![Value::Int(i64::try_from(self.plan.limit + 1).unwrap_or(i64::MAX))];
        args.extend_from_slice(&self.params);
        let Some((statement, place)) = &self.after else { return (&self.plan.first, args) };
        args.extend_from_slice(place);
        (statement, args)
    }
}

impl<'t, M: Mode> Tx<'t, M> {
    /// A page of the records the grant covers.
    pub async fn list(&mut self, query: &ValidQuery<'t>) -> Result<VisiblePage> {
        let plan = &query.plan;
        let (statement, args) = query.page();
        let mut body = Vec::with_capacity(256 + plan.limit.min(64) * 256);
        body.extend_from_slice(b"{\"items\":[");
        if self.rest == Rest::Nothing && plan.linked.is_empty() && plan.count.is_none() {
            self.store.expect_one();
        }
        let tail = self.json(statement, &args, &plan.shape, plan.limit, &mut body).await?;
        if !plan.linked.is_empty() {
            body = self.with_linked(body, &tail.noted, &plan.linked).await?;
        }
        body.extend_from_slice(b"],\"next_cursor\":");
        if tail.more {
            let cursor = cursor::encode(query.fingerprint, &tail.last);
            quoted(&mut body, |out| out.extend_from_slice(cursor.as_bytes()));
        } else {
            body.extend_from_slice(b"null");
        }
        if let Some(count) = &plan.count {
            let rows = self.rows(count, &args).await?;
            let total = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(0);
            body.extend_from_slice(b",\"total\":");
            Value::Int(total).write_json(&mut body);
        }
        body.push(b'}');
        Ok(VisiblePage { body })
    }
}
