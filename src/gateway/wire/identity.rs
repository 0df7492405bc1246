//! What upstreams learn about visitors, whatever those claim.

use http::{HeaderName, HeaderValue};

use super::{OK, Raw, Recorder, Setup, Step, always, another, once, values};
use crate::identity::{Encoding, Field};
use crate::upstream::{HostHeader, Target};

#[tokio::test]
async fn what_a_visitor_claims_to_be_is_replaced() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).signed_in().start().await;
    once(
        &gate,
        "GET / HTTP/1.1\r\nHost: app\r\nRemote-User: admin\r\nremote-user: x\r\nREMOTE-GROUPS: g\r\n\r\n",
    )
    .await;
    let seen = recorder.text(0);
    assert_eq!(values(&seen, "Remote-User"), ["alice"]);
    assert_eq!(values(&seen, "Remote-Groups"), ["ops,dev"]);
    assert_eq!(values(&seen, "Remote-Email"), ["alice@example.com"]);
    assert_eq!(values(&seen, "Remote-Name"), ["Alice Example"]);
}

#[tokio::test]
async fn an_anonymous_visitor_has_no_identity_at_all() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    once(&gate, "GET / HTTP/1.1\r\nHost: app\r\nRemote-User: admin\r\nRemote-Groups: g\r\n\r\n").await;
    assert!(!recorder.text(0).to_lowercase().contains("remote-"));
}

#[tokio::test]
async fn headers_of_other_apps_are_removed_too() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder).signed_in();
    let mut other = super::identity_headers();
    other.headers = vec![(HeaderName::from_static("x-phone"), Field::Attribute("phone".into()))];
    setup.others.push(other);
    let gate = setup.start().await;
    once(&gate, "GET / HTTP/1.1\r\nHost: app\r\nX-Phone: 1\r\nX-Phones: 2\r\n\r\n").await;
    let seen = recorder.text(0);
    assert!(values(&seen, "X-Phone").is_empty());
    assert_eq!(values(&seen, "X-Phones"), ["2"]);
}

#[tokio::test]
async fn every_spelling_that_a_server_folds_is_removed() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder).signed_in();
    // Listed or not: what folds to a name of ours never passes.
    setup.upstream.allow_headers = ["remote_user", "x_forwarded_host", "content_length", "x_odd_name"]
        .map(HeaderName::from_static)
        .to_vec();
    let gate = setup.start().await;
    let mut client = Raw::to(&gate).await;
    for separator in "_.~!'^|+*#$%&`".chars() {
        let s = separator;
        client
            .send(format!(
                "GET / HTTP/1.1\r\nHost: app\r\nRemote{s}User: evil\r\nrEmOtE{s}gRoUpS: evil\r\n\
                 X{s}Forwarded{s}Host: evil\r\nContent{s}Length: 5\r\nX{s}Whatever: evil\r\n\r\n"
            ))
            .await;
        client.answer().await;
    }
    client.send("GET / HTTP/1.1\r\nHost: app\r\nX_Odd_Name: passes\r\n\r\n").await;
    client.answer().await;
    let seen = recorder.text(0);
    assert!(!seen.contains("evil"), "{seen}");
    assert!(!seen.to_lowercase().contains("content"), "{seen}");
    assert_eq!(values(&seen, "X_Odd_Name"), ["passes"]);
    assert_eq!(values(&seen, "Remote-User").len(), 15);
}

