//! The pool under load, under attack and at its end. Hashes are cheap or feigned here; the real ones have tests of
//! their own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::super::password;
use super::*;
use crate::clock::stopwatch;

const SETTINGS: PasswordSettings = PasswordSettings { memory: 64, iterations: 2, minimum_length: 12 };

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn stored(password: &str) -> StoredHash {
    StoredHash(Secret::new(password::hash(password, &SETTINGS).expect("hashed")))
}

/// A pool of one thread whose computations say that they began, and end when they are told to.
fn held_up(queue: usize) -> (Arc<Hasher>, Receiver<String>, Sender<()>) {
    let (began, begins) = channel();
    let (end, ends) = channel();
    let ends = Mutex::new(ends);
    let compute = move |password: &str, _: &Format, _: &mut Memory| {
        began.send(password.to_owned()).expect("the test listens");
        ends.lock().expect("one thread").recv().expect("the test tells");
        Ok(true)
    };
    (Arc::new(Hasher::with(1, queue, SETTINGS, Box::new(compute)).expect("starts")), begins, end)
}

#[tokio::test]
async fn a_right_password_fits_and_a_wrong_one_does_not() {
    let hasher = Hasher::new(2, 8, SETTINGS).expect("starts");
    let hash = stored("right");
    assert_eq!(hasher.verify(secret("right"), Some(hash.clone())).await, Ok(true));
    assert_eq!(hasher.verify(secret("wrong"), Some(hash)).await, Ok(false));
    assert_eq!(hasher.verify(secret("right"), None).await, Ok(false));
}

#[tokio::test]
async fn an_unknown_name_costs_what_a_known_one_does() {
    let costs = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&costs);
    let compute = move |_: &str, format: &Format, _: &mut Memory| {
        let Format::Argon2 { argon2, .. } = format else { panic!("another form") };
        let params = argon2.params();
        seen.lock().expect("one thread").push((params.m_cost(), params.t_cost(), params.p_cost()));
        Ok(true)
    };
    let hasher = Hasher::with(1, 8, SETTINGS, Box::new(compute)).expect("starts");
    assert_eq!(hasher.verify(secret("any"), Some(stored("any"))).await, Ok(true));
    let unreadable = StoredHash(Secret::new("$1$old$hash".to_owned()));
    for nobody in [None, Some(unreadable)] {
        assert_eq!(hasher.verify(secret("any"), nobody).await, Ok(false), "whatever was computed");
    }
    assert_eq!(*costs.lock().expect("idle"), [(SETTINGS.memory, SETTINGS.iterations, 1); 3]);
}

#[tokio::test]
async fn a_full_queue_is_busy_at_once() {
    let (hasher, begins, end) = held_up(1);
    let mut first = std::pin::pin!(hasher.verify(secret("first"), None));
    let mut second = std::pin::pin!(hasher.verify(secret("second"), None));
    assert!(polled_once(first.as_mut()).await.is_none());
    assert_eq!(begins.recv().expect("computes"), "first");
    assert!(polled_once(second.as_mut()).await.is_none());
    let watch = stopwatch();
    assert_eq!(hasher.verify(secret("third"), None).await, Err(Busy));
    assert!(watch.elapsed() < Duration::from_secs(1));
    end.send(()).expect("told");
    end.send(()).expect("told");
    assert_eq!(first.await, Ok(false));
    assert_eq!(second.await, Ok(false));
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_computed() {
    let (hasher, begins, end) = held_up(8);
    let mut first = std::pin::pin!(hasher.verify(secret("first"), None));
    assert!(polled_once(first.as_mut()).await.is_none());
    assert_eq!(begins.recv().expect("computes"), "first");
    {
        let mut gone = std::pin::pin!(hasher.verify(secret("gone"), None));
        assert!(polled_once(gone.as_mut()).await.is_none());
    }
    for _ in 0..2 {
        end.send(()).expect("told");
    }
    first.await.expect("computed");
    let last = tokio::time::timeout(Duration::from_secs(5), hasher.verify(secret("last"), None));
    last.await.expect("nothing else was computed").expect("computed");
    assert_eq!(begins.recv().expect("computes"), "last");
}

#[tokio::test]
async fn a_panic_leaves_the_pool_alive() {
    let compute = |password: &str, _: &Format, _: &mut Memory| {
        assert_ne!(password, "bad", "as the test wants it");
        Ok(true)
    };
    let hasher = Hasher::with(1, 8, SETTINGS, Box::new(compute)).expect("starts");
    let hash = stored("any");
    assert_eq!(hasher.verify(secret("bad"), Some(hash.clone())).await, Err(Busy));
    assert_eq!(hasher.verify(secret("good"), Some(hash)).await, Ok(true));
}

#[tokio::test]
async fn no_memory_is_busy_not_wrong() {
    let compute = |_: &str, _: &Format, _: &mut Memory| Err(OutOfMemory);
    let hasher = Hasher::with(1, 8, SETTINGS, Box::new(compute)).expect("starts");
    assert_eq!(hasher.verify(secret("any"), Some(stored("any"))).await, Err(Busy));
}

#[tokio::test]
async fn no_more_are_computed_at_once_than_there_are_threads() {
    let (running, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (now, seen) = (Arc::clone(&running), Arc::clone(&most));
    let both = std::sync::Barrier::new(2);
    let compute = move |_: &str, _: &Format, _: &mut Memory| {
        seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        both.wait();
        now.fetch_sub(1, Ordering::SeqCst);
        Ok(true)
    };
    let hasher = Hasher::with(2, 8, SETTINGS, Box::new(compute)).expect("starts");
    let verify = || hasher.verify(secret("any"), None);
    let (a, b, c, d) = tokio::join!(verify(), verify(), verify(), verify());
    assert_eq!([a, b, c, d], [Ok(false); 4]);
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_threads_end_with_the_hasher() {
    let shared = Arc::new(());
    let held = Arc::clone(&shared);
    let compute = move |_: &str, _: &Format, _: &mut Memory| Ok(Arc::strong_count(&held) > 0);
    let hasher = Hasher::with(3, 8, SETTINGS, Box::new(compute)).expect("starts");
    hasher.verify(secret("any"), None).await.expect("computed");
    drop(hasher);
    let ended = async {
        while Arc::strong_count(&shared) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the threads end");
}

#[test]
fn settings_that_cannot_be_computed_are_refused() {
    let nothing = PasswordSettings { memory: 0, ..SETTINGS };
    assert!(matches!(Hasher::new(1, 1, nothing).err(), Some(HasherError::Settings(_))));
}

/// Polls once: what came of it, or `None` while it waits.
async fn polled_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut future = Some(future);
    std::future::poll_fn(move |context| {
        let polled = future.take().map(|future| future.poll(context));
        std::task::Poll::Ready(match polled {
            Some(std::task::Poll::Ready(output)) => Some(output),
            _ => None,
        })
    })
    .await
}
