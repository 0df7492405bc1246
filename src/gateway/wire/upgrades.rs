//! Web sockets and other upgrades: only after the upstream's 101, and no longer than the session.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{Gate, OK, Raw, Recorder, Setup, Step, always, send, values};
use crate::route::Host;
use crate::tasks::Tasks;
use crate::upstream::{Protocol, Server};

pub(super) const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: app\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nRemote-User: admin\r\n\
    Cookie: __Host-vestibule=SECRET\r\n\r\n";
pub(super) const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A WebSocket server that answers every message with itself.
async fn echo() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tasks = Tasks::default();
    tasks.clone().spawn("echo", async move {
        while let Ok((stream, _)) = listener.accept().await {
            tasks.spawn("echo", async move {
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() || message.is_binary() {
                        socket.send(message).await.unwrap();
                    }
                }
            });
        }
    });
    Server::Tcp { protocol: Protocol::Http, host: Host::parse("127.0.0.1").unwrap(), port }
}

async fn websocket(gate: &Gate) -> tokio_tungstenite::WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(gate.address).await.unwrap();
    tokio_tungstenite::client_async("ws://app/ws", stream).await.unwrap().0
}

#[tokio::test]
async fn a_websocket_carries_messages_of_every_size() {
    let gate = Setup::target(echo().await).signed_in().start().await;
    let mut socket = websocket(&gate).await;
    for size in [0, 1, 125, 126, 65535, 65536, 1_000_000] {
        let message = Message::binary(vec![7; size]);
        socket.send(message.clone()).await.unwrap();
        assert_eq!(timeout(Duration::from_secs(10), socket.next()).await.unwrap().unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
}

#[tokio::test]
async fn a_websocket_is_closed_with_1008_when_the_session_ends() {
    let gate = Setup::target(echo().await).signed_in().start().await;
    let mut socket = websocket(&gate).await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    gate.cutoff.cancel();
    let last = timeout(Duration::from_secs(5), socket.next()).await.unwrap().unwrap().unwrap();
    let Message::Close(Some(frame)) = last else { panic!("{last:?}") };
    assert_eq!(frame.code, CloseCode::Policy);
}

#[tokio::test]
async fn a_frame_that_has_begun_is_finished_before_the_close() {
    let recorder = Recorder::start(|_| {
        vec![
            Step::Head,
            send(SWITCH),
            Step::Send(vec![0x82, 6, 1, 2, 3]),
            Step::Wait,
            Step::Send(vec![4, 5, 6, 0x82, 1, 9]),
        ]
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send(HANDSHAKE).await;
    client.until("\r\n\r\n\u{fffd}\u{6}\u{1}\u{2}\u{3}").await;
    gate.cutoff.cancel();
    recorder.go_on();
    let all = client.rest().await;
    assert!(all.ends_with(&[0x82, 6, 1, 2, 3, 4, 5, 6, 0x88, 2, 0x03, 0xf0]), "{all:?}");
    recorder.until("the upstream's end to close", |recorder| recorder.is_closed(0)).await;
}

#[tokio::test]
async fn the_close_reaches_a_visitor_who_is_still_sending() {
    let recorder = Recorder::start(|_| vec![Step::Head, send(SWITCH), Step::Wait]).await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send(HANDSHAKE).await;
    client.until("\r\n\r\n").await;
    client.fill();
    gate.cutoff.cancel();
    let all = client.until_or_end(&[0x88, 2, 0x03, 0xf0]).await;
    assert!(all, "the close frame was lost");
}

#[tokio::test]
async fn a_frame_that_never_ends_does_not_hold_the_socket_open() {
    let recorder =
        Recorder::start(|_| vec![Step::Head, send(SWITCH), Step::Send(vec![0x82, 6, 1, 2, 3]), Step::Wait])
            .await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send(HANDSHAKE).await;
    client.until("\u{1}\u{2}\u{3}").await;
    gate.cutoff.cancel();
    let all = timeout(Duration::from_secs(5), client.rest()).await.unwrap();
    assert!(all.ends_with(&[0x82, 6, 1, 2, 3]));
}

#[tokio::test]
async fn a_handshake_is_stamped_like_any_request() {
    let recorder = Recorder::start(|_| vec![Step::Head, send(SWITCH)]).await;
    let gate = Setup::to(&recorder).signed_in().start().await;
    let mut client = Raw::to(&gate).await;
    client.send(HANDSHAKE).await;
    let answer = client.until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert_eq!(values(&answer, "Upgrade"), ["websocket"]);
    assert_eq!(values(&answer, "Sec-WebSocket-Accept").len(), 1);
    let seen = recorder.text(0);
    assert_eq!(values(&seen, "Remote-User"), ["alice"]);
    assert_eq!(values(&seen, "Connection"), ["upgrade"]);
    assert_eq!(values(&seen, "Upgrade"), ["websocket"]);
    assert!(values(&seen, "Cookie").is_empty());
    client.send("raw bytes").await;
    recorder.until("the bytes", |recorder| recorder.text(0).ends_with("\r\n\r\nraw bytes")).await;
}

#[tokio::test]
async fn whoever_writes_on_to_an_app_that_is_gone_learns_of_it() {
    let other = "GET / HTTP/1.1\r\nHost: app\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n";
    let granted = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n";
    for (handshake, answer) in [(HANDSHAKE, SWITCH), (other, granted)] {
        let recorder = Recorder::start(move |_| vec![Step::Head, send(answer), Step::Close]).await;
        let gate = Setup::to(&recorder).signed_in().start().await;
        let mut client = Raw::to(&gate).await;
        client.send(handshake).await;
        client.until("HTTP/1.1 101 ").await;
        client.until_refused().await;
    }
}

#[tokio::test]
async fn what_follows_a_refused_upgrade_is_a_request_like_any_other() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send(format!("{HANDSHAKE}TRACE /admin HTTP/1.1\r\nHost: app\r\n\r\n")).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 200 "));
    let second = String::from_utf8_lossy(&client.rest().await).into_owned();
    assert!(second.is_empty() || second.starts_with("HTTP/1.1 405 "), "{second}");
    assert!(!recorder.text(0).contains("admin"));
    assert_eq!(recorder.requests(), 1);
}

#[tokio::test]
async fn upgrades_that_are_not_allowed_are_not_passed_on() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    for request in [
        "GET / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: app\r\nUpgrade: websocket\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi",
        "GET / HTTP/1.0\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ] {
        let mut client = Raw::to(&gate).await;
        client.send(request).await;
        assert!(client.answer().await.contains(" 200 "), "{request:?}");
    }
    let seen = recorder.text(0);
    for name in ["Upgrade", "Connection", "HTTP2-Settings"] {
        assert!(values(&seen, name).is_empty(), "{name}: {seen}");
    }
    assert_eq!(recorder.requests(), 6);
}

#[tokio::test]
async fn a_change_to_another_protocol_than_asked_is_a_502() {
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: dGhlIHNhbXBs\r\n\r\n",
    ] {
        let recorder = Recorder::start(move |_| vec![Step::Head, send(answer)]).await;
        let gate = Setup::to(&recorder).start().await;
        let mut client = Raw::to(&gate).await;
        client.send(HANDSHAKE).await;
        assert!(client.answer().await.starts_with("HTTP/1.1 502 "), "{answer:?}");
        recorder.until("the upstream's end to close", |recorder| recorder.is_closed(0)).await;
    }
}

#[tokio::test]
async fn a_tunnel_ends_with_either_end() {
    let recorder = Recorder::start(|number| {
        if number == 0 { vec![Step::Head, send(SWITCH)] } else { vec![Step::Head, send(SWITCH), Step::Close] }
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    let mut leaving = Raw::to(&gate).await;
    leaving.send(HANDSHAKE).await;
    leaving.until("\r\n\r\n").await;
    drop(leaving);
    recorder.until("the upstream's end to close", |recorder| recorder.is_closed(0)).await;
    let mut left = Raw::to(&gate).await;
    left.send(HANDSHAKE).await;
    left.until("\r\n\r\n").await;
    left.rest().await;
}

#[tokio::test]
async fn a_websocket_that_falls_silent_is_closed_with_1001() {
    let mut setup = Setup::target(echo().await);
    setup.timeouts.idle = Duration::from_millis(50);
    let gate = setup.start().await;
    let mut socket = websocket(&gate).await;
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("no close frame") };
    assert_eq!(frame.code, CloseCode::Away);
}
