//! From the configuration to an [`App`] and its first [`Snapshot`].

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{BootError, Foundation};
use crate::accent::Accent;
use crate::account::{Database, DatabaseSettings, Directory, FileDirectory, Hasher, Source, SourceSettings};
use crate::app::{App, Application, Behind, Snapshot};
use crate::config::{self, Config};
use crate::identity::{self, StripList};
use crate::listen::Workers;
use crate::mail::Brand;
use crate::observe::Metrics;
use crate::observe::metrics::AppMetrics;
use crate::route::{Origin, Routes};
use crate::session::Sessions;
use crate::throttle::Throttle;
use crate::upstream::{Rewrite, Trust, Upstream};
use crate::words::Languages;

/// Password checks that may wait for a thread; more are told to come back. At some 20 ms each on two threads the last
/// waits for well under a second.
const WAITING_CHECKS: usize = 64;

/// The app, and the account files to watch with the directories to fill from them.
pub(super) fn app(foundation: &Foundation) -> Result<(Arc<App>, Vec<AccountFile>), BootError> {
    let config = &foundation.config;
    let files = account_files(config)?;
    let directory = directory(config, &files, foundation.database.as_ref());
    let snapshot = snapshot(config, directory, &foundation.metrics)?;
    let (store, keys) = (Arc::clone(&foundation.store), Arc::clone(&foundation.keys));
    let app = App {
        clock: foundation.clock.clone(),
        sessions: Sessions::new(Arc::clone(&store), Arc::clone(&keys), config.session)
            .counted_by(foundation.metrics.sessions()),
        throttle: Throttle::new(Arc::clone(&store), Arc::clone(&keys), config.limits.throttle),
        hasher: Hasher::new(Workers::count(), WAITING_CHECKS, config.passwords)?,
        mailer: foundation.mailer.clone(),
        words: Languages::with(&config.portal.locales),
        audit: foundation.audit.clone(),
        tasks: foundation.tasks.clone(),
        snapshot: ArcSwap::from_pointee(snapshot),
        keys,
        store,
    };
    Ok((Arc::new(app), files))
}

/// An account file, its content as read, and where its accounts go.
pub(super) struct AccountFile {
    pub path: std::path::PathBuf,
    pub content: Vec<u8>,
    pub directory: FileDirectory,
}

fn account_files(config: &Config) -> Result<Vec<AccountFile>, BootError> {
    let paths = config.accounts.iter().filter_map(|source| match source {
        SourceSettings::File(path) => Some(path),
        SourceSettings::Database(_) => None,
    });
    paths.map(|path| account_file(path)).collect()
}

/// The sources in the order of the configuration.
fn directory(config: &Config, files: &[AccountFile], database: Option<&Database>) -> Directory {
    let mut files = files.iter().map(|file| Source::File(file.directory.clone()));
    let sources = config.accounts.iter().filter_map(|source| match source {
        SourceSettings::File(_) => files.next(),
        SourceSettings::Database(_) => database.cloned().map(Source::Database),
    });
    Directory::new(sources.collect())
}

fn account_file(path: &std::path::Path) -> Result<AccountFile, BootError> {
    let content = std::fs::read(path)
        .map_err(|error| BootError::Accounts { path: path.to_owned(), problem: error.to_string() })?;
    let accounts = config::accounts(path, &content)
        .map_err(|problem| BootError::Accounts { path: path.to_owned(), problem })?;
    Ok(AccountFile { path: path.to_owned(), content, directory: FileDirectory::new(accounts) })
}

fn snapshot(config: &Config, directory: Directory, metrics: &Metrics) -> Result<Snapshot, BootError> {
    let routes = Routes::new(config.apps.iter().map(|app| &app.url), config.portal.url.as_ref());
    let trust = Trust::system();
    let apps: Result<Vec<_>, BootError> =
        config.apps.iter().map(|app| application(app, &routes, &trust, metrics.app(&app.name))).collect();
    Ok(Snapshot {
        apps: apps?,
        routes,
        portal: config.portal.url.clone(),
        directory,
        database: database_settings(config).cloned(),
        admins: config.admins.clone(),
        passwords: config.passwords,
        session: config.session,
        email_code: config.email_code,
        brand: Brand {
            title: config.portal.title.clone(),
            accent: config.portal.accent.map(Accent::new).unwrap_or_default(),
        },
        strip: Arc::new(StripList::new(config.apps.iter().map(|app| &app.identity))),
    })
}

/// The one database among the sources.
pub(super) fn database_settings(config: &Config) -> Option<&DatabaseSettings> {
    config.accounts.iter().find_map(|source| match source {
        SourceSettings::Database(database) => Some(database),
        SourceSettings::File(_) => None,
    })
}

fn application(
    app: &config::App,
    routes: &Routes,
    trust: &Trust,
    metrics: Arc<AppMetrics>,
) -> Result<Application, BootError> {
    let (behind, allow_headers, strip_prefix) = match &app.behind {
        config::Behind::Upstream { settings, timeouts } => {
            let upstream = Upstream::new(&app.name, settings, *timeouts, trust)?;
            let upstream = upstream.counted_by(Arc::clone(&metrics));
            let behind = Behind::Upstream(Box::new(upstream), Rewrite::new(settings, &app.url));
            (behind, settings.allow_headers.clone(), settings.strip_prefix.clone())
        }
        config::Behind::Redirect { to, strip_prefix } => {
            (Behind::Redirect(to.clone()), Vec::new(), strip_prefix.clone())
        }
    };
    let Origin { scheme, host, port } = &app.url.origin;
    let place = identity::Place::new(*scheme, host, Some(*port)).ok();
    let rules_by_path = app.access.iter().any(|rule| !rule.paths.is_empty());
    Ok(Application {
        name: app.name.clone(),
        url: app.url.clone(),
        rules: app.access.clone().into(),
        by_path: rules_by_path || routes.by_path(&app.url.origin.host),
        identity: identity::Prepared::new(app.identity.clone()),
        place,
        allow_headers,
        headers: app.headers.clone(),
        maintenance: app.maintenance,
        activity: app.activity,
        max_request_body: app.max_request_body,
        strip_prefix,
        behind,
        metrics,
    })
}
