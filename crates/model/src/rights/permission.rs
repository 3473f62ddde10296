//! One line of a role, as it is kept.

use serde::{Deserialize, Serialize};

use super::{Action, Resource};
use crate::entity::{Entity, Schema, SystemField};
use crate::expr::{CallerField, Context, Expr, ExprError, Leaf, Op, Operand, Path, Reach, Template};
use crate::id::{EntityId, FieldId};

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

/// How far a permission reaches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionScope {
    Tenant,
    /// What the caller made himself.
    Own,
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

    pub(super) fn reads_everything(&self) -> bool {
        let whole = self.scope == PermissionScope::Tenant && self.rule.is_none() && self.fields.read.is_none();
        whole && self.target == Target::AllRecords && self.actions.contains(&Action::Read)
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
        // What one makes is one's own by being made.
        let own = (self.scope == PermissionScope::Own && action != Action::Create).then(own);
        let both: Vec<Expr> = own.into_iter().chain(rule).flat_map(conjuncts).collect();
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

fn own() -> Expr {
    let maker = Path {
        hops: Vec::new(),
        leaf: Leaf::System(SystemField::CreatedBy),
        column_type: SystemField::CreatedBy.column_type(),
        never_null: true,
    };
    Expr::Compare(Op::Eq, Operand::Path(maker), Operand::Caller(CallerField::Id))
}
