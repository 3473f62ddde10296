//! Against a real server: walls, cancelled transactions, migrations.

mod cancel;
mod lifecycle;
mod scratch;
mod statements;
mod walls;
