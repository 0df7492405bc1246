//! What the pure steps of a request cost: the look-up of its app, its cookie, the verdict, and its headers made over,
//! with 1, 100 and 10,000 apps.
//!
//! Run by `cargo bench --bench steps`; what stands after `--` picks some by name. The whole way of a request is
//! measured by `tests/bench/run`.

#![expect(clippy::expect_used, reason = "a bench that cannot make its subjects ends")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use vestibule::body::Body;
use vestibule::clock::Timestamp;
use vestibule::cookies;
use vestibule::identity::{
    self, Encoding, Field, Forwarded, HeaderRules, Place, Prepared, Settings, Stamping, StripList,
    strip_hop_by_hop,
};
use vestibule::policy::{self, Decision, Facts, PathPattern, Permit, Policy, Rule, Rules};
use vestibule::route::{AppUrl, Host, Origin, Routes, Scheme};
use vestibule::subject::{AccountId, Person, Proofs, Stamps, Subject};

const APPS: [usize; 3] = [1, 100, 10_000];
const PATH: &str = "/u/alice/page/00042";
const COOKIE: &str = "__Host-vestibule";

criterion_group!(steps, route, cookie, verdict, headers);
criterion_main!(steps);

// -- the steps ------------------------------------------------------------------------------------------------------

fn route(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    for count in APPS {
        let urls: Vec<AppUrl> = (0..count).map(url).collect();
        let routes = Routes::new(&urls, None);
        let middle = url(count / 2).origin.host;
        group.bench_function(BenchmarkId::new("known host", count), |bench| {
            bench.iter(|| routes.find(black_box(&middle), Some(443), black_box(PATH)));
        });
        let stranger = host("nobody.example.com");
        group.bench_function(BenchmarkId::new("unknown host", count), |bench| {
            bench.iter(|| routes.find(black_box(&stranger), Some(443), black_box(PATH)));
        });
    }
}

fn cookie(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cookie");
    let headers = request_headers();
    group.bench_function("find", |bench| bench.iter(|| cookies::find(black_box(&headers), COOKIE)));
    group.bench_function("strip", |bench| {
        bench.iter_batched_ref(|| headers.clone(), cookies::strip, BatchSize::SmallInput);
    });
}

fn verdict(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    let (rules, alice) = (ten_rules(), alice());
    group.bench_function("ten rules, the last decides", |bench| {
        bench.iter(|| policy::decide(black_box(&rules), Some(&alice), &facts()));
    });
    group.bench_function("ten rules, nobody signed in", |bench| {
        bench.iter(|| policy::decide(black_box(&rules), None, &facts()));
    });
}

fn headers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("headers");
    let headers = request_headers();
    group.bench_function("hop by hop", |bench| {
        bench.iter_batched_ref(|| headers.clone(), strip_hop_by_hop, BatchSize::SmallInput);
    });
    for count in APPS {
        // Each with an identity header of its own: none of them may reach any app.
        let strip = StripList::new(&(0..count).map(identity_of).collect::<Vec<_>>());
        group.bench_function(BenchmarkId::new("strip", count), |bench| {
            bench.iter_batched_ref(
                || headers.clone(),
                |headers| strip.apply(headers, &[]),
                BatchSize::SmallInput,
            );
        });
        stamp(&mut group, count, &strip);
    }
}

/// All that is done to a request's head before it is sent on.
fn stamp(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    count: usize,
    strip: &StripList,
) {
    let (identity, rules) = (Prepared::new(identity_of(0)), HeaderRules::default());
    let place = Place::new(Scheme::Https, &host("app-0.example.com"), Some(443)).expect("a place");
    let chain = HeaderValue::from_static("192.0.2.7");
    let forwarded = Forwarded { chain: &chain, scheme: Scheme::Https, place: &place };
    let stamping = Stamping {
        identity: &identity,
        strip,
        allow_headers: &[],
        rules: &rules,
        forwarded,
        request_id: &HeaderValue::from_static("01981f0e-1f5b-7cc0-8d1c-6f4f6f0a5f10"),
        affinity: 1,
    };
    let alice = alice();
    group.bench_function(BenchmarkId::new("stamp", count), |bench| {
        bench.iter_batched(
            || (permit(&alice), request()),
            |(permit, request)| identity::stamp(permit, request, &stamping),
            BatchSize::SmallInput,
        );
    });
}

