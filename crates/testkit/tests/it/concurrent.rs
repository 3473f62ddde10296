//! Many writers at the same rows at once, with random plans: whatever they were told must be explained by what is there
//! in the end and by the history of how it came about, on both stores in the same way.
//!
//! `INSULA_MODEL_CASES` sets how many plans are tried, `PROPTEST_RNG_SEED` which; how the writers meet is up to the
//! machine.

mod history;
mod plan;

use futures_util::future::join_all;
use insula_testkit::{Caller, Reply, TestApp, both_stores};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use self::history::Histories;
use self::plan::Write;
use super::differential::config;

/// Records that are there before anyone writes.
const POTS: usize = 3;
const CODES: [&str; 3] = ["a", "b", "c"];

/// What a writer wanted, and what he was told.
#[derive(Debug)]
struct Told {
    write: Write,
    /// No other write has it, so that what it left behind is known by it.
    mark: String,
    /// The version that was sent along.
    believed: Option<i64>,
    reply: Reply,
}

/// `pot`, of which each may lead to another, and `part`, which goes with one pot and holds another.
/// Deleted ones are kept or not, which nothing here must notice.
async fn pots(app: &TestApp, code: &str, kept: bool) -> (Caller, Vec<String>) {
    let owner = app.register(code).await;
    let fields = json!([
        {"name": "code", "type": "code", "unique": true},
        {"name": "count", "type": "integer", "default": 0},
        {"name": "mark", "type": "text", "required": true},
        {"name": "next", "type": "relation", "target": "pot", "on_delete": "set_null"},
    ]);
    owner.post("/entities", &json!({"name": "pot", "soft_delete": kept, "fields": fields})).await.expect(201);
    let fields = json!([
        {"name": "mark", "type": "text", "required": true},
        {"name": "of", "type": "relation", "target": "pot", "on_delete": "cascade", "required": true},
        {"name": "holds", "type": "relation", "target": "pot", "on_delete": "restrict"},
    ]);
    owner.post("/entities", &json!({"name": "part", "soft_delete": kept, "fields": fields})).await.expect(201);
    let mut ids = Vec::new();
    for i in 0..POTS {
        ids.push(owner.post("/records/pot", &json!({"mark": format!("pot {i}")})).await.expect(201).id().to_owned());
    }
    (owner, ids)
}

async fn write(owner: &Caller, pots: &[String], write: Write, mark: String) -> Told {
    let path = |pot: usize| format!("/records/pot/{}", pots[pot]);
    let mut believed = None;
    let reply = match write {
        Write::Add(pot) => {
            let now = owner.get(&path(pot)).await;
            believed = now.body["version"].as_i64();
            let count = now.body["count"].as_i64().unwrap_or_default();
            let tag = if now.status == 200 { now.header("etag") } else { "*" };
            owner.patch_if(&path(pot), tag, &json!({"count": count + 1, "mark": mark})).await
        }
        Write::Mark(pot) => owner.patch(&path(pot), &json!({"mark": mark})).await,
        Write::Name(pot, code) => owner.patch(&path(pot), &json!({"code": CODES[code], "mark": mark})).await,
        Write::Link(pot, next) => owner.patch(&path(pot), &json!({"next": pots[next], "mark": mark})).await,
        Write::Upsert(code) => {
            owner.post("/records/pot?upsert=code", &json!({"code": CODES[code], "mark": mark})).await
        }
        Write::Part(of, holds) => {
            owner.post("/records/part", &json!({"of": pots[of], "holds": pots[holds], "mark": mark})).await
        }
        Write::Both(a, b) => {
            let change = |pot: usize| json!({"id": pots[pot], "mark": mark});
            owner.post("/records/pot/batch", &json!({"update": [change(a), change(b)]})).await
        }
        Write::Delete(pot) => owner.delete(&path(pot)).await,
    };
    Told { write, mark, believed, reply }
}

async fn run(app: &TestApp, case: u32, plan: &[Vec<Write>]) {
    let (owner, pots) = pots(app, &format!("case{case}"), case % 2 == 1).await;
    let (owner, pots) = (&owner, &pots);
    let writer = async |who: usize, writes: &[Write]| {
        let mut told = Vec::new();
        for (i, what) in writes.iter().enumerate() {
            told.push(write(owner, pots, *what, format!("{who}.{i}")).await);
        }
        told
    };
    let all = join_all(plan.iter().enumerate().map(|(who, writes)| writer(who, writes))).await;
    let histories = Histories::read(owner).await;
    for told in all.iter().flatten() {
        histories.explain(told, pots);
    }
    for entity in ["pot", "part"] {
        let left = owner.get(&format!("/records/{entity}?limit=1000&count=exact")).await.expect(200);
        histories.end_in(entity, left.items());
        assert_eq!(left.body["total"], left.items().len());
    }
    let pots = owner.get("/records/pot?limit=1000").await.expect(200);
    let codes: Vec<&Value> = pots.items().iter().map(|pot| &pot["code"]).filter(|code| !code.is_null()).collect();
    assert!(codes.iter().enumerate().all(|(i, code)| !codes[..i].contains(code)), "{codes:?}");
}

both_stores! {
    async fn what_writers_were_told_is_explained_by_the_history(app: TestApp) {
        let config = config();
        // A plan takes longer than a case where writers must wait for each other.
        let cases = config.cases.div_ceil(4);
        let mut runner = TestRunner::new(config);
        for case in 0..cases {
            let plan = plan::plan().new_tree(&mut runner).unwrap().current();
            println!("{plan:?}");
            run(&app, case, &plan).await;
        }
    }
}
