//! An upstream that keeps every byte it gets and answers from a script.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::tasks::Tasks;

/// What the recorder does next on a connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads to the end of a head.
    Head,
    /// Reads a whole request.
    Request,
    Send(Vec<u8>),
    /// Sends only once somebody has called [`Recorder::go_on`].
    Wait,
    Close,
    /// Closes with a reset.
    Reset,
    /// From the start of the script again.
    Again,
}

pub fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// Answers every request of a connection alike.
pub fn always(answer: &str) -> Vec<Step> {
    vec![Step::Request, send(answer), Step::Again]
}

pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[derive(Clone)]
pub struct Recorder {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    changed: Arc<Notify>,
    go_on: Arc<Notify>,
}

#[derive(Clone, Default)]
struct Seen {
    bytes: Vec<u8>,
    closed: bool,
}

impl Recorder {
    /// `script` is asked with the number of each connection, from 0. At its end the recorder reads until the
    /// connection is closed.
    pub async fn start(script: impl Fn(usize) -> Vec<Step> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let recorder = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            changed: Arc::default(),
            go_on: Arc::default(),
        };
        let (tasks, accepting) = (Tasks::default(), recorder.clone());
        tasks.clone().spawn("recorder", async move {
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                accepting.seen.lock().unwrap().push(Seen::default());
                accepting.changed.notify_waiters();
                let (recorder, steps) = (accepting.clone(), script(number));
                tasks.spawn("recorder", async move { recorder.play(number, stream, steps).await });
            }
        });
        recorder
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Everything that came over a connection.
    pub fn text(&self, connection: usize) -> String {
        let seen = self.seen.lock().unwrap();
        seen.get(connection).map(|seen| String::from_utf8_lossy(&seen.bytes).into_owned()).unwrap_or_default()
    }

    pub fn is_closed(&self, connection: usize) -> bool {
        self.seen.lock().unwrap().get(connection).is_some_and(|seen| seen.closed)
    }

    /// Requests over all connections, counted by their first lines.
    pub fn requests(&self) -> usize {
        (0..self.connections()).map(|number| self.text(number).matches(" HTTP/1.1\r\n").count()).sum()
    }

    /// Lets one [`Step::Wait`] pass.
    pub fn go_on(&self) {
        self.go_on.notify_one();
    }

    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if condition(self) {
                    return;
                }
                // Half-closes and drops are not announced; look again soon.
                let _ = timeout(Duration::from_millis(20), changed).await;
            }
        };
        let done = timeout(Duration::from_secs(5), waiting).await;
        assert!(done.is_ok(), "waited in vain: {what}; saw {:?}", self.text(0));
    }

    async fn play(&self, number: usize, mut stream: TcpStream, steps: Vec<Step>) {
        let mut consumed = 0;
        let mut place = 0;
        while let Some(step) = steps.get(place) {
            place += 1;
            match step {
                Step::Head | Step::Request => {
                    let whole = matches!(step, Step::Request);
                    loop {
                        let end = end_of_request(&self.bytes(number)[consumed..], whole);
                        if let Some(end) = end {
                            consumed += end;
                            break;
                        }
                        if !self.read(number, &mut stream).await {
                            return;
                        }
                    }
                }
                Step::Send(bytes) => {
                    let _ = stream.write_all(bytes).await;
                }
                Step::Wait => self.go_on.notified().await,
                Step::Close => return,
                Step::Reset => {
                    let _ = stream.set_zero_linger();
                    return;
                }
                Step::Again => place = 0,
            }
        }
        while self.read(number, &mut stream).await {}
    }

    fn bytes(&self, number: usize) -> Vec<u8> {
        self.seen.lock().unwrap()[number].bytes.clone()
    }

    async fn read(&self, number: usize, stream: &mut TcpStream) -> bool {
        let mut buffer = vec![0; 16 * 1024];
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        let mut seen = self.seen.lock().unwrap();
        seen[number].bytes.extend_from_slice(&buffer[..read]);
        seen[number].closed = read == 0;
        self.changed.notify_waiters();
        read > 0
    }
}

/// Where the first request ends; with `whole` its body as well.
fn end_of_request(bytes: &[u8], whole: bool) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    if !whole {
        return Some(head);
    }
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    if text.contains("transfer-encoding: chunked") {
        let end = bytes[head..].windows(5).position(|window| window == b"0\r\n\r\n")?;
        return Some(head + end + 5);
    }
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.trim().parse::<usize>().unwrap());
    (bytes.len() >= head + length).then_some(head + length)
}
