//! What is drawn at random. Seeds are numbers that mean something only beside a schema and the records there are, so that
//! any of them fits any other and a failing case shrinks well: fewer steps, smaller numbers, plainer values.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) entities: Vec<EntitySeed>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) struct EntitySeed {
    pub(crate) fields: Vec<FieldSeed>,
    /// Unique keys of two fields.
    pub(crate) pairs: Vec<(u8, u8)>,
    pub(crate) soft_delete: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct FieldSeed {
    pub(crate) kind: u8,
    pub(crate) rules: u8,
    pub(crate) required: bool,
    pub(crate) unique: bool,
    pub(crate) indexed: bool,
    pub(crate) default: Option<u16>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create {
        entity: u8,
        body: Body,
        upsert: Option<u8>,
    },
    Change {
        record: u16,
        body: Body,
        whole: bool,
        guard: Guard,
    },
    Delete {
        record: u16,
        guard: Guard,
    },
    /// `POST /records/{entity}/batch`.
    Batch {
        entity: u8,
        independent: bool,
        create: Vec<Body>,
        update: Vec<(u16, Body, Guard)>,
        delete: Vec<u16>,
    },
    /// `POST /batch`.
    Many(Vec<Operation>),
    Get {
        record: u16,
        view: View,
    },
    List(Query),
    /// The next page of the last list, whatever has changed since.
    More,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Create { entity: u8, body: Body },
    Update { record: u16, body: Body, guard: Guard },
    Delete { record: u16, guard: Guard },
}

/// What the client says of the version it knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Guard {
    None,
    Any,
    Current,
    Stale,
}

#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) picks: Vec<u16>,
    /// A bit for each field that is left out, where it may be.
    pub(crate) left_out: u8,
    /// A field that gets any value, good or bad, or is left out though it may not be.
    pub(crate) wild: Option<(u8, u16)>,
    pub(crate) unknown: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) fields: Option<Vec<u8>>,
    pub(crate) expand: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) entity: u8,
    pub(crate) filter: Option<Filter>,
    pub(crate) sort: Vec<(u8, bool)>,
    pub(crate) view: View,
    pub(crate) limit: Option<u8>,
    pub(crate) count: bool,
    /// Asked by `POST …/query`.
    pub(crate) posted: bool,
    /// With its literals as parameters, where it is posted.
    pub(crate) params: bool,
    /// Pages that are read at once.
    pub(crate) pages: u8,
}

#[derive(Clone, Debug)]
pub(crate) enum Filter {
    Leaf(Leaf),
    Not(Box<Filter>),
    All(Vec<Filter>),
    Any(Vec<Filter>),
}

#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) path: [u8; 4],
    pub(crate) form: u8,
    pub(crate) op: u8,
    pub(crate) other: [u8; 4],
    pub(crate) picks: Vec<u16>,
}

pub(crate) fn case(steps: usize) -> impl Strategy<Value = Case> {
    (vec(entity(), 1..=3), vec(step(), 1..=steps)).prop_map(|(entities, steps)| Case { entities, steps })
}

fn entity() -> impl Strategy<Value = EntitySeed> {
    let pairs = vec(any::<(u8, u8)>(), 0..=1);
    (vec(field(), 1..=7), pairs, any::<bool>()).prop_map(|(fields, pairs, soft_delete)| EntitySeed {
        fields,
        pairs,
        soft_delete,
    })
}

fn field() -> impl Strategy<Value = FieldSeed> {
    let often = |often| prop::bool::weighted(often);
    // Relations are what makes a case interesting: every other field may be one.
    let kind = prop_oneof![2 => any::<u8>(), 1 => Just(7)];
    let default = option::weighted(0.2, any::<u16>());
    (kind, any::<u8>(), often(0.3), often(0.15), often(0.2), default).prop_map(
        |(kind, rules, required, unique, indexed, default)| FieldSeed {
            kind,
            rules,
            required,
            unique,
            indexed,
            default,
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    let picks = vec(prop_oneof![2 => 0..4u16, 1 => any::<u16>()], 7);
    let wild = option::weighted(0.15, any::<(u8, u16)>());
    (picks, any::<u8>(), wild, prop::bool::weighted(0.02)).prop_map(|(picks, left_out, wild, unknown)| Body {
        picks,
        left_out,
        wild,
        unknown,
    })
}

fn guard() -> impl Strategy<Value = Guard> {
    prop_oneof![4 => Just(Guard::None), 3 => Just(Guard::Current), 1 => Just(Guard::Stale), 1 => Just(Guard::Any)]
}

fn step() -> impl Strategy<Value = Step> {
    let create = (any::<u8>(), body(), option::weighted(0.25, any::<u8>()))
        .prop_map(|(entity, body, upsert)| Step::Create { entity, body, upsert });
    let change = (any::<u16>(), body(), prop::bool::weighted(0.3), guard())
        .prop_map(|(record, body, whole, guard)| Step::Change { record, body, whole, guard });
    let delete = (any::<u16>(), guard()).prop_map(|(record, guard)| Step::Delete { record, guard });
    let update = vec((any::<u16>(), body(), guard()), 0..3);
    // Now and then more than the store asks for at once.
    let creates = prop_oneof![9 => vec(body(), 0..5), 1 => vec(body(), 5..20)];
    let batch = (any::<u8>(), any::<bool>(), creates, update, vec(any::<u16>(), 0..3)).prop_map(
        |(entity, independent, create, update, delete)| Step::Batch { entity, independent, create, update, delete },
    );
    let get = (any::<u16>(), view()).prop_map(|(record, view)| Step::Get { record, view });
    prop_oneof![
        8 => create,
        4 => change,
        2 => delete,
        3 => batch,
        2 => vec(operation(), 1..5).prop_map(Step::Many),
        1 => get,
        9 => query().prop_map(Step::List),
        3 => Just(Step::More),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (any::<u8>(), body()).prop_map(|(entity, body)| Operation::Create { entity, body }),
        2 => (any::<u16>(), body(), guard()).prop_map(|(record, body, guard)| Operation::Update { record, body, guard }),
        1 => (any::<u16>(), guard()).prop_map(|(record, guard)| Operation::Delete { record, guard }),
    ]
}

fn view() -> impl Strategy<Value = View> {
    (option::weighted(0.2, vec(any::<u8>(), 1..4)), any::<u8>()).prop_map(|(fields, expand)| View { fields, expand })
}

fn query() -> impl Strategy<Value = Query> {
    let sort = vec((any::<u8>(), any::<bool>()), 0..3);
    let limit = prop_oneof![1 => Just(None), 3 => (1..4u8).prop_map(Some), 1 => (1..40u8).prop_map(Some)];
    let how = (any::<bool>(), any::<bool>(), any::<bool>(), 1..6u8);
    (any::<u8>(), option::weighted(0.8, filter()), sort, view(), limit, how).prop_map(
        |(entity, filter, sort, view, limit, (count, posted, params, pages))| Query {
            entity,
            filter,
            sort,
            view,
            limit,
            count,
            posted,
            params,
            pages,
        },
    )
}

fn filter() -> impl Strategy<Value = Filter> {
    let leaf = (any::<[u8; 4]>(), any::<u8>(), any::<u8>(), any::<[u8; 4]>(), vec(any::<u16>(), 0..4))
        .prop_map(|(path, form, op, other, picks)| Filter::Leaf(Leaf { path, form, op, other, picks }));
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Filter::Not(Box::new(inner))),
            vec(inner.clone(), 1..4).prop_map(Filter::All),
            vec(inner, 1..4).prop_map(Filter::Any),
        ]
    })
}
