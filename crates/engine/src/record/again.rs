//! Outcomes of changes that are told again: records are read anew, as their caller may see them today.

use insula_model::id::{EntityId, RecordId};
use insula_model::problem::{Code, Problem, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value as Note;

use super::visible::{Refusal, Saved, VisibleBatch, VisibleRecord, VisibleResult, VisibleResults};
use crate::attempt::Outcome;
use crate::grant::Read;
use crate::tx::{Mode, Tx};

/// Which record, and the version it had then.
#[derive(Serialize, Deserialize)]
struct Kept {
    entity: EntityId,
    id: RecordId,
    version: i64,
    /// Its writer could not see it.
    #[serde(default)]
    unseen: bool,
}

impl Kept {
    const fn of(record: &VisibleRecord) -> Self {
        Self { entity: record.entity, id: record.id, version: record.version, unseen: record.is_bare }
    }

    /// The record as it is now; 404 where it is gone or has gone out of sight. Who may not read it, or could not when he
    /// wrote it, learns what he was told then.
    async fn read<M: Mode>(&self, tx: &mut Tx<'_, M>) -> Result<VisibleRecord> {
        let name = tx.model.schema.entity(self.entity).map(|entity| entity.name.to_string());
        let entity = tx.entity(&name.ok_or_else(Problem::not_found)?)?;
        let Ok(grant) = tx.authorize::<Read>(&entity) else { return Ok(self.bare()) };
        let selection = grant.selection("")?;
        match tx.get(self.id, &selection).await {
            Err(problem) if self.unseen && problem.code() == Code::NotFound => Ok(self.bare()),
            got => got,
        }
    }

    /// The same among others, where what is gone leaves its id.
    async fn read_among<M: Mode>(&self, tx: &mut Tx<'_, M>) -> Result<VisibleRecord> {
        match self.read(tx).await {
            Err(problem) if problem.code() == Code::NotFound => Ok(self.bare()),
            read => read,
        }
    }

    fn bare(&self) -> VisibleRecord {
        VisibleRecord::bare(self.entity, self.id, self.version)
    }
}

async fn all<M: Mode>(tx: &mut Tx<'_, M>, kept: Vec<Kept>) -> Result<Vec<VisibleRecord>> {
    let mut records = Vec::with_capacity(kept.len());
    for kept in kept {
        records.push(kept.read_among(tx).await?);
    }
    Ok(records)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedNote {
    Created(Kept),
    Updated(Kept),
}

impl Outcome for Saved {
    fn note(&self) -> Note {
        note(&match self {
            Self::Created(record) => SavedNote::Created(Kept::of(record)),
            Self::Updated(record) => SavedNote::Updated(Kept::of(record)),
        })
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: Note) -> Result<Self> {
        Ok(match read(note)? {
            SavedNote::Created(kept) => Self::Created(kept.read(tx).await?),
            SavedNote::Updated(kept) => Self::Updated(kept.read(tx).await?),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct BatchNote {
    created: Vec<Kept>,
    updated: Vec<Kept>,
    deleted: Vec<RecordId>,
    refused: Vec<(String, usize, String)>,
}

impl Outcome for VisibleBatch {
    fn note(&self) -> Note {
        let refused =
            |refusal: &Refusal| (refusal.op.to_owned(), refusal.index, refusal.problem.code().as_str().to_owned());
        note(&BatchNote {
            created: self.created.iter().map(Kept::of).collect(),
            updated: self.updated.iter().map(Kept::of).collect(),
            deleted: self.deleted.clone(),
            refused: self.refused.iter().map(refused).collect(),
        })
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: Note) -> Result<Self> {
        let BatchNote { created, updated, deleted, refused } = read(note)?;
        let (created, updated) = (all(tx, created).await?, all(tx, updated).await?);
        let refused = refused.into_iter().filter_map(|(op, index, code)| refusal(&op, index, &code)).collect();
        Ok(Self { created, updated, deleted, refused })
    }
}

/// A refusal without its details, which may speak of what its caller no longer sees.
fn refusal(op: &str, index: usize, code: &str) -> Option<Refusal> {
    let op = ["create", "update", "delete"].into_iter().find(|known| *known == op)?;
    let code = Code::ALL.iter().find(|known| known.as_str() == code)?;
    Some(Refusal { op, index, problem: Problem::new(*code, "So it was when the request was first sent.") })
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ResultNote {
    Record(Kept),
    Deleted(RecordId),
}

impl Outcome for VisibleResults {
    fn note(&self) -> Note {
        let result = |result: &VisibleResult| match result {
            VisibleResult::Record(record) => ResultNote::Record(Kept::of(record)),
            VisibleResult::Deleted(id) => ResultNote::Deleted(*id),
        };
        note(&self.0.iter().map(result).collect::<Vec<_>>())
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: Note) -> Result<Self> {
        let mut results = Vec::new();
        for result in read::<Vec<ResultNote>>(note)? {
            results.push(match result {
                ResultNote::Record(kept) => VisibleResult::Record(kept.read_among(tx).await?),
                ResultNote::Deleted(id) => VisibleResult::Deleted(id),
            });
        }
        Ok(Self(results))
    }
}

/// Ids, numbers and codes always serialise.
fn note(of: &impl Serialize) -> Note {
    serde_json::to_value(of).unwrap_or_default()
}

fn read<T: for<'de> Deserialize<'de>>(note: Note) -> Result<T> {
    serde_json::from_value(note).map_err(Problem::internal)
}
