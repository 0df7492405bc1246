//! One request in, at most one request out, whatever its framing says.

use std::time::Duration;

use super::{OK, Raw, Recorder, Setup, Step, always, once, send, values};

/// Sends bytes, and gives what came back and what the upstream saw.
async fn exchange(request: impl AsRef<[u8]>) -> (String, String) {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send(request).await;
    client.until("\r\n\r\n").await;
    let answer = client.answer().await;
    (answer, recorder.text(0))
}

async fn refused(request: impl AsRef<[u8]>, status: &str) {
    let request = request.as_ref();
    let shown = String::from_utf8_lossy(request).into_owned();
    let (answer, seen) = exchange(request).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?}: {answer}");
    assert_eq!(values(&answer, "Connection"), ["close"], "{shown:?}");
    assert_eq!(seen, "", "{shown:?}");
}

#[tokio::test]
async fn both_framings_at_once_make_one_chunked_request_and_end_the_connection() {
    for framing in
        ["Content-Length: 6\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 6"]
    {
        let recorder = Recorder::start(|_| always(OK)).await;
        let gate = Setup::to(&recorder).start().await;
        let mut client = Raw::to(&gate).await;
        client.send(format!("POST / HTTP/1.1\r\nHost: app\r\n{framing}\r\n\r\n0\r\n\r\nG")).await;
        let answers = client.rest().await;
        assert_eq!(String::from_utf8_lossy(&answers).matches("HTTP/1.1 ").count(), 1);
        let seen = recorder.text(0);
        assert!(values(&seen, "Content-Length").is_empty(), "{seen}");
        assert!(seen.ends_with("\r\n\r\n0\r\n\r\n"), "{seen}");
        assert_eq!(recorder.requests(), 1);
    }
}

