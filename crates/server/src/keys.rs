//! `insula keys`: what access tokens are signed with is changed where the server runs, and by no request.

use insula_engine::engine::{Engine, Origin};

use crate::config::ServeArgs;

#[derive(clap::Subcommand)]
pub enum Keys {
    /// Make a new signing key; the one before stays good until its last token has ended.
    Rotate(Box<Rotate>),
}

#[derive(clap::Args)]
pub struct Rotate {
    /// Where the data is, as for `insula serve`
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Makes the key, of the algorithm that is configured, and says its name.
pub async fn rotate(engine: &Engine, origin: &Origin) -> Result<(), Box<dyn std::error::Error>> {
    let made = engine.rotate_keys(origin).await?;
    println!("The key {made} signs within seconds. Those before it stay good until their tokens have ended.");
    Ok(())
}
