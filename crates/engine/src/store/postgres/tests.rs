//! Against a real server: walls, cancelled transactions, migrations.

mod cancel;
mod lifecycle;
pub(crate) mod scratch;
mod statements;
mod walls;
