//! Use cases of the schema: entities are designed, shown, changed and dropped here, and their tables with them. Whatever
//! asks for a change says what is to be; the difference is applied in one place.

mod ahead;
mod alter;
mod change;
mod conversion;
mod ddl;
mod design;
mod document;
mod dry_run;
mod history;
mod reshape;
mod show;
mod surface;
mod survey;

pub use conversion::Change;
pub(crate) use conversion::{clear, conclude, convert};
pub use design::{Design, FieldView};
pub use document::{Applied, SchemaView};
pub use dry_run::PlanView;
pub use history::{SchemaChange, SchemaHistory};
pub use show::EntityView;
pub use surface::{Surface, SurfaceKey, UsableEntity, UsableField};
pub use survey::Hindrance;
