//! Against a real server: walls, cancelled transactions, migrations.

mod cancel;
mod guise;
mod lifecycle;
pub(crate) mod scratch;
mod statements;
mod walls;
