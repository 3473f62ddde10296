//! What a read asks for, from its query string or from a body: known parameters, each at most once.

use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result, pointer};

/// Most records one page can hold, and how many it holds when nothing is said.
const MAX_LIMIT: usize = 1000;
const DEFAULT_LIMIT: usize = 50;
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
    pub(super) limit: usize,
}

/// What a read of one record understands.
pub(super) const OF_ONE: &[&str] = &["fields", "expand"];
/// What a read of many understands.
pub(super) const OF_MANY: &[&str] = &["filter", "sort", "fields", "expand", "cursor", "count", "limit"];

impl Params {
    pub(super) fn parse(raw: &str, known: &[&str]) -> Result<Self> {
        let mut params = Self { limit: DEFAULT_LIMIT, ..Self::default() };
        let mut seen: Vec<String> = Vec::new();
        let mut errors = Errors::default();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            let at = pointer("", &name);
            if !known.contains(&name.as_ref()) {
                errors.add(
                    at,
                    Code::UnknownParameter,
                    format!("There is no such parameter here. Known are: {}.", known.join(", ")),
                );
                continue;
            }
            if seen.iter().any(|other| *other == name) {
                errors.add(at, Code::Invalid, "This parameter is given twice.");
                continue;
            }
            seen.push(name.to_string());
            let value = value.into_owned();
            match name.as_ref() {
                "filter" => params.filter = Some(value),
                "sort" => params.sort = Some(value),
                "fields" => params.fields = Some(value),
                "expand" => params.expand = Some(value),
                "cursor" => params.cursor = Some(value),
                "count" => match value.as_str() {
                    // An exact count is an honest estimate; a cheaper one may come.
                    "exact" | "estimated" => params.count = true,
                    _ => errors.add(at, Code::OutOfRange, "Choose one of: exact, estimated."),
                },
                _ => match value.parse().ok().filter(|n| (1..=MAX_LIMIT).contains(n)) {
                    Some(limit) => params.limit = limit,
                    None => errors.add(at, Code::OutOfRange, format!("`limit` is a number from 1 to {MAX_LIMIT}.")),
                },
            }
        }
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
                limit: DEFAULT_LIMIT,
            };
            match text("count", errors).as_deref() {
                None => {}
                Some("exact" | "estimated") => params.count = true,
                Some(_) => errors.add("/count", Code::OutOfRange, "Choose one of: exact, estimated."),
            }
            if let Some(limit) = members.optional_int("limit", errors) {
                if let Some(limit) = usize::try_from(limit).ok().filter(|n| (1..=MAX_LIMIT).contains(n)) {
                    params.limit = limit;
                } else {
                    errors.add("/limit", Code::OutOfRange, format!("`limit` is a number from 1 to {MAX_LIMIT}."));
                }
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
