//! The property both engines are held to: of random records, a random condition selects in SQL those the evaluator
//! says it holds for.

use std::collections::BTreeSet;

use insula_model::entity::{Schema, SystemField};
use insula_model::expr::{CallerFacts, CallerField, Expr};
use insula_model::id::{AccountId, TenantId};
use insula_model::value::{ColumnType, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::sample::{self, Range, Record};
use super::{readable, render};
use crate::sql::{CallerBinds, Dialect, Policy, Slot, SqlWriter};

/// A table with one column per system column and field.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Name, type, and whether it can be null.
    pub(super) columns: Vec<(String, ColumnType, bool)>,
}

/// `thing` and `other`.
pub(super) fn tables() -> [Table; 2] {
    let schema = sample::schema();
    [("thing", sample::thing()), ("other", sample::other())].map(|(name, id)| {
        let system = SystemField::ALL.map(|field| (field.name().to_owned(), field.column_type(), false));
        let fields = schema
            .entity(id)
            .unwrap()
            .fields
            .iter()
            .filter(|field| field.kind.is_column())
            .map(|field| (format!("c_{}", field.id.uuid().simple()), field.kind.column_type(), !field.required));
        Table { name, columns: system.into_iter().chain(fields).collect() }
    })
}

/// Where the links of `thing` and of `other` lie, as the conditions name it.
pub(super) fn link_tables(dialect: Dialect) -> [String; 2] {
    let schema = sample::schema();
    [sample::thing(), sample::other()].map(|entity| {
        let field = schema.entity(entity).unwrap().field_named("many").unwrap().id;
        let mut w = crate::sql::SqlWriter::new(dialect);
        w.link_table(TenantId::from(Uuid::nil()), field);
        w.finish().text
    })
}

/// The links of these rows: source and target.
pub(super) fn links(rows: &[Vec<Value>]) -> Vec<[Uuid; 2]> {
    let mut links = BTreeSet::new();
    for row in rows {
        let (Some(Value::Uuid(source)), Some(Value::Uuids(targets))) = (row.first(), row.last()) else {
            panic!("{row:?}")
        };
        links.extend(targets.iter().map(|target| [*source, *target]));
    }
    links.into_iter().collect()
}

/// The rows of `thing` and of `other` that make these records, with their links at the end.
pub(super) fn rows(records: &[Record]) -> [Vec<Vec<Value>>; 2] {
    let row = |record: &Record| record.system.iter().chain(&record.fields).cloned().collect::<Vec<_>>();
    let mut linked = Vec::new();
    for record in records {
        let mut next = record.linked.as_deref();
        while let Some(record) = next {
            linked.push(row(record));
            next = record.linked.as_deref();
        }
    }
    [records.iter().map(row).collect(), linked]
}

/// The statement that selects the ids of the records the condition holds for, and its values.
fn select(dialect: Dialect, expr: &Expr, schema: &Schema) -> (String, Vec<Value>) {
    let column = |entity, name: &str| {
        let id = schema.entity(entity).unwrap().field_named(name).unwrap().id;
        format!("\"c_{}\"", id.uuid().simple())
    };
    let (condition, binds) = render(dialect, expr);
    let binds = binds.into_iter().map(|slot| match slot {
        Slot::Const(value) => value,
        Slot::Caller(CallerField::Id) => Value::Uuid(account().uuid()),
        Slot::Caller(CallerField::Unit(kind, fact)) => sample::place().fact(kind, &fact),
        Slot::Now(moment) => moment.at(sample::now()),
        other => panic!("a condition has no {other:?}"),
    });
    let sql = format!(
        "SELECT a0.id FROM thing a0 LEFT JOIN other a1 ON a1.id = a0.{} LEFT JOIN other a2 ON a2.id = a1.{} \
         WHERE {condition}",
        column(sample::thing(), "link"),
        column(sample::other(), "next"),
    );
    (sql, binds.collect())
}

/// The same as a policy asks it, without joins.
fn select_by_policy(dialect: Dialect, expr: &Expr, schema: &Schema) -> (String, Vec<Value>) {
    let tenant = TenantId::from(Uuid::nil());
    let entity = schema.entity(sample::thing()).unwrap();
    let mut w = SqlWriter::new(dialect);
    w.raw("SELECT a0.id FROM thing a0 WHERE ");
    Policy { tenant, schema, entity }.condition(&mut w, expr, 0);
    let statement = w.finish();
    let mut other = SqlWriter::new(dialect);
    other.table(tenant, sample::other());
    let sql = statement.text.replace(&other.finish().text, "other");
    let (caller, moments) = (CallerBinds::new(dialect, account(), &sample::place()), statement.moments(sample::now()));
    let binds = statement.binds(&caller, &moments, &[]).into_iter().cloned().collect();
    (sql, binds)
}

fn account() -> AccountId {
    AccountId::from(Uuid::from_u128(1 << 100 | 1))
}

/// Holds a store to the property. `ask` fills both tables, runs the statement and gives the ids it selects.
pub(super) fn check(
    dialect: Dialect,
    cases: u32,
    mut ask: impl FnMut(&[Vec<Vec<Value>>; 2], &str, &[Value]) -> BTreeSet<Uuid>,
) {
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() };
    let schema = sample::schema();
    let ask = std::cell::RefCell::new(&mut ask);
    let source = prop_oneof![4 => sample::source(Range::Everything), 1 => sample::source(Range::PlainCel)];
    let input = (vec(source, 1..6), vec(sample::record(true), 1..8));
    let outcome = TestRunner::new(config).run(&input, |(sources, records)| {
        for source in sources {
            let expr = sample::compile_all(&source, &schema).map_err(|e| TestCaseError::fail(e.message))?;
            let place = sample::place();
            let caller = CallerFacts { id: account(), place: &place, now: sample::now() };
            let holds = |record: &&Record| expr.eval(&mut |path| sample::lookup(record, path, &schema), &caller);
            let id = |record: &Record| match record.system[0] {
                Value::Uuid(id) => id,
                ref other => panic!("the id is {other:?}"),
            };
            let expected: BTreeSet<Uuid> = records.iter().filter(holds).map(id).collect();
            for (sql, binds) in [select(dialect, &expr, &schema), select_by_policy(dialect, &expr, &schema)] {
                let found = (ask.borrow_mut())(&rows(&records), &sql, &binds);
                prop_assert_eq!(&found, &expected, "{}\n{}", source, readable(sql));
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
}
