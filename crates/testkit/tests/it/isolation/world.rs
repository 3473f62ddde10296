//! Two tenants that look alike, each with a word of its own in everything it stores.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use insula_testkit::{Caller, Reply, Store, TestApp};
use serde_json::json;
use uuid::Uuid;

use super::recipes::Inputs;

pub(super) struct World {
    pub(super) app: TestApp,
    /// The one whose data is at stake.
    pub(super) a: Side,
    pub(super) b: Side,
}

pub(super) struct Side {
    pub(super) data_dir: PathBuf,
    pub(super) code: &'static str,
    /// Stands in every text of this tenant and in none of another.
    pub(super) canary: String,
    pub(super) id: Uuid,
    pub(super) owner: Caller,
    pub(super) viewer: Caller,
    /// Was an owner too, and has been removed.
    pub(super) gone: Caller,
    /// The owner's.
    pub(super) account: String,
    /// A ticket that stays.
    pub(super) record: String,
}

/// Rows by table.
pub(super) type State = BTreeMap<String, Vec<String>>;

impl World {
    pub(super) async fn make(app: TestApp) -> Self {
        let a = Side::make(&app, "alpha").await;
        a.owner
            .post(
                "/entities",
                &json!({"name": "vault", "label": a.canary, "fields": [
                    {"name": "name", "type": "text", "label": a.canary},
                ]}),
            )
            .await
            .expect(201);
        a.owner.post("/records/vault", &json!({"name": a.canary})).await.expect(201);
        let b = Side::make(&app, "beta").await;
        Self { app, a, b }
    }

    pub(super) fn anonymous(&self) -> Caller {
        self.app.anonymous()
    }

    pub(super) fn store(&self) -> Store {
        if self.app.place().database.is_some() { Store::Postgres } else { Store::Sqlite }
    }
}

impl Side {
    async fn make(app: &TestApp, code: &'static str) -> Self {
        let canary = format!("canary-of-{code}");
        let owner = app.register(code).await;
        let name = json!({"name": "name", "type": "text", "required": true, "label": canary});
        let customer = json!({"name": "customer", "label": canary, "fields": [name]});
        owner.post("/entities", &customer).await.expect(201);
        owner.post("/entities", &json!({"name": "ticket", "label": canary, "soft_delete": true, "fields": [
            name,
            {"name": "priority", "type": "integer", "label": canary},
            {"name": "customer", "type": "relation", "target": "customer", "on_delete": "cascade", "label": canary},
            {"name": "others", "type": "relations", "target": "customer", "label": canary},
            {"name": "agent", "type": "user", "label": canary},
        ]})).await.expect(201);
        let record = owner.post("/records/ticket", &json!({"name": canary})).await.expect(201).id().to_owned();
        let viewer = owner.user("viewer").await;
        let gone = owner.user_named("gone", "owner").await;
        let id_of = async |caller: &Caller, what: &str| {
            caller.get("/auth/me").await.expect(200).body[what]["id"].as_str().unwrap().to_owned()
        };
        let removed = id_of(&gone, "account").await;
        owner.delete(&format!("/users/{removed}")).await.expect(204);
        let id = id_of(&owner, "tenant").await.parse().unwrap();
        let account = id_of(&owner, "account").await;
        let data_dir = app.place().data_dir.path().to_owned();
        Self { data_dir, code, canary, id, owner, viewer, gone, account, record }
    }

    /// An owner for one operation, signed in anew: it may be to sign out. What changes how one signs in is another's.
    pub(super) async fn owner_for(&self, operation: &str) -> Caller {
        let owner = self.owner.login(&self.owner.email).await;
        if !["Authenticator", "SecondFactor"].iter().any(|what| operation.ends_with(what)) {
            return owner;
        }
        static NEXT: AtomicU32 = AtomicU32::new(0);
        owner.user_named(&format!("other{}", NEXT.fetch_add(1, Ordering::Relaxed)), "owner").await
    }

    /// Everything stored of this tenant, read past the server.
    pub(super) async fn state(&self, world: &World) -> State {
        let place = world.app.place();
        // What is still on its way to his trail is his own doing.
        crate::sessions::waits_for(place, &[]).await;
        let own = self.id.as_simple().to_string();
        let tables = match world.store() {
            Store::Sqlite => {
                "SELECT 'insula_tenant.' || name FROM insula_tenant.sqlite_master WHERE type = 'table'".to_owned()
            }
            Store::Postgres => format!(
                "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('insula_tenant', 'tenant_{own}')"
            ),
        };
        let tables = place.tenant_sql(self.id, &tables).await.into_iter().filter_map(|mut row| row.swap_remove(0));
        let tables: Vec<String> = tables.chain(["insula.membership", "insula.tenant"].map(str::to_owned)).collect();
        let mut state = State::new();
        if world.store() == Store::Postgres {
            // One connection for all of them.
            let rows = tables.iter().map(|table| format!("SELECT '{table}', t::text FROM {table} t"));
            for mut row in place.sql(&rows.collect::<Vec<_>>().join(" UNION ALL ")).await {
                let (row, table) = (row.pop().flatten().unwrap(), row.pop().flatten().unwrap());
                state.entry(table).or_default().push(row);
            }
        } else {
            for table in tables {
                let rows = place.tenant_sql(self.id, &format!("SELECT * FROM {table}")).await;
                state.insert(table, rows.into_iter().map(|row| format!("{row:?}")).collect());
            }
        }
        for (table, rows) in &mut state {
            // The tables that tenants share: their rows carry whose they are.
            if table.starts_with("insula.") || world.store() == Store::Postgres && table.starts_with("insula_tenant.") {
                rows.retain(|row| row.replace('-', "").contains(&own));
            }
            rows.sort();
        }
        assert!(state.values().map(Vec::len).sum::<usize>() > 20, "there is nothing to lose: {state:?}");
        state
    }

    /// The same without the audit trail, where a refusal may leave its mark, and without when somebody last came.
    pub(super) async fn data(&self, world: &World) -> State {
        let mut state = self.state(world).await;
        state.retain(|table, _| !table.contains(".audit_") && table != "insula.membership");
        state
    }

    /// Nothing of this tenant is in an answer to another, but for what the other sent.
    pub(super) fn is_not_in(&self, reply: &Reply, sent: &Inputs, state: &State) {
        let told = format!("{}\n{:?}", reply.text, reply.headers).replace('-', "");
        let sent = format!("{:?} {:?} {:?}", sent.variables, sent.query, sent.body).replace('-', "");
        assert!(!reply.text.contains(&self.canary), "{reply:?}");
        let words = state.values().flatten().flat_map(|row| row.split(|c: char| !c.is_ascii_hexdigit() && c != '-'));
        let ids: BTreeSet<String> = words.map(|word| word.replace('-', "")).filter(|word| word.len() == 32).collect();
        let leaked: Vec<_> = ids.iter().filter(|id| told.contains(*id) && !sent.contains(*id)).collect();
        assert!(leaked.is_empty(), "{leaked:?} in {reply:?}");
    }
}
