//! What every back end must do, run against each: an SQLite file in a directory of its own, and a real Redis.

mod rig;
mod shared;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::redis::fleet::Fleet;
use super::{Count, Space, Store, StoreError};
use crate::clock::Timestamp;
pub use rig::key;
use rig::{PARALLEL, Rig, START, at_once, members, record, set, value};
pub use shared::hears;
use shared::{
    a_change_is_heard_everywhere, a_pair_has_one_place, a_pair_is_read_at_once,
    a_run_lasts_while_nothing_is_missed, all_records_of_a_space_are_found,
};

const MINUTE: Duration = Duration::from_mins(1);

macro_rules! contract {
    ($($name:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Rig::embedded().await).await.expect("the store serves");
            })*
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Rig::redis().await).await.expect("the store serves");
            })*
        }
        /// All on the same servers, each under a prefix of its own: they take long to start.
        async fn all_on(fleet: &Fleet) {
            $({
                let name = stringify!($name);
                let served = $name(Rig::fleet(fleet, name).await).await;
                served.unwrap_or_else(|error| panic!("{name}: {error}"));
            })*
        }
    };
}

contract! {
    a_record_is_read_back_until_its_end
    a_record_put_again_has_another_version_and_end
    a_record_that_ended_before_it_was_put_is_not_there
    values_may_be_any_bytes
    spaces_do_not_mix
    a_record_is_taken_once
    of_fifty_that_take_one_wins
    a_record_that_has_ended_cannot_be_taken
    a_swap_needs_the_version_that_stands
    a_swap_that_expects_nothing_only_creates
    an_ended_record_counts_as_none_in_a_swap
    of_fifty_swaps_one_wins_each_version
    a_counter_starts_anew_after_its_window
    a_bump_does_not_move_the_window
    a_counter_never_falls_below_zero
    a_bump_by_zero_reads
    taking_back_opens_no_window
    a_reset_counter_opens_a_new_window
    keys_are_of_one_kind
    a_counter_stays_exact_at_its_limits
    no_bump_is_lost_among_fifty
    members_end_one_by_one
    a_member_added_again_has_the_new_end
    a_removed_member_is_gone
    two_handles_see_one_state
    the_end_of_time_is_a_valid_end
    a_closed_store_fails_instead_of_waiting
    a_ping_is_answered
    other_runtimes_may_call
    a_pair_is_read_at_once
    a_pair_has_one_place
    all_records_of_a_space_are_found
    a_change_is_heard_everywhere
    a_run_lasts_while_nothing_is_missed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_sentinels_the_same_holds() {
    all_on(&Fleet::behind_sentinels().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_cluster_the_same_holds() {
    all_on(&Fleet::cluster(3, false).await).await;
}

type Outcome = Result<(), StoreError>;

async fn a_record_is_read_back_until_its_end(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Session, 1);
    assert_eq!(store.get(key).await?, None);
    store.put(key, b"value", START.plus(MINUTE)).await?;
    clock.advance(Duration::from_millis(59_999));
    assert_eq!(value(&store, key).await?.as_deref(), Some(&b"value"[..]));
    clock.advance(Duration::from_millis(1));
    assert_eq!(store.get(key).await?, None);
    Ok(())
}

async fn a_record_put_again_has_another_version_and_end(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Session, 1);
    store.put(key, b"first", START.plus(MINUTE)).await?;
    let first = record(&store, key).await?;
    store.put(key, b"first", START.plus(2 * MINUTE)).await?;
    let second = record(&store, key).await?;
    assert_ne!(first.version, second.version);
    clock.advance(MINUTE);
    assert_eq!(record(&store, key).await?, second);
    Ok(())
}

async fn a_record_that_ended_before_it_was_put_is_not_there(Rig { store, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Session, 1);
    store.put(key, b"value", START.plus(MINUTE)).await?;
    store.put(key, b"late", Timestamp::from_millis(START.millis() - 1)).await?;
    assert_eq!(store.get(key).await?, None);
    assert_eq!(store.take(key).await?, None);
    Ok(())
}

async fn values_may_be_any_bytes(Rig { store, _keep, .. }: Rig) -> Outcome {
    let long: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for (digest, bytes) in [(1, &b""[..]), (2, b"\0"), (3, b"\xff\xfe \r\n"), (4, &long)] {
        store.put(key(Space::Session, digest), bytes, START.plus(MINUTE)).await?;
        assert_eq!(value(&store, key(Space::Session, digest)).await?.as_deref(), Some(bytes));
        store.index_add(key(Space::Index, 1), bytes, START.plus(MINUTE)).await?;
    }
    assert_eq!(store.index_members(key(Space::Index, 1)).await?.len(), 4);
    Ok(())
}

async fn spaces_do_not_mix(Rig { store, _keep, .. }: Rig) -> Outcome {
    let spaces = [Space::Session, Space::SignOn, Space::SignIn, Space::Ticket, Space::Device, Space::Lock];
    for (number, space) in (0_u8..).zip(spaces) {
        store.put(key(space, 1), &[number], START.plus(MINUTE)).await?;
    }
    for (number, space) in (0_u8..).zip(spaces) {
        assert_eq!(value(&store, key(space, 1)).await?, Some(vec![number]));
    }
    Ok(())
}

async fn a_record_is_taken_once(Rig { store, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Ticket, 1);
    store.put(key, b"ticket", START.plus(MINUTE)).await?;
    assert_eq!(store.take(key).await?.as_deref(), Some(&b"ticket"[..]));
    assert_eq!(store.take(key).await?, None);
    assert_eq!(store.get(key).await?, None);
    Ok(())
}

async fn of_fifty_that_take_one_wins(Rig { store, other, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Ticket, 1);
    for _ in 0..5 {
        store.put(key, b"ticket", START.plus(MINUTE)).await?;
        let taken = at_once(&store, &other, move |store, _| async move { store.take(key).await }).await?;
        assert_eq!(taken.into_iter().flatten().count(), 1);
    }
    Ok(())
}

async fn a_record_that_has_ended_cannot_be_taken(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Ticket, 1);
    store.put(key, b"ticket", START.plus(MINUTE)).await?;
    clock.advance(MINUTE);
    assert_eq!(store.take(key).await?, None);
    Ok(())
}

