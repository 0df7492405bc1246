//! `vestibule check`: every problem of the configuration; with `--connect`, what the others say that it names.

use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::{Failure, print};
use crate::clock::{Clock, stopwatch};
use crate::config::{self, App, Config, LoadError};
use crate::mail::{self, TransportSettings};
use crate::store::{self, Store};
use crate::tasks::Tasks;
use crate::upstream::Target;

/// How long the others may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn run(path: &Path, connect: bool) -> Result<(), Failure> {
    let (config, warnings) = match config::load(path) {
        Ok(loaded) => loaded,
        Err(LoadError::Problems(problems)) => {
            print(&config::render(&problems))?;
            return Err(Failure::Usage(format!("{}: {}", path.display(), config::summary(&problems))));
        }
        Err(error @ LoadError::Read(..)) => return Err(Failure::Usage(error.to_string())),
    };
    print(&config::render(&warnings))?;
    print(&format!("{}: {}\n", path.display(), config::summary(&warnings)))?;
    if connect { connect_to_all(&config) } else { Ok(()) }
}

fn connect_to_all(config: &Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Work(format!("no runtime can be made: {error}")))?;
    let failed = runtime.block_on(async {
        let mut failed = 0;
        failed += tell("store", reach_store(&config.store)).await?;
        failed += tell("mail", reach_mail(&config.mail)).await?;
        for app in &config.apps {
            failed += tell(&format!("app {}", app.name), reach_upstream(app)).await?;
        }
        Ok::<u32, Failure>(failed)
    })?;
    match failed {
        0 => Ok(()),
        1 => Err(Failure::Work("one of them did not answer".to_owned())),
        several => Err(Failure::Work(format!("{several} of them did not answer"))),
    }
}

/// Prints what came of it; 1 if it failed.
async fn tell(what: &str, reached: impl Future<Output = Result<String, String>>) -> Result<u32, Failure> {
    let started = stopwatch();
    let answer = timeout(PATIENCE, reached).await;
    let took = started.elapsed().as_millis();
    match answer.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs()))) {
        Ok(answer) => print(&format!("{what}: ok, {answer} ({took} ms)\n")).map(|()| 0),
        Err(why) => print(&format!("{what}: failed, {why}\n")).map(|()| 1),
    }
}

async fn reach_store(settings: &store::Settings) -> Result<String, String> {
    let store =
        Store::open(settings, Clock::System, &Tasks::default()).await.map_err(|error| error.to_string())?;
    store.ping().await.map_err(|error| error.to_string())?;
    Ok(format!("{} answers", store.kind()))
}

async fn reach_mail(settings: &mail::Settings) -> Result<String, String> {
    match &settings.transport {
        TransportSettings::Smtp(smtp) => reach_tcp(&smtp.host, smtp.port).await,
        TransportSettings::Outbox(folder) => {
            let made = std::fs::create_dir_all(folder);
            made.map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
            Ok(format!("mails go to {}", folder.display()))
        }
        TransportSettings::Terminal => Ok("mails go to the terminal".to_owned()),
    }
}

async fn reach_upstream(app: &App) -> Result<String, String> {
    match &app.upstream.target {
        Target::Tcp { host, port, .. } => reach_tcp(host.as_str().trim_matches(['[', ']']), *port).await,
        Target::Unix(path) => {
            let connected = UnixStream::connect(path).await;
            connected.map_err(|error| format!("unix:{} cannot be reached: {error}", path.display()))?;
            Ok(format!("unix:{} accepts connections", path.display()))
        }
        Target::Whoami => Ok("built in".to_owned()),
    }
}

async fn reach_tcp(host: &str, port: u16) -> Result<String, String> {
    let connected = TcpStream::connect((host, port)).await;
    let peer = connected.and_then(|stream| stream.peer_addr());
    peer.map(|peer| format!("{host}:{port} accepts connections at {peer}"))
        .map_err(|error| format!("{host}:{port} cannot be reached: {error}"))
}
