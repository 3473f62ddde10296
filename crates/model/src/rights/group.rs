//! Reading a group of users as people write it.

use super::define::{code, list, name};
use crate::id::AccountId;
use crate::input::{Members, text};
use crate::json::Json;
use crate::problem::{Code, Errors, Result, pointer};

const MAX_MEMBERS: usize = 10_000;
const MAX_ROLES: usize = 100;

/// A new group.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupDraft {
    pub code: String,
    pub name: String,
    pub members: Vec<AccountId>,
    /// Codes.
    pub roles: Vec<String>,
}

/// What is absent stays; lists are replaced whole.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupChange {
    pub code: Option<String>,
    pub name: Option<String>,
    pub members: Option<Vec<AccountId>>,
    pub roles: Option<Vec<String>>,
}

impl GroupDraft {
    /// Reads `{code, name, members?, roles?}`.
    pub fn read(body: &Json) -> Result<Self> {
        Members::read(body, |of, errors| {
            let code = of.required("code", errors).and_then(|json| code(json, of.pointer("code"), errors));
            let name = of.required("name", errors).and_then(|json| name(json, of.pointer("name"), errors));
            let members = of.raw("members").map(|json| members(json, &of.pointer("members"), errors));
            let roles = of.raw("roles").map(|json| roles(json, &of.pointer("roles"), errors));
            Some(Self {
                code: code?,
                name: name?,
                members: members.flatten().unwrap_or_default(),
                roles: roles.flatten().unwrap_or_default(),
            })
        })
    }
}

impl GroupChange {
    pub fn read(body: &Json) -> Result<Self> {
        Members::read(body, |of, errors| {
            Some(Self {
                code: of.raw("code").and_then(|json| code(json, of.pointer("code"), errors)),
                name: of.raw("name").and_then(|json| name(json, of.pointer("name"), errors)),
                members: of.raw("members").and_then(|json| members(json, &of.pointer("members"), errors)),
                roles: of.raw("roles").and_then(|json| roles(json, &of.pointer("roles"), errors)),
            })
        })
    }
}

fn members(json: &Json, at: &str, errors: &mut Errors) -> Option<Vec<AccountId>> {
    each(json, at, MAX_MEMBERS, errors, AccountId::parse, "A member is a user's id, a UUID.")
}

fn roles(json: &Json, at: &str, errors: &mut Errors) -> Option<Vec<String>> {
    each(json, at, MAX_ROLES, errors, |text| Some(text.to_owned()), "A role is named by its code.")
}

fn each<T: PartialEq>(
    json: &Json,
    at: &str,
    most: usize,
    errors: &mut Errors,
    read: impl Fn(&str) -> Option<T>,
    wanted: &'static str,
) -> Option<Vec<T>> {
    let mut found = Vec::new();
    for (index, item) in list(json, at, most, errors)?.iter().enumerate() {
        let at = pointer(at, &index.to_string());
        let Some(text) = text(item, at.clone(), 1, 50, errors) else { continue };
        match read(text) {
            None => errors.add(at, Code::InvalidFormat, wanted),
            Some(one) if found.contains(&one) => errors.add(at, Code::NotUnique, "This is named twice."),
            Some(one) => found.push(one),
        }
    }
    Some(found)
}
