//! Files and servers that are not as they should be.

use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

use super::*;

#[tokio::test]
async fn a_newer_layout_is_left_alone() {
    let (_keep, file) = sqlite();
    let place = Place::Sqlite(file.clone());
    open(&place).prepare().await.expect("made");
    let raw =
        crate::sqlite::pool(1, DEADLINE).connect_lazy_with(crate::sqlite::options(&file, "raw", DEADLINE));
    sqlx::query("INSERT INTO layout (version) VALUES (99)").execute(&raw).await.expect("written");
    let error = open(&place).prepare().await.expect_err("too new").to_string();
    assert!(error.contains("newer version") && error.contains("left as it was"), "{error}");
    assert!(matches!(open(&place).find("alice").await, Err(DatabaseError::Migration(_))));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_everything_as_it_was() {
    let (_keep, file) = sqlite();
    crate::sqlite::make(&file).expect("made");
    let raw =
        crate::sqlite::pool(1, DEADLINE).connect_lazy_with(crate::sqlite::options(&file, "raw", DEADLINE));
    // The third thing that the first step makes.
    sqlx::query("CREATE TABLE retired (other TEXT)").execute(&raw).await.expect("written");
    let error = open(&Place::Sqlite(file)).prepare().await.expect_err("in the way").to_string();
    assert!(error.contains("step 1") && error.contains("retired"), "{error}");
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&raw)
        .await
        .expect("read");
    assert_eq!(tables, ["retired"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_keeps_no_half_account() {
    let (_keep, file) = sqlite();
    let place = Place::Sqlite(file.clone());
    open(&place).prepare().await.expect("made");
    let raw =
        crate::sqlite::pool(1, DEADLINE).connect_lazy_with(crate::sqlite::options(&file, "raw", DEADLINE));
    // As on a full disk: the account goes in, and its line in the trail does not.
    sqlx::raw_sql("CREATE TRIGGER full BEFORE INSERT ON trail BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
        .execute(&raw)
        .await
        .expect("written");
    let database = open(&place);
    let refused = insert(&database, &new("alice")).await;
    assert!(matches!(refused, Err(DatabaseError::Refused(ref why)) if why.contains("full")));
    assert!(database.find("alice").await.expect("read").is_none());
}

#[tokio::test]
async fn a_file_that_is_locked_is_waited_for_and_then_given_up() {
    let (_keep, file) = sqlite();
    let place = Place::Sqlite(file.clone());
    let database = open(&place);
    database.prepare().await.expect("made");
    let raw =
        crate::sqlite::pool(1, DEADLINE).connect_lazy_with(crate::sqlite::options(&file, "raw", DEADLINE));
    let lock = raw.begin_with("BEGIN IMMEDIATE").await.expect("locked");
    assert!(matches!(insert(&database, &new("alice")).await, Err(DatabaseError::Timeout)));
    assert!(database.find("alice").await.expect("reading goes on").is_none());
    lock.rollback().await.expect("let go");
    assert!(matches!(insert(&database, &new("alice")).await, Ok(Inserted::Made)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_went_away_is_found_again() {
    let mut server = postgres::Server::start().await;
    let database = open(&server.place("postgres"));
    made(&database, new("alice")).await.expect("made");
    server.kill();
    assert!(matches!(
        database.find("alice").await,
        Err(DatabaseError::Unreachable(_) | DatabaseError::Timeout)
    ));
    server.restart().await;
    let found = async {
        while !matches!(database.find("alice").await, Ok(Some(_))) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), found).await.expect("found again");
}

/// As when the machine is gone and another takes its place: what was said before is lost, and nobody is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_fell_silent_is_left_for_the_one_in_its_place() {
    let server = postgres::Server::start().await;
    let way = Way::to(server.socket()).await;
    let database = open(&way.place("postgres"));
    made(&database, new("alice")).await.expect("made");
    let ask_at_once = || futures_util::future::join_all((0..20).map(|_| database.find("alice")));
    assert!(ask_at_once().await.iter().all(Result::is_ok), "every connection is in use");
    way.silent.send_replace(true);
    let unanswered = ask_at_once().await;
    assert!(unanswered.iter().all(|found| matches!(found, Err(DatabaseError::Timeout))));
    way.silent.send_replace(false);
    let found = async {
        while !matches!(database.find("alice").await, Ok(Some(_))) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), found).await.expect("found again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_ask_a_silent_server_first_none_waits_for_the_others() {
    let server = postgres::Server::start().await;
    let way = Way::to(server.socket()).await;
    way.silent.send_replace(true);
    let database = open(&way.place("postgres"));
    let asking = futures_util::future::join_all((0..20).map(|_| database.find("alice")));
    let answered = tokio::time::timeout(3 * DEADLINE, asking).await.expect("each is answered in time");
    assert!(answered.iter().all(|found| matches!(found, Err(DatabaseError::Timeout))));
    way.silent.send_replace(false);
    let ready = async {
        while database.find("alice").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ready).await.expect("found again");
}

/// A way over TCP to a server's socket. What comes along it while it is silent stays there for good.
struct Way {
    port: u16,
    silent: watch::Sender<bool>,
}

impl Way {
    async fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (silent, told) = watch::channel(false);
        let (tasks, each) = (Tasks::default(), Tasks::default());
        tasks.spawn("way", async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (mut told, socket) = (told.clone(), socket.clone());
                each.spawn("connection", async move {
                    let mut far = UnixStream::connect(socket).await.expect("the server listens");
                    let silenced = tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => false,
                        told = told.wait_for(|silent| *silent) => told.is_ok(),
                    };
                    if silenced {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Self { port, silent }
    }

    fn place(&self, database: &str) -> Place {
        let url = format!("postgres://vestibule@127.0.0.1:{}/{database}?sslmode=disable", self.port);
        Place::Postgres(Secret::new(url))
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_says_so() {
    let place = Place::Postgres(Secret::new("postgres://user:hidden@%2Fnowhere/accounts".to_owned()));
    let error = open(&place).find("alice").await.err().expect("nobody is there");
    assert!(matches!(error, DatabaseError::Unreachable(_)), "{error}");
    assert!(!error.to_string().contains("hidden"), "{error}");
    let place = Place::Postgres(Secret::new("postgres://user:hidden@host:port/accounts".to_owned()));
    let error = Database::open(&place, Handle::current(), Tasks::default()).err().expect("no url");
    assert!(!error.to_string().contains("hidden"), "{error}");
}
