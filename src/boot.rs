//! From a configuration to a gateway that serves, and on to its end. Start from [`run`].
//!
//! The order is the point: what can refuse (a port in use, a certificate, the data directory) comes first and leaves
//! nothing behind; what may be down and come back (the store, the mail server) keeps nobody from starting.

mod build;
mod data_dir;
mod open_files;
mod readiness;
#[cfg(test)]
mod tests;
mod watch;

use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::account::database::keep_trail;
use crate::account::{Database, DatabaseError, HasherError};
use crate::app::{App, Application};
use crate::clock::Clock;
use crate::config::Config;
use crate::gateway::{self, Gateway};
use crate::lifecycle::{Ended, GRACE, Lifecycle};
use crate::listen::{self, BindError, Bound, CertificateError, Handler, HttpSettings, Tls, Workers};
use crate::mail::{MailError, Mailer};
use crate::observe::logging::LoggingError;
use crate::observe::{AccessLog, Audit, Metrics, admin, logging};
use crate::portal::view::Views;
use crate::secret::Keys;
use crate::store::{Store, StoreError};
use crate::tasks::{Shutdown, Tasks};
use crate::upstream::{Pools, Upstream, UpstreamError};

pub use watch::watch_file;

/// How often files that may change are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How often records that have ended are cleared away, and how long a moment between two helpings is.
const SWEEP: (Duration, Duration) = (Duration::from_mins(1), Duration::from_millis(100));

/// Lines of the audit trail that may wait for the database.
const TRAIL: usize = 4096;

/// How long what runs beside the requests gets to end.
const LET_GO: Duration = Duration::from_secs(2);

/// How long a command waits for the mails that it brought about; each has a deadline of its own.
const MAILS: Duration = Duration::from_mins(2);

