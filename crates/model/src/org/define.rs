//! Reading a unit as people write it.

use super::{Attributes, UnitKind};
use crate::id::UnitId;
use crate::input::{Given, Members, text};
use crate::json::Json;
use crate::name::Name;
use crate::problem::{Code, Errors, Result, pointer};
use crate::rights::{code, name};

/// Attributes of one unit.
const MAX_ATTRIBUTES: usize = 20;
const MAX_ATTRIBUTE: usize = 200;
/// What every unit has of itself, under these names.
const OWN: [&str; 4] = ["code", "name", "kind", "parent"];

/// A new unit.
#[derive(Clone, PartialEq, Debug)]
pub struct UnitDraft {
    pub parent: Option<UnitId>,
    pub code: Option<String>,
    pub name: String,
    pub attributes: Attributes,
}

/// What is absent stays; the attributes are replaced whole.
#[derive(Clone, PartialEq, Debug)]
pub struct UnitChange {
    pub parent: Option<UnitId>,
    pub code: Given<String>,
    pub name: Option<String>,
    pub attributes: Option<Attributes>,
}

impl UnitDraft {
    /// Reads `{parent, code?, name, attributes?}`; a company has no parent.
    pub fn read(body: &Json, kind: UnitKind) -> Result<Self> {
        Members::read(body, |members, errors| {
            let parent = match kind.parent() {
                Some(_) => members.required("parent", errors).map(|json| parent(json, members, errors)),
                None => Some(None),
            };
            let name = members.required("name", errors).and_then(|json| name(json, members.pointer("name"), errors));
            let code = members.optional("code").and_then(|json| code(json, members.pointer("code"), errors));
            let given = members.optional("attributes");
            let attributes = given.and_then(|json| attributes(json, &members.pointer("attributes"), errors));
            Some(Self { parent: parent?, code, name: name?, attributes: attributes.unwrap_or_default() })
        })
    }
}

impl UnitChange {
    /// Reads `{parent?, code?, name?, attributes?}`; `null` takes a code or the attributes away.
    pub fn read(body: &Json, kind: UnitKind) -> Result<Self> {
        Members::read(body, |members, errors| {
            let parent = match kind.parent() {
                Some(_) => members.raw("parent").and_then(|json| parent(json, members, errors)),
                None => None,
            };
            let name = members.raw("name").and_then(|json| name(json, members.pointer("name"), errors));
            let code = match members.raw("code") {
                None => Given::Nothing,
                Some(Json::Null) => Given::Null,
                Some(json) => code(json, members.pointer("code"), errors).map_or(Given::Nothing, Given::This),
            };
            let attributes = members.raw("attributes").and_then(|json| match json {
                Json::Null => Some(Attributes::new()),
                json => attributes(json, &members.pointer("attributes"), errors),
            });
            Some(Self { parent, code, name, attributes })
        })
    }
}

fn parent(json: &Json, members: &Members<'_>, errors: &mut Errors) -> Option<UnitId> {
    let id = if let Json::Text(id) = json { UnitId::parse(id) } else { None };
    if id.is_none() {
        errors.add(members.pointer("parent"), Code::InvalidFormat, "A parent is the id (a UUID) of another unit.");
    }
    id
}

fn attributes(json: &Json, at: &str, errors: &mut Errors) -> Option<Attributes> {
    let Json::Object(given) = json else {
        errors.add(at, Code::InvalidType, format!("Expected an object, found {}.", json.kind()));
        return None;
    };
    if given.len() > MAX_ATTRIBUTES {
        errors.add(at, Code::TooLong, format!("A unit has at most {MAX_ATTRIBUTES} attributes."));
        return None;
    }
    let mut attributes = Attributes::new();
    for (key, json) in given {
        let at = pointer(at, key);
        let Some(name) = Name::parse(key).ok().filter(|name| !OWN.contains(&name.as_str())) else {
            let message = "An attribute's name is a lower-case letter, then up to 62 lower-case letters, digits or \
                           `_`, and no word that has a meaning of its own.";
            errors.add(at, Code::InvalidFormat, message);
            continue;
        };
        if let Some(value) = text(json, at, 1, MAX_ATTRIBUTE, errors) {
            attributes.insert(name, value.to_owned());
        }
    }
    Some(attributes)
}
