//! Use cases of the schema: entities are designed, shown and dropped here, and their tables made.

mod create;
mod ddl;
mod drop;
mod show;
mod surface;

pub use show::EntityView;
pub use surface::{Surface, SurfaceKey, UsableEntity, UsableField};
