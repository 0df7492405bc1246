//! Servers that close their connections at random, under load: nobody who asks for what may be asked for twice notices.

use std::net::SocketAddr;

use futures_util::future::join_all;

use super::{Gate, OK, Raw, Recorder, Setup, Step, once, send};
use crate::route::Host;
use crate::upstream::{Balance, Protocol, Server, Servers, Target};

const CLIENTS: usize = 16;
const REQUESTS: usize = 150;

/// A number that follows from these two and looks like chance (the finaliser of `SplitMix64`).
fn chance(seed: usize, number: usize) -> usize {
    let mut mixed = (seed as u64) << 32 | number as u64;
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb), (31, 1)] {
        mixed = (mixed ^ (mixed >> shift)).wrapping_mul(factor).wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
    usize::try_from(mixed >> 33).unwrap()
}

/// Answers a few requests on each connection; then it closes, in one way or another, and most are rude.
fn dying(seed: usize, connection: usize) -> Vec<Step> {
    let chance = chance(seed, connection);
    let last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let end = match chance % 5 {
        0 => vec![Step::Request, send(last), Step::Close],
        1 => vec![Step::Close],
        2 => vec![Step::Reset],
        3 => vec![Step::Request, Step::Close],
        _ => vec![Step::Request, Step::Reset],
    };
    let answered = 1 + chance / 5 % 8;
    (0..answered).flat_map(|_| [Step::Request, send(OK)]).chain(end).collect()
}

/// One after another over one connection; every one is answered.
async fn visit(gate: &Gate, visitor: usize) {
    let mut client = Raw::to(gate).await;
    for number in 0..REQUESTS {
        let request = match number % 3 {
            0 => format!("GET /{visitor}/{number} HTTP/1.1\r\nHost: app\r\n\r\n"),
            1 => format!("DELETE /{visitor}/{number} HTTP/1.1\r\nHost: app\r\n\r\n"),
            _ => format!("PUT /{visitor}/{number} HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi"),
        };
        client.send(&request).await;
        let answer = client.answer().await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok"), "{request}{answer}");
    }
}

async fn nobody_notices(balance: Balance, addresses: &[SocketAddr]) -> Gate {
    let server = |address: &SocketAddr| {
        let host = Host::parse(&address.ip().to_string()).unwrap();
        Server::Tcp { protocol: Protocol::Http, host, port: address.port() }
    };
    let servers = addresses.iter().map(server).collect();
    let gate =
        Setup::target(Target::Servers(Servers { servers, balance, ..Servers::default() })).start().await;
    join_all((0..CLIENTS).map(|visitor| visit(&gate, visitor))).await;
    gate
}

#[tokio::test]
async fn a_lone_server_that_closes_at_random_costs_nobody_an_answer() {
    let recorder = Recorder::start(|connection| dying(1, connection)).await;
    let gate = nobody_notices(Balance::LeastRequests, &[recorder.address]).await;
    assert!(gate.count("retries_total").unwrap() > 50, "{:?}", gate.count("retries_total"));
}

#[tokio::test]
async fn two_servers_that_close_at_random_cost_nobody_an_answer() {
    for balance in [Balance::LeastRequests, Balance::RoundRobin] {
        let a = Recorder::start(|connection| dying(2, connection)).await;
        let b = Recorder::start(|connection| dying(3, connection)).await;
        nobody_notices(balance, &[a.address, b.address]).await;
        assert!(a.requests() > 0 && b.requests() > 0);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_beside_one_that_closes_at_random_costs_nobody_an_answer() {
    let a = Recorder::start(|_| vec![Step::Request, Step::Close]).await;
    let b = Recorder::start(|connection| dying(4, connection)).await;
    nobody_notices(Balance::RoundRobin, &[a.address, b.address]).await;
    assert!(a.requests() >= 3);
}

#[tokio::test]
async fn a_post_to_a_server_that_closes_at_random_arrives_once_or_not_at_all() {
    let recorder = Recorder::start(|connection| dying(5, connection)).await;
    let gate = Setup::to(&recorder).start().await;
    let post = async |visitor: usize| {
        let mut answered = Vec::new();
        for number in 0..40 {
            let line = format!("POST /{visitor}/{number} HTTP/1.1\r\n");
            let answer = once(&gate, format!("{line}Host: app\r\nContent-Length: 2\r\n\r\nhi")).await;
            assert!(["200", "502"].contains(&&answer[9..12]), "{answer}");
            answered.push((line, answer.starts_with("HTTP/1.1 200 ")));
        }
        answered
    };
    let answered = join_all((0..CLIENTS).map(post)).await.concat();
    let seen: String = (0..recorder.connections()).map(|connection| recorder.text(connection)).collect();
    for (line, answered) in &answered {
        let times = seen.matches(line).count();
        assert!(times == 1 || times == 0 && !answered, "{line} arrived {times} times");
    }
    assert!(answered.iter().any(|(_, answered)| !answered), "no POST was lost: the test shows nothing");
}
