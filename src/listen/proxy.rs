//! The PROXY protocol, versions 1 and 2: a load balancer's word, before anything else on a connection, on who is at the
//! other end of it (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>).
//!
//! A listener that asks for it takes no connection without it. What follows the addresses (TLVs) is skipped. Start from
//! [`greet`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;
use tracing::{debug, warn};

use super::ProxyProtocol;
use super::seldom::Seldom;

const VERSION_1: &[u8] = b"PROXY ";
const VERSION_2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// In bytes, line end included (section 2.1).
const LONGEST_1: usize = 107;

/// In bytes, TLVs included; what `HAProxy` takes with its default buffers.
const LONGEST_2: usize = 16 * 1024;

/// Who is at the other end of the load balancer's connection; `None`: the socket's own peer counts (a health check, or a
/// protocol that we do not know).
type Said = Option<SocketAddr>;

#[derive(Debug, thiserror::Error)]
enum Ungreeted {
    #[error("its address is not in `trusted_proxies`")]
    Stranger,
    #[error("it does not begin with a PROXY header")]
    NoHeader,
    #[error("its PROXY header is malformed: {0}")]
    Malformed(&'static str),
    #[error("no PROXY header within {0:?}")]
    Slow(Duration),
    #[error("it ended within the PROXY header")]
    Ended,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads the header that has to come first. With it come the bytes that were read beyond its end. `None`: whoever is
/// there is not to be served.
pub(super) async fn greet<S>(
    stream: &mut S,
    peer: Option<SocketAddr>,
    settings: &ProxyProtocol,
    patience: Duration,
) -> Option<(Said, Bytes)>
where
    S: AsyncRead + Unpin,
{
    let greeted = if settings.believes(peer.map(|peer| peer.ip())) {
        timeout(patience, read(stream)).await.unwrap_or(Err(Ungreeted::Slow(patience)))
    } else {
        Err(Ungreeted::Stranger)
    };
    match greeted {
        Ok(greeted) => Some(greeted),
        Err(error) => {
            log(peer, &error);
            None
        }
    }
}

/// Most likely one of the two sides is configured wrongly.
fn log(peer: Option<SocketAddr>, error: &Ungreeted) {
    static SAID: Seldom = Seldom::new();
    let telling = matches!(error, Ungreeted::Stranger | Ungreeted::NoHeader | Ungreeted::Malformed(_));
    if telling && SAID.is_due() {
        warn!(?peer, "a connection to a listener with `proxy_protocol` was closed: {error}");
    } else {
        debug!(?peer, "no PROXY header: {error}");
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<(Said, Bytes), Ungreeted> {
    let mut bytes = BytesMut::with_capacity(512);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(Ungreeted::Ended);
        }
        if let Some((said, length)) = parse(&bytes)? {
            bytes.advance(length);
            return Ok((said, bytes.freeze()));
        }
    }
}

/// What the header says and how long it is; `None` while it is not yet whole.
fn parse(bytes: &[u8]) -> Result<Option<(Said, usize)>, Ungreeted> {
    let like = |start: &[u8]| bytes.iter().zip(start).all(|(byte, expected)| byte == expected);
    if like(VERSION_2) {
        version_2(bytes)
    } else if like(VERSION_1) {
        version_1(bytes)
    } else {
        Err(Ungreeted::NoHeader)
    }
}

/// `PROXY TCP4 192.0.2.7 192.0.2.1 56324 443`, and CR LF.
fn version_1(bytes: &[u8]) -> Result<Option<(Said, usize)>, Ungreeted> {
    let head = bytes.get(..LONGEST_1).unwrap_or(bytes);
    let Some(end) = head.iter().position(|byte| *byte == b'\n') else {
        let whole = bytes.len() < LONGEST_1;
        return if whole { Ok(None) } else { Err(Ungreeted::Malformed("the line is too long")) };
    };
    let line = head.get(VERSION_1.len()..end).and_then(|line| line.strip_suffix(b"\r"));
    let line = line.ok_or(Ungreeted::Malformed("the line does not end with CR LF"))?;
    // Whatever follows, it is to be ignored.
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Ok(Some((None, end + 1)));
    }
    let source = std::str::from_utf8(line).ok().and_then(|line| match line.split_at_checked(5)? {
        ("TCP4 ", words) => source::<Ipv4Addr>(words),
        ("TCP6 ", words) => source::<Ipv6Addr>(words),
        _ => None,
    });
    let source = source.ok_or(Ungreeted::Malformed("no two addresses and ports"))?;
    Ok(Some((Some(source), end + 1)))
}

/// Source and destination address, source and destination port; all must be right.
fn source<A: FromStr + Into<IpAddr>>(words: &str) -> Option<SocketAddr> {
    let mut words = words.split(' ');
    let mut address = || words.next()?.parse::<A>().ok();
    let (source, _destination) = (address()?, address()?);
    let mut port = || port(words.next()?);
    let (source_port, _destination_port) = (port()?, port()?);
    words.next().is_none().then(|| socket(source, source_port))
}

/// An IPv4 address is never written as IPv6.
fn socket(ip: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(ip.into().to_canonical(), port)
}

/// In its one spelling: digits without a sign or a zero before them.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// Signature, version and command, family and transport, length; then addresses, ports and TLVs.
fn version_2(bytes: &[u8]) -> Result<Option<(Said, usize)>, Ungreeted> {
    let Some([.., command, family, high, low]) = bytes.first_chunk::<16>() else { return Ok(None) };
    let length = 16 + usize::from(u16::from_be_bytes([*high, *low]));
    if length > LONGEST_2 {
        return Err(Ungreeted::Malformed("it is too long"));
    }
    let Some(block) = bytes.get(16..length) else { return Ok(None) };
    let said = match command {
        // LOCAL: the load balancer itself, for a health check. Whatever follows, it is to be ignored.
        0x20 => None,
        0x21 => addresses(*family, block)?,
        _ => return Err(Ungreeted::Malformed("neither LOCAL nor PROXY of version 2")),
    };
    Ok(Some((said, length)))
}

fn addresses(family: u8, block: &[u8]) -> Result<Said, Ungreeted> {
    let short = || Ungreeted::Malformed("the addresses are cut off");
    match family {
        0x11 => Ok(Some(source_of::<4, Ipv4Addr>(block).ok_or_else(short)?)),
        0x21 => Ok(Some(source_of::<16, Ipv6Addr>(block).ok_or_else(short)?)),
        // Unspecified, datagrams, and unix sockets: nothing that would tell visitors apart.
        0x00 | 0x12 | 0x22 | 0x31 | 0x32 => Ok(None),
        _ => Err(Ungreeted::Malformed("an unknown family of addresses")),
    }
}

/// Source and destination address of so many bytes, source and destination port.
fn source_of<const BYTES: usize, A: From<[u8; BYTES]> + Into<IpAddr>>(block: &[u8]) -> Option<SocketAddr> {
    let (source, rest) = block.split_first_chunk::<BYTES>()?;
    let (_destination, rest) = rest.split_first_chunk::<BYTES>()?;
    let [high, low, _, _] = *rest.first_chunk::<4>()?;
    Some(socket(A::from(*source), u16::from_be_bytes([high, low])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(bytes: &[u8]) -> String {
        match parse(bytes) {
            Ok(Some((Some(source), length))) => format!("{source}, {length}"),
            Ok(Some((None, length))) => format!("unknown, {length}"),
            Ok(None) => "more".into(),
            Err(error) => error.to_string(),
        }
    }

    /// A header of version 2, with the length that its block has.
    fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = u16::try_from(block.len()).expect("a short block").to_be_bytes();
        [&VERSION_2[..], &[command, family], &length, block].concat()
    }

    const BLOCK_4: &[u8] = &[192, 0, 2, 7, 10, 0, 0, 1, 0xdc, 0x04, 0x01, 0xbb];

    #[test]
    fn version_1_is_read_in_its_one_spelling() {
        for (line, expected) in [
            ("TCP4 192.0.2.7 10.0.0.1 56324 443", "192.0.2.7:56324, 41"),
            ("TCP6 2001:db8::7 2001:db8::1 1 443", "[2001:db8::7]:1, 42"),
            ("TCP6 ::ffff:192.0.2.7 ::1 0 65535", "192.0.2.7:0, 41"),
            ("UNKNOWN", "unknown, 15"),
            ("UNKNOWN ffff::1 whatever \u{7f}", "unknown, 34"),
        ] {
            assert_eq!(shown(format!("PROXY {line}\r\nGET /").as_bytes()), expected, "{line}");
        }
        for line in [
            "TCP4 192.0.2.7 10.0.0.1 56324",
            "TCP4 192.0.2.7 10.0.0.1 56324 443 ",
            "TCP4  192.0.2.7 10.0.0.1 56324 443",
            "TCP4 192.0.2.7 10.0.0.1 +6324 443",
            "TCP4 192.0.2.7 10.0.0.1 056324 443",
            "TCP4 192.0.2.7 10.0.0.1 65536 443",
            "TCP4 192.0.2.07 10.0.0.1 56324 443",
            "TCP4 ::1 ::1 56324 443",
            "TCP6 192.0.2.7 10.0.0.1 56324 443",
            "TCP6 fe80::1%eth0 ::1 56324 443",
            "UDP4 192.0.2.7 10.0.0.1 56324 443",
            "tcp4 192.0.2.7 10.0.0.1 56324 443",
            "UNKNOWNS",
            "\u{e4}\u{e4}\u{e4}",
            "",
        ] {
            let said = shown(format!("PROXY {line}\r\n").as_bytes());
            assert!(said.contains("malformed"), "{line}: {said}");
        }
        assert!(shown(b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\n").contains("CR LF"));
    }

    #[test]
    fn version_1_ends_within_107_bytes() {
        let line = |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
        assert_eq!(shown(line(107).as_bytes()), "unknown, 107");
        assert!(shown(line(108).as_bytes()).contains("too long"));
        assert!(shown(&[b"PROXY ", &[b'x'; 200][..]].concat()).contains("too long"));
    }

    #[test]
    fn version_2_is_read_and_its_tlvs_skipped() {
        let with_tlvs = [BLOCK_4, &[0x04, 0, 3, 0, 0, 0]].concat();
        assert_eq!(shown(&binary(0x21, 0x11, &with_tlvs)), "192.0.2.7:56324, 34");
        let mut block_6 = [0_u8; 36];
        block_6[15] = 7;
        block_6[31] = 1;
        block_6[35] = 80;
        assert_eq!(shown(&binary(0x21, 0x21, &block_6)), "[::7]:0, 52");
        assert_eq!(shown(&binary(0x20, 0x11, BLOCK_4)), "unknown, 28");
        assert_eq!(shown(&binary(0x20, 0xff, b"")), "unknown, 16");
        assert_eq!(shown(&binary(0x21, 0x00, b"")), "unknown, 16");
        assert_eq!(shown(&binary(0x21, 0x12, BLOCK_4)), "unknown, 28");
        assert_eq!(shown(&binary(0x21, 0x31, &[0; 216])), "unknown, 232");
    }

    #[test]
    fn version_2_that_says_nonsense_is_refused() {
        for header in [
            binary(0x11, 0x11, BLOCK_4),
            binary(0x22, 0x11, BLOCK_4),
            binary(0x21, 0x13, BLOCK_4),
            binary(0x21, 0x41, BLOCK_4),
            binary(0x21, 0x11, &BLOCK_4[..11]),
            binary(0x21, 0x21, BLOCK_4),
            binary(0x21, 0x11, &[0; LONGEST_2]),
        ] {
            let said = shown(&header);
            assert!(said.contains("malformed"), "{said}");
        }
    }

    #[test]
    fn anything_else_is_no_header_at_once() {
        for bytes in
            [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01", b"PROXYTCP4", b"proxy ", b"\r\n\r\n\0\r\nQUIT\r"]
        {
            assert!(shown(bytes).contains("does not begin"), "{bytes:?}");
        }
    }

    fn header() -> impl Strategy<Value = Vec<u8>> {
        let (one, two) = (any::<(IpAddr, u16)>(), any::<(IpAddr, u16)>());
        let text = (one, two).prop_map(|((source, from), (destination, to))| {
            format!(
                "PROXY TCP{} {source} {destination} {from} {to}\r\n",
                if source.is_ipv4() { 4 } else { 6 }
            )
            .into_bytes()
        });
        let block = proptest::collection::vec(any::<u8>(), 0..300);
        let bytes = (prop::sample::select(vec![0x20_u8, 0x21, 0x22]), any::<u8>(), block)
            .prop_map(|(command, family, block)| binary(command, family, &block));
        let odd = proptest::collection::vec(any::<u8>(), 0..40);
        let noise = (prop::sample::select(vec![&b""[..], VERSION_1, VERSION_2]), odd.clone())
            .prop_map(|(start, odd)| [start, &odd].concat());
        (prop_oneof![text, bytes, noise], odd).prop_map(|(header, rest)| [header, rest].concat())
    }

    proptest! {
        #[test]
        fn how_the_bytes_arrive_changes_nothing(bytes in header()) {
            let whole = shown(&bytes);
            for end in 0..bytes.len() {
                let part = shown(&bytes[..end]);
                prop_assert!(part == "more" || part == whole, "{end}: {part}, then {whole}");
            }
            if let Ok(Some((_, length))) = parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }

        #[test]
        fn two_addresses_of_a_kind_come_out_as_they_went_in(
            ips in prop_oneof![
                any::<(Ipv4Addr, Ipv4Addr)>().prop_map(|(one, two)| (IpAddr::V4(one), IpAddr::V4(two))),
                any::<(Ipv6Addr, Ipv6Addr)>().prop_map(|(one, two)| (IpAddr::V6(one), IpAddr::V6(two))),
            ],
            from in any::<u16>(),
            to in any::<u16>(),
        ) {
            let (source, destination) = ips;
            let (kind, family) = if source.is_ipv4() { (4, 0x11) } else { (6, 0x21) };
            let expected = socket(source, from);
            let line = format!("PROXY TCP{kind} {source} {destination} {from} {to}\r\n");
            prop_assert_eq!(parse(line.as_bytes()).ok().flatten(), Some((Some(expected), line.len())));
            let mut block = Vec::new();
            for ip in [source, destination] {
                match ip {
                    IpAddr::V4(ip) => block.extend(ip.octets()),
                    IpAddr::V6(ip) => block.extend(ip.octets()),
                }
            }
            block.extend([from.to_be_bytes(), to.to_be_bytes()].concat());
            let header = binary(0x21, family, &block);
            prop_assert_eq!(parse(&header).ok().flatten(), Some((Some(expected), header.len())));
        }
    }
}
