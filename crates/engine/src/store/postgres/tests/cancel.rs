//! A future may be dropped at any await: the next borrower of the session, another tenant, must see nothing of it.

use insula_model::value::Value;

use super::scratch::{Scratch, count, on_scratch, read, read_one, strings, table};
use crate::cancel::polled;
use crate::store::postgres::{Stores, names};
use crate::store::{Placement, Row, StoreError};

/// The neighbour on the same session is itself and nobody else, and works.
async fn check_neighbour(stores: &Stores, neighbour: Placement, stranger: Placement) {
    let who = "SELECT current_user::text, current_setting('insula.tenant'), pg_current_xact_id_if_assigned() IS NULL";
    // Putting the neighbour's guise on, wearing it, and wearing it without a transaction.
    for rows in [
        read(stores, neighbour, who).await.unwrap(),
        read(stores, neighbour, who).await.unwrap(),
        read_one(stores, neighbour, who).await.unwrap(),
    ] {
        assert_eq!(rows[0].text(0).unwrap(), names::role(neighbour.tenant));
        assert_eq!(rows[0].text(1).unwrap(), neighbour.tenant.to_string());
        assert!(rows[0].bool(2).unwrap());
    }
    assert_eq!(count(stores, neighbour).await, 0);
    let of_the_stranger = format!("SELECT 1 FROM {}", table(stranger));
    assert!(read(stores, neighbour, &of_the_stranger).await.is_err());
    assert!(read_one(stores, neighbour, &of_the_stranger).await.is_err());
    let mut tx = stores.tenant_write(neighbour).await.unwrap();
    tx.execute(&format!("INSERT INTO {} (id) VALUES (1)", table(neighbour)), &[]).await.unwrap();
    tx.rollback().await.unwrap();
}

/// Two rows, or none; with `salt` in the text the statements are new to the session, and get prepared.
async fn two_rows(stores: &Stores, placement: Placement, first: i64, salt: &str) -> Result<(), StoreError> {
    let mut tx = stores.tenant_write(placement).await?;
    let sql = format!("INSERT INTO {} (id, title) VALUES ($1, 'x') /* {salt} */", table(placement));
    tx.execute(&sql, &[&Value::Int(first)]).await?;
    tx.query(&format!("SELECT id FROM {}", table(placement)), &[]).await?;
    let sets = vec![vec![Value::Int(first + 1)]];
    tx.send(&sql, sets).await?;
    tx.commit().await
}

async fn setting(scratch: &Scratch) -> (Stores, Placement, Placement) {
    let stores = scratch.open_narrow().await;
    let (a, b) = (scratch.tenant(&stores).await, scratch.tenant(&stores).await);
    (stores, a, b)
}

#[test]
fn a_write_given_up_anywhere_is_rolled_back_or_whole() {
    on_scratch(async |scratch| {
        let (stores, a, b) = setting(scratch).await;
        for warm in [false, true] {
            let mut polls = 0;
            loop {
                let first = i64::try_from(polls).unwrap() * 2 + if warm { 1_000_000 } else { 0 };
                let salt = if warm { String::new() } else { format!("{polls}") };
                let done = polled(two_rows(&stores, a, first, &salt), polls).await;
                check_neighbour(&stores, b, a).await;
                let sql = format!("SELECT id FROM {} WHERE id IN ({first}, {})", table(a), first + 1);
                let left = read(&stores, a, &sql).await.unwrap().len();
                match done {
                    Some(result) => {
                        result.unwrap();
                        assert_eq!(left, 2);
                        break;
                    }
                    None => assert!(left == 0 || left == 2, "{left} after {polls} polls"),
                }
                polls += 1;
            }
            assert!(polls > 4, "{polls}");
        }
    });
}

/// Gives a read of `a` up after 0, 1, 2 … polls, until it ends by itself; each is begun behind what `before` does.
async fn give_up_reads(
    scratch: &Scratch,
    read: impl AsyncFn(&Stores, Placement, &str) -> Result<Vec<Row>, StoreError>,
    before: impl AsyncFn(&Stores, Placement),
) {
    let (stores, a, b) = setting(scratch).await;
    let mut polls = 0;
    loop {
        before(&stores, a).await;
        let sql = format!("SELECT id, '{polls}' FROM {}", table(a));
        let done = polled(Box::pin(read(&stores, a, &sql)), polls).await;
        scratch.check_all_at_rest(&stores).await;
        check_neighbour(&stores, b, a).await;
        if let Some(result) = done {
            result.unwrap();
            break;
        }
        polls += 1;
    }
    assert!(polls > 1, "{polls}");
}

#[test]
fn a_read_given_up_anywhere_leaves_nothing() {
    on_scratch(async |scratch| give_up_reads(scratch, read, async |_, _| {}).await);
}

#[test]
fn a_read_of_one_statement_given_up_anywhere_leaves_nothing() {
    on_scratch(async |scratch| {
        give_up_reads(scratch, read_one, async |_, _| {}).await;
        // In a session that wears the tenant's guise already.
        let wear = async |stores: &Stores, a| drop(read(stores, a, "SELECT 1").await.unwrap());
        give_up_reads(scratch, read_one, wear).await;
    });
}

#[test]
fn a_schema_change_given_up_anywhere_is_none() {
    on_scratch(async |scratch| {
        let (stores, a, b) = setting(scratch).await;
        let admin = scratch.inside().await;
        let mut polls = 0;
        loop {
            let change = async {
                let mut tx = stores.tenant_alter(a).await?;
                tx.ddl(&format!("ALTER TABLE {} ADD COLUMN extra text", table(a))).await?;
                let up = "UPDATE insula_tenant.tenant SET schema_version = schema_version + 1 RETURNING schema_version";
                tx.query(up, &[]).await?;
                tx.commit().await
            };
            let done = polled(change, polls).await;
            // In line behind whatever was on its way.
            let versions = stores.tenant_alter(b).await.unwrap().versions().unwrap();
            assert_eq!((versions.schema, versions.grants), (1, 1));
            check_neighbour(&stores, b, a).await;
            let versions = stores.tenant_alter(a).await.unwrap().versions().unwrap();
            let changed = strings(&admin, &format!("SELECT title FROM {} LIMIT 0", table(a))).await.is_empty()
                && admin.query(&format!("SELECT extra FROM {}", table(a)), &[]).await.is_ok();
            assert_eq!(changed, versions.schema == 2);
            match done {
                Some(result) => {
                    result.unwrap();
                    break;
                }
                None if changed => break,
                None => polls += 1,
            }
        }
        assert!(polls > 2, "{polls}");
    });
}

#[test]
fn a_registration_given_up_anywhere_leaves_no_schema_and_no_role() {
    on_scratch(async |scratch| {
        let (stores, a, _) = setting(scratch).await;
        let admin = scratch.inside().await;
        let mut polls = 0;
        loop {
            let tenant = scratch.ids.next();
            let done = polled(stores.create_tenant(tenant), polls).await;
            let finished = done.is_some();
            drop(done);
            drop(stores.tenant_alter(a).await.unwrap());
            let role = format!("SELECT rolname::text FROM pg_roles WHERE rolname = '{}'", names::role(tenant));
            let schema = format!("SELECT nspname::text FROM pg_namespace WHERE nspname = '{}'", names::schema(tenant));
            assert!(strings(&admin, &role).await.is_empty(), "{polls}");
            assert!(strings(&admin, &schema).await.is_empty(), "{polls}");
            if finished {
                break;
            }
            polls += 1;
        }
        assert!(polls > 1, "{polls}");
        assert_eq!(stores.tenant_stores().await.unwrap().len(), 2);
    });
}
