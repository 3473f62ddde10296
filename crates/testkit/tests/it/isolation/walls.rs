//! The matrix with either wall taken down on purpose (requirement H2), from outside of the server.

use std::path::Path;

use insula_testkit::openapi::operations;
use insula_testkit::{Store, TestApp};
use tokio_postgres::Client;

use super::recipes::recipe;
use super::world::{Side, World};
use super::{matrix, send};

/// Every operation of the other tenant, as its owner: what it answers, nothing of the first is in it. Gives how many
/// succeeded.
async fn attack(world: &World) -> usize {
    let (a, b) = (&world.a, &world.b);
    let state = a.state(world).await;
    let document = a.owner.get("/openapi.json").await.expect(200).body;
    let mut succeeded = 0;
    // Of the sign-in itself: no tenant's store is asked.
    let of_sign_in = |id: &str| {
        ["logout", "listSessions", "endSession", "changePassword"].contains(&id) || id.ends_with("Authenticator")
    };
    for operation in operations(&document).into_values().filter(|o| !o.is_public() && !of_sign_in(&o.id)) {
        let mut inputs = recipe(&operation, a, &a.owner).await;
        // In words of his own: what he makes of them comes back to him later.
        inputs.body = inputs.body.map(|body| body.to_string().replace(&a.canary, "own").parse().unwrap());
        let reply = send(&b.owner, &operation, &inputs).await;
        a.is_not_in(&reply, &inputs, &state);
        succeeded += usize::from(reply.status.is_success());
    }
    succeeded
}

fn role(side: &Side) -> String {
    format!("insula_t_{}", side.id.as_simple())
}

fn schema(side: &Side) -> String {
    format!("tenant_{}", side.id.as_simple())
}

