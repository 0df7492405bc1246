//! Numbers that all workers add to at every request: each thread has a copy of its own, on cache lines of its own, and
//! whoever reads sums them up.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// With more workers than this, some share.
const MOST_COPIES: usize = 16;

/// A copy for each worker. Workers come to their copies in the order in which they first ask for one.
pub(super) struct PerThread<T>(Box<[OwnLines<T>]>);

/// Intel's processors fetch cache lines of 64 bytes in pairs.
#[derive(Default)]
#[repr(align(128))]
struct OwnLines<T>(T);

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        let copies = thread::available_parallelism().map_or(1, usize::from).min(MOST_COPIES);
        Self((0..copies).map(|_| OwnLines::default()).collect())
    }
}

impl<T> PerThread<T> {
    /// This thread's copy.
    pub fn own(&self, change: impl FnOnce(&T)) {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        let number = NUMBER.with(|number| *number);
        if let Some(OwnLines(copy)) = self.0.get(number % self.0.len().max(1)) {
            change(copy);
        }
    }

    pub fn sum(&self, of: impl Fn(&T) -> &Count) -> u64 {
        self.copies().map(|copy| of(copy).get()).sum()
    }

    pub fn copies(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|OwnLines(copy)| copy)
    }
}

#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) const BOUNDS: usize = 12;

/// The upper bounds of a histogram's buckets, in microseconds, rising. What is above the last has a bucket too.
pub(super) type Bounds = [u64; BOUNDS];

/// How long things took.
#[derive(Default)]
pub(super) struct Histogram {
    buckets: [Count; BOUNDS + 1],
    nanoseconds: Count,
}

impl Histogram {
    pub fn add(&self, bounds: &Bounds, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = bounds.iter().position(|bound| nanoseconds <= bound * 1000).unwrap_or(BOUNDS);
        if let Some(count) = self.buckets.get(bucket) {
            count.add(1);
        }
        self.nanoseconds.add(nanoseconds);
    }
}

/// A histogram's numbers, summed up.
#[derive(Default)]
pub(super) struct Summed {
    /// Upper bound in seconds, and how many are in this bucket alone.
    pub buckets: Vec<(f64, u64)>,
    pub count: u64,
    /// In seconds.
    pub sum: f64,
}

impl Summed {
    pub fn of<'a>(histograms: impl Iterator<Item = &'a Histogram>, bounds: &Bounds) -> Self {
        let (mut counts, mut nanoseconds) = ([0_u64; BOUNDS + 1], 0_u64);
        for histogram in histograms {
            for (sum, count) in counts.iter_mut().zip(&histogram.buckets) {
                *sum += count.get();
            }
            nanoseconds = nanoseconds.wrapping_add(histogram.nanoseconds.get());
        }
        let seconds = bounds.iter().map(|bound| Duration::from_micros(*bound).as_secs_f64());
        Self {
            buckets: seconds.chain([f64::INFINITY]).zip(counts).collect(),
            count: counts.iter().sum(),
            sum: Duration::from_nanos(nanoseconds).as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_add_is_summed_up() {
        let counts = PerThread::<Count>::default();
        thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| counts.own(|count| count.add(3)));
            }
        });
        assert_eq!(counts.sum(|count| count), 120);
    }

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        let bounds: Bounds = std::array::from_fn(|at| 10 * (at as u64 + 1));
        let histogram = Histogram::default();
        for microseconds in [0, 10, 11, 120, 121, 1_000_000] {
            histogram.add(&bounds, Duration::from_micros(microseconds));
        }
        let summed = Summed::of([&histogram].into_iter(), &bounds);
        let counts: Vec<_> = summed.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!((summed.count, summed.buckets[12].0), (6, f64::INFINITY));
        assert!((summed.sum - 1.000_262).abs() < 1e-9, "{}", summed.sum);
    }
}
