//! `vestibule check`: every problem of the configuration; with `--connect`, what the others say that it names.

use std::path::Path;

use tokio::runtime::Handle;

use super::{Failure, print};
use crate::account::database::{Layout, Place};
use crate::account::{Database, SourceSettings};
use crate::clock::{Clock, stopwatch};
use crate::config::{self, App, Behind, Config, LoadError};
use crate::mail::{self, Mailer};
use crate::store::{self, Store};
use crate::tasks::Tasks;
use crate::upstream::{Trust, Upstream};

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
        let mut warnings = Vec::new();
        failed += tell("store", reach_store(&config.store, &mut warnings)).await?;
        for warning in warnings {
            print(&format!("store: warning, {warning}\n"))?;
        }
        for source in &config.accounts {
            if let SourceSettings::Database(database) = source {
                failed += tell("accounts", reach_database(&database.place)).await?;
            }
        }
        failed += tell("mail", reach_mail(&config.mail)).await?;
        let trust = Trust::system();
        for app in &config.apps {
            failed += tell(&format!("app {}", app.name), reach_upstream(app, &trust)).await?;
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
    let answer = reached.await;
    let took = started.elapsed().as_millis();
    match answer {
        Ok(answer) => print(&format!("{what}: ok, {answer} ({took} ms)\n")).map(|()| 0),
        Err(why) => print(&format!("{what}: failed, {why}\n")).map(|()| 1),
    }
}

async fn reach_store(settings: &store::Settings, warnings: &mut Vec<String>) -> Result<String, String> {
    let at = settings.place();
    let failed = |error: store::StoreError| format!("{at}: {error}");
    if let store::Settings::Embedded { file } = settings
        && !file.exists()
    {
        return not_yet(file);
    }
    let clock = Clock::System;
    let store = Store::open(settings, clock.clone(), &Tasks::default()).await.map_err(failed)?;
    store.ping().await.map_err(failed)?;
    *warnings = store.inspect(clock.now()).await.map_err(failed)?;
    Ok(format!("{at} answers"))
}

/// Asks without changing the layout: that is for `serve`, which is in the place of the gateway that runs now.
async fn reach_database(place: &Place) -> Result<String, String> {
    let at = match place {
        Place::Sqlite(file) if !file.exists() => return not_yet(file),
        Place::Sqlite(file) => file.display().to_string(),
        Place::Postgres(url) => {
            let url = url::Url::parse(url.expose()).ok();
            let host = url.as_ref().and_then(|url| Some((url.host_str()?, url.port().unwrap_or(5432))));
            host.map_or_else(|| "postgres".to_owned(), |(host, port)| format!("postgres at {host}:{port}"))
        }
    };
    let database = Database::open(place, Handle::current(), Tasks::default());
    let looked = match database {
        Ok(database) => database.look().await,
        Err(error) => Err(error),
    };
    let layout = looked.map_err(|error| format!("{at}: {error}"))?;
    Ok(match layout {
        Layout::Todays => format!("{at} answers"),
        Layout::Missing => format!("{at} answers; its tables are made when the gateway starts"),
        Layout::Older => format!("{at} answers; its layout is brought up to date when the gateway starts"),
    })
}

/// A check makes nothing: what root's check had made, the gateway's own user could not write.
fn not_yet(path: &Path) -> Result<String, String> {
    match path.ancestors().skip(1).find(|above| above.exists()) {
        Some(above) if !above.is_dir() => Err(format!("{} is no directory", above.display())),
        _ => Ok(format!("{} is made when it is first needed", path.display())),
    }
}

/// Does all of a send but the mail.
async fn reach_mail(settings: &mail::Settings) -> Result<String, String> {
    if let mail::TransportSettings::Outbox(folder) = &settings.transport
        && !folder.exists()
    {
        return not_yet(folder);
    }
    let mailer = Mailer::new(settings, Clock::System, Tasks::default(), Handle::current());
    mailer.map_err(|error| error.to_string())?.probe().await.map_err(|error| error.to_string())
}

async fn reach_upstream(app: &App, trust: &Trust) -> Result<String, String> {
    let (settings, timeouts) = match &app.behind {
        Behind::Upstream { settings, timeouts } => (settings, *timeouts),
        Behind::Redirect { to, .. } => return Ok(format!("sends everybody to {to}")),
    };
    let upstream = Upstream::new(&app.name, settings, timeouts, trust);
    let reached = upstream.map_err(|error| error.to_string())?.probe().await;
    if reached.is_empty() {
        return Ok("is built in".to_owned());
    }
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (server, reached) in reached {
        match reached {
            Ok(()) => good.push(format!("{server} accepts connections")),
            Err(error) => bad.push(error.to_string()),
        }
    }
    if bad.is_empty() {
        Ok(good.join(", "))
    } else {
        Err(bad.into_iter().chain(good).collect::<Vec<_>>().join(", "))
    }
}
