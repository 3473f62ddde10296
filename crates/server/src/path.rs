//! What stands in a path. An id that is not written canonically names nothing: 404, not 422 (requirement C3).

use axum::extract::{FromRequestParts as _, RawPathParams};
use insula_model::id::{AccountId, ApiKeyId, EventId, GroupId, JobId, RecordId, RoleId, SessionId, TenantId, UnitId};
use insula_model::org::UnitKind;
use insula_model::problem::{Problem, Result};

use crate::call::{Call, Take};

/// The variable segments of a path, in order: one, or a tuple of two.
pub(crate) struct Path<T>(pub(crate) T);

/// What a path's variable segments can be read as.
pub(crate) trait Segments: Sized + Send {
    fn read<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Option<Self>;
}

impl<T: Segments> Take for Path<T> {
    async fn take(call: &mut Call) -> Result<Self> {
        // A segment that is not UTF-8 once decoded names nothing either.
        let params = RawPathParams::from_request_parts(&mut call.parts, &()).await.map_err(|_| Problem::not_found())?;
        T::read(&mut params.iter().map(|(_, value)| value)).map(Self).ok_or_else(Problem::not_found)
    }
}

impl Segments for String {
    fn read<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        segments.next().map(str::to_owned)
    }
}

impl<A: Segments, B: Segments> Segments for (A, B) {
    fn read<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Some((A::read(segments)?, B::read(segments)?))
    }
}

macro_rules! ids {
    ($($id:ident)*) => {$(
        impl Segments for $id {
            fn read<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
                Self::parse(segments.next()?)
            }
        }
    )*};
}

ids! { AccountId ApiKeyId EventId GroupId JobId RecordId RoleId SessionId TenantId UnitId }

/// By the name of the collection: `companies`.
impl Segments for UnitKind {
    fn read<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        let name = segments.next()?;
        Self::ALL.into_iter().find(|kind| kind.plural() == name)
    }
}