async fn a_swap_needs_the_version_that_stands(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::SignIn, 1);
    store.put(key, b"first", START.plus(MINUTE)).await?;
    let first = record(&store, key).await?.version;
    assert!(store.swap(key, Some(first), b"second", START.plus(2 * MINUTE)).await?);
    assert!(!store.swap(key, Some(first), b"third", START.plus(MINUTE)).await?);
    let second = record(&store, key).await?;
    assert_eq!(second.value, b"second");
    assert_ne!(second.version, first);
    clock.advance(MINUTE);
    assert_eq!(record(&store, key).await?, second);
    store.take(key).await?;
    assert!(!store.swap(key, Some(second.version), b"fourth", START.plus(3 * MINUTE)).await?);
    assert_eq!(store.get(key).await?, None);
    Ok(())
}

async fn a_swap_that_expects_nothing_only_creates(Rig { store, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Lock, 1);
    assert!(store.swap(key, None, b"mine", START.plus(MINUTE)).await?);
    assert!(!store.swap(key, None, b"yours", START.plus(MINUTE)).await?);
    assert_eq!(record(&store, key).await?.value, b"mine");
    Ok(())
}

async fn an_ended_record_counts_as_none_in_a_swap(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Lock, 1);
    store.put(key, b"first", START.plus(MINUTE)).await?;
    let first = record(&store, key).await?.version;
    clock.advance(MINUTE);
    assert!(!store.swap(key, Some(first), b"second", START.plus(2 * MINUTE)).await?);
    assert!(store.swap(key, None, b"third", START.plus(2 * MINUTE)).await?);
    assert_eq!(record(&store, key).await?.value, b"third");
    Ok(())
}

async fn of_fifty_swaps_one_wins_each_version(Rig { store, other, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::SignIn, 1);
    let mut expected = None;
    for _ in 0..5 {
        let swapped = at_once(&store, &other, move |store, number| async move {
            store.swap(key, expected, &[number], START.plus(MINUTE)).await
        });
        let swapped = swapped.await?;
        assert_eq!(swapped.iter().filter(|&&swapped| swapped).count(), 1);
        let stands = record(&store, key).await?;
        assert_eq!(swapped.get(usize::from(stands.value[0])), Some(&true), "the winner's value stands");
        expected = Some(stands.version);
    }
    Ok(())
}

async fn a_counter_starts_anew_after_its_window(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Counter, 1);
    assert_eq!(store.bump(key, 2, MINUTE).await?, Count { value: 2, ends: START.plus(MINUTE) });
    clock.advance(MINUTE);
    let later = START.plus(MINUTE);
    assert_eq!(store.bump(key, 0, MINUTE).await?, Count { value: 0, ends: later });
    assert_eq!(store.bump(key, 1, MINUTE).await?, Count { value: 1, ends: later.plus(MINUTE) });
    Ok(())
}