#[tokio::test]
async fn an_apps_rules_come_after_the_visitor_and_before_us() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder).signed_in();
    let name = HeaderName::from_static;
    setup.rules.set = ["x-env", "remote-user", "x-forwarded-for", "x-forwarded-prefix"]
        .map(|header| (name(header), HeaderValue::from_static("rule")))
        .to_vec();
    setup.rules.remove = ["x-debug", "remote-groups", "host"].map(name).to_vec();
    let gate = setup.start().await;
    once(&gate, "GET / HTTP/1.1\r\nHost: app\r\nX-Env: visitor\r\nX-Debug: 1\r\nX-Other: 1\r\n\r\n").await;
    let seen = recorder.text(0);
    assert_eq!(values(&seen, "X-Env"), ["rule"]);
    assert_eq!(values(&seen, "X-Forwarded-Prefix"), ["rule"]);
    assert!(values(&seen, "X-Debug").is_empty() && values(&seen, "X-Other") == ["1"], "{seen}");
    assert_eq!(values(&seen, "Remote-User"), ["alice"]);
    assert_eq!(values(&seen, "Remote-Groups"), ["ops,dev"]);
    assert_eq!(values(&seen, "X-Forwarded-For"), ["127.0.0.1"]);
    assert_eq!(values(&seen, "Host"), ["app"]);
}

#[tokio::test]
async fn connection_cannot_name_our_headers_away() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).signed_in().start().await;
    let request: &[u8] = b"POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n\
        Connection: keep-alive, Remote-User, X-FORWARDED-FOR, X-Real-Ip, Authorization, Cookie, Host\r\n\
        Connection: \xff, content-length, Transfer-Encoding, x-forwarded-host, x-request-id, x-mine\r\n\r\nhi";
    once(&gate, request).await;
    let seen = recorder.text(0);
    for (name, value) in [
        ("Remote-User", "alice"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Host", "app"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "80"),
        ("Host", "app"),
        ("Content-Length", "2"),
    ] {
        assert_eq!(values(&seen, name), [value], "{name}");
    }
    assert_eq!(values(&seen, "X-Request-Id").len(), 1);
    for name in ["Connection", "Keep-Alive", "TE", "X-Mine", "Transfer-Encoding"] {
        assert!(values(&seen, name).is_empty(), "{name}");
    }
    assert!(seen.ends_with("\r\n\r\nhi"));
}

#[tokio::test]
async fn a_missing_value_is_sent_empty() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder);
    setup.who = Some(another("", &[]));
    let gate = setup.start().await;
    once(&gate, "GET / HTTP/1.1\r\nHost: app\r\nRemote-Groups: admin\r\nRemote-Name: root\r\n\r\n").await;
    let seen = recorder.text(0);
    assert_eq!(values(&seen, "Remote-Groups"), [""]);
    assert_eq!(values(&seen, "Remote-Name"), [""]);
}