/// Why the gateway does not run; each is the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    #[error(transparent)]
    Listen(#[from] BindError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("{}: {error} ({remedy})", path.display())]
    DataDir { path: PathBuf, error: io::Error, remedy: &'static str },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Log(#[from] LoggingError),
    #[error("{}: {problem}", path.display())]
    Accounts { path: PathBuf, problem: String },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Hasher(#[from] HasherError),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    #[error("all workers have ended by themselves; the log above says why")]
    Crashed,
}

/// What everything else stands on. The sockets and tasks in here live on the services runtime, apart from the
/// workers' own, so that slow mail or a slow store never holds up a request that needs neither.
pub struct Foundation {
    pub config: Config,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    pub store: Arc<Store>,
    /// The accounts database, if there is one.
    pub database: Option<Database>,
    pub mailer: Mailer,
    pub audit: Audit,
    pub access_log: AccessLog,
    pub metrics: Metrics,
    /// Whatever is spawned here is given a moment at the end, and must watch `shutdown`.
    pub tasks: Tasks,
    pub shutdown: Shutdown,
    pub services: Handle,
}

/// Runs the gateway until a signal ends it.
pub fn run(config: Config) -> Result<(), BootError> {
    logging::init(&config.log)?;
    open_files::raise(&config.apps);
    let services = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("services")
        .enable_all()
        .build()
        .map_err(BootError::Thread)?;
    let ended = services.block_on(async {
        let lifecycle = Lifecycle::install().map_err(BootError::Thread)?;
        serve(config, lifecycle, build_gateway).await
    });
    services.shutdown_timeout(LET_GO);
    ended
}

/// Opens what the gateway works with, does one thing with it on behalf of the command line, and closes it again.
pub fn once<T>(config: Config, work: impl AsyncFnOnce(Arc<App>) -> T) -> Result<T, BootError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(BootError::Thread)?;
    runtime.block_on(async {
        let foundation = Foundation::lay(config, Shutdown::default()).await?;
        let (app, _) = build::app(&foundation)?;
        let done = work(app).await;
        if !foundation.mailer.finished_within(MAILS).await {
            warn!("some mails were not sent");
        }
        foundation.end().await;
        Ok(done)
    })
}

/// What answers requests, made from the foundation: one a worker.
fn build_gateway(
    foundation: &Foundation,
) -> Result<impl Fn(usize) -> Gateway + Send + Sync + use<>, BootError> {
    let (app, files) = build::app(foundation)?;
    let following = Arc::clone(&app);
    foundation.run_until_shutdown("changes", async move { following.sessions.follow().await });
    for file in files {
        foundation.run_until_shutdown("accounts", watch_accounts(file));
    }
    for check in
        app.snapshot.load().apps.iter().filter_map(Application::upstream).flat_map(Upstream::health_checks)
    {
        foundation.run_until_shutdown("health", check);
    }
    let config = &foundation.config;
    let settings = Arc::new(gateway::Settings {
        trusted_proxies: config.trusted_proxies.clone(),
        max_request_body: config.limits.max_request_body,
        views: Views::new(&config.portal),
        access_log: foundation.access_log.clone(),
        metrics: foundation.metrics.clone(),
    });
    // Its connections end with the worker's runtime.
    Ok(move |_worker| Gateway::new(Arc::clone(&app), Arc::clone(&settings), Pools::new(Tasks::default())))
}

/// Takes over an account file whenever it has changed; one with a mistake in it changes nothing.
async fn watch_accounts(file: build::AccountFile) {
    let build::AccountFile { path, content, directory } = file;
    let shown = path.display().to_string();
    let named = path.clone();
    watch_file(path, LOOK, content, move |content| {
        let read = content.map_err(|error| error.to_string());
        match read.and_then(|content| crate::config::accounts(&named, content)) {
            Ok(accounts) => {
                info!(file = shown, accounts = accounts.len(), "the accounts have changed");
                directory.replace(accounts);
            }
            Err(problem) => error!(file = shown, "the accounts stay as they were: {problem}"),
        }
    })
    .await;
}

/// On the services runtime: opens everything, starts the workers, and waits for the end.
async fn serve<H, F, B>(config: Config, lifecycle: Lifecycle, build: B) -> Result<(), BootError>
where
    H: Handler,
    F: Fn(usize) -> H + Send + Sync + 'static,
    B: FnOnce(&Foundation) -> Result<F, BootError>,
{
    let doors = Doors::open(&config)?;
    let foundation = Foundation::lay(config, lifecycle.shutdown().clone()).await?;
    foundation.prepare_database().await?;
    let handler = build(&foundation)?;
    foundation.start_background(&doors);
    let settings = HttpSettings::new(foundation.config.limits.max_request_headers);
    let Doors { bound, tls, admin } = doors;
    let listening = bound.listeners().to_vec();
    let connections = foundation.metrics.connections();
    let workers = Workers::start(bound, settings, tls.as_ref(), connections, &foundation.shutdown, handler)
        .map_err(BootError::Thread)?;
    if let Some(listener) = admin {
        foundation.start_admin(listener);
    }
    announce(&foundation.config, &listening);
    let ended = lifecycle.run(GRACE, workers.finished()).await;
    foundation.end().await;
    if ended == Ended::Crashed { Err(BootError::Crashed) } else { Ok(()) }
}

/// Everything that others connect to, and what is shown there.
struct Doors {
    bound: Bound,
    tls: Option<Arc<Tls>>,
    admin: Option<TcpListener>,
}

impl Doors {
    fn open(config: &Config) -> Result<Self, BootError> {
        let bound = listen::bind(&config.listen, Workers::count())?;
        let tls = config.listen.iter().any(|listener| listener.tls);
        let tls = tls.then(|| Tls::load(&config.tls)).transpose()?.map(Arc::new);
        let admin = config.admin.map(listen::bind_one).transpose()?;
        Ok(Self { bound, tls, admin })
    }
}

impl Foundation {
    async fn lay(config: Config, shutdown: Shutdown) -> Result<Self, BootError> {
        data_dir::make(&config.data_dir)?;
        let secrets = data_dir::secrets(&config)?;
        let keys = Keys::derive(&secrets).ok_or_else(|| BootError::DataDir {
            path: config.data_dir.clone(),
            error: io::ErrorKind::NotFound.into(),
            remedy: "there is no secret to derive keys from",
        })?;
        let (clock, tasks, services) = (Clock::System, Tasks::default(), Handle::current());
        let trail = config.data_dir.join("audit.log");
        let audit = Audit::open(&trail).unwrap_or_else(|error| {
            error!(path = %trail.display(), %error, "the audit trail cannot be written; events go to the log alone");
            Audit::off()
        });
        let database = match build::database_settings(&config) {
            Some(settings) => Some(Database::open(&settings.place, services.clone(), tasks.clone())?),
            None => None,
        };
        let audit = match &database {
            Some(database) => {
                let (sender, lines) = mpsc::channel(TRAIL);
                let keeper = keep_trail(database.clone(), lines, shutdown.clone());
                tasks.spawn_on(&services, "audit table", keeper);
                audit.with_table(sender)
            }
            None => audit,
        };
        Ok(Self {
            keys: Arc::new(keys),
            store: Arc::new(Store::open(&config.store, clock.clone(), &tasks).await?),
            database,
            mailer: Mailer::new(&config.mail, clock.clone(), tasks.clone(), services.clone())?,
            audit,
            access_log: AccessLog::start(&config.log).map_err(BootError::Thread)?,
            metrics: Metrics::default(),
            config,
            clock,
            tasks,
            shutdown,
            services,
        })
    }

    /// Brings the layout of the accounts database up to date. One that is down keeps nobody from starting: it is looked
    /// at again at each use.
    async fn prepare_database(&self) -> Result<(), BootError> {
        let Some(database) = &self.database else { return Ok(()) };
        match database.prepare().await {
            Ok(()) => info!("the accounts database ({}) is ready", database.kind()),
            Err(error @ (DatabaseError::Unreachable(_) | DatabaseError::Timeout)) => {
                error!(%error, "accounts of the database cannot sign in now");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// What runs beside the requests.
    fn start_background(&self, doors: &Doors) {
        if let Some(tls) = &doors.tls {
            self.run_until_shutdown("certificates", Arc::clone(tls).watch(LOOK));
        }
        self.run_until_shutdown("sweeper", sweep(Arc::clone(&self.store)));
        self.run_until_shutdown("first look", look(Arc::clone(&self.store), self.mailer.clone()));
    }

    /// Runs a task that would never end.
    pub fn run_until_shutdown(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn_on(&self.services, name, async move {
            tokio::select! {
                () = task => {}
                () = shutdown.begun() => {}
            }
        });
    }

    fn start_admin(&self, listener: TcpListener) {
        let readiness = readiness::Checks { store: Arc::clone(&self.store) };
        let metrics = self.metrics.clone();
        let (tasks, shutdown) = (self.tasks.clone(), self.shutdown.clone());
        self.tasks.spawn("admin", async move {
            if let Err(error) = admin::serve(listener, readiness, metrics, tasks, shutdown).await {
                error!(%error, "the admin listener does not run");
            }
        });
    }

    async fn end(self) {
        if !self.mailer.finished_within(LET_GO).await {
            warn!("some mails were not sent");
        }
        self.shutdown.abort();
        // Before the wait: what keeps the store's connection up is one of the tasks.
        self.store.close().await;
        if !self.tasks.finished_within(LET_GO).await {
            warn!(tasks = self.tasks.running(), "some background tasks did not end");
        }
        if let Some(database) = &self.database {
            database.close().await;
        }
    }
}

/// Says at the start what does not answer. Nobody waits for it: either may come back by itself.
async fn look(store: Arc<Store>, mailer: Mailer) {
    let (store_answers, mailer_answers) = tokio::join!(store.ping(), mailer.probe());
    match store_answers {
        Ok(()) => info!("the {} store answers", store.kind()),
        Err(error) => error!(%error, "signing in and sessions wait for the {} store", store.kind()),
    }
    match mailer_answers {
        Ok(answer) => info!("mail: {answer}"),
        Err(error) => error!(%error, "no codes can be mailed now"),
    }
}

/// Clears away what has ended, for ever.
async fn sweep(store: Arc<Store>) {
    loop {
        let (pause, helping) = SWEEP;
        match store.sweep().await {
            Ok(0) => tokio::time::sleep(pause).await,
            Ok(_) => tokio::time::sleep(helping).await,
            Err(error) => {
                warn!(%error, "records that have ended are not cleared away");
                tokio::time::sleep(pause).await;
            }
        }
    }
}

fn announce(config: &Config, listening: &[listen::ListenerSettings]) {
    for listener in listening {
        let scheme = if listener.tls { "https" } else { "http" };
        let aim = match (listener.redirect, &listener.proxy_protocol) {
            (true, _) => " (redirects to https)",
            (false, Some(_)) => " (with the PROXY protocol)",
            (false, None) => "",
        };
        match &listener.address {
            listen::Address::Tcp(address) => info!("listening on {scheme}://{address}{aim}"),
            listen::Address::Unix(path) => info!("listening on {scheme} at unix:{}{aim}", path.display()),
        }
    }
    if let Some(admin) = config.admin {
        info!("admin listener on http://{admin}: /healthz, /readyz, /metrics");
    }
    let portal = config.portal.url.iter().map(ToString::to_string);
    let urls: Vec<_> = portal.chain(config.apps.iter().map(|app| app.url.to_string())).collect();
    info!("ready: open {}", urls.join(" or "));
}
