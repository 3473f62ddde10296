//! What a page takes to read, on both stores.

use std::fmt::Write as _;

use super::*;
use crate::grant::Read;
use crate::jobs::tests::{World, on_both};
use crate::scope::Scope;

/// A third of them without a day; of the days each has some ten.
const RECORDS: usize = 6_000;
const LIMIT: usize = 25;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

/// `task`, whose records lie in no order of any field.
async fn tasks(world: &World) -> Scope {
    let scope = world.tenant("acme").await;
    let entity = r#"{"name": "task", "soft_delete": true, "fields": [
        {"name": "day", "type": "integer", "indexed": true},
        {"name": "rank", "type": "integer", "indexed": true, "required": true}]}"#;
    scope.design(async |tx| tx.create_entity(&json(entity)).await).await.unwrap();
    for first in (0..RECORDS).step_by(1_000) {
        let mut body = String::from(r#"{"create": ["#);
        for n in first..first + 1_000 {
            let noise = n * 2_713 % RECORDS;
            let day = if noise.is_multiple_of(3) { "null".to_owned() } else { (noise / 15).to_string() };
            let comma = if n == first { "" } else { "," };
            write!(body, r#"{comma}{{"day": {day}, "rank": {}}}"#, noise / 15).unwrap();
        }
        let body = json(&(body + "]}"));
        let fill = scope.write(async |tx| {
            let batch = tx.batch(&tx.entity("task")?, &body)?;
            tx.run(batch).await.map(drop)
        });
        fill.await.unwrap();
    }
    let settle = "DO $$ BEGIN EXECUTE (SELECT string_agg('ANALYZE ' || oid::regclass, ';') FROM pg_class \
                  WHERE relname LIKE 't\\_%' AND relkind = 'r' AND pg_has_role(relowner, 'USAGE')); END $$";
    world.alter(scope.caller().placement(), "SELECT 1", settle).await;
    scope
}

/// What each page of a list takes; a record stands on one page alone.
async fn efforts(scope: &Scope, list: &str) -> Vec<u64> {
    let (mut efforts, mut seen) = (Vec::new(), Vec::new());
    let mut cursor = String::new();
    loop {
        let raw = format!("{list}&limit={LIMIT}{cursor}");
        let read = scope.read(async |tx| {
            let query = tx.authorize::<Read>(&tx.entity("task")?)?.query(&raw)?;
            let (statement, args) = query.page();
            let effort =
                tx.store.effort(&statement.text, &statement.binds(&tx.caller.binds, &[], &args)).await.unwrap();
            Ok((effort, tx.list(&query).await?.into_json()))
        });
        let (effort, page) = read.await.unwrap();
        efforts.push(effort);
        let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|record| record["id"].to_string()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let pages = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), pages), (RECORDS, RECORDS), "{list}");
    efforts
}

#[test]
fn a_page_far_down_takes_little_more_than_the_first() {
    on_both(&async |world| {
        let scope = tasks(world).await;
        for list in [
            "sort=day",
            "sort=-day",
            "sort=-day,-id",
            "sort=rank",
            "sort=-rank",
            "sort=-rank,day",
            "sort=id",
            "sort=-id",
            "filter=rank%20%3E%3D%200&sort=-day",
        ] {
            let efforts = efforts(&scope, list).await;
            let (first, most) = (efforts[0], efforts.iter().max().unwrap());
            // A page may begin among others of the same day, and one has days behind the empty ones, or before.
            assert!(*most <= 4 * first + 100, "{list}: {efforts:?}");
        }
    });
}