#[tokio::test]
async fn trailers_do_not_reach_an_upstream() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).signed_in().start().await;
    once(
        &gate,
        "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\nTrailer: Remote-User\r\nTE: trailers\r\n\r\n\
         2\r\nhi\r\n0\r\nRemote-User: admin\r\nRemote_User: x\r\n\r\n",
    )
    .await;
    let seen = recorder.text(0);
    assert!(seen.ends_with("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), "{seen}");
    assert_eq!(values(&seen, "Remote-User"), ["alice"]);
    assert!(values(&seen, "Trailer").is_empty());
}

#[tokio::test]
async fn a_value_that_cannot_be_sent_stops_the_request() {
    let recorder = Recorder::start(|_| always(OK)).await;
    for (name, groups) in [
        ("a\r\nRemote-Groups: admin", &[][..]),
        ("tab\there", &[]),
        ("next\u{85}line", &[]),
        (&"x".repeat(9000), &[]),
        ("Alice", &["ops\n"]),
    ] {
        let mut setup = Setup::to(&recorder);
        setup.who = Some(another(name, groups));
        let gate = setup.start().await;
        let answer = once(&gate, "GET / HTTP/1.1\r\nHost: app\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{name:?}: {answer}");
    }
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn values_beyond_ascii_are_utf8_or_percent_encoded() {
    for (encoding, name, groups) in
        [(Encoding::Utf8, "Zoë % ü", "a b,ü"), (Encoding::Percent, "Zo%C3%AB%20%25%20%C3%BC", "a%20b,%C3%BC")]
    {
        let recorder = Recorder::start(|_| always(OK)).await;
        let mut setup = Setup::to(&recorder);
        setup.who = Some(another("Zoë % ü", &["a b", "with,comma", "ü"]));
        setup.identity.encoding = encoding;
        let gate = setup.start().await;
        once(&gate, "GET / HTTP/1.1\r\nHost: app\r\n\r\n").await;
        assert_eq!(values(&recorder.text(0), "Remote-Name"), [name]);
        assert_eq!(values(&recorder.text(0), "Remote-Groups"), [groups]);
    }
}

#[tokio::test]
async fn what_proxies_tell_each_other_is_removed() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    let names = "X-Original-URL X-Rewrite-URL X-Original-URI X-HTTP-Method-Override Proxy X-Accel-Redirect X-Sendfile \
        X-Sendfile-Type X-Envoy-Original-Path X-Forwarded-Prefix X-Forwarded-Path X-Forwarded-Uri X-Forwarded-Method \
        X-Forwarded-Server X-Real-IP True-Client-IP CF-Connecting-IP X-Client-IP X-Cluster-Client-IP \
        Fastly-Client-IP Forwarded X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups \
        X-Forwarded-Preferred-Username X-WEBAUTH-USER X-Auth-Request-User X-Authentik-Username SSL-Client-Cert \
        X-SSL-Client-CN X-Client-Cert X-Forwarded-Client-Cert X-Forwarded-For X-Forwarded-Proto X-Forwarded-Host \
        X-Forwarded-Port X-Request-Id";
    let fields: String = names.split_whitespace().flat_map(|name| [name, ": evil\r\n"]).collect();
    once(&gate, format!("GET / HTTP/1.1\r\nHost: app\r\n{fields}Accept: x\r\n\r\n")).await;
    let seen = recorder.text(0);
    assert!(!seen.contains("evil"), "{seen}");
    let mut kept: Vec<_> =
        seen.split("\r\n").filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
    kept.sort_unstable();
    let expected = [
        "accept",
        "host",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-request-id",
    ];
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed() {
    let request = "GET / HTTP/1.1\r\nHost: app\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Request-Id: given\r\n\r\n";
    let recorder = Recorder::start(|_| always(OK)).await;
    let gate = Setup::to(&recorder).start().await;
    once(&gate, request).await;
    let mut setup = Setup::to(&recorder);
    setup.trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let gate = setup.start().await;
    once(&gate, request).await;

    let (stranger, proxy) = (recorder.text(0), recorder.text(1));
    assert_eq!(values(&stranger, "X-Forwarded-For"), ["127.0.0.1"]);
    assert_eq!(values(&stranger, "X-Forwarded-Proto"), ["http"]);
    assert_ne!(values(&stranger, "X-Request-Id"), ["given"]);
    assert_eq!(values(&proxy, "X-Forwarded-For"), ["1.2.3.4, 127.0.0.1"]);
    assert_eq!(values(&proxy, "X-Forwarded-Proto"), ["https"]);
    assert_eq!(values(&proxy, "X-Forwarded-Port"), ["443"]);
    assert_eq!(values(&proxy, "X-Request-Id"), ["given"]);
}

#[tokio::test]
async fn our_cookies_stay_here_and_others_pass_untouched() {
    let recorder = Recorder::start(|_| {
        always(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: __Host-vestibule=evil; Path=/\r\n\
             Set-Cookie:  vestibule-login=evil\r\nSet-Cookie: b=\"x y\"\r\n\r\n",
        )
    })
    .await;
    let gate = Setup::to(&recorder).start().await;
    let answer = once(
        &gate,
        "GET / HTTP/1.1\r\nHost: app\r\nCookie: a=1; __Host-vestibule=SECRET; b=\"2\"\r\nCookie: vestibule=SECRET\r\n\r\n",
    )
    .await;
    assert_eq!(values(&recorder.text(0), "Cookie"), ["a=1; b=\"2\""]);
    assert_eq!(values(&answer, "Set-Cookie"), ["a=1; Path=/", "b=\"x y\""]);
}

#[tokio::test]
async fn the_upstream_may_be_told_its_own_host() {
    let recorder = Recorder::start(|_| always(OK)).await;
    let mut setup = Setup::to(&recorder);
    setup.upstream.host_header = HostHeader::Upstream;
    setup.upstream.strip_prefix = Some("/wiki".into());
    let gate = setup.start().await;
    let mut client = Raw::to(&gate).await;
    for target in ["/wiki/a%2Fb//c?x=/wiki", "/wiki", "/wiki?q", "/wikis", "/other/wiki/"] {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: APP.example.com.:8080\r\n\r\n")).await;
        client.answer().await;
    }
    let seen = recorder.text(0);
    let lines: Vec<_> = seen.split("\r\n").filter(|line| line.starts_with("GET ")).collect();
    let expected = ["/a%2Fb//c?x=/wiki", "/", "/?q", "/wikis", "/other/wiki/"];
    assert_eq!(lines, expected.map(|target| format!("GET {target} HTTP/1.1")));
    assert_eq!(values(&seen, "Host")[0], recorder.address.to_string());
    assert_eq!(values(&seen, "X-Forwarded-Host")[0], "app.example.com:8080");
    assert_eq!(values(&seen, "X-Forwarded-Port")[0], "8080");
}

#[tokio::test]
async fn the_built_in_app_shows_what_an_app_receives() {
    let gate = Setup::target(Target::Whoami).signed_in().start().await;
    let head = "GET /x/y?'&quot HTTP/1.1\r\nHost: app\r\nX-Html: <b>\"&\r\n";
    let page = once(&gate, format!("{head}Accept: text/html,*/*\r\n\r\n")).await;
    assert!(page.contains("Hello, Alice Example"), "{page}");
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("<b>") && !page.contains("y?'&quot "), "{page}");
    let json = once(&gate, format!("{head}Accept: */*\r\n\r\n")).await;
    let (_, body) = json.split_once("\r\n\r\n").unwrap();
    let read: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(read["headers"]["remote-user"], "alice");
    assert_eq!(read["path"], "/x/y");
    let style = once(&gate, "GET /x/whoami.css HTTP/1.1\r\nHost: app\r\n\r\n").await;
    assert!(style.contains("text/css"));
}

#[tokio::test]
async fn an_answer_says_nothing_that_is_ours_to_say() {
    let recorder = Recorder::start(|_| {
        vec![
            Step::Request,
            super::send(
                "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\nRemote-User: evil\r\nService-Worker-Allowed: /\r\nAlt-Svc: h2=\":1\"\r\n\
                 Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Accel-Buffering: no\r\n\r\n",
            ),
            Step::Request,
            super::send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCache-Control: max-age=60\r\n\r\n"),
        ]
    })
    .await;
    let gate = Setup::to(&recorder).signed_in().start().await;
    let mut client = Raw::to(&gate).await;
    client.send("GET / HTTP/1.1\r\nHost: app\r\n\r\n").await;
    let first = client.answer().await;
    assert!(first.starts_with("HTTP/1.1 200 Fine\r\n"), "{first}");
    for name in ["Remote-User", "Service-Worker-Allowed", "Alt-Svc", "X-Hop", "Keep-Alive", "Connection"] {
        assert!(values(&first, name).is_empty(), "{name}");
    }
    assert_eq!(values(&first, "X-Accel-Buffering"), ["no"]);
    assert_eq!(values(&first, "Cache-Control"), ["private, no-cache"]);
    client.send("GET / HTTP/1.1\r\nHost: app\r\n\r\n").await;
    assert_eq!(values(&client.answer().await, "Cache-Control"), ["max-age=60"]);
}
