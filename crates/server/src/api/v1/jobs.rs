//! What Insula does in the background for the organisation.

pub(crate) mod cancel;
pub(crate) mod get;
pub(crate) mod list;

use insula_engine::jobs::{Kind, State};
use serde_json::{Value, json};

use crate::openapi::{Schema, field_error, optional, required};

/// A job as answered.
fn job() -> Schema {
    let count = || Schema::integer(Some(0), None);
    let errors = Schema::array(field_error()).described("What stood in the way, for whoever asked for the job.");
    let problem = Schema::output([
        required("code", Schema::pattern(40, "^[a-z_]+$")),
        required("title", Schema::text(1, 100)),
        optional("errors", errors),
    ]);
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    let kind = Schema::pattern(63, "^[a-z][a-z0-9_]*$").described(format!("Known are: {}.", kinds.join(", ")));
    Schema::named(
        "Job",
        Schema::output([
            required("id", Schema::uuid()),
            required("kind", kind),
            required("state", Schema::one_of(State::ALL.map(State::name))),
            required("done", count().described("How many of what the job is about.")),
            required("total", count().nullable().described("Of how many; null until that is known.")),
            required("errors", count().described("How many of those done could not be.")),
            required(
                "problem",
                problem.nullable().described("Why it failed; of one that waits, why it is tried again."),
            ),
            required("due_at", Schema::datetime().nullable().described("When one that waits is tried next.")),
            required("created_by", Schema::uuid().nullable().described("Null is Insula itself.")),
            required("created_at", Schema::datetime()),
            required("started_at", Schema::datetime().nullable()),
            required("ended_at", Schema::datetime().nullable()),
        ]),
    )
}

fn job_example(state: State) -> Value {
    let ended = if state == State::Running { Value::Null } else { json!("2026-03-02T03:17:09.110034Z") };
    json!({
        "id": "019ab4e2-7e5a-7005-9c1d-64a0e8b7f213", "kind": "purge_idempotency_keys", "state": state,
        "done": 3200, "total": 12480, "errors": 0, "problem": null, "due_at": null, "created_by": null,
        "created_at": "2026-03-01T09:30:00.251307Z", "started_at": "2026-03-02T03:17:01.902744Z", "ended_at": ended,
    })
}
