//! `insula keys`: what access tokens are signed with is changed where the server runs, and by no request.

use insula_engine::engine::{Engine, Options, Origin};

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
pub async fn rotate(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::open(options).await?;
    let request = engine.ids().next();
    let origin = Origin { request, address: "".into(), user_agent: "insula keys rotate".into() };
    let made = engine.rotate_keys(&origin).await;
    engine.close().await;
    println!("The key {} signs within seconds. Those before it stay good until their tokens have ended.", made?);
    Ok(())
}
