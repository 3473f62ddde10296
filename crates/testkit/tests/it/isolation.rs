//! The isolation matrix (requirement H2): every operation of an organisation's document, sent by those who may not, and
//! with every id of another organisation in every place that takes one. A new operation is in it by itself: without a
//! recipe for a request that succeeds it fails.

mod recipes;
mod slots;
mod walls;
mod world;

use insula_testkit::openapi::{Operation, operations};
use insula_testkit::{Caller, Reply, TestApp, both_stores};
use reqwest::Method;
use serde_json::Value;

use self::recipes::{Inputs, recipe};
use self::slots::slots;
use self::world::World;

/// What is not refused although it looks as if it should be: `<operation> <caller>`, one a line. Only ever shorter.
const EXCEPTIONS: &str = include_str!("isolation/exceptions.txt");
/// How many those are; only ever lowered.
const LEFT: usize = 0;

/// An id that nobody ever had.
const NOBODY: &str = "01a20c5a-1b00-7001-8c65-6a83a146c52b";
/// A name that nothing ever had.
const NOTHING: &str = "never_was";

async fn send(caller: &Caller, operation: &Operation, inputs: &Inputs) -> Reply {
    let method: Method = operation.method.parse().unwrap();
    let mut request = caller.request(method, &inputs.path(operation));
    if let Some(body) = &inputs.body {
        request = request.json(body);
    }
    caller.send(request).await
}

/// Runs the whole matrix; gives how many requests were refused.
async fn matrix(world: &World) -> usize {
    let document = world.a.owner.get("/openapi.json").await.expect(200).body;
    let of_viewer = operations(&world.a.viewer.get("/openapi.json").await.expect(200).body);
    let of_other = operations(&world.b.owner.get("/openapi.json").await.expect(200).body);
    let mut run = Run { world, refused: 0, exceptions: EXCEPTIONS.lines().filter(|l| !l.starts_with('#')).collect() };
    assert_eq!(run.exceptions.len(), LEFT, "the list of exceptions only shrinks");
    for operation in operations(&document).into_values() {
        // A caller of its own: the operation may be to sign out.
        let owner = world.a.owner_for(&operation.id).await;
        let inputs = recipe(&operation, &world.a, &owner).await;
        if !operation.is_public() {
            run.others(&operation, &inputs, of_other.get(&operation.id)).await;
            run.slots(&operation, &inputs, &document, of_other.get(&operation.id)).await;
            run.lower(&operation, &inputs, of_viewer.contains_key(&operation.id)).await;
        }
        let done = send(&owner, &operation, &inputs).await;
        assert!(done.status.is_success(), "its owner may: {done:?}");
        let unsaid = operation.undocumented(&document, done.status.as_u16(), done.header("content-type"), &done.body);
        assert_eq!(unsaid, Vec::<String>::new(), "{done:?}");
    }
    assert_eq!(run.exceptions, Vec::<&str>::new(), "these are exceptions no more: strike them out");
    run.refused
}

struct Run<'w> {
    world: &'w World,
    refused: usize,
    exceptions: Vec<&'static str>,
}

impl Run<'_> {
    /// Refused, or on the list.
    fn refused(&mut self, operation: &Operation, caller: &str, reply: &Reply, statuses: &[u16]) {
        let name = format!("{} {caller}", operation.id);
        if let Some(place) = self.exceptions.iter().position(|exception| *exception == name) {
            self.exceptions.swap_remove(place);
            return;
        }
        assert!(statuses.contains(&reply.status.as_u16()), "{name}: {reply:?}");
        assert_eq!(reply.header("content-type"), "application/problem+json", "{name}: {reply:?}");
        self.refused += 1;
    }

    /// The other tenant's owner sends the very request, or one of his own where it names nothing.
    async fn others(&mut self, operation: &Operation, inputs: &Inputs, own: Option<&Operation>) {
        let (a, b) = (&self.world.a, &self.world.b);
        let other = b.owner_for(&operation.id).await;
        let inputs = match own {
            Some(own) if !inputs.names_ids() => recipe(own, b, &other).await,
            _ => inputs.clone(),
        };
        let before = a.state(self.world).await;
        let reply = send(&other, operation, &inputs).await;
        a.is_not_in(&reply, &inputs, &before);
        if own.is_none() || inputs.names_ids() {
            self.refused(operation, "other", &reply, &[404, 409, 422]);
        }
        assert!(a.state(self.world).await == before, "{} changed another tenant", operation.id);
    }

    /// The other tenant's owner sends a request of his own with one id of this tenant: the answer is that to an id which
    /// never existed.
    async fn slots(&mut self, operation: &Operation, theirs: &Inputs, document: &Value, own: Option<&Operation>) {
        let (a, b) = (&self.world.a, &self.world.b);
        let Some(own) = own else { return };
        for slot in slots(operation, theirs, document) {
            let other = b.owner_for(&operation.id).await;
            let fresh = recipe(own, b, &other).await;
            let foreign = slot.read(theirs);
            let nothing = if slot.is_name { NOTHING } else { NOBODY };
            // Both tenants have an entity of this name; one of the other's alone stands for it.
            let foreign = if slot.is_name { "vault" } else { foreign.as_str() };
            let before = a.state(self.world).await;
            let (with_foreign, with_nothing) = (slot.write(&fresh, foreign), slot.write(&fresh, nothing));
            let one = send(&other, own, &with_foreign).await;
            let two = send(&other, own, &with_nothing).await;
            let masked =
                |reply: &Reply, value: &str| reply.text.replace(reply.header("x-request-id"), "").replace(value, "");
            let name = format!("{} {}", operation.id, slot.at);
            assert_eq!((one.status, masked(&one, foreign)), (two.status, masked(&two, nothing)), "{name}");
            if slot.is_filter {
                assert!(one.items().is_empty(), "{name}: {one:?}");
            } else {
                self.refused(operation, &slot.at, &one, &[404, 422]);
            }
            assert!(a.state(self.world).await == before, "{name} changed another tenant");
        }
    }

    /// No token, the token of a member who was removed, a member who may less.
    async fn lower(&mut self, operation: &Operation, inputs: &Inputs, viewer_may: bool) {
        let a = &self.world.a;
        let before = a.data(self.world).await;
        let anyone = self.world.anonymous();
        for (name, caller) in [("anonymous", &anyone), ("removed", &a.gone)] {
            let reply = send(caller, operation, inputs).await;
            self.refused(operation, name, &reply, &[401]);
        }
        // Signed in anew: one of the operations is to sign out.
        let viewer = a.viewer.login(&a.viewer.email).await;
        let reply = send(&viewer, operation, inputs).await;
        if !viewer_may {
            self.refused(operation, "viewer", &reply, &[403, 404]);
        }
        // What he may is to read, and to sign out.
        if operation.id.starts_with("logout") {
            return;
        }
        assert!(a.data(self.world).await == before, "{} changed something for one who may not", operation.id);
    }
}

both_stores! {
    async fn req_h2_no_operation_reaches_another_tenant_or_beyond_a_role(app: TestApp) {
        let world = World::make(app).await;
        let refused = matrix(&world).await;
        assert!(refused > 100, "only {refused} requests were refused");
    }
}
