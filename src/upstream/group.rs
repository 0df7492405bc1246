//! The servers of one upstream, and which of them takes the next request.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderValue, Response};

use super::arriving::Arriving;
use super::backend::Backend;
use super::outgoing::Outgoing;
use super::pool::Pools;
use super::send::{Failed, Fate, Over, send};
use super::standing::{Busy, Standing, Trouble};
use super::transfer::CutOff;
use super::{Balance, Fault, Timeouts, UpstreamError};
use crate::body::BodyError;

pub(super) struct Group {
    /// The app's name, for logs.
    pub app: String,
    /// At most [`MOST_SERVERS`].
    pub backends: Vec<Backend>,
    pub balance: Balance,
    turns: AtomicU64,
}

/// More than anybody has behind one app, and as many as fit into a word.
pub const MOST_SERVERS: usize = 64;

/// An answer, where it comes from, and the place it takes up there.
pub(super) struct Answered {
    pub answer: Response<Arriving>,
    /// The server's, see [`Backend::id`].
    pub server: u64,
    pub busy: Option<Busy>,
}

impl Group {
    pub(super) fn new(app: &str, backends: Vec<Backend>, balance: Balance) -> Self {
        Self { app: app.to_owned(), backends, balance, turns: AtomicU64::new(0) }
    }

    /// Sends a request to a server, and to another where the first cannot be reached or has not begun with it. Only a
    /// request that may be sent twice goes to another when nobody knows; and only once, over a new connection.
    ///
    /// `key` is the same for all requests of a session.
    pub(super) async fn send(
        &self,
        pools: &Pools,
        timeouts: Timeouts,
        outgoing: &mut Outgoing<'_>,
        key: u64,
    ) -> Result<Answered, UpstreamError> {
        let (mut tried, mut repeated, mut last) = (0, false, None);
        // One that is as good as before, for when no other can be reached.
        let mut spare = None;
        while let Some((place, backend)) = self
            .choose(key, tried, Standing::is_good)
            .or_else(|| spare.take())
            .or_else(|| self.choose(key, tried, Standing::will_do))
        {
            tried |= 1 << place;
            // How busy a lone server is decides nothing.
            let busy = (self.backends.len() > 1).then(|| backend.standing.take());
            let over = match () {
                () if repeated => Over::New,
                () if self.balance != Balance::Sticky
                    && self.untried(tried, Standing::is_good).next().is_some() =>
                {
                    Over::AnyUntilLost
                }
                () => Over::Any,
            };
            match send(pools, backend, timeouts, outgoing, over).await {
                Ok(answer) => {
                    if backend.standing.succeeded() {
                        tracing::info!(
                            app = self.app,
                            server = backend.dialer.address(),
                            "a server answers again"
                        );
                    }
                    return Ok(Answered { answer, server: backend.id, busy });
                }
                Err(failed) => {
                    self.note(backend, busy.as_ref(), &failed);
                    let begun = failed.fate != Fate::Unsent;
                    let done = !failed.allows(outgoing) || begun && (repeated || failed.repeated);
                    let error = failed.error.of(|| backend.dialer.address());
                    if done {
                        return Err(error);
                    }
                    repeated |= begun || failed.repeated;
                    spare = spare.or(failed.stale.then_some((place, backend)));
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or(UpstreamError::NoneHealthy))
    }

    /// A lone server, of which nobody asks how busy it is, is tried whatever came of the requests before: there is no
    /// better one.
    fn note(&self, backend: &Backend, busy: Option<&Busy>, failed: &Failed) {
        let trouble = match failed.error {
            // Another request's fault, as likely as not.
            UpstreamError::Flooded => return,
            _ if failed.stale || failed.error.fault() != Fault::Upstream => return,
            _ if failed.fate == Fate::Unsent => Trouble::Unreachable,
            UpstreamError::Timeout(_) => Trouble::Silent,
            _ => Trouble::NoAnswer,
        };
        if busy.is_some_and(|busy| busy.failed(trouble)) {
            let (app, server, error) = (&*self.app, backend.dialer.address(), &failed.error);
            tracing::warn!(app, server, "a server is passed over for now: {error}");
        }
    }

    /// Tells of an answer that broke off after its head: the access log has it as a good one.
    pub(super) fn broke_off(&self, server: u64, request_id: Option<&HeaderValue>, error: &BodyError) {
        if error.is::<CutOff>() {
            return;
        }
        let server = self.backends.iter().find(|backend| backend.id == server);
        let server = server.map(|backend| backend.dialer.address());
        let request_id = request_id.and_then(|id| id.to_str().ok());
        tracing::warn!(request_id, app = self.app, server, "an answer broke off within its body: {error}");
    }

    /// The servers of such a standing that were not tried, with their places.
    fn untried(&self, tried: u64, is: fn(&Standing) -> bool) -> impl Iterator<Item = (usize, &Backend)> {
        let untried = self.backends.iter().enumerate().filter(move |(place, _)| tried >> place & 1 == 0);
        untried.filter(move |(_, backend)| is(&backend.standing))
    }

    /// One of them.
    fn choose(&self, key: u64, tried: u64, is: fn(&Standing) -> bool) -> Option<(usize, &Backend)> {
        let left = || self.untried(tried, is);
        if let [lone] = self.backends.as_slice() {
            return left().next().map(|_| (0, lone));
        }
        if self.balance == Balance::Sticky {
            // Rendezvous hashing: a server that goes or comes moves its own sessions and no others.
            return left().max_by_key(|(_, backend)| mix(key ^ backend.name));
        }
        // Whoever stops being good between the two looks is missed at the end: the first will do then.
        let count = u64::try_from(left().count()).ok().filter(|count| *count > 0)?;
        let nth = |number: u64| left().nth(usize::try_from(number).unwrap_or(0)).or_else(|| left().next());
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        if self.balance == Balance::RoundRobin || count == 1 {
            return nth(turn % count);
        }
        let chance = mix(turn);
        let first = chance % count;
        let second = (first + 1 + (chance >> 32) % (count - 1)) % count;
        [nth(first), nth(second)].into_iter().flatten().min_by_key(|(_, backend)| backend.standing.busy())
    }
}

/// A number for a text, the same in every process.
pub(super) fn number_of(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

/// Spreads numbers that lie close together (the finaliser of `SplitMix64`).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