#[tokio::test]
async fn transfer_codings_other_than_one_chunked_are_refused() {
    for coding in [
        "identity, chunked",
        "gzip, chunked",
        "chunked, identity",
        "chunked, chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "identity\r\nTransfer-Encoding: chunked",
        "xchunked",
        "\"chunked\"",
        "chunked;q=1",
        "\x0bchunked",
        "\r\n chunked",
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n");
        let (answer, seen) = exchange(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{coding:?}: {answer}");
        assert_eq!(seen, "", "{coding:?}");
    }
    refused("POST / HTTP/1.0\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400").await;
}

#[tokio::test]
async fn lengths_are_plain_digits_and_one() {
    for length in
        ["+5", "-0", "5,5", "5, 6", "0x5", "5_0", "", "18446744073709551616", "5\r\nContent-Length: 6"]
    {
        let request = format!("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: {length}\r\n\r\nhello");
        let (answer, seen) = exchange(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{length:?}: {answer}");
        assert_eq!(seen, "", "{length:?}");
    }
    let (_, seen) = exchange(
        "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 00000005\r\nContent-Length: 5\r\n\r\nhello",
    )
    .await;
    assert_eq!(values(&seen, "Content-Length"), ["5"]);
}

#[tokio::test]
async fn chunks_are_written_anew() {
    let (_, seen) = exchange(
        "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n005;ext=1\r\nhello\r\n0;last\r\n\r\n",
    )
    .await;
    assert!(seen.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "{seen}");
}

#[tokio::test]
async fn a_get_keeps_its_body_and_a_post_without_one_says_so() {
    let (_, seen) =
        exchange("GET / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
            .await;
    assert!(seen.ends_with("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), "{seen}");
    let (_, seen) = exchange("DELETE / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi").await;
    assert!(seen.ends_with("\r\n\r\nhi"), "{seen}");
    let (_, seen) = exchange("POST / HTTP/1.0\r\nHost: app\r\n\r\n").await;
    assert_eq!(values(&seen, "Content-Length"), ["0"]);
    assert!(seen.starts_with("POST / HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_target_without_a_path_is_sent_with_one() {
    for (request, line) in [
        ("GET http://app?x=1 HTTP/1.1\r\nHost: app\r\n\r\n", "GET /?x=1 HTTP/1.1\r\n"),
        ("GET http://app HTTP/1.1\r\nHost: app\r\n\r\n", "GET / HTTP/1.1\r\n"),
        ("PUT http://app?x HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi", "PUT /?x HTTP/1.1\r\n"),
    ] {
        let (_, seen) = exchange(request).await;
        assert!(seen.starts_with(line), "{request:?}: {seen}");
    }
}

#[tokio::test]
async fn a_host_is_named_once_and_well() {
    for host in [
        "Host: app\r\nHost: app",
        "Host: app, evil",
        "Host: app:99999",
        "Host: app:0",
        "Host: app:+80",
        "Host: user@app",
        "Host: app#x",
        "Host: app/../",
        "Host: [::1",
        "Host: app evil",
        "Host: app\tevil",
        "Host: ",
        "Host: -app",
        "X: y",
    ] {
        refused(format!("GET / HTTP/1.1\r\n{host}\r\n\r\n"), "400").await;
    }
    let (old, seen) = exchange("GET / HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 400 ") && seen.is_empty(), "{old}");
    for target in ["http://evil/", "https://app@evil/", "http://app:81/", "ftp://app/", "http://user@app/"] {
        refused(format!("GET {target} HTTP/1.1\r\nHost: app\r\n\r\n"), "400").await;
    }
    for (line, host) in [
        ("/ HTTP/1.1\r\nHost: APP.Example.COM", "app.example.com"),
        ("/ HTTP/1.1\r\nHost: app.example.com.", "app.example.com"),
        ("/ HTTP/1.1\r\nHost: app:80", "app"),
        ("/ HTTP/1.1\r\nHost: [::1]:8080", "[::1]:8080"),
        ("http://App/ HTTP/1.1\r\nHost: app:80", "app"),
    ] {
        let (_, seen) = exchange(format!("GET {line}\r\n\r\n")).await;
        assert_eq!(values(&seen, "Host"), [host], "{line}");
        assert!(seen.starts_with("GET / HTTP/1.1\r\n"), "{seen}");
    }
}

#[tokio::test]
async fn odd_methods_targets_and_expectations_are_refused() {
    refused("TRACE / HTTP/1.1\r\nHost: app\r\nCookie: a=1\r\n\r\n", "405").await;
    refused("TRACK / HTTP/1.1\r\nHost: app\r\n\r\n", "405").await;
    refused("CONNECT app:80 HTTP/1.1\r\nHost: app:80\r\n\r\n", "405").await;
    refused("get / HTTP/1.1\r\nHost: app\r\n\r\n", "400").await;
    refused("G+T / HTTP/1.1\r\nHost: app\r\n\r\n", "400").await;
    refused("GET * HTTP/1.1\r\nHost: app\r\n\r\n", "400").await;
    refused("GET app:80 HTTP/1.1\r\nHost: app:80\r\n\r\n", "400").await;
    refused(format!("GET /{} HTTP/1.1\r\nHost: app\r\n\r\n", "x".repeat(8192)), "414").await;
    for expectation in ["y", "100-continue, x", "100-continue\r\nExpect: 100-continue"] {
        refused(format!("POST / HTTP/1.1\r\nHost: app\r\nExpect: {expectation}\r\n\r\n"), "417").await;
    }
    let longest = format!("GET /{} HTTP/1.1", "x".repeat(8191));
    let (_, seen) = exchange(format!("{longest}\r\nHost: app\r\n\r\n")).await;
    assert!(seen.starts_with(&longest));
}

#[tokio::test]
async fn the_gateway_itself_says_that_the_body_may_come() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send("POST / HTTP/1.1\r\nHost: app\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n").await;
    client.until("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.send("hi").await;
    client.until("ok").await;
    let seen = recorder.text(0);
    assert!(values(&seen, "Expect").is_empty());
    assert!(seen.ends_with("\r\n\r\nhi"));
}

#[tokio::test]
async fn a_refused_request_does_not_ask_for_its_body() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    let mut client = Raw::to(&gate).await;
    client.send("POST / HTTP/1.1\r\nHost: a b\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    assert!(client.answer().await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_never_a_request() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    let inner = "GET /inner HTTP/1.1\r\nHost: app\r\n\r\n";
    for head in [
        format!("Content-Length: {}\r\n\r\n{inner}", inner.len()),
        format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{inner}\r\n0\r\n\r\n{inner}", inner.len()),
    ] {
        let mut client = Raw::to(&gate).await;
        client.send(format!("TRACE / HTTP/1.1\r\nHost: app\r\n{head}")).await;
        let answers = String::from_utf8_lossy(&client.rest().await).into_owned();
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    }
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_with_and_without_a_length() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder);
    setup.max_body = 4;
    let gate = setup.start().await;
    let known = once(&gate, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 5\r\n\r\nhello").await;
    assert!(known.starts_with("HTTP/1.1 413 "), "{known}");
    assert_eq!(recorder.connections(), 0);
    let chunked =
        "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    let unknown = once(&gate, chunked).await;
    assert!(unknown.starts_with("HTTP/1.1 413 "), "{unknown}");
    let fits = once(&gate, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 4\r\n\r\nhell").await;
    assert!(fits.starts_with("HTTP/1.1 200 "), "{fits}");
}

/// Two requests, the first answered with `answer`: what the visitor got for each, and how many connections it took.
async fn two(answer: &'static str, method: &str) -> (String, String, usize) {
    let recorder = Recorder::start(move |number| {
        if number == 0 { vec![Step::Request, send(answer), Step::Request, send(OK)] } else { always(OK) }
    })
    .await;
    let mut setup = Setup::to(&recorder);
    setup.timeouts.response = Duration::from_secs(2);
    let gate = setup.start().await;
    let mut client = Raw::to(&gate).await;
    client.send(format!("{method} / HTTP/1.1\r\nHost: app\r\n\r\n")).await;
    let head = client.until("\r\n\r\n").await;
    let first = if method == "HEAD" { head } else { client.answer().await };
    let second = once(&gate, "GET /second HTTP/1.1\r\nHost: app\r\n\r\n").await;
    (first, second, recorder.connections())
}

#[tokio::test]
async fn stray_bytes_after_an_answer_are_nobodys() {
    for (answer, method) in [
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHELLO", "GET"),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHELLO", "GET"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHELLO", "HEAD"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHELLO",
            "GET",
        ),
    ] {
        let (first, second, connections) = two(answer, method).await;
        assert!(!first.contains("HELLO"), "{answer:?}: {first}");
        assert!(second.ends_with("ok") && !second.contains("HELLO"), "{answer:?}: {second}");
        assert_eq!(connections, 2, "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_with_two_framings_is_chunked_and_the_last_on_its_connection() {
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let (first, second, connections) = two(both, "GET").await;
    assert!(first.contains("hello"), "{first}");
    assert!(values(&first, "Content-Length").is_empty(), "{first}");
    assert!(second.ends_with("ok"));
    assert_eq!(connections, 2);
}

#[tokio::test]
async fn what_is_no_proper_answer_is_a_502() {
    let too_large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1024 * 1024));
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b=c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "hello, I am not HTTP\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2p1\r\n",
        &too_large,
    ] {
        let recorder = Recorder::start({
            let answer = answer.to_owned();
            move |_| vec![Step::Request, send(&answer), Step::Close]
        })
        .await;
        let gate = Setup::to(&recorder).start().await;
        let got = once(&gate, "GET / HTTP/1.1\r\nHost: app\r\n\r\n").await;
        let shown = answer.get(..60).unwrap_or(answer);
        assert!(got.starts_with("HTTP/1.1 502 "), "{shown:?}: {got}");
        assert_eq!(recorder.connections(), 1, "{shown:?}");
    }
}

#[tokio::test]
async fn an_answer_in_http_1_0_that_says_how_it_is_coded_is_a_502() {
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: app\r\n\r\n", "200 OK"),
        ("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi", "200 OK"),
        // Without a body it would not matter, but an answer is read alike whatever the request was.
        ("HEAD / HTTP/1.1\r\nHost: app\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.1\r\nHost: app\r\n\r\n", "304 Not Modified"),
        ("POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi", "204 No Content"),
    ] {
        for (version, expected) in [("1.0", "502 "), ("1.1", status)] {
            let answer =
                format!("HTTP/{version} {status}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
            let recorder = Recorder::start(move |_| vec![Step::Request, send(&answer), Step::Close]).await;
            let gate = Setup::to(&recorder).start().await;
            let mut client = Raw::to(&gate).await;
            client.send(request).await;
            let got = client.until("\r\n\r\n").await;
            assert!(got.starts_with(&format!("HTTP/1.1 {expected}")), "{version} {status}, {request}: {got}");
        }
    }
}

#[tokio::test]
async fn interim_answers_are_not_passed_on() {
    let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\nSet-Cookie: a=1\r\n\r\n\
        HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let (first, _, _) = two(answer, "GET").await;
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    assert!(values(&first, "Set-Cookie").is_empty());
}

#[tokio::test]
async fn interim_answers_without_end_are_a_502() {
    let get = "GET / HTTP/1.1\r\nHost: app\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi";
    for (times, expected) in [(100, "HTTP/1.1 200 "), (101, "HTTP/1.1 502 "), (20_000, "HTTP/1.1 502 ")] {
        let answer = "HTTP/1.1 102 Processing\r\n\r\n".repeat(times) + OK;
        let recorder = Recorder::start(move |_| always(&answer)).await;
        let gate = Setup::to(&recorder).start().await;
        for request in [get, post] {
            let answered = once(&gate, request).await;
            assert!(answered.starts_with(expected), "{times} times: {answered}");
        }
        assert_eq!(recorder.requests(), 2);
    }
}
