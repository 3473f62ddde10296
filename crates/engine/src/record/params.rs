//! What a read asks for, from its query string or from a body: known parameters, each at most once.

use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result, pointer};

use crate::parameters::{self, DEFAULT_LIMIT, each};

/// Longest text of a parameter in a body; what each may say is checked where it is read.
const MAX_TEXT: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Params {
    pub(super) filter: Option<String>,
    pub(super) sort: Option<String>,
    pub(super) fields: Option<String>,
    pub(super) expand: Option<String>,
    pub(super) cursor: Option<String>,
    pub(super) count: bool,
    /// Deleted records are wanted, and no others.
    pub(super) deleted: bool,
    pub(super) limit: usize,
}

/// What a read of one record understands.
pub(super) const OF_ONE: &[&str] = &["fields", "expand"];
/// What a read of many understands.
pub(super) const OF_MANY: &[&str] = &["filter", "sort", "fields", "expand", "cursor", "count", "limit", "deleted"];

impl Params {
    pub(super) fn parse(raw: &str, known: &[&str]) -> Result<Self> {
        let mut params = Self { limit: DEFAULT_LIMIT, ..Self::default() };
        let mut errors = Errors::default();
        each(raw, known, &mut errors, |name, value, errors| match name {
            "filter" => params.filter = Some(value),
            "sort" => params.sort = Some(value),
            "fields" => params.fields = Some(value),
            "expand" => params.expand = Some(value),
            "cursor" => params.cursor = Some(value),
            "count" => params.set_count(&value, errors),
            "deleted" => params.set_deleted(&value, errors),
            _ => params.limit = parameters::limit(&value, errors),
        });
        errors.check()?;
        Ok(params)
    }
}

impl Params {
    /// Reads the same from a body, with the values its filter asks for.
    pub(super) fn read(body: &Json) -> Result<(Self, &[(String, Json)])> {
        Members::read(body, |members, errors| {
            let mut text = |name, errors: &mut Errors| members.optional_text(name, MAX_TEXT, errors).map(str::to_owned);
            let mut params = Self {
                filter: text("filter", errors),
                sort: text("sort", errors),
                fields: text("fields", errors),
                expand: text("expand", errors),
                cursor: text("cursor", errors),
                count: false,
                deleted: false,
                limit: DEFAULT_LIMIT,
            };
            if let Some(count) = text("count", errors) {
                params.set_count(&count, errors);
            }
            if let Some(deleted) = text("deleted", errors) {
                params.set_deleted(&deleted, errors);
            }
            if let Some(limit) = members.optional_int("limit", errors) {
                params.limit = parameters::within_limit(usize::try_from(limit).ok(), errors);
            }
            let given: &[(String, Json)] = match members.optional("params") {
                None => &[],
                Some(Json::Object(given)) => given,
                Some(other) => {
                    let message = format!("Expected an object, found {}.", other.kind());
                    errors.add("/params", Code::InvalidType, message);
                    &[]
                }
            };
            Some((params, given))
        })
    }

    fn set_count(&mut self, count: &str, errors: &mut Errors) {
        match count {
            // An exact count is an honest estimate; a cheaper one may come.
            "exact" | "estimated" => self.count = true,
            _ => errors.add("/count", Code::OutOfRange, "Choose one of: exact, estimated."),
        }
    }

    fn set_deleted(&mut self, deleted: &str, errors: &mut Errors) {
        match deleted {
            "only" => self.deleted = true,
            _ => errors.add("/deleted", Code::OutOfRange, "`only` is all it can be; leave it out for living records."),
        }
    }
}

/// The items of a comma-separated parameter, none empty and none twice.
pub(super) fn items<'a>(name: &str, list: &'a str) -> Result<Vec<&'a str>> {
    let mut items = Vec::new();
    for item in list.split(',').map(str::trim) {
        if item.is_empty() || items.contains(&item) {
            let message = "Name each field once, separated by commas.";
            return Err(Problem::at(pointer("", name), Code::InvalidFormat, message));
        }
        items.push(item);
    }
    Ok(items)
}
