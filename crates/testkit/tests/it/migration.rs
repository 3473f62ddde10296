//! Data of the first version: this program opens it, keeps what was there, and leaves the tables a fresh start makes.

use std::collections::BTreeSet;

use insula_testkit::{Place, Store, TestApp};
use rusqlite::Connection;
use serde_json::json;
use uuid::Uuid;

/// The tenant in the dumps.
const TENANT: Uuid = Uuid::from_u128(0x01A2_0CB5_4B8B_7000_A706_6FD6_BB78_8368);

/// What the first version left behind.
async fn oldest(store: Store) -> Place {
    let place = Place::make(store).await;
    let Some(database) = &place.database else {
        let tenants = place.data_dir.path().join("tenants");
        std::fs::create_dir(&tenants).unwrap();
        for (path, dump) in [
            (place.data_dir.path().join("platform.db"), include_str!("../fixtures/oldest/sqlite_platform.sql")),
            (tenants.join(format!("{TENANT}.db")), include_str!("../fixtures/oldest/sqlite_tenant.sql")),
        ] {
            Connection::open(path).unwrap().execute_batch(dump).unwrap();
        }
        return place;
    };
    // Roles belong to the whole cluster, so each run has its own. A restored database finds its login roles made anew,
    // and those of its tenants come with the cluster's own dump.
    let (tenant, installation) = (fresh(), fresh());
    let (hex, mark) = (tenant.as_simple().to_string(), &installation.as_simple().to_string()[..8]);
    let [platform, member, cell] = ["platform", "member", "cell1"].map(|role| format!("insula_{mark}_{role}"));
    database
        .run_as_owner(&format!(
            "CREATE ROLE {member} NOLOGIN NOBYPASSRLS; \
             CREATE ROLE {platform} LOGIN NOINHERIT NOBYPASSRLS; \
             CREATE ROLE {cell} LOGIN NOINHERIT NOBYPASSRLS; \
             CREATE ROLE insula_t_{hex} NOLOGIN INHERIT NOBYPASSRLS IN ROLE {member}; \
             GRANT insula_t_{hex} TO {cell}"
        ))
        .await;
    let dump = [
        ("{tenant_hex}", hex.as_str()),
        ("{tenant}", &tenant.to_string()),
        ("{installation}", &installation.to_string()),
        ("{platform}", &platform),
        ("{member}", &member),
        ("{cell}", &cell),
        ("{owner}", database.owner()),
    ]
    .iter()
    .fold(include_str!("../fixtures/oldest/postgres.sql").to_owned(), |dump, (name, value)| dump.replace(name, value));
    database.run_as_owner(&dump).await;
    place
}

fn fresh() -> Uuid {
    insula_model::clock::Ids::new(insula_model::clock::Clock::default()).next::<Uuid>()
}

/// Every table, column, key, index, rule and right of the platform's and the tenants' system tables.
async fn shape(place: &Place, tenant: Uuid) -> BTreeSet<String> {
    let Some(database) = &place.database else {
        let mut shape = BTreeSet::new();
        let tenants = place.data_dir.path().join("tenants").join(format!("{tenant}.db"));
        for (name, path) in [("platform", place.data_dir.path().join("platform.db")), ("tenant", tenants)] {
            let file = Connection::open(path).unwrap();
            let version: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            shape.insert(format!("{name} is of version {version}"));
            // The tables of entities are the tenant's own.
            let sql =
                "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE tbl_name NOT LIKE 't\\_%' ESCAPE '\\'";
            let mut statement = file.prepare(sql).unwrap();
            let mut rows = statement.query(()).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let text = |index| row.get::<_, String>(index).unwrap();
                let sql: Vec<String> =
                    text(2).lines().map(|line| line.split("--").next().unwrap().to_owned()).collect();
                let sql = sql.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
                shape.insert(format!("{name} {} {}: {sql}", text(0), text(1)));
            }
        }
        return shape;
    };
    let mark = database.rows("SELECT left(id::text, 8) FROM insula_store.installation").await[0][0].clone().unwrap();
    let rows = database.rows(POSTGRES_SHAPE).await;
    let line = |row: Vec<Option<String>>| {
        row[0].as_ref().unwrap().replace(&format!("insula_{mark}"), "insula").replace(database.owner(), "owner")
    };
    rows.into_iter().map(line).collect()
}

const POSTGRES_SHAPE: &str = "
    WITH ours AS (
        SELECT c.*, n.nspname || '.' || c.relname AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('insula', 'insula_store', 'insula_tenant')
    )
    SELECT concat_ws(' ', relkind, name, relrowsecurity, relforcerowsecurity) FROM ours
    UNION ALL SELECT concat_ws(' ', 'right', name, grantee::regrole, privilege_type)
        FROM ours, aclexplode(coalesce(relacl, acldefault('r', relowner))) WHERE relkind = 'r'
    UNION ALL SELECT concat_ws(' ', 'schema', nspname, grantee::regrole, privilege_type)
        FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) WHERE nspname LIKE 'insula%'
    UNION ALL SELECT concat_ws(' ', 'column', name, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
            attidentity, (SELECT collname FROM pg_collation l WHERE l.oid = attcollation),
            (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum))
        FROM ours JOIN pg_attribute a ON a.attrelid = ours.oid WHERE attnum > 0 AND NOT attisdropped
    UNION ALL SELECT concat_ws(' ', 'key', name, conname, pg_get_constraintdef(k.oid))
        FROM ours JOIN pg_constraint k ON k.conrelid = ours.oid
    UNION ALL SELECT pg_get_indexdef(oid) FROM ours WHERE relkind = 'i'
    UNION ALL SELECT concat_ws(' ', 'policy', name, polname, polcmd, pg_get_expr(polqual, polrelid),
            pg_get_expr(polwithcheck, polrelid))
        FROM ours JOIN pg_policy p ON p.polrelid = ours.oid
    UNION ALL SELECT concat_ws(' ', tables, 'is of version', version) FROM insula_store.migration";

async fn check(store: Store) {
    let (old, new) = (TestApp::over(oldest(store).await, |_| {}).await, TestApp::start(store).await);

    let owner = old.anonymous().login("owner@acme.example").await;
    let notes = owner.get("/records/note").await.expect(200);
    assert_eq!((&notes.items()[0]["title"], &notes.items()[0]["price"]), (&json!("kept"), &json!("1.50")));
    owner.post("/records/note", &json!({"title": "new", "above": notes.items()[0]["id"]})).await.expect(201);
    old.anonymous().login("viewer@acme.example").await.get("/records/note").await.expect(200);
    assert_eq!(owner.get("/users").await.expect(200).items().len(), 2);
    super::sessions::told(&owner, 2).await;
    // One that nobody does would be due for ever, and keep the background turning.
    assert_eq!(old.sql("SELECT name FROM insula.chore").await, [[Some("purge_sessions".to_owned())]]);

    let fresh = new.register("acme").await;
    let tenant = async |owner: &insula_testkit::Caller| {
        let me = owner.get("/auth/me").await.expect(200);
        Uuid::parse_str(me.body["tenant"]["id"].as_str().unwrap()).unwrap()
    };
    let found = shape(old.place(), tenant(&owner).await).await;
    let expected = shape(new.place(), tenant(&fresh).await).await;
    let differ: Vec<_> = found.symmetric_difference(&expected).collect();
    assert!(differ.is_empty(), "{differ:#?}");
    assert!(found.len() > 20, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migrated_store_is_a_fresh_one_on_sqlite() {
    check(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migrated_store_is_a_fresh_one_on_postgres() {
    check(Store::Postgres).await;
}
