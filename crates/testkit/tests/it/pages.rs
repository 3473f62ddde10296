//! Pages of a list follow each other without a gap and without a repetition, whatever it is sorted by.

use std::cmp::Ordering;

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

const RECORDS: usize = 40;

/// `task`, of which each field but `rank` may be empty, with ties of every length. Every fifth is deleted.
async fn tasks(app: &TestApp) -> Caller {
    let owner = app.register("acme").await;
    let fields = json!([
        {"name": "day", "type": "integer", "indexed": true},
        {"name": "title", "type": "text", "indexed": true},
        {"name": "size", "type": "integer"},
        {"name": "rank", "type": "integer", "indexed": true, "required": true},
        {"name": "never", "type": "date", "indexed": true},
        {"name": "of", "type": "relation", "target": "task", "on_delete": "set_null"},
    ]);
    owner.post("/entities", &json!({"name": "task", "soft_delete": true, "fields": fields})).await.expect(201);
    let create: Vec<Value> = (0..RECORDS)
        .map(|n| {
            json!({
                "day": if n % 3 == 0 { Value::Null } else { json!(n * 7 % 5) },
                "title": if n % 4 == 0 { Value::Null } else { json!(format!("t{}", n * 11 % 3)) },
                "size": if n % 2 == 0 { Value::Null } else { json!(n * 13 % 40) },
                "rank": n * 5 % 4,
            })
        })
        .collect();
    owner.post("/records/task/batch", &json!({"create": create})).await.expect(200);
    let all = owner.get("/records/task?limit=1000").await.expect(200);
    let ids: Vec<&Value> = all.items().iter().map(|record| &record["id"]).collect();
    let update: Vec<Value> = ids
        .iter()
        .skip(4)
        .zip(&ids)
        .filter(|(_, of)| ids.iter().position(|id| id == *of).unwrap() % 3 > 0)
        .map(|(id, of)| json!({"id": id, "of": of}))
        .collect();
    owner.post("/records/task/batch", &json!({"update": update})).await.expect(200);
    let delete: Vec<&Value> = ids.iter().step_by(5).copied().collect();
    owner.post("/records/task/batch", &json!({"delete": delete})).await.expect(200);
    owner
}

/// All that a list has, page by page.
async fn walk(caller: &Caller, list: &str, limit: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = caller.get(&format!("/records/task?{list}&limit={limit}{cursor}")).await.expect(200);
        found.extend(page.items().iter().cloned());
        let Some(next) = page.body["next_cursor"].as_str() else { return found };
        assert_eq!(page.items().len(), limit, "{list}: a short page before the last");
        cursor = format!("&cursor={next}");
    }
}

/// Null is smallest, and the id breaks the last ties.
fn order(sort: &str, a: &Value, b: &Value) -> Ordering {
    let by = |name: &str| {
        let (a, b) = (&a[name], &b[name]);
        let present = (!a.is_null()).cmp(&!b.is_null());
        present.then_with(|| a.as_i64().cmp(&b.as_i64())).then_with(|| a.as_str().cmp(&b.as_str()))
    };
    let keys = sort.split(',').map(|key| key.strip_prefix('-').map_or_else(|| by(key), |name| by(name).reverse()));
    keys.chain([by("id")]).fold(Ordering::Equal, Ordering::then)
}

both_stores! {
    async fn every_record_is_on_one_page_and_in_its_place(app: TestApp) {
        let owner = tasks(&app).await;
        let rule = json!({"code": "few", "name": "Few", "grants": [{"resource": "records:task", "actions": ["read", "delete"], "scope": "tenant", "where": "rank != 2"}]});
        owner.post("/roles", &rule).await.expect(201);
        let few = owner.user("few").await;
        for sort in [
            "day", "-day", "day,-id", "-day,id", "-day,-id", "-day,title", "day,-title", "-day,-title", "-title,-size,day", "title,size,-id", "-size", "size",
            "rank", "-rank", "-rank,day", "rank,-day", "-rank,-id", "never", "-never", "never,-id", "-of", "of,-id", "-of,day", "id", "-id", "-updated_at,-day", "-version,id",
        ] {
            for (caller, narrowed) in [
                (&owner, ""), (&few, ""), (&owner, "&filter=rank%20%3E%200"), (&owner, "&filter=title%20%3D%3D%20%22t1%22"), (&owner, "&filter=of.rank%20%3E%3D%201&expand=of"), (&owner, "&deleted=only"), (&few, "&deleted=only"),
            ] {
                let list = format!("sort={sort}{narrowed}");
                let whole = walk(caller, &list, 1000).await;
                let in_order = whole.is_sorted_by(|a, b| order(sort, a, b) == Ordering::Less);
                // An expanded relation shows no id of its own to compare.
                assert!(in_order || (sort.contains("of") && list.contains("expand")), "{list}: {whole:?}");
                for limit in [2, 7] {
                    assert_eq!(walk(caller, &list, limit).await, whole, "{list}, {limit} at a time");
                }
            }
        }
    }

    async fn a_cursor_goes_with_what_decides_the_order_and_with_nothing_else(app: TestApp) {
        let owner = tasks(&app).await;
        let whole = walk(&owner, "sort=-day", 1000).await;
        let first = owner.get("/records/task?sort=-day&limit=3&count=exact").await.expect(200);
        let cursor = first.body["next_cursor"].as_str().unwrap().to_owned();
        let next = format!("/records/task?sort=-day&limit=7&fields=day&expand=of&cursor={cursor}");
        let ids = |records: &[Value]| records.iter().map(|record| record["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(owner.get(&next).await.expect(200).items()), ids(&whole[3..10]));
        for other in ["sort=day", "sort=-day&filter=rank%20%3E%200", "sort=-day&deleted=only", "sort=-day,title"] {
            let page = owner.get(&format!("/records/task?{other}&limit=3&cursor={cursor}")).await;
            page.expect_problem(422, "invalid_format");
        }
    }
}
