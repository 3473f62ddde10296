//! One tenant floods the server with all it can ask for; another notices next to nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

const CONNECTIONS: usize = 64;
const ROWS: usize = 30_000;
const READS: usize = 200;
/// Nothing of it is indexed: the filter and the order take all rows, and one comes back.
const SLOW: &str = "/records/item?filter=size%20%3E%205&sort=-note,size&limit=1&count=exact";

/// A tenant with `rows` records, and the path of one.
async fn tenant(app: &TestApp, code: &str, rows: usize) -> (Caller, String) {
    let owner = app.register(code).await;
    let fields = json!([{"name": "note", "type": "text"}, {"name": "size", "type": "integer"}]);
    owner.post("/entities", &json!({"name": "item", "fields": fields})).await.expect(201);
    let records: Vec<Value> =
        (0..rows).map(|n| json!({"note": format!("note {}", n * 7919 % rows), "size": n})).collect();
    for chunk in records.chunks(1000) {
        owner.post("/records/item/batch", &json!({"create": chunk})).await.expect(200);
    }
    let page = owner.get("/records/item?limit=1").await.expect(200);
    let path = format!("/records/item/{}", page.items()[0]["id"].as_str().unwrap());
    (owner, path)
}

fn quantile(mut times: Vec<Duration>, hundredths: usize) -> Duration {
    times.sort_unstable();
    times[times.len() * hundredths / 100]
}

async fn read(owner: &Caller, path: &str) -> Vec<Duration> {
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let begun = Instant::now();
        owner.get(path).await.expect(200);
        times.push(begun.elapsed());
    }
    times
}

both_stores! {
    /// Whoever had to queue with the flood would wait as long as it does: for most of its 64 requests to be served. Who
    /// does not queue waits for cores at most, which those few lists share that run at once. So his slowest reads must
    /// take less than half of what the flood's usual request does, or no more than 20 times what they took before: a
    /// machine on which the flood is no flood proves nothing.
    async fn a_flooded_tenant_keeps_no_other_waiting(app: TestApp) {
        let ((loud, _), (quiet, path)) = (tenant(&app, "loud", ROWS).await, tenant(&app, "quiet", 10).await);
        read(&quiet, &path).await;
        let alone = quantile(read(&quiet, &path).await, 99);

        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut flood = Vec::new();
        for _ in 0..CONNECTIONS {
            let (loud, stop, served) = (loud.clone(), Arc::clone(&stop), Arc::clone(&served));
            flood.push(tokio::spawn(async move {
                let mut times = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let status = loud.get(SLOW).await.status.as_u16();
                    // Its own share may be all in use for longer than it may wait.
                    assert!(status == 200 || status == 503, "{status}");
                    times.push(begun.elapsed());
                    served.fetch_add(1, Ordering::Relaxed);
                }
                times
            }));
        }
        while served.load(Ordering::Relaxed) < CONNECTIONS {
            tokio::task::yield_now().await;
        }
        let beside = quantile(read(&quiet, &path).await, 99);
        stop.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for task in flood {
            times.extend(task.await.unwrap());
        }
        let flooded = quantile(times, 50);
        println!("alone {alone:?}, beside the flood {beside:?}, the flood itself {flooded:?}");
        assert!(beside <= (flooded / 2).max(alone * 20), "alone {alone:?}, beside the flood {beside:?}, the flood {flooded:?}");
    }
}