async fn a_bump_does_not_move_the_window(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Counter, 1);
    store.bump(key, 1, MINUTE).await?;
    clock.advance(MINUTE / 2);
    assert_eq!(store.bump(key, 1, 10 * MINUTE).await?, Count { value: 2, ends: START.plus(MINUTE) });
    assert_eq!(store.bump(key, -1, 10 * MINUTE).await?, Count { value: 1, ends: START.plus(MINUTE) });
    Ok(())
}

async fn a_counter_never_falls_below_zero(Rig { store, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Counter, 1);
    store.bump(key, 3, MINUTE).await?;
    assert_eq!(store.bump(key, -2, MINUTE).await?.value, 1);
    assert_eq!(store.bump(key, -5, MINUTE).await?, Count { value: 0, ends: START.plus(MINUTE) });
    assert_eq!(store.bump(key, 1, MINUTE).await?, Count { value: 1, ends: START.plus(MINUTE) });
    Ok(())
}

async fn a_bump_by_zero_reads(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Counter, 1);
    assert_eq!(store.bump(key, 0, MINUTE).await?, Count { value: 0, ends: START });
    clock.advance(MINUTE / 2);
    store.bump(key, 4, MINUTE).await?;
    assert_eq!(store.bump(key, 0, MINUTE).await?, Count { value: 4, ends: START.plus(MINUTE * 3 / 2) });
    Ok(())
}

async fn taking_back_opens_no_window(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Counter, 1);
    assert_eq!(store.bump(key, -1, MINUTE).await?, Count { value: 0, ends: START });
    store.bump(key, 1, MINUTE).await?;
    clock.advance(MINUTE);
    let later = START.plus(MINUTE);
    assert_eq!(store.bump(key, -1, MINUTE).await?, Count { value: 0, ends: later });
    clock.advance(MINUTE / 2);
    let ends = later.plus(MINUTE * 3 / 2);
    assert_eq!(store.bump(key, 1, MINUTE).await?, Count { value: 1, ends });
    Ok(())
}

async fn a_reset_counter_opens_a_new_window(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Counter, 1);
    store.reset(key).await?;
    store.bump(key, 3, MINUTE).await?;
    clock.advance(MINUTE / 2);
    store.reset(key).await?;
    let now = clock.now();
    assert_eq!(store.bump(key, 0, MINUTE).await?, Count { value: 0, ends: now });
    assert_eq!(store.bump(key, 1, MINUTE).await?, Count { value: 1, ends: now.plus(MINUTE) });
    Ok(())
}

async fn keys_are_of_one_kind(Rig { store, _keep, .. }: Rig) -> Outcome {
    let (record, counter, index) = (key(Space::Lock, 1), key(Space::Counter, 1), key(Space::Index, 1));
    let ends = START.plus(MINUTE);
    let refusals = [
        store.get(counter).await.map(drop),
        store.take(counter).await.map(drop),
        store.put(index, b"", ends).await,
        store.swap(counter, None, b"", ends).await.map(drop),
        store.bump(record, 1, MINUTE).await.map(drop),
        store.reset(index).await,
        store.index_add(record, b"", ends).await,
        store.index_remove(counter, b"").await,
        store.index_members(record).await.map(drop),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Err(StoreError::Refused(_))), "{refusal:?}");
    }
    Ok(())
}

async fn a_counter_stays_exact_at_its_limits(Rig { store, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Counter, 1);
    assert_eq!(store.bump(key, i64::MAX, MINUTE).await?.value, Store::COUNT_MAX);
    assert_eq!(store.bump(key, i64::MAX, MINUTE).await?.value, Store::COUNT_MAX);
    assert_eq!(store.bump(key, -1, MINUTE).await?.value, Store::COUNT_MAX - 1);
    assert_eq!(store.bump(key, 0, MINUTE).await?.value, Store::COUNT_MAX - 1);
    assert_eq!(store.bump(key, i64::MIN, MINUTE).await?.value, 0);
    Ok(())
}

async fn no_bump_is_lost_among_fifty(Rig { store, other, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Counter, 1);
    let counts =
        at_once(&store, &other, move |store, _| async move { store.bump(key, 1, MINUTE).await }).await?;
    let values: HashSet<_> = counts.iter().map(|count| count.value).collect();
    assert_eq!(values, (1..=i64::from(PARALLEL)).collect());
    Ok(())
}

