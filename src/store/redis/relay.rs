//! A network between a store and its server, for tests: one that loses everything in silence.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::tasks::{Leash, Tasks};

pub struct Relay {
    pub port: u16,
    network: watch::Sender<Network>,
    _leash: Leash,
}

#[derive(Clone, Copy)]
struct Network {
    whole: bool,
    /// Counts how often connections were lost.
    losses: u32,
    visits: u32,
}

impl Relay {
    /// To the server that listens on this port.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let network = watch::Sender::new(Network { whole: true, losses: 0, visits: 0 });
        let seen = network.clone();
        let leash = Tasks::default().spawn_leashed("relay", async move {
            let mut connections = JoinSet::new();
            while let Ok((visitor, _)) = listener.accept().await {
                connections.spawn(carry(visitor, server, seen.subscribe()));
                seen.send_modify(|network| network.visits += 1);
            }
        });
        Self { port, network, _leash: leash }
    }

    /// From here on nothing arrives. What is connected stays open, on either side, and never carries anything again;
    /// who connects is not refused, and hears nothing.
    pub fn cut(&self) {
        self.network.send_modify(|network| {
            network.whole = false;
            network.losses += 1;
        });
    }

    /// Returns once somebody has connected.
    pub async fn visited(&self) {
        let mut network = self.network.subscribe();
        network.wait_for(|network| network.visits > 0).await.expect("the relay is held");
    }

    /// New connections work again.
    pub fn mend(&self) {
        self.network.send_modify(|network| network.whole = true);
    }
}

async fn carry(mut visitor: TcpStream, server: u16, mut network: watch::Receiver<Network>) {
    let Network { whole, losses, .. } = *network.borrow();
    let mut reached = None;
    if whole {
        let connected = TcpStream::connect(("127.0.0.1", server)).await;
        let server = reached.insert(connected.expect("the server listens"));
        tokio::select! {
            // An error is an end, as it is for those on either side.
            _ = copy_bidirectional(&mut visitor, server) => return,
            _ = network.wait_for(|network| network.losses > losses) => {}
        }
    }
    // With both ends held open.
    std::future::pending::<()>().await;
}
