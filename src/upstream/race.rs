//! TCP to a name: looked up each time, and its addresses raced, so that one which swallows packets, or a whole
//! family of addresses that leads nowhere, costs a moment and not the connection (RFC 8305).

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::sleep;

use super::UpstreamError;

/// The head start of each address (§5, "Connection Attempt Delay").
const STAGGER: Duration = Duration::from_millis(250);

/// Goes on until an address answers or all have failed: the caller sets the deadline.
pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, UpstreamError> {
    let failed = |source| UpstreamError::Lookup { host: host.to_owned(), source };
    let found: Vec<SocketAddr> = lookup_host((host, port)).await.map_err(failed)?.collect();
    let none = || failed(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    let stream = race(&alternating(found)).await.ok_or_else(none)?;
    let stream = stream
        .map_err(|(address, source)| UpstreamError::Connect { address: address.to_string(), source })?;
    // Small writes (a frame of a WebSocket) must not wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The families in turn, each in the resolver's order, that of the resolver's first choice first (§4).
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut order = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair.iter().all(Option::is_none) {
            return order;
        }
        order.extend(pair.into_iter().flatten());
    }
}

type Tried = Result<TcpStream, (SocketAddr, io::Error)>;
type Attempt = Pin<Box<dyn Future<Output = Tried> + Send>>;

/// The first connection, or the last failure; `None` without addresses.
async fn race(addresses: &[SocketAddr]) -> Option<Tried> {
    let (mut running, mut failed) = (Vec::<Attempt>::new(), None);
    let mut waiting = addresses.iter().copied();
    loop {
        match waiting.next() {
            Some(address) => running.push(Box::pin(attempt(address))),
            None if running.is_empty() => return failed,
            None => {}
        }
        let more = waiting.len() > 0;
        tokio::select! {
            tried = first_of(&mut running) => match tried {
                Ok(stream) => return Some(Ok(stream)),
                Err(error) => failed = Some(Err(error)),
            },
            () = sleep(STAGGER), if more => {}
        }
    }
}

async fn attempt(address: SocketAddr) -> Tried {
    TcpStream::connect(address).await.map_err(|error| (address, error))
}

/// Waits for any of them, and takes it out.
async fn first_of(running: &mut Vec<Attempt>) -> Tried {
    poll_fn(|context| {
        let ready = running.iter_mut().enumerate().find_map(|(place, attempt)| {
            match attempt.as_mut().poll(context) {
                Poll::Ready(tried) => Some((place, tried)),
                Poll::Pending => None,
            }
        });
        let Some((place, tried)) = ready else { return Poll::Pending };
        drop(running.swap_remove(place));
        Poll::Ready(tried)
    })
    .await
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn families_take_turns() {
        let parse =
            |text: &str| text.split(' ').map(|address| address.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let mixed = parse("[::1]:1 [::2]:1 [::3]:1 127.0.0.1:1 127.0.0.2:1");
        assert_eq!(alternating(mixed), parse("[::1]:1 127.0.0.1:1 [::2]:1 127.0.0.2:1 [::3]:1"));
        assert!(alternating(Vec::new()).is_empty());
    }

    /// A listener that is full: what connects to it waits for ever.
    fn full() -> (Socket, Vec<Socket>, SocketAddr) {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let fillers = (0..4).map(|_| {
            let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            filler.set_nonblocking(true).unwrap();
            let _ = filler.connect(&address);
            filler
        });
        let fillers = fillers.collect();
        (listener, fillers, address.as_socket().unwrap())
    }

    #[tokio::test]
    async fn an_address_that_says_nothing_is_overtaken() {
        let (_listener, _fillers, silent) = full();
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good_address = good.local_addr().unwrap();
        let raced = tokio::time::timeout(Duration::from_secs(5), race(&[silent, good_address])).await;
        assert_eq!(raced.unwrap().unwrap().unwrap().peer_addr().unwrap(), good_address);
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next_and_the_last_failure_is_told() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good_address = good.local_addr().unwrap();
        let stream = race(&[closed, closed, good_address]).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good_address);
        let (address, error) = race(&[closed, closed]).await.unwrap().unwrap_err();
        assert_eq!((address, error.kind()), (closed, io::ErrorKind::ConnectionRefused));
        assert!(race(&[]).await.is_none());
    }
}
