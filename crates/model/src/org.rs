//! The organisation's own tree: companies, their branches, the departments of those. Users stand in it, records belong to
//! parts of it, and rights reach as far in it as their holder stands high.

mod define;
mod tree;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use define::{UnitChange, UnitDraft};
pub use tree::{Place, Tree};

use crate::id::UnitId;
use crate::name::Name;

/// Most units one organisation can have: all of them are at hand wherever a right is asked of.
pub const MAX_UNITS: usize = 2_000;

/// What a unit is. Each kind has its parent of the kind before it, so that the tree has three levels and no cycle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    Company,
    Branch,
    Department,
}

impl UnitKind {
    pub const ALL: [Self; 3] = [Self::Company, Self::Branch, Self::Department];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Branch => "branch",
            Self::Department => "department",
        }
    }

    /// The name of their collection.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Company => "companies",
            Self::Branch => "branches",
            Self::Department => "departments",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What one of this kind is part of.
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::Company => None,
            Self::Branch => Some(Self::Company),
            Self::Department => Some(Self::Branch),
        }
    }
}

/// Texts that rules of roles may ask of a unit, such as its region.
pub type Attributes = BTreeMap<Name, String>;

/// A company, a branch or a department.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unit {
    pub id: UnitId,
    pub kind: UnitKind,
    pub parent: Option<UnitId>,
    pub code: Option<String>,
    pub name: String,
    pub attributes: Attributes,
}
