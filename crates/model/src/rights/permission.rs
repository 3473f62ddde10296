//! One line of a role, as it is kept.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Action, Resource};
use crate::entity::{Entity, Schema, SystemField};
use crate::expr::{CallerField, Context, Expr, ExprError, Leaf, Op, Operand, Path, Reach, Template};
use crate::id::{EntityId, FieldId};
use crate::org::UnitKind;
use crate::problem::{Code, Errors};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Permission {
    #[serde(rename = "resource")]
    pub target: Target,
    pub actions: Vec<Action>,
    pub scope: PermissionScope,
    /// Which records; absent means all within the scope. Only where the target is one entity, as the lists are.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub rule: Option<Template>,
    #[serde(default)]
    pub fields: FieldLists,
}

/// What a permission is given on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Target {
    /// The records of every entity there is or will be.
    AllRecords,
    Only(Resource),
}

/// How far a permission reaches; of an entity, to whom its records belong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionScope {
    #[default]
    Tenant,
    /// What belongs to the company that the caller belongs to, or to a part of it.
    Company,
    Branch,
    Department,
    /// What the caller made himself.
    Own,
}

impl PermissionScope {
    pub const ALL: [Self; 5] = [Self::Tenant, Self::Company, Self::Branch, Self::Department, Self::Own];

    pub const fn name(self) -> &'static str {
        match (self, self.unit()) {
            (_, Some(kind)) => kind.name(),
            (Self::Own, _) => "own",
            _ => "tenant",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// The kind of unit that bounds it.
    pub const fn unit(self) -> Option<UnitKind> {
        match self {
            Self::Company => Some(UnitKind::Company),
            Self::Branch => Some(UnitKind::Branch),
            Self::Department => Some(UnitKind::Department),
            Self::Tenant | Self::Own => None,
        }
    }

    /// Reads it where it is said.
    pub(crate) fn read(text: &str, at: String, errors: &mut Errors) -> Option<Self> {
        let found = Self::named(text);
        if found.is_none() {
            let known = Self::ALL.map(Self::name).join(", ");
            errors.add(at, Code::OutOfRange, format!("Choose one of: {known}."));
        }
        found
    }
}

/// Fields that may be read and written. An absent list is all of them, those to come too.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FieldLists {
    pub read: Option<Vec<FieldId>>,
    pub write: Option<Vec<FieldId>>,
}

impl Target {
    pub fn covers(self, resource: Resource) -> bool {
        match self {
            Self::AllRecords => matches!(resource, Resource::Records(_)),
            Self::Only(own) => own == resource,
        }
    }

