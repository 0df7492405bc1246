//! Binds all listeners before anything is served, and says clearly which one cannot be had.
//!
//! TCP: one socket a worker, sharing the port by `SO_REUSEPORT`, so that the kernel spreads the connections. That
//! option would also let a second Vestibule take half of the connections of a first one without a word, hence the
//! plain bind that goes before. Unix: one descriptor, cloned.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};

use super::{Address, ListenerSettings};

/// Connections that the kernel keeps for us until they are accepted; `net.core.somaxconn` may lower it.
const BACKLOG: i32 = 4096;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", reason(error))]
pub struct BindError {
    pub address: Address,
    #[source]
    pub error: io::Error,
}

/// Listeners that are bound, but do not accept yet.
pub struct Bound {
    /// One row a worker, one listener a configured address.
    pub(super) rows: Vec<Vec<Listener>>,
    settings: Vec<ListenerSettings>,
}

impl Bound {
    /// As configured, with the port that was really given where port 0 was asked for.
    pub fn listeners(&self) -> &[ListenerSettings] {
        &self.settings
    }
}

pub(super) struct Listener {
    pub settings: ListenerSettings,
    pub socket: ListenerSocket,
}

pub(super) enum ListenerSocket {
    Tcp(TcpListener),
    Unix(UnixListener, Arc<SocketFile>),
}

/// Binds everything, for this many workers.
pub fn bind(settings: &[ListenerSettings], workers: usize) -> Result<Bound, BindError> {
    let mut bound = Bound { rows: (0..workers).map(|_| Vec::new()).collect(), settings: Vec::new() };
    for listener in settings {
        let (address, sockets) = match &listener.address {
            Address::Tcp(address) => tcp(*address, takes_ipv4_too(*address, settings), workers),
            Address::Unix(path) => unix(path, workers),
        }
        .map_err(|error| BindError { address: listener.address.clone(), error })?;
        let listener = ListenerSettings { address, ..listener.clone() };
        for (row, socket) in bound.rows.iter_mut().zip(sockets) {
            row.push(Listener { settings: listener.clone(), socket });
        }
        bound.settings.push(listener);
    }
    Ok(bound)
}

/// Binds one address, for a listener outside the workers.
pub fn bind_one(address: SocketAddr) -> Result<TcpListener, BindError> {
    let listener = || {
        let socket = open(address, false)?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    listener().map_err(|error| BindError { address: Address::Tcp(address), error })
}

type Sockets = (Address, Vec<ListenerSocket>);

fn tcp(address: SocketAddr, dual_stack: bool, workers: usize) -> io::Result<Sockets> {
    if address.port() != 0 {
        drop(open(address, dual_stack)?);
    }
    let mut actual = address;
    let mut sockets = Vec::with_capacity(workers);
    for _ in 0..workers {
        let socket = shared(actual, dual_stack)?;
        actual = socket.local_addr()?;
        sockets.push(ListenerSocket::Tcp(socket));
    }
    Ok((Address::Tcp(actual), sockets))
}

/// A socket bound to an address that nobody else has.
fn open(address: SocketAddr, dual_stack: bool) -> io::Result<Socket> {
    let socket = new_socket(address, dual_stack)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn shared(address: SocketAddr, dual_stack: bool) -> io::Result<TcpListener> {
    let socket = new_socket(address, dual_stack)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn new_socket(address: SocketAddr, dual_stack: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Without it a restart would have to wait until the last connections of the run before are forgotten.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!dual_stack)?;
    }
    Ok(socket)
}

/// `[::]` takes IPv4 connections too, unless another listener has that port for IPv4.
fn takes_ipv4_too(address: SocketAddr, all: &[ListenerSettings]) -> bool {
    let rival = |listener: &ListenerSettings| match &listener.address {
        Address::Tcp(other) => other.is_ipv4() && other.port() == address.port(),
        Address::Unix(_) => false,
    };
    matches!(address.ip(), IpAddr::V6(ip) if ip.is_unspecified()) && !all.iter().any(rival)
}

fn unix(path: &Path, workers: usize) -> io::Result<Sockets> {
    remove_stale(path)?;
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    let file = Arc::new(SocketFile(path.to_owned()));
    let sockets = (0..workers)
        .map(|_| Ok(ListenerSocket::Unix(listener.try_clone()?, Arc::clone(&file))))
        .collect::<io::Result<_>>()?;
    Ok((Address::Unix(path.to_owned()), sockets))
}

/// A socket that a crashed run left behind goes; one that answers, or a file that is no socket, stays.
fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "a file that is no socket is in the way",
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// Removes the socket's file when the last worker stops accepting.
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(path = %self.0.display(), %error, "the socket's file could not be removed");
        }
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "address already in use (another program listens there: ss -ltnp shows which)".into()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied (a port below 1024 takes root or CAP_NET_BIND_SERVICE, a unix socket a directory that \
             can be written)"
                .into()
        }
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has that address".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(address: Address) -> ListenerSettings {
        ListenerSettings { address, tls: false, redirect: false, proxy_protocol: None }
    }

    fn any_port() -> Address {
        Address::Tcp("127.0.0.1:0".parse().expect("an address"))
    }

    #[test]
    fn all_workers_share_the_port_that_was_given() {
        let bound = bind(&[settings(any_port())], 3).expect("a port is free");
        let ports: Vec<_> = bound
            .rows
            .iter()
            .flatten()
            .filter_map(|listener| match &listener.socket {
                ListenerSocket::Tcp(socket) => Some(Address::Tcp(socket.local_addr().expect("bound"))),
                ListenerSocket::Unix(..) => None,
            })
            .collect();
        assert_eq!(ports, vec![bound.settings[0].address.clone(); 3]);
    }

    #[test]
    fn a_port_in_use_is_named_even_if_its_owner_would_share_it() {
        let first = bind(&[settings(any_port())], 1).expect("a port is free");
        let address = first.listeners()[0].address.clone();
        let error = bind(&[settings(address.clone())], 1).err().expect("it is taken");
        assert_eq!(
            error.to_string(),
            format!(
                "cannot listen on {address}: address already in use (another program listens there: ss -ltnp shows \
                 which)"
            )
        );
    }

    #[test]
    fn both_families_may_be_listed_for_one_port() {
        let all = [settings(Address::Tcp("[::]:443".parse().expect("an address")))];
        assert!(takes_ipv4_too("[::]:443".parse().expect("an address"), &all));
        let all = [all[0].clone(), settings(Address::Tcp("0.0.0.0:443".parse().expect("an address")))];
        assert!(!takes_ipv4_too("[::]:443".parse().expect("an address"), &all));
    }

    #[test]
    fn a_unix_socket_left_behind_is_replaced_and_one_that_answers_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("gateway.sock");
        drop(UnixListener::bind(&path).expect("bound"));
        let bound = bind(&[settings(Address::Unix(path.clone()))], 2).expect("the stale one goes");
        let error = bind(&[settings(Address::Unix(path.clone()))], 1).err().expect("it answers");
        assert!(error.to_string().contains("address already in use"), "{error}");
        drop(bound);
        assert!(!path.exists(), "the file goes with the last listener");
    }

    #[test]
    fn a_file_that_is_no_socket_is_not_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notes.txt");
        std::fs::write(&path, "keep me").expect("written");
        assert!(bind(&[settings(Address::Unix(path.clone()))], 1).is_err());
        assert!(path.exists());
    }
}
