//! Connections to upstreams: which are used again, and what is sent twice.

use std::net::Shutdown;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::{OK, Raw, Recorder, Setup, Step, always, once, send, values};
use crate::route::Host;
use crate::tasks::Tasks;
use crate::upstream::{Protocol, Server};

const GET: &str = "GET / HTTP/1.1\r\nHost: app\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi";

#[tokio::test]
async fn a_connection_is_used_again() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    for request in [GET, POST, GET, "HEAD / HTTP/1.1\r\nHost: app\r\n\r\n"] {
        let mut client = Raw::to(&gate).await;
        client.send(request).await;
        client.until("\r\n\r\n").await;
    }
    recorder.until("four requests", |recorder| recorder.requests() == 4).await;
    assert_eq!(recorder.connections(), 1);
}

#[tokio::test]
async fn a_request_without_body_is_repeated_once_when_an_idle_connection_was_closed() {
    // Reads the second request, and closes without a word.
    let recorder = Recorder::start(|number| {
        if number == 0 { vec![Step::Request, send(OK), Step::Request, Step::Close] } else { always(OK) }
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    assert!(once(&gate, GET).await.ends_with("ok"));
    assert!(once(&gate, GET).await.ends_with("ok"));
    assert_eq!((recorder.connections(), recorder.requests()), (2, 3));
}

#[tokio::test]
async fn a_request_is_repeated_only_once() {
    let recorder = Recorder::start(|number| {
        if number == 0 {
            vec![Step::Request, send(OK), Step::Request, Step::Reset]
        } else {
            vec![Step::Request, Step::Close]
        }
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    once(&gate, GET).await;
    assert!(once(&gate, GET).await.starts_with("HTTP/1.1 502 "));
    assert_eq!((recorder.connections(), recorder.requests()), (2, 3));
}

#[tokio::test]
async fn a_request_on_a_new_connection_is_not_repeated() {
    let recorder = Recorder::start(|_| vec![Step::Request, Step::Close]).await;
    let gate = Setup::to(&recorder).start().await;
    assert!(once(&gate, GET).await.starts_with("HTTP/1.1 502 "));
    assert_eq!(recorder.connections(), 1);
}

/// Answers once on its first connection, reads the whole next request and closes; and answers on others.
fn dead_after_one(number: usize) -> Vec<Step> {
    if number == 0 { vec![Step::Request, send(OK), Step::Request, Step::Close] } else { always(OK) }
}

#[tokio::test]
async fn a_small_body_is_repeated_with_its_request_if_the_method_may_be() {
    let large = "x".repeat(64 * 1024);
    for (method, framed, body) in [
        ("PUT", "Content-Length: 2\r\n\r\nhi", "hi"),
        ("DELETE", "Content-Length: 2\r\n\r\nhi", "hi"),
        ("GET", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi"),
        ("PUT", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""),
        ("PUT", &format!("Content-Length: 65536\r\n\r\n{large}"), &large),
    ] {
        let recorder = Recorder::start(dead_after_one).await;
        let gate = Setup::to(&recorder).start().await;
        once(&gate, GET).await;
        let answer = once(&gate, format!("{method} / HTTP/1.1\r\nHost: app\r\n{framed}")).await;
        assert!(answer.ends_with("ok"), "{method} {framed:.60}: {answer}");
        assert_eq!((recorder.connections(), recorder.requests()), (2, 3), "{method} {framed:.60}");
        assert_eq!(gate.count("retries_total"), Some(1));
        let again = recorder.text(1);
        assert_eq!(values(&again, "Content-Length"), [body.len().to_string()]);
        assert!(again.ends_with(&format!("\r\n\r\n{body}")), "{again:.300}");
    }
}

#[tokio::test]
async fn a_request_whose_body_is_still_coming_is_repeated_and_goes_on() {
    let recorder = Recorder::start(|number| {
        if number == 0 {
            vec![Step::Request, send(OK), Step::Head, Step::Wait, Step::Close]
        } else {
            always(OK)
        }
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    once(&gate, GET).await;
    let mut client = Raw::to(&gate).await;
    client.send("PUT / HTTP/1.1\r\nHost: app\r\nContent-Length: 10\r\n\r\nhello").await;
    recorder.until("the first half", |recorder| recorder.text(0).ends_with("hello")).await;
    recorder.go_on();
    recorder.until("the first half again", |recorder| recorder.text(1).ends_with("hello")).await;
    client.send("world").await;
    assert!(client.answer().await.ends_with("ok"));
    assert!(recorder.text(1).ends_with("\r\n\r\nhelloworld"), "{}", recorder.text(1));
}

#[tokio::test]
async fn a_body_that_is_not_small_is_sent_once() {
    let body = "x".repeat(64 * 1024 + 1);
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n10001\r\n{body}\r\n0\r\n\r\n");
    for rest in [format!("Content-Length: 65537\r\n\r\n{body}"), chunked] {
        let recorder = Recorder::start(dead_after_one).await;
        let gate = Setup::to(&recorder).start().await;
        once(&gate, GET).await;
        let answer = once(&gate, format!("PUT / HTTP/1.1\r\nHost: app\r\n{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert_eq!((recorder.connections(), recorder.requests()), (1, 2));
    }
}

#[tokio::test]
async fn a_post_is_never_sent_twice() {
    for post in [POST, "POST / HTTP/1.1\r\nHost: app\r\n\r\n", "PATCH / HTTP/1.1\r\nHost: app\r\n\r\n"] {
        let recorder = Recorder::start(|number| {
            if number == 0 { vec![Step::Request, send(OK), Step::Request, Step::Close] } else { always(OK) }
        })
        .await;
        let gate = Setup::to(&recorder).start().await;
        once(&gate, GET).await;
        assert!(once(&gate, post).await.starts_with("HTTP/1.1 502 "), "{post:?}");
        assert_eq!((recorder.connections(), recorder.requests()), (1, 2), "{post:?}");
    }
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_asked_for_again() {
    for begun in ["garbage\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        let recorder = Recorder::start(move |number| {
            if number == 0 {
                vec![Step::Request, send(OK), Step::Request, send(begun), Step::Close]
            } else {
                always(OK)
            }
        })
        .await;
        let gate = Setup::to(&recorder).start().await;
        once(&gate, GET).await;
        assert!(once(&gate, GET).await.starts_with("HTTP/1.1 502 "), "{begun:?}");
        assert_eq!(recorder.connections(), 1, "{begun:?}");
    }
}

#[tokio::test]
async fn an_upstream_that_closes_after_its_answer_costs_nothing() {
    let recorder = Recorder::start(|_| vec![Step::Request, send(OK), Step::Close]).await;
    let gate = Setup::to(&recorder).start().await;
    for _ in 0..3 {
        assert!(once(&gate, POST).await.ends_with("ok"));
    }
    assert_eq!(recorder.requests(), 3);
}

#[tokio::test]
async fn an_early_answer_ends_the_connection_and_the_upload() {
    let refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nno";
    let recorder =
        Recorder::start(move |number| if number == 0 { vec![Step::Head, send(refusal)] } else { always(OK) })
            .await;
    let gate = Setup::to(&recorder).start().await;
    let mut uploading = Raw::to(&gate).await;
    uploading.send("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 1000000\r\n\r\nbegin").await;
    assert!(uploading.answer().await.starts_with("HTTP/1.1 401 "));
    assert!(once(&gate, GET).await.ends_with("ok"));
    assert_eq!(recorder.connections(), 2);
    recorder.until("the first connection to be closed", |recorder| recorder.is_closed(0)).await;
    // What follows is the rest of a body, and never a request.
    uploading.send(GET).await;
    assert_eq!(uploading.rest().await, b"");
    assert_eq!(recorder.requests(), 2);
}

#[tokio::test]
async fn an_answer_is_heard_though_its_server_takes_no_more_of_the_upload() {
    const BODY: usize = 4 * 1024 * 1024;
    let head = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 20002\r\nConnection: close\r\n\r\n";
    let (begin, end) = ("x".repeat(20_000), "no");
    let whole = vec![send(&format!("{head}{begin}{end}"))];
    let pieces = vec![send(head), send(&begin), send(end)];
    for answer in [whole, pieces] {
        let recorder =
            Recorder::start(move |_| [vec![Step::Head], answer.clone(), vec![Step::Close]].concat()).await;
        let gate = Setup::to(&recorder).start().await;
        for _ in 0..10 {
            let mut uploading = Raw::to(&gate).await;
            let head = format!("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: {BODY}\r\n\r\n");
            uploading.offer(head + &"x".repeat(BODY)).await;
            let answer = uploading.answer().await;
            assert!(answer.starts_with("HTTP/1.1 413 ") && answer.ends_with("xno"), "{} bytes", answer.len());
        }
    }
}

/// Answers each request when it has begun, takes no more of it, and never closes.
async fn takes_no_bodies(listener: UnixListener) {
    let mut open = Vec::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        if let Ok(1..) = stream.read(&mut [0; 64]).await {
            SockRef::from(&stream).shutdown(Shutdown::Read).unwrap();
            let _ = stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno").await;
        }
        open.push(stream);
    }
}

#[tokio::test]
async fn a_connection_that_took_no_more_is_not_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let tasks = Tasks::default();
    tasks.spawn("server", takes_no_bodies(UnixListener::bind(&path).unwrap()));
    let gate = Setup::target(Server::Unix(path)).start().await;
    let upload =
        format!("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 1000000\r\n\r\n{}", "x".repeat(1_000_000));
    for _ in 0..10 {
        let mut uploading = Raw::to(&gate).await;
        uploading.offer(&upload).await;
        let answer = uploading.answer().await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}

#[tokio::test]
async fn unreachable_upstreams_are_told_apart() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let tcp =
        |host: &str, port: u16, protocol| Server::Tcp { protocol, host: Host::parse(host).unwrap(), port };
    let recorder = Recorder::start(|_| vec![send("HTTP/1.1 400 Plain\r\n\r\n"), Step::Close]).await;
    for (target, status) in [
        (tcp("127.0.0.1", closed.port(), Protocol::Http), "502"),
        (tcp("no-such-host.invalid", 80, Protocol::Http), "502"),
        (tcp("127.0.0.1", recorder.address.port(), Protocol::Https), "502"),
        (Server::Unix("no/such/socket".into()), "502"),
        // RFC 5737: nobody answers. Without a route this is an error at once.
        (tcp("192.0.2.1", 80, Protocol::Http), "50"),
    ] {
        let mut setup = Setup::target(target.clone());
        if status != "502" {
            setup.timeouts.connect = Duration::from_millis(200);
        }
        let gate = setup.start().await;
        let answer = once(&gate, GET).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target:?}: {answer}");
    }
}

#[tokio::test]
async fn an_upstream_that_says_nothing_is_a_504() {
    let recorder = Recorder::start(|_| vec![Step::Request, send("HTTP/1.1 200"), Step::Wait]).await;
    let mut setup = Setup::to(&recorder);
    setup.timeouts.response = Duration::from_millis(100);
    let gate = setup.start().await;
    assert!(once(&gate, GET).await.starts_with("HTTP/1.1 504 "));
    recorder.until("the connection to be given up", |recorder| recorder.connections() == 1).await;
}

#[tokio::test]
async fn a_visitor_who_stops_uploading_is_told_so() {
    let recorder = Recorder::start(|_| vec![Step::Request]).await;
    let mut setup = Setup::to(&recorder);
    setup.timeouts.response = Duration::from_millis(100);
    let gate = setup.start().await;
    let mut client = Raw::to(&gate).await;
    client.send("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 100\r\n\r\nbegin").await;
    let answer = client.answer().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(values(&answer, "Connection"), ["close"]);
}

#[tokio::test]
async fn a_unix_socket_is_an_upstream() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let gate = Setup::target(Server::Unix(path)).start().await;
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
        read
    };
    let (read, answer) = tokio::join!(serve, once(&gate, GET));
    assert!(read > 0 && answer.ends_with("ok"));
}

#[tokio::test]
async fn a_connection_idle_for_long_is_not_used_for_a_post() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder);
    setup.idle.unrepeatable = Duration::ZERO;
    let gate = setup.start().await;
    for (request, connections) in [(GET, 1), (GET, 1), (POST, 2), (GET, 2), (POST, 3)] {
        once(&gate, request).await;
        assert_eq!(recorder.connections(), connections);
    }
}

#[tokio::test]
async fn a_connection_that_is_too_old_is_not_used_again() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder);
    (setup.idle.age, setup.idle.any) = (Duration::ZERO, Duration::from_mins(1));
    let gate = setup.start().await;
    for connections in 1..=3 {
        assert!(once(&gate, GET).await.ends_with("ok"));
        assert_eq!(recorder.connections(), connections);
        recorder.until("it to be closed", |recorder| recorder.is_closed(connections - 1)).await;
    }
}

#[tokio::test]
async fn connections_idle_for_too_long_are_closed() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder);
    setup.idle.any = Duration::ZERO;
    let gate = setup.start().await;
    once(&gate, GET).await;
    recorder.until("the idle connection to close", |recorder| recorder.is_closed(0)).await;
}
