//! `insula superuser`: who runs the installation is made where it runs, and by no request.

use std::io::Read as _;

use insula_engine::engine::{Engine, Origin};
use insula_model::json::Json;
use insula_model::problem::Problem;

use crate::config::ServeArgs;

/// Longer input is no password.
const MAX_INPUT: u64 = 8192;

#[derive(clap::Subcommand)]
pub enum Superuser {
    /// Make a superuser of an address that has no account yet.
    Create(Box<Create>),
}

#[derive(clap::Args)]
pub struct Create {
    /// The address to sign in with
    #[arg(long)]
    pub email: String,
    /// [default: Superuser]
    #[arg(long)]
    pub full_name: Option<String>,
    /// Read the password from the standard input; one line end after it is not part of it
    #[arg(long, required = true)]
    pub password_stdin: bool,
    /// Where the data is, as for `insula serve`
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Makes the superuser that `email`, `full_name` and the standard input tell of.
pub async fn create(
    engine: &Engine,
    origin: &Origin,
    email: String,
    full_name: Option<String>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut password = String::new();
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut password)?;
    let password = password.strip_suffix('\n').unwrap_or(&password);
    let password = password.strip_suffix('\r').unwrap_or(password);
    let body = [
        ("email", email),
        ("password", password.to_owned()),
        ("full_name", full_name.unwrap_or_else(|| "Superuser".to_owned())),
    ];
    let body = Json::Object(body.map(|(name, text)| (name.to_owned(), Json::Text(text))).into());
    engine.create_superuser(origin, &body).await.map(drop).map_err(|problem| told(&problem).into())
}

/// What is wrong, for a terminal.
fn told(problem: &Problem) -> String {
    let errors = problem.errors().iter().map(|error| {
        let option = error.pointer.trim_start_matches('/').replace('_', "-");
        format!("--{option}: {}", error.message)
    });
    let errors: Vec<_> = errors.collect();
    if errors.is_empty() { problem.to_string() } else { errors.join("\n") }
}
