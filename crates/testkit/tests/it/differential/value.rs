//! Values as the model has them: how they compare, and how they are shown.

use std::cmp::Ordering;

use serde_json::{Value as Json, json};

/// A value of a field or a literal. Only values of one type are ever compared, numbers of any shape with each other.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// `units × 10^-scale`.
    Decimal {
        units: i128,
        scale: u32,
    },
    Text(String),
    /// As written; years have four digits, so that the order of texts is that of days.
    Date(String),
    /// In UTC without the `Z` and always with six digits after the point, for the same reason.
    Datetime(String),
    /// Records are numbered as they are made, which is the order of their ids.
    Id(usize),
}

/// Stands for no record; its id is smaller than any.
pub(crate) const NOBODY: usize = usize::MAX;

/// Digits after the point of the finest number there is; wide enough for literals too.
const FINEST: u32 = 20;

impl Value {
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Null is smallest.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => other.is_null().cmp(&self.is_null()),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.chars().cmp(b.chars()),
            (Self::Date(a), Self::Date(b)) | (Self::Datetime(a), Self::Datetime(b)) => a.cmp(b),
            (Self::Id(a), Self::Id(b)) => a.wrapping_add(1).cmp(&b.wrapping_add(1)),
            (a, b) => a.number().cmp(&b.number()),
        }
    }

    /// In units of `10^-FINEST`, so that numbers of all scales compare.
    fn number(&self) -> i128 {
        match self {
            Self::Int(n) => i128::from(*n) * 10i128.pow(FINEST),
            Self::Decimal { units, scale } => units.saturating_mul(10i128.pow(FINEST - scale)),
            other => panic!("{other:?} is no number"),
        }
    }

    /// As the API shows it. A record's id is a marker, since each store has its own.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => json!(b),
            Self::Int(n) => json!(n),
            Self::Decimal { units, scale: 0 } => json!(units.to_string()),
            Self::Decimal { units, scale } => {
                let digits = format!("{:0>width$}", units.unsigned_abs(), width = *scale as usize + 1);
                let (whole, fraction) = digits.split_at(digits.len() - *scale as usize);
                json!(format!("{}{whole}.{fraction}", if *units < 0 { "-" } else { "" }))
            }
            Self::Text(text) | Self::Date(text) => json!(text),
            Self::Datetime(text) => json!(format!("{}Z", text.strip_suffix(".000000").unwrap_or(text))),
            Self::Id(id) => marker(*id),
        }
    }

    /// A time as the API shows it.
    pub(crate) fn datetime(shown: &str) -> Self {
        let text = shown.strip_suffix('Z').expect("times are shown in UTC");
        Self::Datetime(if text.contains('.') { text.to_owned() } else { format!("{text}.000000") })
    }
}

/// Stands in JSON for the id of a record.
pub(crate) fn marker(id: usize) -> Json {
    json!({"$id": id})
}

pub(crate) fn marked(json: &Json) -> Option<usize> {
    json.get("$id").and_then(Json::as_u64).and_then(|id| usize::try_from(id).ok())
}