// -- what they are done to ------------------------------------------------------------------------------------------

fn host(name: &str) -> Host {
    Host::parse(name).expect("a host name")
}

fn url(number: usize) -> AppUrl {
    let origin =
        Origin { scheme: Scheme::Https, host: host(&format!("app-{number}.example.com")), port: 443 };
    AppUrl { origin, path: "".into() }
}

/// The usual four, and one of the app's own.
fn identity_of(number: usize) -> Settings {
    let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).expect("a header name");
    let headers = vec![
        (name("remote-user"), Field::Username),
        (name("remote-name"), Field::Name),
        (name("remote-email"), Field::Email),
        (name("remote-groups"), Field::Groups),
        (name(&format!("x-user-of-{number}")), Field::Username),
    ];
    Settings { headers, encoding: Encoding::Utf8 }
}

/// As a browser sends them.
fn request_headers() -> HeaderMap {
    let session = "x".repeat(86);
    let cookies =
        format!("theme=dark; {COOKIE}={session}; __Host-vestibule-device={session}; csrftoken=8q2Yx");
    [
        ("host", "app-0.example.com"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-GB,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br"),
        ("referer", "https://app-0.example.com/u/alice/page/00041"),
        ("connection", "keep-alive"),
        ("cookie", &cookies),
        ("upgrade-insecure-requests", "1"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "same-origin"),
        ("priority", "u=0, i"),
    ]
    .into_iter()
    .map(|(name, value)| {
        let value = HeaderValue::from_str(value).expect("a header value");
        (HeaderName::from_static(name), value)
    })
    .collect()
}

fn request() -> Request<Body> {
    let mut request = Request::get(PATH).body(Body::Empty).expect("a request");
    *request.headers_mut() = request_headers();
    request
}

fn alice() -> Arc<Subject> {
    let now = Timestamp::from_millis(0);
    let person = Person {
        id: AccountId::new("file", "alice"),
        username: "alice".into(),
        name: "Alice Example".into(),
        email: "alice@example.com".into(),
        groups: vec!["staff".into()],
        attributes: BTreeMap::new(),
        language: None,
    };
    let proofs = Proofs { password: now, email_code: Some(now) };
    Arc::new(Subject { person: Arc::new(person), proofs, stamps: Stamps::default() })
}

fn permit(who: &Arc<Subject>) -> Permit {
    match policy::decide(&Rules::default(), Some(who), &facts()) {
        Decision::Allow(permit) => Some(permit),
        Decision::Challenge(_) | Decision::Deny => None,
    }
    .expect("two factors are enough where there is no rule")
}

fn facts() -> Facts<'static> {
    Facts { method: "GET", path: PATH, otherwise: None, client: IpAddr::V4(Ipv4Addr::LOCALHOST) }
}

/// Those of `tests/bench/run`.
fn ten_rules() -> Rules {
    let none = || Rule {
        paths: Vec::new(),
        methods: Vec::new(),
        users: Vec::new(),
        groups: Vec::new(),
        networks: Vec::new(),
        policy: Policy::TwoFactor,
        line: 1,
    };
    let paths = |texts: &[&str]| {
        texts.iter().map(|text| PathPattern::parse(text).expect("a pattern")).collect::<Vec<_>>()
    };
    let words = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let networks = ["10.0.0.0/8", "192.168.0.0/16"].map(|text| text.parse().expect("a network")).to_vec();
    Rules::from(vec![
        Rule { paths: paths(&["/public/**"]), policy: Policy::Bypass, ..none() },
        Rule {
            paths: paths(&["/api/health", "/api/version"]),
            methods: words(&["GET"]),
            policy: Policy::Bypass,
            ..none()
        },
        Rule { networks, policy: Policy::OneFactor, ..none() },
        Rule { paths: paths(&["/admin/**"]), groups: words(&["ops"]), ..none() },
        Rule { paths: paths(&["/admin/**"]), policy: Policy::Deny, ..none() },
        Rule { paths: paths(&["/u/*/private/**"]), groups: words(&["ops"]), ..none() },
        Rule { methods: words(&["DELETE"]), groups: words(&["ops"]), ..none() },
        Rule { groups: words(&["suspended"]), policy: Policy::Deny, ..none() },
        Rule { users: words(&["operator"]), ..none() },
        none(),
    ])
}
