//! Who may reach what.

use insula_model::value::Value;
use secrecy::ExposeSecret as _;
use tokio_postgres::error::SqlState;

use super::scratch::{insert, on_scratch, read, strings, table};
use crate::store::postgres::error::Told;
use crate::store::postgres::names;
use crate::store::postgres::seal::Seal;
use crate::store::{Placement, StoreError};

const SYSTEM_TABLES: [&str; 7] = ["tenant", "entity", "role", "member", "member_role", "audit_event", "audit_payload"];

fn denied<T>(result: Result<T, StoreError>) -> bool {
    let Err(StoreError::Other(cause)) = result else { return false };
    cause.downcast_ref::<Told>().unwrap().0.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
}

#[test]
fn a_tenant_sees_its_own_rows_and_no_others() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let (a, b) = (scratch.tenant(&stores).await, scratch.tenant(&stores).await);
        insert(&stores, a, 1, "a's").await;
        insert(&stores, b, 2, "b's").await;

        for (own, other) in [(a, b), (b, a)] {
            let rows = read(&stores, own, &format!("SELECT title FROM {}", table(own))).await.unwrap();
            assert_eq!(rows.len(), 1);
            for sql in [
                format!("SELECT title FROM {}", table(other)),
                format!("INSERT INTO {} (id) VALUES (9)", table(other)),
                "CREATE TABLE public.mine ()".to_owned(),
                format!("CREATE TABLE {} ()", table(own)),
                "SELECT 1 FROM insula.account".to_owned(),
                "SELECT 1 FROM insula_store.login_role".to_owned(),
            ] {
                let mut tx = stores.tenant_write(own).await.unwrap();
                assert!(tx.query(&sql, &[]).await.is_err(), "{sql}");
            }
            assert!(denied(read(&stores, own, &format!("SELECT title FROM {}", table(other))).await));

            // Row-level security, whatever the statement forgets.
            let rows = read(&stores, own, "SELECT tenant_id FROM insula_tenant.tenant").await.unwrap();
            assert_eq!(rows.len(), 1);
            assert_eq!(rows[0].id::<insula_model::id::TenantId>(0).unwrap(), own.tenant);
            let mut tx = stores.tenant_write(own).await.unwrap();
            let foreign = "INSERT INTO insula_tenant.role VALUES ($1, $1, 'x', 'x', false, '[]')";
            assert!(denied(tx.execute(foreign, &[&Value::Uuid(other.tenant.uuid())]).await));
        }
    });
}

#[test]
fn every_system_table_stands_behind_row_level_security() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let admin = scratch.inside().await;
        let open = strings(
            &admin,
            "SELECT relname::text FROM pg_class c WHERE relnamespace = 'insula_tenant'::regnamespace
             AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity
             AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid))",
        )
        .await;
        assert_eq!(open, Vec::<String>::new());

        // The plain owner too sees nothing without the setting, or with a wrong one.
        let owner = scratch.as_role(&scratch.owner(), "plain").await.unwrap();
        for setting in ["", "00000000-0000-0000-0000-000000000001"] {
            owner.batch_execute(&format!("SET insula.tenant = '{setting}'")).await.unwrap();
            for table in SYSTEM_TABLES {
                let rows = owner.query(&format!("SELECT 1 FROM insula_tenant.{table}"), &[]).await.unwrap();
                assert!(rows.is_empty(), "{table}");
            }
        }
        owner.batch_execute(&format!("SET insula.tenant = '{}'", a.tenant)).await.unwrap();
        assert_eq!(owner.query("SELECT 1 FROM insula_tenant.tenant", &[]).await.unwrap().len(), 1);
    });
}

#[test]
fn login_roles_can_do_nothing_of_their_own() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let mark = scratch.mark().await.unwrap();
        let admin = scratch.inside().await;
        let sealed: Vec<u8> = admin
            .query_one(
                "SELECT sealed_password FROM insula_store.login_role WHERE name = $1",
                &[&format!("{mark}cell1")],
            )
            .await
            .unwrap()
            .get(0);
        let login = format!("{mark}cell1");
        let password = Seal::new(&"the secret".into()).open(&login, &sealed).unwrap();
        let client = scratch.as_role(&login, password.expose_secret()).await.unwrap();
        client.batch_execute(&format!("SET insula.tenant = '{}'", a.tenant)).await.unwrap();
        for sql in [
            format!("SELECT 1 FROM {}", table(a)),
            "SELECT 1 FROM insula_tenant.tenant".to_owned(),
            "SELECT 1 FROM insula.account".to_owned(),
            "SELECT 1 FROM insula_store.login_role".to_owned(),
            "CREATE TABLE public.mine ()".to_owned(),
            "CREATE SCHEMA mine".to_owned(),
            "CREATE TEMPORARY TABLE mine ()".to_owned(),
            format!("SET ROLE {mark}platform"),
            format!("SET ROLE {}", scratch.owner()),
        ] {
            let error = client.batch_execute(&sql).await.unwrap_err();
            assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}");
        }
        assert!(scratch.as_role(&login, "wrong").await.is_err());
    });
}

