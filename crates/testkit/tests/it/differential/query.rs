//! Lists, as the model answers them.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json, json};

use super::filter::{Filter, Leaf};
use super::model::{Model, Record};
use super::value::Value;

/// Records one page holds when nothing is said.
const DEFAULT_LIMIT: usize = 50;

#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) entity: usize,
    pub(crate) filter: Option<Filter>,
    pub(crate) sort: Vec<Key>,
    pub(crate) view: View,
    pub(crate) limit: Option<usize>,
    pub(crate) count: bool,
    pub(crate) posted: bool,
    pub(crate) params: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) column: Column,
    pub(crate) descending: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Column {
    Leaf(Leaf),
    /// The same of all records: whoever made them.
    Constant,
}

/// Which fields are shown, and of which relations the record itself.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) fields: Option<Vec<&'static str>>,
    pub(crate) expand: Vec<usize>,
}

/// Where a page ends: the values of its last record, in the order of the keys.
pub(crate) type Place = Vec<Value>;

impl Model {
    /// The page after `after`, and where it ends if there is another.
    pub(crate) fn list(&self, query: &Query, after: Option<&Place>) -> (Json, Option<Place>) {
        let matches = |record: &&Record| {
            record.entity == query.entity && query.filter.as_ref().is_none_or(|filter| filter.holds(record, self))
        };
        let mut found: Vec<&Record> = self.records.iter().filter(matches).collect();
        let total = found.len();
        let place = |record: &Record| -> Place {
            let keys = query.sort.iter().map(|key| match key.column {
                Column::Leaf(leaf) => leaf.of(record),
                Column::Constant => Value::Null,
            });
            // The id breaks the last ties.
            keys.chain([Value::Id(record.id)]).collect()
        };
        let order = |a: &Place, b: &Place| {
            let keys = a.iter().zip(b).enumerate().map(|(i, (a, b))| match query.sort.get(i) {
                Some(key) if key.descending => b.order(a),
                _ => a.order(b),
            });
            keys.fold(Ordering::Equal, Ordering::then)
        };
        found.sort_by(|a, b| order(&place(a), &place(b)));
        found.retain(|record| after.is_none_or(|after| order(&place(record), after).is_gt()));
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
        let end = found.get(limit - 1).filter(|_| found.len() > limit).map(|last| place(last));
        let items: Vec<Json> = found.iter().take(limit).map(|record| self.view(record, &query.view)).collect();
        let cursor = if end.is_some() { json!({"$cursor": true}) } else { Json::Null };
        let mut page = json!({"items": items, "next_cursor": cursor});
        if query.count {
            page["total"] = json!(total);
        }
        (page, end)
    }

    /// The record as a reader asked for it.
    pub(crate) fn view(&self, record: &Record, view: &View) -> Json {
        let entity = &self.entities[record.entity];
        let mut shown = self.show(record);
        let expanded = |position: &&usize| !shown[entity.fields[**position].name].is_null();
        let expanded: Vec<usize> = view.expand.iter().filter(expanded).copied().collect();
        for position in expanded {
            let field = &entity.fields[position];
            if let Value::Id(id) = record.values[position] {
                let target = field.kind.target().expect("only relations are expanded");
                shown[field.name] = self.show(self.find(target, id).expect("a relation leads to a record"));
            }
        }
        let Some(fields) = &view.fields else { return shown };
        let named = |name: &str| {
            name == "id"
                || fields.contains(&name)
                || view.expand.iter().any(|position| entity.fields[*position].name == name)
        };
        let shown: Map<String, Json> = shown
            .as_object()
            .expect("an object")
            .iter()
            .filter(|(name, _)| named(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        Json::Object(shown)
    }
}
