//! An app that has as much to do as it may: who waits, for how long, and who is refused.

use std::time::Duration;

use super::upgrades::{HANDSHAKE, SWITCH};
use super::{Gate, OK, Raw, Recorder, Setup, Step, always, once, send};

const GET: &str = "GET / HTTP/1.1\r\nHost: app\r\n\r\n";

/// One at a time; so many wait, as long as need be.
fn setup(recorder: &Recorder, waiting: u32) -> Setup {
    let mut setup = Setup::to(recorder);
    setup.upstream.limits.connections = 1;
    setup.upstream.limits.waiting = waiting;
    setup
}

/// Answers each request only when told to.
fn slowly() -> Vec<Step> {
    vec![Step::Request, Step::Wait, send(OK), Step::Again]
}

async fn asking(gate: &Gate, request: &str) -> Raw {
    let mut client = Raw::to(gate).await;
    client.send(request).await;
    client
}

#[tokio::test]
async fn a_request_waits_until_another_has_ended() {
    let recorder = Recorder::start(|_| slowly()).await;
    let gate = setup(&recorder, 2).start().await;
    let mut first = asking(&gate, GET).await;
    recorder.until("the first request", |recorder| recorder.requests() == 1).await;
    let mut second = asking(&gate, GET).await;
    gate.until_waiting(1).await;
    assert_eq!(recorder.requests(), 1);
    recorder.go_on();
    assert!(first.answer().await.ends_with("ok"));
    recorder.until("the second request", |recorder| recorder.requests() == 2).await;
    assert_eq!(gate.count("waiting"), Some(0));
    recorder.go_on();
    assert!(second.answer().await.ends_with("ok"));
    assert_eq!((gate.count("refused_total"), recorder.connections()), (Some(0), 1));
}

#[tokio::test]
async fn when_too_many_wait_the_next_is_refused_at_once() {
    let recorder = Recorder::start(|_| slowly()).await;
    let gate = setup(&recorder, 1).start().await;
    let mut first = asking(&gate, GET).await;
    recorder.until("the first request", |recorder| recorder.requests() == 1).await;
    let _second = asking(&gate, GET).await;
    gate.until_waiting(1).await;
    let refused = once(&gate, GET).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert_eq!((gate.count("refused_total"), recorder.requests()), (Some(1), 1));
    recorder.go_on();
    assert!(first.answer().await.ends_with("ok"));
}

#[tokio::test]
async fn whoever_has_waited_too_long_is_refused_and_never_sent() {
    let recorder = Recorder::start(|_| slowly()).await;
    let mut setup = setup(&recorder, 1);
    setup.upstream.limits.wait = Duration::from_millis(50);
    let gate = setup.start().await;
    let mut first = asking(&gate, GET).await;
    recorder.until("the first request", |recorder| recorder.requests() == 1).await;
    let refused = once(&gate, GET).await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("within 50ms"), "{refused}");
    assert_eq!((gate.count("waiting"), gate.count("refused_total")), (Some(0), Some(1)));
    recorder.go_on();
    assert!(first.answer().await.ends_with("ok"));
    assert_eq!(recorder.requests(), 1);
}

#[tokio::test]
async fn a_request_is_under_way_to_the_end_of_its_answer_or_tunnel() {
    let half = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    for (request, begin, seen, end) in [
        (GET, half, "half", send("0\r\n\r\n")),
        (GET, half, "half", Step::Close),
        (HANDSHAKE, SWITCH, "\r\n\r\n", Step::Close),
    ] {
        let steps = vec![Step::Head, send(begin), Step::Wait, end, Step::Request, send(OK)];
        let recorder =
            Recorder::start(move |number| if number == 0 { steps.clone() } else { always(OK) }).await;
        let gate = setup(&recorder, 1).start().await;
        let mut first = asking(&gate, request).await;
        first.until(seen).await;
        let mut second = asking(&gate, GET).await;
        gate.until_waiting(1).await;
        recorder.go_on();
        first.until_or_end(b"0\r\n\r\n").await;
        // A tunnel may be half open for a while.
        drop(first);
        assert!(second.answer().await.ends_with("ok"), "{request}");
    }
}

#[tokio::test]
async fn a_visitor_who_leaves_makes_room_at_the_app_and_in_the_queue() {
    let recorder = Recorder::start(|number| if number == 0 { vec![Step::Request] } else { always(OK) }).await;
    let gate = setup(&recorder, 1).start().await;
    let first = asking(&gate, GET).await;
    recorder.until("the first request", |recorder| recorder.requests() == 1).await;
    let second = asking(&gate, GET).await;
    gate.until_waiting(1).await;
    drop(second);
    gate.until_waiting(0).await;
    let mut third = asking(&gate, GET).await;
    gate.until_waiting(1).await;
    drop(first);
    assert!(third.answer().await.ends_with("ok"));
    assert_eq!(recorder.requests(), 2);
}

#[tokio::test]
async fn the_body_of_a_request_that_waits_is_not_asked_for() {
    let recorder = Recorder::start(|_| slowly()).await;
    let gate = setup(&recorder, 1).start().await;
    let mut first = asking(&gate, GET).await;
    recorder.until("the first request", |recorder| recorder.requests() == 1).await;
    let post = "POST / HTTP/1.1\r\nHost: app\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let mut second = asking(&gate, post).await;
    gate.until_waiting(1).await;
    assert!(second.has_nothing(), "asked for its body");
    recorder.go_on();
    assert!(first.answer().await.ends_with("ok"));
    second.until("HTTP/1.1 100 Continue\r\n\r\n").await;
    second.send("hi").await;
    recorder.until("the second request", |recorder| recorder.text(0).ends_with("hi")).await;
    recorder.go_on();
    second.until("ok").await;
}
