//! What became of every record, as the audit log tells it, and whether an answer fits.

use std::collections::HashMap;

use insula_testkit::Caller;
use serde_json::Value;

use super::plan::Write;
use super::{CODES, Told};

pub(super) struct Histories {
    /// By id, the record's entity and its events, oldest first.
    of: HashMap<String, (String, Vec<Value>)>,
}

impl Histories {
    /// Reads them all. Each event starts from what the one before it left, and a deletion is the last.
    pub(super) async fn read(owner: &Caller) -> Self {
        let mut histories = HashMap::<String, (String, Vec<Value>)>::new();
        let page = owner.get("/audit?limit=1000").await.expect(200);
        assert!(page.body["next_cursor"].is_null(), "the plan is small enough for one page");
        let of_records = |event: &&Value| event["action"].as_str().unwrap().starts_with("record.");
        for event in page.items().iter().rev().filter(of_records) {
            let (id, entity) = (event["record_id"].as_str().unwrap(), event["entity"].as_str().unwrap());
            histories.entry(id.to_owned()).or_insert_with(|| (entity.to_owned(), Vec::new())).1.push(event.clone());
        }
        for (_, events) in histories.values() {
            let mut left = &Value::Null;
            for event in events {
                assert_eq!(&event["before"], left, "{events:#?}");
                left = &event["after"];
            }
            assert_eq!(events.iter().filter(|event| event["action"] == "record.create").count(), 1, "{events:#?}");
        }
        Self { of: histories }
    }

    /// The events that one write left: those that set its mark.
    fn left_by(&self, mark: &str) -> Vec<(&str, &Value)> {
        self.of
            .iter()
            .flat_map(|(id, (_, events))| events.iter().map(move |event| (id.as_str(), event)))
            .filter(|(_, event)| event["after"]["mark"] == mark && event["before"]["mark"] != mark)
            .collect()
    }

    fn is_gone(&self, id: &str) -> bool {
        self.of[id].1.last().is_some_and(|event| event["action"] == "record.delete")
    }

    /// The event of a version: the first is the creation, and each change makes the next.
    fn version(&self, id: &str, version: i64) -> &Value {
        let at = usize::try_from(version - 1).unwrap();
        self.of[id].1.get(at).unwrap_or_else(|| panic!("{id} never had version {version}: {:#?}", self.of[id].1))
    }

    /// Whether any other record was ever left with this value.
    fn ever(&self, but: Option<&str>, field: &str, value: &str) -> bool {
        let others = self.of.iter().filter(|(id, _)| Some(id.as_str()) != but);
        others.flat_map(|(_, (_, events))| events).any(|event| event["after"][field] == value)
    }

    /// Holds what a writer was told to what has happened.
    pub(super) fn explain(&self, told: &Told, pots: &[String]) {
        let Told { write, mark, believed, reply } = told;
        let (pot, records) = match *write {
            Write::Add(pot) | Write::Mark(pot) | Write::Name(pot, _) | Write::Link(pot, _) | Write::Delete(pot) => {
                (Some(&pots[pot]), 1)
            }
            Write::Both(a, b) => (None, if a == b { 1 } else { 2 }),
            Write::Upsert(_) | Write::Part(..) => (None, 1),
        };
        let left = self.left_by(mark);
        let expected = match (reply.status.as_u16(), write) {
            (200 | 201, _) => records,
            _ => 0,
        };
        assert_eq!(left.len(), expected, "{told:?} left {left:#?}");
        match (reply.status.as_u16(), write) {
            (200, Write::Both(..)) => {
                let updated = reply.body["updated"].as_array().unwrap();
                updated.iter().for_each(|record| self.shows(record));
            }
            (200 | 201, _) => {
                self.shows(&reply.body);
                // Nobody came between what was read and what was written.
                let version = reply.body["version"].as_i64();
                assert!(believed.is_none_or(|believed| version == Some(believed + 1)), "{told:?}");
            }
            (204, Write::Delete(_)) => assert!(self.is_gone(pot.unwrap()), "{told:?}"),
            (412, Write::Add(_)) => {
                let events = self.of[pot.unwrap()].1.len();
                assert!(events > usize::try_from(believed.unwrap()).unwrap(), "nobody changed it since: {told:?}");
            }
            (404, Write::Both(a, b)) => assert!(self.is_gone(&pots[*a]) || self.is_gone(&pots[*b]), "{told:?}"),
            (404, _) => assert!(self.is_gone(pot.unwrap()), "{told:?}"),
            (409, Write::Name(_, code)) => {
                assert!(self.ever(pot.map(String::as_str), "code", CODES[*code]), "{told:?}");
            }
            (409, Write::Delete(_)) => assert!(self.ever(None, "holds", pot.unwrap()), "{told:?}"),
            (409 | 422, Write::Link(_, next)) => assert!(self.is_gone(&pots[*next]), "{told:?}"),
            (409 | 422, Write::Part(of, holds)) => {
                assert!(self.is_gone(&pots[*of]) || self.is_gone(&pots[*holds]), "{told:?}");
            }
            _ => panic!("nothing explains it: {told:?}"),
        }
    }

    /// The record is one version of its history.
    fn shows(&self, record: &Value) {
        let id = record["id"].as_str().unwrap();
        let event = self.version(id, record["version"].as_i64().unwrap());
        for (field, value) in event["after"].as_object().unwrap() {
            assert_eq!(&record[field], value, "{record} and {event}");
        }
    }

    /// The records there are now are where their histories end, and refer to records that are there.
    pub(super) fn end_in(&self, entity: &str, left: &[Value]) {
        let live = self.of.iter().filter(|(id, (of, _))| of == entity && !self.is_gone(id));
        assert_eq!(live.count(), left.len());
        for record in left {
            let id = record["id"].as_str().unwrap();
            assert!(!self.is_gone(id), "{record}");
            assert_eq!(record["version"], self.of[id].1.len(), "{record}");
            self.shows(record);
            for relation in ["next", "of", "holds"] {
                assert!(record[relation].as_str().is_none_or(|id| !self.is_gone(id)), "{record}");
            }
        }
    }
}
