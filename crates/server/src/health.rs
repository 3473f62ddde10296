//! Whether this node can answer (requirement I1). Tells the anonymous the state and no reason for it.

use std::time::{Duration, Instant};

use axum::response::Response;
use http::StatusCode;
use insula_engine::engine::Engine;
use insula_engine::identity::Public;
use insula_engine::mail::Delivery;
use insula_model::problem::Result;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::call::{Call, Take};
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;

/// A store that has not answered by then does not count as there.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an answer is given again, so that asking costs the store nothing.
const KEPT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Healthy,
    Unhealthy,
}

#[derive(Clone, Copy, Serialize)]
struct Report {
    status: Status,
    components: Components,
}

#[derive(Clone, Copy, Serialize)]
struct Components {
    database: Component,
    mail: Mail,
}

/// Never the reason for an unhealthy node: mails wait.
#[derive(Clone, Copy, Serialize)]
struct Mail {
    status: Status,
    delivery: &'static str,
}

#[derive(Clone, Copy, Serialize)]
struct Component {
    status: Status,
    latency_ms: f64,
}

/// What was last found. Those who ask meanwhile wait for one answer.
#[derive(Default)]
pub(crate) struct Health(Mutex<Option<(Instant, Report)>>);

/// The way a probe gets at the store: it may ask whether it answers.
pub(crate) struct Probe(Report);

impl Health {
    async fn report(&self, engine: &Engine) -> Report {
        let mut last = self.0.lock().await;
        match *last {
            Some((at, report)) if at.elapsed() < KEPT => report,
            _ => last.insert((Instant::now(), ask(engine).await)).1,
        }
    }
}

async fn ask(engine: &Engine) -> Report {
    let begun = Instant::now();
    let status = match tokio::time::timeout(PATIENCE, engine.ping()).await {
        Ok(Ok(())) => Status::Healthy,
        Ok(Err(problem)) => {
            tracing::error!(%problem, "the platform store does not answer");
            Status::Unhealthy
        }
        Err(_) => {
            tracing::error!("the platform store did not answer in time");
            Status::Unhealthy
        }
    };
    let latency_ms = (begun.elapsed().as_secs_f64() * 100_000.0).round() / 100.0;
    let delivery = match engine.delivery() {
        Delivery::Smtp(_) => "smtp",
        Delivery::Folder(_) => "folder",
    };
    let mail = Mail { status: Status::Healthy, delivery };
    Report { status, components: Components { database: Component { status, latency_ms }, mail } }
}

impl Take for Probe {
    async fn take(call: &mut Call) -> Result<Self> {
        Ok(Self(call.state.health.report(&call.state.engine).await))
    }
}

/// `GET /livez`: the process runs. Says nothing of the store, or a store's failure would restart every node.
pub(crate) async fn live(_: Public) -> Result<Response> {
    reply::ok(&serde_json::json!({"status": "alive"}))
}

/// `GET /readyz`, `GET /api/health`: requests can be answered.
pub(crate) async fn ready(_: Public, Probe(report): Probe) -> Result<Response> {
    let status = match report.status {
        Status::Healthy => StatusCode::OK,
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    reply::json(status, &report)
}

pub(crate) fn describe_live() -> Operation {
    let alive = Schema::output([required("status", Schema::constant("alive"))]);
    Operation::new("getLiveness", "Whether the process runs").answer(Answer::json(200, "It does.", alive))
}

pub(crate) fn describe_ready() -> Operation {
    describe_report("getReadiness", "Whether this node can answer")
}

pub(crate) fn describe_health() -> Operation {
    describe_report("getHealth", "The state of this node and its parts")
}

fn describe_report(id: &'static str, summary: &str) -> Operation {
    let status = || Schema::one_of(["healthy", "degraded", "unhealthy"]);
    let component =
        Schema::output([required("status", status()), required("latency_ms", Schema::number().with("minimum", 0))]);
    let delivery =
        Schema::one_of(["smtp", "folder"]).described("`folder`: no mail server is given, mails become files.");
    let mail = Schema::output([required("status", status()), required("delivery", delivery)]);
    let report = Schema::named(
        "Health",
        Schema::output([
            required("status", status()),
            required("components", Schema::output([required("database", component), required("mail", mail)])),
        ]),
    );
    let example = serde_json::json!({
        "status": "healthy",
        "components": {
            "database": {"status": "healthy", "latency_ms": 0.12}, "mail": {"status": "healthy", "delivery": "smtp"},
        },
    });
    Operation::new(id, summary)
        .answer(Answer::json(200, "Requests are answered.", report.clone()).example(example))
        .answer(Answer::json(503, "They are not.", report))
}
