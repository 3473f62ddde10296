//! The conversion of many records step by step, with what others do between the steps.

use insula_model::id::RecordId;

use super::deleted::delete;
use super::*;
use crate::entity::{Change, Design};
use crate::grant::{Create, Read, Update};
use crate::record::Precondition;
use crate::tx::Writing;

/// More than are converted at once, in two pages of the job.
const RECORDS: usize = 400;

async fn add(scope: &Scope, bodies: &[String]) -> Vec<RecordId> {
    let bodies: Vec<Json> = bodies.iter().map(|body| json(body)).collect();
    let work = async |tx: &mut Tx<'_, Writing>| {
        let grant = tx.authorize::<Create>(&tx.entity("thing")?)?;
        let mut ids = Vec::new();
        for body in &bodies {
            ids.push(tx.insert(&grant, grant.draft(body)?).await?.id());
        }
        Ok(ids)
    };
    scope.write(work).await.unwrap()
}

async fn set(scope: &Scope, id: RecordId, body: &str) {
    let body = json(body);
    let work = async |tx: &mut Tx<'_, Writing>| {
        let grant = tx.authorize::<Update>(&tx.entity("thing")?)?;
        tx.update(&grant, id, &grant.patch(&body)?, &Precondition::None).await.map(drop)
    };
    scope.write(work).await.unwrap();
}

/// What a field of a record is now, as JSON.
async fn value(scope: &Scope, id: RecordId) -> String {
    let found = scope.read(async |tx| {
        let grant = tx.authorize::<Read>(&tx.entity("thing")?)?;
        tx.get(id, &grant.selection("fields=n")?).await
    });
    String::from_utf8(found.await.unwrap().into_json()).unwrap()
}