async fn members_end_one_by_one(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let index = key(Space::Index, 1);
    assert_eq!(members(&store, index).await?, HashSet::new());
    store.index_add(index, b"long", START.plus(2 * MINUTE)).await?;
    store.index_add(index, b"short", START.plus(MINUTE)).await?;
    store.index_add(key(Space::Index, 2), b"elsewhere", START.plus(MINUTE)).await?;
    assert_eq!(members(&store, index).await?, set(&[b"long", b"short"]));
    clock.advance(MINUTE);
    assert_eq!(members(&store, index).await?, set(&[b"long"]));
    store.index_add(index, b"new", START.plus(3 * MINUTE)).await?;
    assert_eq!(members(&store, index).await?, set(&[b"long", b"new"]));
    clock.advance(2 * MINUTE);
    assert_eq!(members(&store, index).await?, HashSet::new());
    Ok(())
}

async fn a_member_added_again_has_the_new_end(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let index = key(Space::Index, 1);
    store.index_add(index, b"longer", START.plus(MINUTE)).await?;
    store.index_add(index, b"longer", START.plus(3 * MINUTE)).await?;
    store.index_add(index, b"shorter", START.plus(3 * MINUTE)).await?;
    store.index_add(index, b"shorter", START.plus(MINUTE)).await?;
    clock.advance(2 * MINUTE);
    assert_eq!(members(&store, index).await?, set(&[b"longer"]));
    Ok(())
}

async fn a_removed_member_is_gone(Rig { store, _keep, .. }: Rig) -> Outcome {
    let index = key(Space::Index, 1);
    store.index_add(index, b"one", START.plus(MINUTE)).await?;
    store.index_add(index, b"two", START.plus(MINUTE)).await?;
    store.index_remove(index, b"one").await?;
    store.index_remove(index, b"never there").await?;
    assert_eq!(members(&store, index).await?, set(&[b"two"]));
    Ok(())
}

async fn two_handles_see_one_state(Rig { store, other, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::SignIn, 1);
    store.put(key, b"first", START.plus(MINUTE)).await?;
    let seen = record(&other, key).await?;
    assert!(other.swap(key, Some(seen.version), b"second", START.plus(MINUTE)).await?);
    assert!(!store.swap(key, Some(seen.version), b"third", START.plus(MINUTE)).await?);
    assert_eq!(store.take(key).await?.as_deref(), Some(&b"second"[..]));
    assert_eq!(other.get(key).await?, None);
    Ok(())
}

async fn the_end_of_time_is_a_valid_end(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let end = START.plus(Duration::MAX);
    store.put(key(Space::Session, 1), b"value", end).await?;
    assert!(store.swap(key(Space::Session, 2), None, b"value", end).await?);
    store.index_add(key(Space::Index, 1), b"member", end).await?;
    store.bump(key(Space::Counter, 1), 1, Duration::MAX).await?;
    clock.advance(Duration::from_hours(1_000 * 365 * 24));
    assert!(store.get(key(Space::Session, 1)).await?.is_some());
    assert!(store.get(key(Space::Session, 2)).await?.is_some());
    assert_eq!(members(&store, key(Space::Index, 1)).await?.len(), 1);
    assert_eq!(store.bump(key(Space::Counter, 1), 1, MINUTE).await?.value, 2);
    Ok(())
}

async fn a_closed_store_fails_instead_of_waiting(Rig { store, other, _keep, .. }: Rig) -> Outcome {
    store.put(key(Space::Session, 1), b"value", START.plus(MINUTE)).await?;
    store.close().await;
    let refused = store.get(key(Space::Session, 1)).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    assert!(other.get(key(Space::Session, 1)).await?.is_some());
    Ok(())
}

async fn a_ping_is_answered(Rig { store, _keep, .. }: Rig) -> Outcome {
    store.ping().await?;
    store.sweep().await.map(drop)
}

async fn other_runtimes_may_call(Rig { store, _keep, .. }: Rig) -> Outcome {
    let key = key(Space::Counter, 1);
    let bumped = Arc::clone(&store);
    let elsewhere = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(bumped.bump(key, 1, MINUTE))
    });
    let bumped =
        tokio::task::spawn_blocking(|| elsewhere.join()).await.expect("joined").expect("no panic")?;
    assert_eq!(bumped.value, 1);
    assert_eq!(store.bump(key, 1, MINUTE).await?.value, 2);
    Ok(())
}
