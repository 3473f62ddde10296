//! Who may give which role to whom: nobody grants what he lacks, and owners are a matter of owners.

use insula_model::id::RoleId;
use insula_model::input::{Members, text};
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::rights::{BuiltinRole, Permission, Rights};
use insula_model::value::Value;

use super::member::{self, Member};
use crate::sql::Fixed;
use crate::store::StoreError;
use crate::tx::{Altering, Tx};

const MAX_CODE: usize = 50;
const OWNER: &str = BuiltinRole::Owner.code();

static ROLES: Fixed =
    Fixed::new("SELECT id, code, permissions FROM insula_tenant.role WHERE tenant_id = $1 ORDER BY code");

pub(super) struct Role {
    pub(super) id: RoleId,
    pub(super) code: String,
    permissions: Vec<Permission>,
}

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

/// The roles of these codes, in the order of the codes.
pub(super) async fn choose(tx: &mut Tx<'_, Altering>, codes: &[String]) -> Result<Vec<Role>> {
    let mut all = all(tx).await?;
    let mut errors = Errors::default();
    for (index, code) in codes.iter().enumerate() {
        if !all.iter().any(|role| role.code == *code) {
            errors.add(format!("/roles/{index}"), Code::OutOfRange, "There is no such role.");
        }
    }
    errors.check()?;
    all.retain(|role| codes.contains(&role.code));
    Ok(all)
}

async fn all(tx: &mut Tx<'_, Altering>) -> Result<Vec<Role>> {
    let tenant = Value::Uuid(tx.author.tenant.uuid());
    let rows = tx.store.fixed(&ROLES, &[&tenant]).await.map_err(|error| tx.failed(error))?;
    let mut roles = Vec::with_capacity(rows.len());
    for row in &rows {
        let permissions = serde_json::from_str(row.text(2)?).map_err(|error| StoreError::Other(error.into()))?;
        roles.push(Role { id: row.id(0)?, code: row.text(1)?.to_owned(), permissions });
    }
    Ok(roles)
}

/// Refuses what the caller may not do to `member`, whoever he is.
pub(super) fn may_touch(rights: &Rights, member: &Member) -> Result<()> {
    if member.has_role(OWNER) && !is_owner(rights) { Err(Problem::forbidden()) } else { Ok(()) }
}

/// Refuses to give a role with a permission that the caller lacks. Roles the member has already are not given.
pub(super) fn may_give(rights: &Rights, member: &Member, roles: &[Role]) -> Result<()> {
    let lacks = |role: &Role| {
        role.code == OWNER && !is_owner(rights) || role.permissions.iter().any(|permission| !holds(rights, permission))
    };
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

/// Whether the caller may do everything `wanted` allows.
fn holds(rights: &Rights, wanted: &Permission) -> bool {
    wanted.actions.iter().all(|action| {
        rights.permissions().iter().any(|own| own.actions.contains(action) && covers(&own.resource, &wanted.resource))
    })
}

fn covers(own: &str, wanted: &str) -> bool {
    own == wanted || own == "records:*" && wanted.starts_with("records:")
}

#[cfg(test)]
mod tests {
    use insula_model::clock::{Clock, Ids};
    use insula_model::rights::{Action, PermissionScope};

    use super::*;
    use insula_model::value::Email;

    fn role(builtin: BuiltinRole) -> Role {
        Role { id: ids().next(), code: builtin.code().to_owned(), permissions: builtin.permissions() }
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
            let answer = may_give(&rights(caller), &member(has), &given);
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

    #[test]
    fn a_wide_permission_covers_a_narrow_one_and_not_the_other_way() {
        let on = |resource: &str, actions: &[Action]| Permission {
            resource: resource.to_owned(),
            actions: actions.to_vec(),
            scope: PermissionScope::Tenant,
        };
        let wide = on("records:*", &[Action::Read]);
        let narrow = on("records:ticket", &[Action::Read]);
        let more = on("records:ticket", &[Action::Read, Action::Update]);
        for (own, wanted, expected) in
            [(&wide, &narrow, true), (&narrow, &wide, false), (&wide, &more, false), (&more, &narrow, true)]
        {
            assert_eq!(holds(&Rights::new(vec![], vec![own.clone()]), wanted), expected, "{own:?} {wanted:?}");
        }
    }
}
