//! Databases of a run's own on the PostgreSQL server it was given.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

use crate::Result;
use crate::workload::Store;

/// A host in a URL, or the folder of a socket in its place.
const HOST: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-');

/// The server as its superuser sees it.
pub struct Cluster {
    config: Config,
    client: Client,
}

impl Cluster {
    /// The server of this run, where the store needs one.
    pub async fn for_store(store: Store) -> Result<Option<Self>> {
        if store == Store::Sqlite {
            return Ok(None);
        }
        let url = std::env::var("INSULA_TEST_POSTGRES")
            .map_err(|_| "INSULA_TEST_POSTGRES must name a PostgreSQL superuser; `cargo xtask bench` sets it")?;
        Self::connect(&url).await.map(Some)
    }

    pub async fn connect(url: &str) -> Result<Self> {
        let config: Config = url.parse()?;
        let client = connect(&config).await?;
        Ok(Self { config, client })
    }

    /// Makes a database and the role that owns it, with the rights the product asks of its `DATABASE_URL`; answers that URL.
    pub async fn make(&self, name: &str) -> Result<String> {
        self.client.batch_execute(&format!("CREATE ROLE {name} LOGIN PASSWORD '{name}' CREATEROLE CREATEDB")).await?;
        self.client.batch_execute(&format!("CREATE DATABASE {name} OWNER {name}")).await?;
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => "127.0.0.1".into(),
        };
        let host = utf8_percent_encode(&host, HOST).to_string();
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        Ok(format!("postgres://{name}:{name}@{host}:{port}/{name}"))
    }

    /// Visibility maps and statistics as a database at rest has them, so that no contender is measured amid its own cleaning.
    pub async fn settle(&self, name: &str) -> Result<()> {
        let client = self.inside(name).await?;
        client.batch_execute("VACUUM ANALYZE").await?;
        client.batch_execute("CHECKPOINT").await?;
        Ok(())
    }

    /// Removes what [`Self::make`] made; the role stays where something else still depends on it, such as a cell.
    pub async fn remove(&self, name: &str) -> Result<()> {
        self.client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        let _ = self.client.batch_execute(&format!("DROP ROLE {name}")).await;
        Ok(())
    }

    /// All databases somebody may connect to: the product may have made cells beside its own.
    pub async fn databases(&self) -> Result<Vec<String>> {
        let rows = self.client.query("SELECT datname FROM pg_database WHERE datallowconn", &[]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The superuser inside another database.
    pub async fn inside(&self, name: &str) -> Result<Client> {
        connect(self.config.clone().dbname(name)).await
    }
}

async fn connect(config: &Config) -> Result<Client> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