/// Makes the statements of `b` name the tables of `a`: the schemas change their names, and the catalogue of `b` holds
/// the entities of `a`.
async fn confuse(admin: &Client, a: &Side, b: &Side) {
    let (of_a, of_b) = (schema(a), schema(b));
    let sql = format!(
        "ALTER SCHEMA {of_a} RENAME TO insula_swap; ALTER SCHEMA {of_b} RENAME TO {of_a}; ALTER SCHEMA insula_swap RENAME TO {of_b};
         DELETE FROM insula_tenant.entity WHERE tenant_id = '{b}';
         INSERT INTO insula_tenant.entity (tenant_id, id, name, position, definition)
             SELECT '{b}', id, name, position, definition FROM insula_tenant.entity WHERE tenant_id = '{a}';
         UPDATE insula_tenant.tenant SET schema_version = schema_version + 1 WHERE tenant_id = '{b}'",
        a = a.id,
        b = b.id
    );
    admin.batch_execute(&sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_h2_postgres_denies_a_statement_that_names_another_tenant() {
    let world = World::make(TestApp::start(Store::Postgres).await).await;
    let (a, b) = (&world.a, &world.b);
    let admin = world.app.place().database.as_ref().unwrap().superuser().await;
    confuse(&admin, a, b).await;
    // What a node believes of a model for a second, it must not believe any more.
    let mut confused = TestAppRestarted(world);
    confused.restart().await;
    let world = &confused.0;
    let (a, b) = (&world.a, &world.b);
    for path in ["/records/ticket", &format!("/records/ticket/{}", a.record), "/records/vault", "/records/customer"] {
        let reply = b.owner.get(path).await;
        assert_eq!(reply.status, 500, "{reply:?}");
        assert!(!reply.text.contains(&a.canary), "{reply:?}");
    }
    // So that it is known what denied: without that wall as well, they are there to be read.
    let open = format!(
        "GRANT USAGE ON SCHEMA {0} TO {1}; GRANT SELECT ON ALL TABLES IN SCHEMA {0} TO {1}",
        schema(b),
        role(b)
    );
    admin.batch_execute(&open).await.unwrap();
    let leaked = b.owner.get("/records/ticket").await.expect(200);
    assert!(leaked.text.contains(&a.canary), "{leaked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_h2_sqlite_refuses_a_file_of_another_tenant() {
    let mut world = World::make(TestApp::start(Store::Sqlite).await).await;
    world.app.stop().await;
    let tenants = world.app.place().data_dir.path().join("tenants");
    confuse_file(&tenants, &world.a, &world.b);
    let mut confused = TestAppRestarted(world);
    confused.restart().await;
    let (a, b) = (&confused.0.a, &confused.0.b);
    assert_eq!(b.owner.get("/records/ticket").await.status, 500);
    let succeeded = attack(&confused.0).await;
    assert_eq!(succeeded, 0, "something of another's file was answered");
    a.owner.get(&format!("/records/ticket/{}", a.record)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_h2_the_application_filters_where_the_store_does_not() {
    let mut world = World::make(TestApp::start(Store::Postgres).await).await;
    let admin = world.app.place().database.as_ref().unwrap().superuser().await;
    let logins = "SELECT DISTINCT usename::text FROM pg_stat_activity
                  WHERE datname = current_database() AND usename LIKE 'insula\\_%\\_cell%'";
    let mut roles: Vec<String> = admin.query(logins, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(!roles.is_empty(), "no cell is connected");
    roles.extend([role(&world.a), role(&world.b)]);
    for role in &roles {
        admin.batch_execute(&format!("ALTER ROLE {role} SUPERUSER")).await.unwrap();
    }
    // The store's wall is down: this role of the one reads the other's rows.
    let all =
        format!("SET ROLE {}; SELECT count(DISTINCT tenant_id) FROM insula_tenant.member; RESET ROLE", role(&world.b));
    let seen = admin.simple_query(&all).await.unwrap();
    let count = seen.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    assert_eq!(count.as_deref(), Some("2"));
    let refused = matrix(&world).await;
    // One of the operations ended every other session.
    for side in [&mut world.a, &mut world.b] {
        side.owner = side.owner.login(&side.owner.email).await;
    }
    let succeeded = attack(&world).await;
    for role in &roles {
        admin.batch_execute(&format!("ALTER ROLE {role} NOSUPERUSER")).await.unwrap();
    }
    assert!(refused > 100 && succeeded > 0, "{refused} refused, {succeeded} answered");
}

/// Makes the file of `b` that of `a`, with everything in it that `b` needs to be let in and to find the entities of `a`: of
/// the walls, the file's owner alone is left.
fn confuse_file(tenants: &Path, a: &Side, b: &Side) {
    let file = |side: &Side| tenants.join(format!("{}.db", side.id));
    let own = tenants.join("own.db");
    std::fs::rename(file(b), &own).unwrap();
    std::fs::copy(file(a), file(b)).unwrap();
    let connection = rusqlite::Connection::open(file(b)).unwrap();
    connection.execute("ATTACH ?1 AS own", [own.to_str().unwrap()]).unwrap();
    let id = |side: &Side| format!("x'{}'", side.id.as_simple());
    let sql = format!(
        "UPDATE entity SET tenant_id = {b} WHERE tenant_id = {a};
         INSERT INTO tenant SELECT * FROM own.tenant;
         INSERT INTO role SELECT * FROM own.role;
         INSERT INTO member SELECT * FROM own.member;
         INSERT INTO member_role SELECT * FROM own.member_role;",
        a = id(a),
        b = id(b)
    );
    connection.execute_batch(&sql).unwrap();
}

/// A world whose callers have to be told the server's new address.
struct TestAppRestarted(World);

impl TestAppRestarted {
    async fn restart(&mut self) {
        let world = &mut self.0;
        world.app.restart().await;
        let url = world.app.url().to_owned();
        for side in [&mut world.a, &mut world.b] {
            for caller in [&mut side.owner, &mut side.viewer, &mut side.gone] {
                *caller = caller.at(&url);
            }
        }
    }
}