    /// Whether all of `other` lies within this.
    pub fn contains(self, other: Self) -> bool {
        match other {
            Self::AllRecords => self == Self::AllRecords,
            Self::Only(resource) => self.covers(resource),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        match target {
            Target::AllRecords => "records:*".to_owned(),
            Target::Only(Resource::Records(entity)) => format!("records:{entity}"),
            Target::Only(resource) => resource.name().to_owned(),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let one = match text.strip_prefix("records:") {
            Some("*") => return Ok(Self::AllRecords),
            Some(id) => EntityId::parse(id).map(Resource::Records),
            None => Resource::ADMINISTRATION.into_iter().find(|resource| resource.name() == text),
        };
        one.map(Self::Only).ok_or("no resource")
    }
}

impl FieldLists {
    /// Those that decide what `action` may touch; absent where all may be.
    pub fn of(&self, action: Action) -> Option<&[FieldId]> {
        match action {
            Action::Create | Action::Update => self.write.as_deref(),
            Action::Read | Action::Export | Action::Admin => self.read.as_deref(),
            Action::Delete => None,
        }
    }
}

impl Permission {
    pub fn allows(&self, resource: Resource, action: Action) -> bool {
        self.target.covers(resource) && self.actions.contains(&action)
    }

    /// Of entities that are gone too, whatever scope they had.
    pub(super) fn reads_everything(&self) -> bool {
        let whole = self.scope == PermissionScope::Tenant && self.rule.is_none() && self.fields.read.is_none();
        whole && self.target == Target::AllRecords && self.actions.contains(&Action::Read) && self.administers()
    }

    pub(super) fn administers(&self) -> bool {
        self.actions.contains(&Action::Admin)
    }

    /// How far it reaches among the records of `entity`. What is given on all records alike, and not to administer them,
    /// keeps to the scope that an entity has itself.
    fn scope_in(&self, entity: &Entity) -> PermissionScope {
        let is_general = self.target == Target::AllRecords && self.scope == PermissionScope::Tenant;
        if is_general && !self.administers() { entity.scope } else { self.scope }
    }

    /// Whether it reaches other records once its holder belongs to another unit.
    pub fn depends_on_place(&self, schema: &Schema) -> bool {
        let covered = schema.entities().iter().filter(|entity| self.target.covers(Resource::Records(entity.id)));
        let depends = |entity: &Arc<Entity>| {
            let condition = self.condition(schema, entity, Action::Read);
            condition.is_ok_and(|condition| condition.as_ref().is_some_and(Expr::depends_on_place))
        };
        self.scope.unit().is_some() || covered.into_iter().any(depends)
    }

    /// Which records of `entity` it reaches by `action`, as a condition; `None` is all of them. An error where its rule
    /// means nothing any more: then it reaches none.
    pub(super) fn condition(
        &self,
        schema: &Schema,
        entity: &Entity,
        action: Action,
    ) -> Result<Option<Expr>, ExprError> {
        // Whose rule it is, does not matter once it stands: it is the tenant's policy, and sees what it must.
        let context =
            Context { schema, entity, readable: &|_, _| true, visible: &|_| true, params: None, reach: Reach::Around };
        let rule = self.rule.as_ref().map(|rule| rule.compile(&context)).transpose()?;
        // A rule that asks of the caller's unit what that has not, or without a unit, reaches nothing: that null equals
        // null is no reason to.
        let asked: Vec<Expr> = rule.iter().flat_map(Expr::unit_facts).map(is_there).collect();
        let within = match self.scope_in(entity) {
            PermissionScope::Tenant => None,
            // What one makes is one's own by being made.
            PermissionScope::Own => (action != Action::Create).then(own),
            PermissionScope::Company => Some(within(entity, UnitKind::Company)),
            PermissionScope::Branch => Some(within(entity, UnitKind::Branch)),
            PermissionScope::Department => Some(within(entity, UnitKind::Department)),
        };
        if within == Some(Expr::Const(false)) {
            return Ok(within);
        }
        let both: Vec<Expr> = within.into_iter().chain(asked).chain(rule).flat_map(conjuncts).collect();
        Ok(match both.len() {
            0 => None,
            1 => both.into_iter().next(),
            _ => Some(Expr::And(both)),
        })
    }
}

/// The parts that all must hold.
pub(super) fn conjuncts(expr: Expr) -> Vec<Expr> {
    match expr {
        Expr::Const(true) => Vec::new(),
        Expr::And(parts) => parts,
        other => vec![other],
    }
}

fn is_there(field: &CallerField) -> Expr {
    Expr::Not(Box::new(Expr::IsNull(Operand::Caller(field.clone()))))
}

/// Records that belong to no unit are in none.
fn within(entity: &Entity, kind: UnitKind) -> Expr {
    let Some(field) = entity.unit_field() else { return Expr::Const(false) };
    let unit = Path {
        hops: Vec::new(),
        leaf: Leaf::Field(field.column()),
        column_type: field.kind.column_type(),
        never_null: field.required,
    };
    Expr::Within(unit, kind)
}

fn own() -> Expr {
    let maker = Path {
        hops: Vec::new(),
        leaf: Leaf::System(SystemField::CreatedBy),
        column_type: SystemField::CreatedBy.column_type(),
        never_null: true,
    };
    Expr::Compare(Op::Eq, Operand::Path(maker), Operand::Caller(CallerField::Id))
}
