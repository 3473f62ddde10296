//! What rights cost a write: no word with the store, where they can be judged by the record itself.

use super::*;
use crate::grant::Create;

const FIELDS: &str = r#"{"read":["title"],"write":["title"]}"#;

/// Whether a creation has heard of the store before it commits.
async fn asks(scope: &Scope) -> bool {
    let body = json(r#"{"title":"x"}"#);
    let work = async |tx: &mut crate::tx::Tx<'_, crate::tx::Writing>| {
        let grant = tx.authorize::<Create>(&tx.entity("item")?)?;
        let record = grant.draft(&body)?;
        tx.insert(&grant, record).await?;
        Ok(tx.store.is_confirmed())
    };
    scope.write(work).await.unwrap()
}

#[test]
fn a_right_costs_a_write_no_round_trip_unless_its_rule_leads_elsewhere() {
    on_scratch(async |scratch| {
        let postgres = StoreOptions::Postgres { url: scratch.url(), cell_tenant_limit: 1000 };
        let world = World::new(postgres, Registration::Open).await;
        let owner = world.owner("acme").await;
        let entity = json(
            r#"{"name":"item","fields":[{"name":"title","type":"text"},{"name":"cost","type":"integer"},
                {"name":"parent","type":"relation","target":"item","on_delete":"restrict"}]}"#,
        );
        owner.design(async |tx| tx.create_entity(&entity).await).await.unwrap();
        let rows = |rule: &str| format!(r#","where":"{rule}""#);
        let of = |scope: &str, more: &str| {
            format!(r#"[{{"resource":"records:item","actions":["create","read"],"scope":"{scope}"{more}}}]"#)
        };
        let masked = of("tenant", &format!(r#","fields":{FIELDS}"#));
        let roles = [
            ("plain", of("tenant", "")),
            ("masked", masked),
            ("own", of("own", "")),
            ("ruled", of("tenant", &rows("title == 'x'"))),
            ("led", of("tenant", &rows("title == 'x' || record.parent.title == 'x'"))),
        ];
        for (code, grants) in &roles {
            let role = json(&format!(r#"{{"code":"{code}","name":"R","grants":{grants}}}"#));
            owner.alter(async |tx| tx.create_role(&role).await).await.unwrap();
        }
        let asked = async |role: &str| {
            let email = format!("{role}@acme.example");
            create(&owner, &user(&email, role)).await.unwrap();
            let scope = world.scope(&world.login(&email, PASSWORD).await.unwrap()).await.unwrap();
            // The first makes known what the next believes.
            asks(&scope).await;
            asks(&scope).await
        };
        asks(&owner).await;
        assert!(!asks(&owner).await);
        for role in ["admin", "editor", "plain", "masked", "own", "ruled"] {
            assert!(!asked(role).await, "{role}");
        }
        assert!(asked("led").await);
        world.engine.close().await;
    });
}
