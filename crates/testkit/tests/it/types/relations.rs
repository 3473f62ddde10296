//! Fields that link records many to many.

use insula_testkit::{TestApp, both_stores};
use serde_json::{Value, json};

use super::filter;

both_stores! {
    async fn relations_link_many_to_many(app: TestApp) {
        let owner = app.register("links").await;
        owner.post("/entities", &json!({"name": "tag", "fields": [{"name": "name", "type": "text"}]})).await.expect(201);
        let links = |name: &str, target: &str| json!({"name": name, "type": "relations", "target": target});
        for (key, value) in [("required", json!(true)), ("unique", json!(true)), ("indexed", json!(true))] {
            let mut wrong = links("tags", "tag");
            wrong[key] = value;
            let refused = owner.post("/entities", &json!({"name": "x", "fields": [wrong]})).await.expect_problem(422, "out_of_range");
            assert_eq!(refused.body["errors"][0]["pointer"], format!("/fields/0/{key}"));
        }
        let fields = json!([links("tags", "tag"), {"name": "title", "type": "text"}, links("likes", "thing")]);
        let made = owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        assert_eq!(made.body["fields"][0]["target"], "tag");
        assert_eq!(made.body["fields"][2]["target"], "thing");
        let mut tags = Vec::new();
        for name in ["a", "b", "c"] {
            tags.push(owner.post("/records/tag", &json!({"name": name})).await.expect(201).id().to_owned());
        }
        let [a, b, c] = [&tags[0], &tags[1], &tags[2]];

        // A set: shown in the order of the ids, whatever the order it was sent in.
        let one = owner.post("/records/thing", &json!({"title": "one", "tags": [b, a]})).await.expect(201);
        assert_eq!((&one.body["tags"], &one.body["likes"]), (&json!([a, b]), &json!([])));
        let path = format!("/records/thing/{}", one.id());
        assert_eq!(owner.get(&path).await.expect(200).text, one.text);
        let batch = json!({"create": [{"title": "two", "tags": [b]}, {"title": "three"}, {"title": "four", "tags": null, "likes": [one.id()]}]});
        let made = owner.post("/records/thing/batch", &batch).await.expect(200);
        assert_eq!(made.body["created"][0]["tags"], json!([b]));
        let four = made.body["created"][2]["id"].as_str().unwrap();
        let list = owner.get("/records/thing?sort=title&fields=title,tags").await.expect(200);
        let shown: Vec<_> = list.items().iter().map(|thing| thing["tags"].clone()).collect();
        assert_eq!(shown, [json!([]), json!([a, b]), json!([]), json!([b])]);

        let nobody = "0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11";
        for (sent, code, pointer) in [
            (json!([a, nobody]), "no_such_record", "/tags/1"),
            (json!([a, a]), "not_unique", "/tags"),
            (json!(["x"]), "invalid_format", "/tags"),
            (json!([1]), "invalid_type", "/tags"),
            (json!(a), "invalid_type", "/tags"),
            (json!(vec![nobody; 1001]), "too_long", "/tags"),
        ] {
            let refused = owner.post("/records/thing", &json!({"tags": sent})).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer);
            owner.patch(&path, &json!({"tags": sent})).await.expect_problem(422, code);
        }
        assert_eq!(owner.get(&path).await.expect(200).text, one.text);

        for (source, count) in [
            (format!("\"{a}\" in tags"), 1),
            (format!("\"{b}\" in tags"), 2),
            (format!("!(\"{b}\" in tags)"), 2),
            (format!("\"{nobody}\" in tags"), 0),
            (format!("\"{}\" in likes", one.id()), 1),
            ("tags == null".to_owned(), 0),
        ] {
            let found = owner.get(&format!("/records/thing?count=exact&filter={}", filter(&source))).await.expect(200);
            assert_eq!(found.body["total"], count, "{source}");
        }
        owner.get("/records/thing?sort=tags").await.expect_problem(422, "invalid_type");

        let changed = owner.patch(&path, &json!({"tags": [c, b]})).await.expect(200);
        assert_eq!((&changed.body["tags"], &changed.body["version"]), (&json!([b, c]), &json!(2)));
        assert_eq!(owner.get(&path).await.expect(200).text, changed.text);
        let event = owner.get("/audit?entity=thing&limit=1").await.expect(200).items()[0].clone();
        assert_eq!(event["diff"], json!({"tags": {"before": [a, b], "after": [b, c]}}));
        let kept = owner.patch(&path, &json!({"title": "uno"})).await.expect(200);
        assert_eq!(kept.body["tags"], json!([b, c]));

        // The same set is no change, in whatever order it is sent.
        let same = owner.patch(&path, &json!({"tags": [c, b]})).await.expect(200);
        assert_eq!(same.body["version"], 3);
        let operations = json!({"operations": [
            {"op": "create", "entity": "tag", "ref": "new", "data": {"name": "d"}},
            {"op": "create", "entity": "thing", "data": {"title": "five", "tags": [a, "$ref:new"]}},
        ]});
        let made = owner.post("/batch", &operations).await.expect(200);
        let new = made.body["results"][0]["id"].as_str().unwrap();
        assert_eq!(made.body["results"][1]["tags"], json!([a, new]));
        let five = format!("/records/thing/{}", made.body["results"][1]["id"].as_str().unwrap());
        assert_eq!(owner.put(&five, &json!({"title": "fünf"})).await.expect(200).body["tags"], json!([]));

        // Who linked what is deleted is told so, as of any other change.
        owner.delete(&format!("/records/tag/{b}")).await.expect(204);
        let after = owner.get(&path).await.expect(200);
        assert_eq!((&after.body["tags"], &after.body["version"]), (&json!([c]), &json!(4)));
        let gone = owner.get(&format!("/audit?record={b}&limit=1")).await.expect(200);
        assert_eq!(gone.items()[0]["action"], "record.delete");
        let events = owner.get("/audit?entity=thing&limit=2").await.expect(200);
        assert!(events.items().iter().all(|event| event["action"] == "record.update"), "{events:?}");
        let update = events.items().iter().find(|event| event["record_id"] == one.id()).unwrap();
        assert_eq!(update["diff"], json!({"tags": {"before": [b, c], "after": [c]}}));

        owner.delete(&path).await.expect(204);
        let event = owner.get(&format!("/audit?record={}&limit=1", one.id())).await.expect(200).items()[0].clone();
        assert_eq!((&event["action"], &event["before"]["tags"]), (&json!("record.delete"), &json!([c])));
        assert_eq!(owner.get(&format!("/records/thing/{four}")).await.expect(200).body["likes"], json!([]));
        owner.delete("/entities/tag").await.expect_problem(409, "conflict");
        owner.delete("/entities/thing").await.expect(204);
        owner.delete("/entities/tag").await.expect(204);
    }

    /// What a deletion takes with it is unlinked too, and who goes himself is told of once.
    async fn a_deletion_that_cascades_unlinks_what_it_takes(app: TestApp) {
        let owner = app.register("deep").await;
        let cascade = |target: &str| json!({"name": "of", "type": "relation", "target": target, "on_delete": "cascade"});
        owner.post("/entities", &json!({"name": "group", "fields": []})).await.expect(201);
        owner.post("/entities", &json!({"name": "tag", "fields": [cascade("group")]})).await.expect(201);
        let links = |name: &str, target: &str| json!({"name": name, "type": "relations", "target": target});
        let fields = json!([cascade("group"), links("tags", "tag"), links("more", "tag"), links("likes", "thing")]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        let make = async |entity: &str, body: Value| {
            owner.post(&format!("/records/{entity}"), &body).await.expect(201).id().to_owned()
        };
        let group = make("group", json!({})).await;
        let (a, b) = (make("tag", json!({"of": group})).await, make("tag", json!({"of": group})).await);
        let kept = make("tag", json!({})).await;
        let goes = make("thing", json!({"of": group, "tags": [a]})).await;
        owner.patch(&format!("/records/thing/{goes}"), &json!({"likes": [goes]})).await.expect(200);
        let stays = make("thing", json!({"tags": [a, b, kept], "more": [a], "likes": [goes]})).await;
        owner.delete(&format!("/records/group/{group}")).await.expect(204);

        let left = owner.get(&format!("/records/thing/{stays}")).await.expect(200);
        assert_eq!((&left.body["tags"], &left.body["more"], &left.body["likes"]), (&json!([kept]), &json!([]), &json!([])));
        // One change for each link lost, each from where the one before ended.
        let events = owner.get(&format!("/audit?record={stays}")).await.expect(200);
        assert_eq!((events.items().len(), &left.body["version"]), (5, &json!(5)));
        for pair in events.items().windows(2) {
            assert_eq!((&pair[0]["action"], &pair[0]["before"]), (&json!("record.update"), &pair[1]["after"]));
        }
        let links = ["tags", "more", "likes"].map(|name| events.items()[0]["after"][name].clone());
        assert_eq!(links, [json!([kept]), json!([]), json!([])]);
        let events = owner.get(&format!("/audit?record={goes}")).await.expect(200);
        let actions: Vec<_> = events.items().iter().map(|event| event["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["record.delete", "record.update", "record.create"]);
        assert_eq!(events.items()[0]["before"]["likes"], json!([goes]));
    }

    /// A link that is made while its target is deleted is either never there or lost with an event.
    async fn a_link_and_the_deletion_of_its_target_meet(app: TestApp) {
        let owner = app.register("meet").await;
        owner.post("/entities", &json!({"name": "tag", "fields": []})).await.expect(201);
        let fields = json!([{"name": "tags", "type": "relations", "target": "tag"}]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        let tag = owner.post("/records/tag", &json!({})).await.expect(201).id().to_owned();
        let tries = (0..24).map(|i| {
            let (owner, tag) = (owner.clone(), tag.clone());
            tokio::spawn(async move {
                if i == 12 {
                    owner.delete(&format!("/records/tag/{tag}")).await.expect(204);
                    return;
                }
                let made = owner.post("/records/thing", &json!({"tags": [tag]})).await;
                assert!(made.status == 201 || made.status == 422 || made.status == 409, "{made:?}");
            })
        });
        for done in tries.collect::<Vec<_>>() {
            done.await.unwrap();
        }
        let things = owner.get("/records/thing?limit=100").await.expect(200);
        for thing in things.items() {
            assert_eq!(thing["tags"], json!([]));
            let path = format!("/audit?record={}&limit=1", thing["id"].as_str().unwrap());
            assert_eq!(owner.get(&path).await.expect(200).items()[0]["after"]["tags"], json!([]));
        }
        let found = owner.get(&format!("/records/thing?filter={}", filter(&format!("\"{tag}\" in tags")))).await;
        assert_eq!(found.expect(200).items().len(), 0);
    }

    async fn links_are_shown_as_records(app: TestApp) {
        let owner = app.register("shown").await;
        let text = |name: &str| json!({"name": name, "type": "text"});
        let relation = |name: &str, target: &str| json!({"name": name, "type": "relation", "target": target});
        let links = |name: &str, target: &str| json!({"name": name, "type": "relations", "target": target});
        for (name, fields) in [
            ("group", json!([text("name")])),
            ("tag", json!([text("name"), relation("group", "group"), links("near", "tag")])),
            ("thing", json!([text("name"), links("tags", "tag"), relation("main", "tag"), links("likes", "thing")])),
        ] {
            owner.post("/entities", &json!({"name": name, "fields": fields})).await.expect(201);
        }
        let make = async |entity: &str, body: Value| {
            owner.post(&format!("/records/{entity}"), &body).await.expect(201).id().to_owned()
        };
        let group = make("group", json!({"name": "g"})).await;
        let a = make("tag", json!({"name": "a,\"]", "group": group})).await;
        let b = make("tag", json!({"name": "b", "near": [a]})).await;
        let one = make("thing", json!({"name": "one", "tags": [a, b], "main": b})).await;
        make("thing", json!({"name": "three", "tags": [b], "likes": [one]})).await;
        make("thing", json!({"name": "two"})).await;
        let tag = async |id: &str| owner.get(&format!("/records/tag/{id}")).await.expect(200).body;
        let (a, b) = (tag(&a).await, tag(&b).await);

        let got = owner.get(&format!("/records/thing/{one}?expand=tags,likes")).await.expect(200);
        assert_eq!((&got.body["tags"], &got.body["likes"], &got.body["main"]), (&json!([a, b]), &json!([]), &b["id"]));
        let plain = owner.get(&format!("/records/thing/{one}")).await.expect(200);
        let mut folded = got.body.clone();
        folded["tags"] = json!([a["id"], b["id"]]);
        assert_eq!(folded, plain.body);
        let list = owner.get("/records/thing?sort=name&expand=tags&count=exact").await.expect(200);
        let tags: Vec<_> = list.items().iter().map(|thing| thing["tags"].clone()).collect();
        assert_eq!((tags, &list.body["total"]), (vec![json!([a, b]), json!([b]), json!([])], &json!(3)));
        let page = owner.get("/records/thing?sort=name&expand=tags&limit=1&fields=name").await.expect(200);
        let next = format!("/records/thing?sort=name&expand=tags&limit=1&fields=name&cursor={}", page.body["next_cursor"].as_str().unwrap());
        assert_eq!(owner.get(&next).await.expect(200).items()[0]["tags"], json!([b]));
        let query = json!({"expand": "tags", "filter": "name in params.names", "params": {"names": ["one", "two"]}});
        let found = owner.post("/records/thing/query", &query).await.expect(200);
        assert_eq!(found.items().iter().map(|thing| thing["tags"].as_array().unwrap().len()).sum::<usize>(), 2);

        // On from links, and to links over a relation.
        let deep = owner.get(&format!("/records/thing/{one}?expand=tags.group,main.near")).await.expect(200);
        assert_eq!((&deep.body["tags"][0]["group"]["name"], &deep.body["tags"][1]["group"]), (&json!("g"), &Value::Null));
        assert_eq!(deep.body["main"]["near"], json!([a]));
        for (expand, code) in [
            ("tags.near", "not_supported"),
            ("likes.tags", "not_supported"),
            ("tags.zz", "unknown_field"),
            ("tags.name", "invalid_type"),
            ("likes.main.group.zz", "out_of_range"),
        ] {
            owner.get(&format!("/records/thing?expand={expand}")).await.expect_problem(422, code);
        }
        // What is shown in place of ids has room for so much.
        let long = "x".repeat(10_000);
        let big = json!([{"name": "text", "type": "text", "max_length": 10_000}]);
        owner.post("/entities", &json!({"name": "big", "fields": big})).await.expect(201);
        owner.post("/entities", &json!({"name": "shelf", "fields": [links("bigs", "big")]})).await.expect(201);
        let create = vec![json!({"text": long}); 90];
        let made = owner.post("/records/big/batch", &json!({"create": create})).await.expect(200);
        let ids: Vec<_> = made.body["created"].as_array().unwrap().iter().map(|big| big["id"].clone()).collect();
        let create = vec![json!({"bigs": ids}); 20];
        owner.post("/records/shelf/batch", &json!({"create": create})).await.expect(200);
        let few = owner.get("/records/shelf?expand=bigs&limit=10").await.expect(200);
        assert_eq!(few.items()[9]["bigs"][89]["text"], long);
        let refused = owner.get("/records/shelf?expand=bigs").await.expect_problem(422, "out_of_range");
        assert_eq!(refused.body["errors"][0]["pointer"], "/expand");
    }
}
