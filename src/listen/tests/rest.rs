//! Connections that are taken from hyper while nothing happens.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::*;
use crate::listen::activity::{Activity, UnderWay};
use crate::listen::http::Http;
use crate::tasks::Tasks;

/// Counts how often it was read in vain: by somebody who has no room for more than a small head, and by hyper, which
/// never is that modest.
struct Listened {
    stream: DuplexStream,
    modestly: Arc<Semaphore>,
    by_hyper: Arc<Semaphore>,
}

impl AsyncRead for Listened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if polled.is_pending() {
            let modest = buffer.remaining() <= 4096;
            if modest { &self.modestly } else { &self.by_hyper }.add_permits(1);
        }
        polled
    }
}

impl AsyncWrite for Listened {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

async fn answer(client: &mut DuplexStream, ends_with: &str) {
    let mut answer = Vec::new();
    while !answer.ends_with(ends_with.as_bytes()) {
        let byte = timeout(DEADLINE, client.read_u8()).await.expect("an answer in time");
        answer.push(byte.expect("the whole answer"));
    }
}

#[tokio::test]
async fn a_connection_at_rest_is_only_listened_to_until_something_comes() {
    let listener = ListenerSettings {
        address: Address::Unix("unused".into()),
        tls: false,
        redirect: false,
        proxy_protocol: None,
    };
    // Looked at four times in this time, which is begun anew by each request.
    let settings = HttpSettings { idle: Duration::from_millis(500), ..HttpSettings::new(64 * 1024) };
    let (tasks, shutdown) = (Tasks::default(), Shutdown::default());
    let echo = Echo { gate: Arc::new(Semaphore::new(0)), begun: Arc::new(Semaphore::new(0)) };
    let http = Arc::new(Http::new(&settings, &tasks));
    let connection = Arc::new(Connection::new(None, &listener, (tasks.clone(), shutdown), None));
    let (stream, mut client) = tokio::io::duplex(64 * 1024);
    let (modestly, by_hyper) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let stream = Listened { stream, modestly: Arc::clone(&modestly), by_hyper: Arc::clone(&by_hyper) };
    let read = async |by: &Semaphore, times| {
        let read = timeout(DEADLINE, by.acquire_many(times)).await.expect("it is listened to");
        read.expect("never closed").forget();
    };
    let visitor = async {
        read(&modestly, 1).await;
        for number in 1..=3 {
            by_hyper.forget_permits(usize::MAX >> 4);
            client.write_all(format!("GET /{number} HT").as_bytes()).await.expect("taken");
            // When it comes, at the first look, and by the next hyper: half a head is no request.
            read(&by_hyper, 3).await;
            let rest = "TP/1.1\r\nHost: a\r\n\r\nGET /and HTTP/1.1\r\nHost: a\r\n\r\n";
            client.write_all(rest.as_bytes()).await.expect("taken");
            answer(&mut client, &format!("/{number} ")).await;
            answer(&mut client, "/and ").await;
            read(&modestly, 1).await;
        }
        // At rest it is closed as it would be at hyper's.
        let closed = timeout(DEADLINE, client.read_u8()).await.expect("closed in time");
        assert!(closed.is_err());
    };
    tokio::join!(http.serve_http1(stream, (connection, Arc::default()), echo), visitor);
}

#[test]
fn what_has_a_body_may_not_be_over_when_it_is_answered() {
    let activity = Arc::<Activity>::default();
    assert!(activity.is_between_requests());
    let begun = UnderWay::begin(&activity, false);
    assert!(!activity.is_between_requests());
    drop(begun);
    assert!(activity.is_between_requests());
    drop(UnderWay::begin(&activity, true));
    assert!(activity.at_rest() && !activity.is_between_requests());
    drop(UnderWay::begin(&activity, false));
    activity.set_writing(true);
    assert!(!activity.is_between_requests());
}
