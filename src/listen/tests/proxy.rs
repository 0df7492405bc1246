//! Connections that begin with a PROXY header, on real sockets.

use super::*;

const GET_ENDS: &str = "GET /ends HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn believing(networks: &[&str]) -> Server {
    let from = networks.iter().map(|network| network.parse().expect("a network")).collect();
    Server::start_on(HttpSettings::new(64 * 1024), None, Some(ProxyProtocol { from }))
}

async fn said(server: &Server, header: impl AsRef<[u8]>) -> String {
    let mut client = server.connect().await;
    client.send(header).await;
    client.send(GET_ENDS).await;
    let answer = client.rest().await;
    answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
}

#[tokio::test]
async fn the_visitor_is_who_the_load_balancer_says() {
    let server = believing(&[]);
    let ends = "Some(192.0.2.7:56324)";
    assert_eq!(said(&server, "PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n").await, ends);
    let block = [192, 0, 2, 7, 10, 0, 0, 1, 0xdc, 0x04, 0x01, 0xbb];
    let binary = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &block].concat();
    assert_eq!(said(&server, &binary).await, ends);
    // In one write with the request, and in pieces.
    let mut client = server.connect().await;
    client.send([&binary, GET_ENDS.as_bytes()].concat()).await;
    assert!(client.rest().await.ends_with(ends));
    let mut client = server.connect().await;
    for byte in [&binary, GET_ENDS.as_bytes()].concat() {
        client.send([byte]).await;
    }
    assert!(client.rest().await.ends_with(ends));
}

#[tokio::test]
async fn a_health_check_of_the_load_balancer_keeps_its_own_address() {
    let server = believing(&[]);
    for header in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let said = said(&server, header).await;
        assert!(said.starts_with("Some(127.0.0.1:"), "{said}");
    }
}

#[tokio::test]
async fn without_the_header_nothing_is_answered() {
    let server = believing(&[]);
    assert_eq!(said(&server, "").await, "");
    let mut client = server.connect().await;
    client.send("PROXY TCP4 192.0.2.7 10.0.0.1 56324 http\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn whoever_sends_half_a_header_is_not_waited_for() {
    let settings = HttpSettings { handshake: Duration::from_millis(50), ..HttpSettings::new(64 * 1024) };
    let server = Server::start_on(settings, None, Some(ProxyProtocol::default()));
    let mut client = server.connect().await;
    client.send("PROXY TCP4 192.0.2.7").await;
    assert_eq!(client.rest().await, "");
}

#[test]
fn with_trusted_proxies_nobody_else_but_this_machine_is_believed() {
    let from = ["10.0.0.0/8".parse().expect("a network")].to_vec();
    let believes = |from: &[ipnet::IpNet], peer: &str| {
        let protocol = ProxyProtocol { from: from.to_vec() };
        protocol.believes(Some(peer.parse().expect("an address")))
    };
    assert!(believes(&from, "10.1.2.3") && believes(&from, "127.0.0.1") && believes(&from, "::1"));
    assert!(!believes(&from, "192.0.2.7") && !believes(&from, "2001:db8::1"));
    assert!(believes(&[], "192.0.2.7"));
    assert!(ProxyProtocol { from }.believes(None), "a unix socket");
}
