//! Bodies on their way: passed on as they come, with their back-pressure, and broken where they break.

use std::time::Duration;

use super::{OK, Raw, Recorder, Setup, Step, always, once, send, values};

const GET: &str = "GET / HTTP/1.1\r\nHost: app\r\n\r\n";

#[tokio::test]
async fn an_answer_is_passed_on_as_it_comes() {
    let recorder = Recorder::start(|_| {
        vec![
            Step::Request,
            send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"),
            Step::Wait,
            send("6\r\nsecond\r\n0\r\n\r\n"),
        ]
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send(GET).await;
    assert!(!client.until("first").await.contains("second"));
    recorder.go_on();
    assert!(client.answer().await.ends_with("6\r\nsecond\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn a_request_is_passed_on_as_it_comes() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 11\r\n\r\nfirst").await;
    recorder.until("the first half", |recorder| recorder.text(0).ends_with("first")).await;
    client.send("second").await;
    client.until("ok").await;
    assert!(recorder.text(0).ends_with("firstsecond"));
}

#[tokio::test]
async fn a_slow_upload_is_not_a_slow_upstream() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder);
    setup.timeouts.response = Duration::from_millis(200);
    let gate = setup.start().await;
    let mut client = Raw::to(&gate).await;
    client.send("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 8\r\n\r\n").await;
    // The whole takes four times the limit, each byte half of it.
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    for count in 1..=8 {
        pace.tick().await;
        client.send("x").await;
        recorder.until("the next byte", |recorder| recorder.text(0).ends_with(&"x".repeat(count))).await;
    }
    assert!(client.answer().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_large_answer_waits_for_its_reader() {
    let chunk = "x".repeat(1024 * 1024);
    let recorder = Recorder::start(move |_| {
        let mut steps = vec![Step::Request, send("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")];
        steps.extend((0..64).map(|_| send(&chunk)));
        steps
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send("GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n").await;
    client.until("\r\n\r\n").await;
    let answer = client.rest().await;
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(answer.len() - head, 64 * 1024 * 1024);
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_a_break_for_the_visitor() {
    for (answer, clean_end) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ""),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "0\r\n\r\n"),
    ] {
        for end in [Step::Close, Step::Reset] {
            let steps = vec![Step::Request, send(answer), Step::Wait, end.clone()];
            let recorder = Recorder::start(move |_| steps.clone()).await;
            let gate = Setup::to(&recorder).start().await;
            let mut client = Raw::to(&gate).await;
            client.send(GET).await;
            client.until("half").await;
            recorder.go_on();
            let all = String::from_utf8_lossy(&client.rest().await).into_owned();
            assert!(
                all.contains("half") && (clean_end.is_empty() || !all.ends_with(clean_end)),
                "{end:?}: {all}"
            );
        }
    }
}

#[tokio::test]
async fn what_came_before_a_break_goes_first() {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (head, body, comes) in [
        (length, "", ""),
        (length, "half", "half"),
        (chunked, "", ""),
        (chunked, "4\r\n", ""),
        (chunked, "4\r\nha", "2\r\nha\r\n"),
        (chunked, "4\r\nhalf\r\n", "4\r\nhalf\r\n"),
        (chunked, "4\r\nhalf\r\n0\r\n", "4\r\nhalf\r\n"),
    ] {
        let whole = format!("{head}{body}");
        for request in [GET, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi"] {
            let steps = vec![Step::Request, send(&whole), Step::Close];
            let recorder = Recorder::start(move |_| steps.clone()).await;
            let gate = Setup::to(&recorder).start().await;
            let mut client = Raw::to(&gate).await;
            client.send(request).await;
            let answer = String::from_utf8(client.rest().await).unwrap().to_lowercase();
            let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
            assert!(head.starts_with("http/1.1 200 ok\r\n"), "{answer}");
            assert!(!head.contains("content-length: 0"), "{answer}");
            assert_eq!(body, comes, "{whole:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_whole() {
    let recorder =
        Recorder::start(|_| vec![Step::Request, send("HTTP/1.0 200 OK\r\n\r\nall of it"), Step::Close]).await;
    let gate = Setup::to(&recorder).start().await;
    let answer = once(&gate, GET).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(answer.ends_with("9\r\nall of it\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn trailers_of_an_answer_pass() {
    let recorder = Recorder::start(|_| {
        always(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n",
        )
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send("GET / HTTP/1.1\r\nHost: app\r\nTE: trailers\r\nConnection: TE\r\n\r\n").await;
    assert!(client.until("x-sum: 7").await.contains("2\r\nhi\r\n0\r\n"));
    assert!(values(&recorder.text(0), "TE").is_empty());
}

#[tokio::test]
async fn a_visitor_who_leaves_ends_the_exchange_at_once() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    let upload = "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 100\r\n\r\nbegin";
    for (request, steps, until) in [
        (GET, vec![Step::Request], None),
        (GET, vec![Step::Request, send(head)], Some("half")),
        (upload, vec![Step::Request], None),
        (upload, vec![Step::Head, send(head)], Some("half")),
    ] {
        let recorder = Recorder::start(move |_| steps.clone()).await;
        let gate = Setup::to(&recorder).start().await;
        let mut client = Raw::to(&gate).await;
        client.send(request).await;
        recorder.until("the request", |recorder| recorder.text(0).contains("\r\n\r\n")).await;
        if let Some(text) = until {
            client.until(text).await;
        }
        drop(client);
        recorder.until("the upstream's connection to close", |recorder| recorder.is_closed(0)).await;
    }
}

#[tokio::test]
async fn an_answer_on_its_way_ends_with_the_session() {
    let events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\nfirst";
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\nfirst";
    for (answer, clean_end) in [(events, "0\r\n\r\n"), (short, "\0"), (long, "\0")] {
        for request in [GET, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi"] {
            let recorder = Recorder::start(|_| vec![Step::Request, send(answer)]).await;
            let gate = Setup::to(&recorder).start().await;
            let mut client = Raw::to(&gate).await;
            client.send(request).await;
            client.until("first").await;
            gate.cutoff.cancel();
            assert!(!String::from_utf8_lossy(&client.rest().await).ends_with(clean_end), "{answer}");
            recorder.until("the upstream's connection to close", |recorder| recorder.is_closed(0)).await;
        }
    }
}

#[tokio::test]
async fn an_answer_that_comes_byte_by_byte_ends_with_the_session() {
    let recorder = Recorder::start(|_| {
        let mut steps = vec![Step::Request, send("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\nx")];
        steps.extend((1..200).flat_map(|_| [Step::Wait, send("x")]));
        steps
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send(GET).await;
    client.until("\r\n\r\nx").await;
    gate.cutoff.cancel();
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    let trickling = async {
        for _ in 1..200 {
            pace.tick().await;
            recorder.go_on();
        }
    };
    tokio::select! {
        _ = client.rest() => {}
        () = trickling => panic!("all of it came"),
    }
}

#[tokio::test]
async fn an_answer_that_falls_silent_is_a_break() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    let recorder = Recorder::start(move |_| vec![Step::Request, send(head)]).await;
    let mut setup = Setup::to(&recorder);
    setup.timeouts.idle = Duration::from_millis(50);
    let gate = setup.start().await;
    let mut client = Raw::to(&gate).await;
    client.send("GET / HTTP/1.1\r\nHost: app\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.ends_with(b"4\r\nhalf\r\n"), "{}", String::from_utf8_lossy(&answer));
    recorder.until("the connection to be closed", |recorder| recorder.is_closed(0)).await;
}
