//! `insula-demo`: fills a running server with every departure from New York in 2013, as an organisation of its own.

use std::process::ExitCode;

use clap::Parser;
use insula_model::clock::{Clock, Ids};
use insula_testkit::client::{self, Client, Registration};
use insula_testkit::flights::{self, Options, Progress, Take};

const EMAIL: &str = "demo@example.com";

/// Fill a running server with real data: every departure from New York's airports in 2013
#[derive(Parser)]
#[command(name = "insula-demo", version)]
struct Arguments {
    /// Where the server answers
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// How many flights: a number or `all` (336 776). January alone is 27 004
    #[arg(long, default_value = "27004", value_parser = take)]
    flights: Take,
}

fn take(text: &str) -> Result<Take, String> {
    match text {
        "all" => Ok(Take::All),
        number => number.parse().map(Take::First).map_err(|_| "a number or `all`".to_owned()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { url, flights } = Arguments::parse();
    let url = url.trim_end_matches('/');
    let password = password();
    let client = match register(url, &password).await {
        Ok(client) => client,
        Err(client::Error::Refused(refusal)) if refusal.status == 409 => {
            println!("{}", already_there(url));
            return ExitCode::SUCCESS;
        }
        Err(error) => return fail(&explain(&error, url)),
    };
    let loaded = flights::load(&client, Options { flights, progress: Progress::Shown }).await;
    // Also where loading stopped half way: nobody else knows the password.
    println!("The organisation `flights` is yours:\n  e-mail    {EMAIL}\n  password  {password}\n");
    match loaded {
        Ok(report) => {
            for loaded in &report.0 {
                println!("{loaded}");
            }
            println!("\n{}", questions(url, &password));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error.to_string()),
    }
}

async fn register(url: &str, password: &str) -> client::Result<Client> {
    let client = Client::new(url)?;
    let new = Registration { code: "flights", name: "Flights", email: EMAIL, password, full_name: "Demo" };
    client.register(new).await?;
    Ok(client)
}

/// 96 random bits.
fn password() -> String {
    hex::encode(Ids::new(Clock::default()).random::<12>())
}

fn explain(error: &client::Error, url: &str) -> String {
    match error {
        client::Error::Transport(_) => format!("Is a server running at {url}? Start one with `insula serve`.\n{error}"),
        client::Error::Refused(_) | client::Error::Unexpected(_) => format!(
            "Nobody could be registered. The server must allow it at once: start it with REGISTRATION=open.\n{error}"
        ),
    }
}

fn already_there(url: &str) -> String {
    format!(
        r#"The organisation `flights` is there already, or an account for {EMAIL}: nothing is loaded. Sign in with the
password that was shown when it was made. If it is lost, ask for a link to set another; the mail lies in DATA_DIR/mails:
  curl -s {url}/api/v1/auth/password/forgot -H 'Content-Type: application/json' -d '{{"email": "{EMAIL}"}}'
To load anew, start the server with an empty DATA_DIR or another DATABASE_URL.
"#
    )
}

fn fail(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

/// What to ask next, to be pasted into a shell.
fn questions(url: &str, password: &str) -> String {
    let ask = format!("curl -sG {url}/api/v1/records/flight -H \"Authorization: Bearer $TOKEN\"");
    format!(
        r#"Sign in:
  TOKEN=$(curl -s {url}/api/v1/auth/login -H 'Content-Type: application/json' \
    -d '{{"email": "{EMAIL}", "password": "{password}"}}' | sed 's/.*"access_token": *"\([^"]*\)".*/\1/')

Which of United's flights from Newark left latest, in which planes, and where did they go?
  {ask} \
    --data-urlencode 'filter=carrier.code == "UA" && origin.code == "EWR" && dep_delay > 120' \
    -d sort=-dep_delay -d expand=plane,dest -d limit=5 -d count=exact

What left in the thickest fog, to the west coast?
  {ask} \
    --data-urlencode 'filter=weather.visib < 1 && dest.tz == -8 && dep_time != null' \
    -d sort=-dep_delay -d expand=weather,carrier -d limit=5 -d count=exact

Which flights never left, and by which airlines, though nobody knows their plane?
  {ask} \
    --data-urlencode 'filter=dep_time == null && plane == null && tailnum != null' \
    -d sort=date -d expand=carrier -d limit=5 -d count=exact
"#
    )
}