#[test]
fn the_audit_trail_only_grows() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let event = Value::Uuid(scratch.ids.next());
        let tenant = Value::Uuid(a.tenant.uuid());
        let mut tx = stores.tenant_write(a).await.unwrap();
        let add = "INSERT INTO insula_tenant.audit_event VALUES ($1, $2, now(), 'x', NULL, NULL, NULL, '')";
        assert_eq!(tx.execute(add, &[&tenant, &event]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(read(&stores, a, "SELECT id FROM insula_tenant.audit_event").await.unwrap().len(), 1);
        let mut platform = stores.platform_write().await.unwrap();
        let add = "INSERT INTO insula.platform_event VALUES ($1, now(), 'x', 'y', NULL, NULL, '', '', $1)";
        assert_eq!(platform.execute(add, &[&event]).await.unwrap(), 1);
        platform.commit().await.unwrap();

        for sql in [
            "UPDATE insula_tenant.audit_event SET action = 'y'",
            "DELETE FROM insula_tenant.audit_event",
            "TRUNCATE insula_tenant.audit_event",
            "UPDATE insula_tenant.audit_payload SET salt = ''",
            "DELETE FROM insula_tenant.audit_payload",
            "TRUNCATE insula_tenant.audit_payload",
            "DELETE FROM insula_tenant.tenant",
            "DELETE FROM insula_tenant.entity",
        ] {
            let mut tx = stores.tenant_write(a).await.unwrap();
            assert!(denied(tx.execute(sql, &[]).await), "{sql}");
        }
        for sql in [
            "UPDATE insula.platform_event SET action = 'y'",
            "DELETE FROM insula.platform_event",
            "TRUNCATE insula.platform_event",
            "SELECT 1 FROM insula_tenant.audit_event",
            "SELECT 1 FROM insula_store.login_role",
        ] {
            let mut tx = stores.platform_write().await.unwrap();
            assert!(denied(tx.execute(sql, &[]).await), "{sql}");
        }
    });
}

#[test]
fn a_read_cannot_write_and_a_stranger_has_no_store() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let insert = format!("INSERT INTO {} (id) VALUES (1)", table(a));
        assert!(read(&stores, a, &insert).await.is_err());
        let stranger = Placement { tenant: scratch.ids.next(), cell: 1 };
        assert!(stores.tenant_write(stranger).await.is_err());
        assert!(read(&stores, stranger, "SELECT 1").await.is_err());
        assert!(stores.tenant_read(Placement { cell: 7, ..a }).await.is_err());
    });
}

/// A session that is not let into a tenant's role is not asked again: it may never learn that it may.
#[test]
fn a_session_that_is_refused_a_role_is_given_up() {
    on_scratch(async |scratch| {
        let stores = scratch.open_narrow().await;
        let a = scratch.tenant(&stores).await;
        let session = async || read(&stores, a, "SELECT pg_backend_pid()::bigint").await;
        let first = session().await.unwrap()[0].int(0).unwrap();
        // It wears another's guise, so that it has to be let in again.
        let b = scratch.tenant(&stores).await;
        let same = read(&stores, b, "SELECT pg_backend_pid()::bigint").await.unwrap()[0].int(0).unwrap();
        assert_eq!(same, first);
        let admin = scratch.inside().await;
        let (role, login) = (names::role(a.tenant), &stores.cell(1).await.unwrap().login);
        admin.batch_execute(&format!("REVOKE {role} FROM {login}")).await.unwrap();
        for refused in [session().await.map(drop), stores.tenant_write(a).await.map(drop)] {
            assert!(matches!(refused, Err(StoreError::Crossed(_))), "{refused:?}");
        }
        admin.batch_execute(&format!("GRANT {role} TO {login}")).await.unwrap();
        assert_ne!(session().await.unwrap()[0].int(0).unwrap(), first);
    });
}

/// The whole pool has a wrong memory: its login role is another than it signed in as, of the same name.
#[test]
fn a_transaction_outlives_the_sessions_that_refuse_it_its_role() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let (role, cell) = (names::role(a.tenant), stores.cell(1).await.unwrap());
        let login = &cell.login;
        let admin = scratch.inside().await;
        for next in ["read", "write"] {
            let mut held = Vec::new();
            for _ in 0..cell.serving.status().max_size {
                let mut tx = stores.tenant_read(a).await.unwrap();
                tx.query("SELECT 1", &[]).await.unwrap();
                held.push(tx);
            }
            drop(held);
            let password =
                strings(&admin, &format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{login}'")).await;
            admin
                .batch_execute(&format!(
                    "DROP OWNED BY {login}; DROP ROLE {login};
                     CREATE ROLE {login} LOGIN NOINHERIT NOBYPASSRLS PASSWORD '{}' IN ROLE {role};
                     GRANT CONNECT ON DATABASE {} TO {login}",
                    password[0],
                    scratch.owner()
                ))
                .await
                .unwrap();
            let let_in = match next {
                "read" => read(&stores, a, "SELECT 1").await.map(drop),
                _ => stores.tenant_write(a).await.map(drop),
            };
            assert!(let_in.is_ok(), "{next}: {let_in:?}");
        }
    });
}
