//! What an API key may be used for at most. Whose key it is may do what he may, and the key what lies within both: his
//! rules and his fields stay with what is his.

use serde::{Deserialize, Serialize};

use super::define::{actions, list, name, target};
use super::{Action, Author, Permission, Rights, Target};
use crate::entity::Schema;
use crate::id::AccountId;
use crate::input::{Members, text};
use crate::json::Json;
use crate::problem::{Code, Errors, Result, pointer};
use crate::value::Timestamp;

/// Lines of one key.
const MAX_SCOPES: usize = 100;

/// One line of what a key may be used for.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct KeyScope {
    #[serde(rename = "resource")]
    pub target: Target,
    pub actions: Vec<Action>,
}

/// The same by the names of now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct KeyScopeView {
    pub resource: String,
    pub actions: Vec<Action>,
}

/// A new key.
#[derive(Clone, PartialEq, Debug)]
pub struct KeyDraft {
    pub name: String,
    pub scopes: Vec<KeyScope>,
    /// Absent: it does not end by itself.
    pub expires_at: Option<Timestamp>,
    /// Whom it acts for; absent: for whoever makes it.
    pub account: Option<AccountId>,
}

impl KeyDraft {
    /// Reads `{name, scopes, expires_at?, account?}`.
    pub fn read(body: &Json, author: &Author<'_>, now: Timestamp) -> Result<Self> {
        Members::read(body, |members, errors| {
            let name = members.required("name", errors).and_then(|json| name(json, members.pointer("name"), errors));
            let scopes = members.required("scopes", errors);
            let scopes = scopes.and_then(|json| scopes_of(json, &members.pointer("scopes"), author, errors));
            let expires_at = members.optional("expires_at");
            let expires_at = expires_at.and_then(|json| end(json, members.pointer("expires_at"), now, errors));
            let account = members.optional("account");
            let account = account.and_then(|json| account_of(json, members.pointer("account"), errors));
            Some(Self { name: name?, scopes: scopes?, expires_at, account })
        })
    }
}

fn scopes_of(json: &Json, at: &str, author: &Author<'_>, errors: &mut Errors) -> Option<Vec<KeyScope>> {
    let items = list(json, at, MAX_SCOPES, errors)?;
    if items.is_empty() {
        errors.add(at, Code::TooShort, "A key that may do nothing is of no use.");
        return None;
    }
    let mut scopes = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let Some(mut members) = Members::of(item, &pointer(at, &index.to_string()), errors) else { continue };
        let (target, actions) = (target(&mut members, author, errors), actions(&mut members, errors));
        members.finish(errors);
        scopes.extend(target.zip(actions).map(|(target, actions)| KeyScope { target, actions }));
    }
    Some(scopes)
}

fn end(json: &Json, at: String, now: Timestamp, errors: &mut Errors) -> Option<Timestamp> {
    let written = text(json, at.clone(), 1, 40, errors)?;
    let Some(end) = Timestamp::parse(written) else {
        errors.add(at, Code::InvalidFormat, "A time is written as in RFC 3339: 2027-01-31T00:00:00Z.");
        return None;
    };
    if end <= now {
        errors.add(at, Code::OutOfRange, "This time is over.");
    }
    Some(end)
}

fn account_of(json: &Json, at: String, errors: &mut Errors) -> Option<AccountId> {
    let account = AccountId::parse(text(json, at.clone(), 1, 36, errors)?);
    if account.is_none() {
        errors.add(at, Code::InvalidFormat, "An id is a UUID.");
    }
    account
}

impl KeyScope {
    /// What of `permission` lies within this.
    fn part(&self, permission: &Permission) -> Option<Permission> {
        let target = if self.target.contains(permission.target) {
            permission.target
        } else if permission.target.contains(self.target) {
            self.target
        } else {
            return None;
        };
        let actions: Vec<Action> =
            permission.actions.iter().copied().filter(|action| self.actions.contains(action)).collect();
        (!actions.is_empty()).then(|| Permission { target, actions, ..permission.clone() })
    }

    /// Nothing where the entity is gone.
    pub fn view(&self, schema: &Schema) -> Option<KeyScopeView> {
        Some(KeyScopeView { resource: self.target.name(schema)?, actions: self.actions.clone() })
    }
}

impl Rights {
    /// As much of these as lies within `scopes`.
    #[must_use]
    pub fn within(&self, scopes: &[KeyScope]) -> Self {
        let parts = scopes.iter().flat_map(|scope| self.permissions.iter().filter_map(|own| scope.part(own)));
        Self { roles: self.roles.clone(), permissions: parts.collect() }
    }

    /// Whether something is held of everything that `scope` names, on whichever records.
    pub fn reach(&self, scope: &KeyScope) -> bool {
        scope.actions.iter().all(|action| {
            self.permissions.iter().any(|own| own.target.contains(scope.target) && own.actions.contains(action))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FieldLists, PermissionScope, Resource};
    use super::*;
    use crate::clock::{Clock, Ids};
    use crate::id::EntityId;

    fn permission(target: Target, actions: &[Action], scope: PermissionScope) -> Permission {
        Permission { target, actions: actions.to_vec(), scope, rule: None, fields: FieldLists::default() }
    }

    #[test]
    fn a_key_has_what_lies_within_both() {
        use Action::{Create, Delete, Read, Update};
        let ids = Ids::new(Clock::default());
        let (ticket, note): (EntityId, EntityId) = (ids.next(), ids.next());
        let [ticket, note] = [ticket, note].map(|id| Target::Only(Resource::Records(id)));
        let (all, users) = (Target::AllRecords, Target::Only(Resource::Users));
        let owns = [
            permission(ticket, &[Create, Read, Update], PermissionScope::Own),
            permission(all, &[Read], PermissionScope::Tenant),
            permission(users, &[Read], PermissionScope::Tenant),
        ];
        let own = Rights::new(vec!["desk".to_owned()], owns.to_vec());
        let scope = |target, actions: &[Action]| KeyScope { target, actions: actions.to_vec() };
        let check = |scope: KeyScope, reached: bool, expect: &[Permission]| {
            assert_eq!(own.within(std::slice::from_ref(&scope)).permissions(), expect, "{scope:?}");
            assert_eq!(own.reach(&scope), reached, "{scope:?}");
        };
        check(
            scope(ticket, &[Read, Delete]),
            false,
            &[permission(ticket, &[Read], PermissionScope::Own), permission(ticket, &[Read], PermissionScope::Tenant)],
        );
        check(scope(note, &[Read]), true, &[permission(note, &[Read], PermissionScope::Tenant)]);
        check(
            scope(all, &[Create, Read]),
            false,
            &[
                permission(ticket, &[Create, Read], PermissionScope::Own),
                permission(all, &[Read], PermissionScope::Tenant),
            ],
        );
        check(scope(users, &[Update]), false, &[]);
        check(scope(Target::Only(Resource::Roles), &[Read]), false, &[]);
        assert_eq!(own.within(&[]).permissions(), []);
    }
}
