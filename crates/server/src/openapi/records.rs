//! What records look like: those of one entity as its caller may use them, or those of any.

use insula_engine::entity::UsableEntity;
use insula_model::entity::{DELETED_AT, FieldKind, SystemField};
use insula_model::expr::{MAX_LENGTH, MAX_PARAM_LIST};
use insula_model::rights::Action;
use serde_json::{Map, Value, json};

use super::fields;
use super::operation::Parameter;
use super::schema::{Member, Schema, optional, page, required};

/// Whose records.
pub(crate) enum Shape<'s> {
    /// Of whichever entity the path names.
    Any,
    /// Of this entity.
    Of(&'s UsableEntity),
}

impl Shape<'_> {
    /// The entity's label for many, to be told in a summary.
    pub(crate) fn plural(&self) -> String {
        match self {
            Self::Any => "records".to_owned(),
            Self::Of(entity) => entity.plural_label.clone(),
        }
    }

    pub(crate) fn one(&self) -> String {
        match self {
            Self::Any => "a record".to_owned(),
            Self::Of(entity) => format!("one of {}", entity.plural_label),
        }
    }

    fn named(&self, name: &str, schema: Schema) -> Schema {
        match self {
            Self::Any => Schema::named(name, schema),
            Self::Of(entity) => Schema::named(format!("{name}_{}", entity.name), schema),
        }
    }

    fn allows(&self, action: Action) -> bool {
        match self {
            Self::Any => true,
            Self::Of(entity) => entity.allows(action),
        }
    }

    /// Whether deleted records can be asked for.
    fn shows_deleted(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Of(entity) => entity.keeps_deleted && entity.allows(Action::Delete) && entity.allows(Action::Read),
        }
    }

    /// A record as it is read; of its members only the id is always there, since `fields` chooses.
    pub(crate) fn record(&self) -> Schema {
        if !self.allows(Action::Read) {
            let members = [required("id", Schema::uuid()), required("version", version())];
            return self.named("Record", Schema::output(members));
        }
        let system = SystemField::ALL.into_iter().map(|field| {
            let schema = match field {
                SystemField::Id | SystemField::CreatedBy | SystemField::UpdatedBy => Schema::uuid(),
                SystemField::CreatedAt | SystemField::UpdatedAt => Schema::datetime(),
                SystemField::Version => version(),
            };
            if field == SystemField::Id { required(field.name(), schema) } else { optional(field.name(), schema) }
        });
        let deleted_at = Schema::datetime().described("Of a deleted record, where `deleted` asks for them.");
        let system = system.chain(self.shows_deleted().then(|| optional(DELETED_AT, deleted_at)));
        let schema = match self {
            Self::Any => Schema::output(system).described("The entity's fields by their names, and these."),
            Self::Of(entity) => {
                let readable = entity.fields.iter().filter(|field| field.allows(Action::Read));
                let own = readable.map(|field| optional(field.field.name.as_str(), fields::read(field)));
                Schema::output(system.chain(own)).with("title", entity.label.as_str())
            }
        };
        self.named("Record", schema)
    }

    /// A record as it is answered to its author: every member the caller may read, where he is sure to see it.
    pub(crate) fn whole_record(&self) -> Schema {
        let system = SystemField::ALL.iter().map(|field| field.name().to_owned());
        let names: Vec<String> = match self {
            _ if !self.allows(Action::Read) => return self.record(),
            Self::Any => vec!["id".to_owned()],
            Self::Of(entity) if entity.is_ruled => return self.record(),
            Self::Of(entity) => {
                let readable = entity.fields.iter().filter(|field| field.allows(Action::Read));
                system.chain(readable.map(|field| field.field.name.to_string())).collect()
            }
        };
        self.record().with("required", names)
    }

    pub(crate) fn page(&self) -> Schema {
        let [items, next] = page(self.record());
        let total = optional("total", Schema::integer(Some(0), None).described("Where `count` asked for it."));
        self.named("Page", Schema::output([items, next, total]))
    }

    /// A new record as it is sent.
    pub(crate) fn draft(&self) -> Schema {
        self.written("NewRecord", Action::Create, Vec::new())
    }

    /// A change as it is sent.
    pub(crate) fn patch(&self) -> Schema {
        self.written("RecordPatch", Action::Update, Vec::new())
    }

    /// A whole record as it is sent in place of another.
    pub(crate) fn replacement(&self) -> Schema {
        let schema = self.written("RecordReplacement", Action::Update, Vec::new());
        schema.described("A required field without a default must be there.")
    }

    /// What a list asks for, as a body.
    pub(crate) fn query_body(&self) -> Schema {
        let most = u32::try_from(MAX_LENGTH).unwrap_or(u32::MAX);
        let names = || Schema::text(1, 16_384).nullable();
        let list = Schema::array(fields::any_value()).with("maxItems", MAX_PARAM_LIST);
        let value = Schema::any_of([fields::any_value(), list]);
        let members = [
            optional("filter", Schema::text(1, most).nullable()),
            optional("sort", names()),
            optional("fields", names()),
            optional("expand", names()),
            optional("cursor", super::schema::cursor().nullable()),
            optional("count", Schema::one_of(["exact", "estimated"]).nullable()),
            optional("limit", Schema::integer(Some(1), Some(1000)).nullable()),
            optional("params", Schema::values(value).described("What the filter names as `params.x`.").nullable()),
        ];
        let deleted = self.shows_deleted().then(|| optional("deleted", Schema::constant("only").nullable()));
        self.named("Query", Schema::input(members.into_iter().chain(deleted)))
    }

    /// Fields that may be part of a unique key; `None` where an upsert is not for the caller.
    pub(crate) fn unique_key(&self) -> Option<Schema> {
        let both = self.allows(Action::Create) && self.allows(Action::Update);
        both.then(|| match self {
            Self::Any => Some(on_from("[a-z][a-z0-9_]{0,62}", "0,2")),
            Self::Of(entity) => {
                let readable = entity.fields.iter().filter(|field| field.allows(Action::Read));
                let names: Vec<&str> = readable.map(|field| field.field.name.as_str()).collect();
                let first = format!("({})", names.join("|"));
                (!names.is_empty()).then(|| Schema::any_of([Schema::one_of(names), on_from(&first, "1,2")]))
            }
        })?
    }

    fn written(&self, name: &str, action: Action, first: Vec<Member>) -> Schema {
        let schema = match self {
            Self::Any => {
                Schema::output(first).with("additionalProperties", false).with("patternProperties", any_field())
            }
            Self::Of(entity) => {
                let writable = entity.fields.iter().filter(|field| field.allows(action));
                Schema::input(first.into_iter().chain(writable.map(|field| fields::written(field, action))))
            }
        };
        self.named(name, schema)
    }

    /// Many changes as they are sent; only those the caller has the right to.
    pub(crate) fn batch(&self) -> Schema {
        let many = |items: Schema| Schema::array(items).with("maxItems", 1000).nullable();
        let mut members = vec![optional("mode", Schema::one_of(["atomic", "independent"]).nullable())];
        if self.allows(Action::Create) {
            members.push(optional("create", many(self.draft())));
        }
        if self.allows(Action::Update) {
            let first = vec![required("id", Schema::uuid()), optional("version", Schema::integer(Some(1), None))];
            members.push(optional("update", many(self.written("RecordChange", Action::Update, first))));
        }
        if self.allows(Action::Delete) {
            members.push(optional("delete", many(Schema::uuid())));
        }
        self.named("Batch", Schema::input(members).described("At most 1000 changes in all."))
    }

    pub(crate) fn batch_done(&self) -> Schema {
        self.named(
            "BatchDone",
            Schema::output([
                required("created", Schema::array(self.whole_record())),
                required("updated", Schema::array(self.whole_record())),
                required("deleted", Schema::array(Schema::uuid())),
                required(
                    "errors",
                    Schema::array(Schema::named(
                        "BatchError",
                        Schema::output([
                            required("op", Schema::one_of(["create", "update", "delete"])),
                            required("index", Schema::integer(Some(0), Some(999))),
                            required(
                                "problem",
                                Schema::free_form().described("A problem without `instance` and `request_id`."),
                            ),
                        ]),
                    )),
                ),
            ]),
        )
    }

    /// `fields` and `expand`.
    pub(crate) fn selection(&self) -> Vec<Parameter> {
        let mut parameters = vec![Parameter::query_list(
            "fields",
            "Only these fields, and `id`. Without it, every field.",
            self.columns("Column", &[""]),
        )];
        parameters.extend(self.relations().map(|relations| {
            Parameter::query_list(
                "expand",
                "Relations whose records are wanted in place of their ids, at most 8: `customer`, or on to `customer.owner`.",
                relations,
            )
        }));
        parameters
    }

    /// All parameters of a list.
    pub(crate) fn query(&self) -> Vec<Parameter> {
        let most = u32::try_from(MAX_LENGTH).unwrap_or(u32::MAX);
        let mut parameters = vec![
            Parameter::query(
                "filter",
                "Which records: an expression in CEL over the fields, such as `status == \"open\" && priority > 3`.",
                Schema::text(1, most),
            ),
            Parameter::query_list(
                "sort",
                "The order, by fields; `-` before a name turns it around. The last tie-break is `id`.",
                self.columns("Order", &["", "-"]),
            ),
        ];
        parameters.extend(self.selection());
        parameters.extend([
            Parameter::limit(),
            Parameter::cursor(),
            Parameter::query("count", "Also answer how many there are in all.", Schema::one_of(["exact", "estimated"])),
        ]);
        parameters.extend(self.shows_deleted().then(|| {
            let what = "The records that were deleted and can be restored, each with its `deleted_at`. Needs the right to delete.";
            Parameter::query("deleted", what, Schema::one_of(["only"]))
        }));
        parameters
    }

    /// The names of readable columns, after each of `prefixes`.
    fn columns(&self, name: &str, prefixes: &[&str]) -> Schema {
        match self {
            Self::Any => {
                Schema::pattern(64, &format!("^[{}]?[a-z][a-z0-9_]{{0,62}}$", prefixes.join("")).replace("[]?", ""))
            }
            Self::Of(entity) => {
                let readable = entity.fields.iter().filter(|field| field.allows(Action::Read));
                let names: Vec<&str> = SystemField::ALL
                    .iter()
                    .map(|field| field.name())
                    .chain(readable.map(|field| field.field.name.as_str()))
                    .collect();
                let all = prefixes.iter().flat_map(|prefix| names.iter().map(move |name| format!("{prefix}{name}")));
                self.named(name, Schema::one_of(all))
            }
        }
    }

    /// The relations that can be expanded, and those of their records by `.`; `None` where there are none.
    fn relations(&self) -> Option<Schema> {
        match self {
            Self::Any => Some(Schema::name()),
            Self::Of(entity) => {
                let relations = entity.fields.iter().filter(|f| f.allows(Action::Read) && f.target.is_some());
                let names: Vec<&str> = relations.map(|field| field.field.name.as_str()).collect();
                (!names.is_empty()).then(|| Schema::one_of(names))
            }
        }
    }

    /// A record as it may be sent by `action`.
    pub(crate) fn example(&self, action: Action) -> Value {
        match self {
            Self::Any => json!({"title": "The roof leaks", "status": "open", "priority": 5}),
            Self::Of(entity) => {
                // An id made up for an example is nobody's.
                let is_id = |kind: &FieldKind| matches!(kind, FieldKind::User | FieldKind::Unit);
                let made_up = |kind: &FieldKind| kind.target().is_some() || is_id(kind);
                let named = entity.fields.iter().filter(|field| field.allows(action) && !made_up(&field.field.kind));
                Value::Object(
                    named.map(|f| (f.field.name.to_string(), fields::sample(&f.field))).collect::<Map<_, _>>(),
                )
            }
        }
    }
}

/// A path over relations: the first, and how many more.
fn on_from(first: &str, more: &str) -> Schema {
    Schema::pattern(191, &format!(r"^{first}(\.[a-z][a-z0-9_]{{0,62}}){{{more}}}$"))
}

fn version() -> Schema {
    Schema::integer(Some(1), None)
}

/// Members named as fields are, of any value.
fn any_field() -> Value {
    json!({"^[a-z][a-z0-9_]{0,62}$": fields::any_value().place(&mut super::schema::Parts::new())})
}
