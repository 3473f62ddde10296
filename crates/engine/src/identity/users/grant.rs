//! Who may give which role to whom: nobody grants what he lacks, and owners are a matter of owners.

use insula_model::entity::Schema;
use insula_model::input::{Members, text};
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::rights::{BuiltinRole, Rights};

use super::member::{self, Member};
use crate::roles::Role;
use crate::tx::{Altering, Tx};

const MAX_CODE: usize = 50;
const OWNER: &str = BuiltinRole::Owner.code();

/// The codes of `roles`, at least one and none twice. A member without any could not even sign in.
pub(super) fn read(json: &Json, members: &Members<'_>, errors: &mut Errors) -> Option<Vec<String>> {
    let at = members.pointer("roles");
    let Json::Array(items) = json else {
        errors.add(at, Code::InvalidType, format!("Expected an array, found {}.", json.kind()));
        return None;
    };
    if items.is_empty() {
        errors.add(at, Code::TooShort, "A user has at least one role.");
        return None;
    }
    let mut codes: Vec<String> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = format!("{at}/{index}");
        let code = text(item, at.clone(), 1, MAX_CODE, errors)?;
        if codes.iter().any(|other| other == code) {
            errors.add(at, Code::NotUnique, "This role is named twice.");
            return None;
        }
        codes.push(code.to_owned());
    }
    Some(codes)
}

/// Refuses what the caller may not do to `member`, whoever he is.
pub(in crate::identity) fn may_touch(rights: &Rights, member: &Member) -> Result<()> {
    if member.has_role(OWNER) && !is_owner(rights) { Err(Problem::forbidden()) } else { Ok(()) }
}

/// Refuses to give a role with a permission that the caller lacks. Roles the member has already are not given.
pub(super) fn may_give(rights: &Rights, schema: &Schema, member: &Member, roles: &[Role]) -> Result<()> {
    let lacks = |role: &Role| role.code == OWNER && !is_owner(rights) || !role.is_within(rights, schema);
    if roles.iter().any(|role| !member.has_role(&role.code) && lacks(role)) {
        return Err(Problem::forbidden());
    }
    Ok(())
}

/// Refuses to leave the tenant without an active owner. `after` is `None` where the member goes.
pub(super) async fn keep_an_owner(tx: &mut Tx<'_, Altering>, before: &Member, after: Option<&Member>) -> Result<()> {
    let reigns = |member: &Member| member.active && member.has_role(OWNER);
    if !reigns(before) || after.is_some_and(reigns) {
        return Ok(());
    }
    let tenant = tx.author.tenant;
    let others = member::other_owners(&mut tx.store, tenant, before.account).await.map_err(|error| tx.failed(error))?;
    if others > 0 {
        return Ok(());
    }
    Err(Problem::conflict("An organisation keeps at least one active owner. Make someone else an owner first.", vec![]))
}

fn is_owner(rights: &Rights) -> bool {
    rights.roles().iter().any(|role| role == OWNER)
}

#[cfg(test)]
mod tests {
    use insula_model::clock::{Clock, Ids};
    use insula_model::rights::BuiltinRole;

    use super::*;
    use insula_model::value::Email;

    fn role(builtin: BuiltinRole) -> Role {
        Role {
            id: ids().next(),
            code: builtin.code().to_owned(),
            name: builtin.name().to_owned(),
            built_in: true,
            permissions: builtin.permissions(),
        }
    }

    fn ids() -> Ids {
        Ids::new(Clock::default())
    }

    fn rights(builtin: BuiltinRole) -> Rights {
        Rights::new(vec![builtin.code().to_owned()], builtin.permissions())
    }

    fn member(roles: &[BuiltinRole]) -> Member {
        let email = Email::parse("ada@example.org").unwrap();
        let mut member = Member::new(ids().next(), &email, "Ada".to_owned(), Clock::default().now());
        member.roles = roles.iter().map(|role| role.code().to_owned()).collect();
        member
    }

    #[test]
    fn nobody_grants_what_he_lacks() {
        use BuiltinRole::{Admin, Editor, Owner, Viewer};
        for (caller, has, given, allowed) in [
            (Owner, &[][..], &[Owner, Admin, Editor, Viewer][..], true),
            (Admin, &[], &[Admin, Editor, Viewer], true),
            (Admin, &[], &[Owner], false),
            (Admin, &[Viewer], &[Viewer, Owner], false),
            (Editor, &[], &[Editor, Viewer], true),
            (Editor, &[], &[Admin], false),
            (Editor, &[Admin], &[Admin, Viewer], true),
            (Viewer, &[], &[Editor], false),
            (Viewer, &[], &[], true),
        ] {
            let given: Vec<Role> = given.iter().copied().map(role).collect();
            let answer = may_give(&rights(caller), &Schema::default(), &member(has), &given);
            assert_eq!(
                answer.is_ok(),
                allowed,
                "{caller:?} gives {:?}",
                given.iter().map(|r| &r.code).collect::<Vec<_>>()
            );
        }
        for (caller, allowed) in [(Owner, true), (Admin, false), (Editor, false)] {
            assert_eq!(may_touch(&rights(caller), &member(&[Owner])).is_ok(), allowed, "{caller:?}");
        }
    }
}