fn says(id: RecordId, value: &str) -> String {
    format!(r#"{{"id":"{id}","n":{value}}}"#)
}

/// `thing` with a text `n` of the numbers from 0 on.
async fn things(scope: &Scope) -> Vec<RecordId> {
    let design = r#"{"name": "thing", "fields": [{"name": "n", "type": "text"}, {"name": "key", "type": "text"}]}"#;
    attempt(scope, None).create_entity(&json(design)).await.unwrap();
    let bodies: Vec<String> = (0..RECORDS).map(|n| format!(r#"{{"n": "{n}", "key": "{n}"}}"#)).collect();
    add(scope, &bodies).await
}

async fn retype(scope: &Scope, to: &str) -> Result<JobId> {
    match scope.update_field("thing", "n", &json(to)).await? {
        Change::Later(job) => Ok(job),
        Change::Made(field) => panic!("it was made at once: {field:?}"),
    }
}

/// The columns of the one entity, and what is left of conversions.
async fn traces(world: &World, scope: &Scope) -> (Vec<String>, i64) {
    let mut tx = world.engine.0.stores.tenant_read(scope.caller().placement()).await.unwrap();
    let sql = match tx.dialect() {
        Dialect::Sqlite => {
            "SELECT c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.name LIKE 't\\_%' ESCAPE '\\' ORDER BY 1"
        }
        Dialect::Postgres => {
            "SELECT a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
             JOIN pg_roles r ON r.rolname = current_user JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'r' AND n.nspname = 'tenant_' || substr(r.rolname, 10) AND a.attnum > 0 \
             AND NOT a.attisdropped ORDER BY 1"
        }
    };
    let columns = tx.query(sql, &[]).await.unwrap().iter().map(|row| row.text(0).unwrap().to_owned()).collect();
    (columns, world.count(scope, "SELECT count(*) FROM insula_tenant.conversion").await)
}

/// Steps until only the end is left.
async fn convert(world: &World, held: &mut Held) {
    while held.step(&world.engine, Hold::Keep).await.unwrap() != After::Conclusion {}
}

async fn job(world: &World, scope: &Scope) -> JobView {
    world.jobs(scope).await.pop().unwrap()
}

#[test]
fn what_changes_between_the_steps_is_in_the_end_as_it_was_last() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        let ids = things(&acme).await;
        retype(&acme, r#"{"type": "integer"}"#).await.unwrap();
        let mut held = world.take(&acme).await.unwrap();
        assert_eq!(held.step(&world.engine, Hold::Keep).await.unwrap(), After::More);
        let halfway = job(world, &acme).await;
        assert_eq!((halfway.done, halfway.total), (250, Some(400)));
        // Those it has converted, those it has not, and those it has never seen.
        for place in [3, 333] {
            set(&acme, ids[place], r#"{"n": "-1"}"#).await;
            set(&acme, ids[place + 1], r#"{"n": null}"#).await;
            set(&acme, ids[place + 2], r#"{"key": "other"}"#).await;
            delete(&acme, "thing", ids[place + 3]).await.unwrap();
        }
        let new = add(&acme, &[r#"{"n": "1000"}"#.into(), r#"{"key": "none"}"#.into()]).await;
        assert_eq!(value(&acme, ids[3]).await, says(ids[3], r#""-1""#), "the old type is in force");
        convert(world, &mut held).await;
        // After all of them were converted.
        let last = add(&acme, &[r#"{"n": "2000"}"#.into()]).await;
        set(&acme, ids[9], r#"{"n": "-9"}"#).await;
        set(&acme, ids[10], r#"{"n": null}"#).await;
        set(&acme, new[1], r#"{"n": "7"}"#).await;
        assert_eq!(value(&acme, ids[8]).await, says(ids[8], r#""8""#));
        assert_eq!(held.conclude(&world.engine).await.unwrap(), After::Nothing);

        let ended = job(world, &acme).await;
        assert_eq!((ended.state, ended.done, ended.total, ended.errors), (State::Succeeded, 400, Some(400), 0));
        for (place, id) in ids.iter().enumerate().filter(|(place, _)| ![6, 336].contains(place)) {
            let expect = match place {
                3 | 333 => "-1".to_owned(),
                4 | 334 | 10 => "null".to_owned(),
                9 => "-9".to_owned(),
                n => n.to_string(),
            };
            assert_eq!(value(&acme, *id).await, says(*id, &expect), "{place}");
        }
        for (id, expect) in [(new[0], "1000"), (new[1], "7"), (last[0], "2000")] {
            assert_eq!(value(&acme, id).await, says(id, expect));
        }
        let (columns, left) = traces(world, &acme).await;
        assert_eq!((columns.iter().filter(|name| name.starts_with("c_")).count(), left), (2, 0), "{columns:?}");
        assert!(!columns.contains(&"converted".to_owned()));
    });
}

#[test]
fn one_that_fails_or_is_cancelled_anywhere_leaves_nothing() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        let ids = things(&acme).await;
        let before = traces(world, &acme).await;
        let untouched = async || {
            assert_eq!(traces(world, &acme).await, before);
            assert_eq!(value(&acme, ids[5]).await, says(ids[5], r#""5""#));
            set(&acme, ids[5], r#"{"n": "5"}"#).await;
        };
        for steps in [0, 1, 2, 4] {
            let id = retype(&acme, r#"{"type": "integer"}"#).await.unwrap();
            assert_ne!(traces(world, &acme).await, before);
            let mut held = world.take(&acme).await.unwrap();
            for _ in 0..steps {
                held.step(&world.engine, Hold::Keep).await.unwrap();
            }
            assert_eq!(cancelled(&acme, id).await.unwrap().state, State::Cancelled);
            untouched().await;
            assert_eq!(held.step(&world.engine, Hold::Keep).await.unwrap(), After::Lost);
            assert_eq!(held.conclude(&world.engine).await.unwrap(), After::Lost);
            untouched().await;
        }

        // A record that cannot be, from the first or only after the last look.
        for late in [false, true] {
            let bad = ids[200];
            if !late {
                set(&acme, bad, r#"{"n": "many"}"#).await;
            }
            retype(&acme, r#"{"type": "integer"}"#).await.unwrap();
            let mut held = world.take(&acme).await.unwrap();
            convert(world, &mut held).await;
            if late {
                set(&acme, bad, r#"{"n": "many"}"#).await;
            }
            assert_eq!(held.conclude(&world.engine).await.unwrap(), After::Nothing);
            let job = job(world, &acme).await;
            assert_eq!((job.state, job.errors), (State::Failed, i64::from(!late)));
            let problem = job.problem.unwrap();
            let told = &problem.errors[0].message;
            assert!(problem.code == "conflict" && told.contains(&bad.to_string()), "{told}");
            untouched().await;
            set(&acme, bad, r#"{"n": "200"}"#).await;
        }

        // One that is mended before it is looked at again is in nobody's way.
        set(&acme, ids[0], r#"{"n": "none"}"#).await;
        retype(&acme, r#"{"type": "integer"}"#).await.unwrap();
        let mut held = world.take(&acme).await.unwrap();
        held.step(&world.engine, Hold::Keep).await.unwrap();
        assert_eq!(job(world, &acme).await.errors, 1);
        set(&acme, ids[0], r#"{"n": "0"}"#).await;
        convert(world, &mut held).await;
        held.conclude(&world.engine).await.unwrap();
        assert_eq!(job(world, &acme).await.state, State::Succeeded);
        assert_eq!(value(&acme, ids[0]).await, says(ids[0], "0"));
    });
}

#[test]
fn nothing_else_changes_what_is_being_converted_and_what_is_beside_it_may() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        let ids = things(&acme).await;
        let beside = r#"{"name": "beside", "fields": [{"name": "of", "type": "relation", "target": "thing"}, {"name": "a", "type": "text"}]}"#;
        attempt(&acme, None).create_entity(&json(beside)).await.unwrap();
        let id = retype(&acme, r#"{"type": "decimal", "scale": 1, "required": true}"#).await.unwrap();
        let mut held = world.take(&acme).await.unwrap();
        held.step(&world.engine, Hold::Keep).await.unwrap();

        let refused = |problem: insula_model::problem::Problem| {
            assert!(problem.code().as_str() == "conflict" && problem.detail().contains(&id.to_string()), "{problem}");
        };
        refused(retype(&acme, r#"{"type": "boolean"}"#).await.unwrap_err());
        refused(acme.update_entity("thing", &json(r#"{"label": "T"}"#)).await.unwrap_err());
        let field = json(r#"{"name": "z", "type": "text"}"#);
        refused(acme.design(async |tx| tx.add_field("thing", &field).await).await.unwrap_err());
        refused(acme.design(async |tx| tx.drop_field("thing", "key").await).await.unwrap_err());
        let drop = async |tx: &mut Tx<'_, crate::tx::Designing>| {
            let thing = tx.entity("thing")?;
            tx.drop_entity(&thing).await
        };
        acme.design(async |tx| tx.drop_field("beside", "of").await).await.unwrap();
        refused(acme.design(drop).await.unwrap_err());
        let body = json(r#"{"label": "T"}"#);
        let plan =
            acme.read(async |tx| tx.plan_design(Design::PatchEntity { entity: "thing", body: &body }).await).await;
        let plan = serde_json::to_value(plan.unwrap()).unwrap();
        assert!(plan["conflicts"][0]["message"].as_str().unwrap().contains(&id.to_string()), "{plan}");

        // A table beside it that is made anew, and the whole file with it.
        acme.update_field("beside", "a", &json(r#"{"required": true}"#)).await.unwrap();
        convert(world, &mut held).await;
        held.conclude(&world.engine).await.unwrap();
        assert_eq!(job(world, &acme).await.state, State::Succeeded);
        assert_eq!(value(&acme, ids[399]).await, says(ids[399], r#""399.0""#));
    });
}
