//! What several gateways do together: reading in one step, going through a space, and telling each other.

use std::collections::HashMap;
use std::time::Duration;

use super::super::{About, Change, Changes, Cursor, Key, News, Space, Store, StoreError};
use super::rig::{Rig, START, key};
use super::{MINUTE, Outcome};

const CHANGE: Change = Change { about: About::SignOnEnded, id: [7; 32] };

pub async fn a_pair_is_read_at_once(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    let sign_on = key(Space::SignOn, 1);
    let session = sign_on.beside(Space::Session, &[2; 32]);
    assert_eq!(store.get_pair([session, sign_on]).await?, [None, None]);
    store.put(sign_on, b"sign-on", START.plus(2 * MINUTE)).await?;
    assert!(matches!(store.get_pair([session, sign_on]).await?, [None, Some(_)]));
    store.put(session, b"session", START.plus(MINUTE)).await?;
    let [one, other] = store.get_pair([session, sign_on]).await?;
    assert_eq!(one, store.get(session).await?);
    assert_eq!(other, store.get(sign_on).await?);
    assert_eq!(store.get_pair([sign_on, sign_on]).await?, [other.clone(), other]);
    clock.advance(MINUTE);
    assert!(matches!(store.get_pair([session, sign_on]).await?, [None, Some(_)]));
    Ok(())
}

pub async fn a_pair_has_one_place(Rig { store, _keep, .. }: Rig) -> Outcome {
    let (sign_on, elsewhere) = (key(Space::SignOn, 1), key(Space::Session, 2));
    let refused = [
        store.get_pair([sign_on, elsewhere]).await,
        store.get_pair([sign_on, sign_on.beside(Space::Counter, &[1; 32])]).await,
        store.get_pair([sign_on.beside(Space::Index, &[1; 32]), sign_on]).await,
    ];
    for refusal in refused {
        assert!(matches!(refusal, Err(StoreError::Refused(_))), "{refusal:?}");
    }
    Ok(())
}

pub async fn all_records_of_a_space_are_found(Rig { store, clock, _keep, .. }: Rig) -> Outcome {
    assert_eq!(all(&store, Space::SignOn).await?, HashMap::new());
    let many = |number: u16| Key {
        space: Space::SignOn,
        digest: std::array::from_fn(|at| number.to_be_bytes()[at % 2]),
    };
    for number in 0..1_200 {
        store.put(many(number), &number.to_be_bytes(), START.plus(2 * MINUTE)).await?;
    }
    store.put(key(Space::Session, 1), b"another space", START.plus(MINUTE)).await?;
    store.put(key(Space::SignOn, 0xff), b"ends first", START.plus(MINUTE)).await?;
    store.bump(key(Space::Counter, 1), 1, MINUTE).await?;
    assert_eq!(all(&store, Space::SignOn).await?.len(), 1_201);
    clock.advance(MINUTE);
    let found = all(&store, Space::SignOn).await?;
    assert_eq!(found.len(), 1_200);
    for number in 0..1_200 {
        assert_eq!(found.get(&many(number)).map(Vec::as_slice), Some(&number.to_be_bytes()[..]));
    }
    assert!(matches!(store.scan(Space::Counter, None).await, Err(StoreError::Refused(_))));
    Ok(())
}

pub async fn a_change_is_heard_everywhere(Rig { store, other, _keep, .. }: Rig) -> Outcome {
    let (mut here, mut there) = (store.changes(), other.changes());
    hears(&store).await;
    hears(&other).await;
    store.publish(CHANGE).await?;
    assert!(is_told(&mut here, CHANGE).await && is_told(&mut there, CHANGE).await);
    let back = Change { about: About::AccountChanged, id: [8; 32] };
    other.publish(back).await?;
    assert!(is_told(&mut here, back).await && is_told(&mut there, back).await);
    Ok(())
}

pub async fn a_run_lasts_while_nothing_is_missed(Rig { store, other, _keep, .. }: Rig) -> Outcome {
    let mut changes = store.changes();
    let mut lasted = false;
    // More than once, for a machine that stood still for a moment: a late look ends a run, and rightly so.
    for _ in 0..20 {
        hears(&store).await;
        let run = store.hearing();
        other.publish(CHANGE).await?;
        assert!(is_told(&mut changes, CHANGE).await);
        lasted = store.hearing() == run;
        if lasted {
            break;
        }
    }
    assert!(lasted);
    store.close().await;
    assert_eq!(store.hearing(), None);
    Ok(())
}

/// Waits until the store hears of changes.
pub async fn hears(store: &Store) {
    let up = async {
        while store.hearing().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), up).await.expect("the channel comes up");
}

/// Whether this news arrives, after whatever else.
async fn is_told(changes: &mut Changes, change: Change) -> bool {
    let told = async { while changes.next().await != Some(News::Change(change)) {} };
    tokio::time::timeout(Duration::from_secs(10), told).await.is_ok()
}

async fn all(store: &Store, space: Space) -> Result<HashMap<Key, Vec<u8>>, StoreError> {
    let (mut found, mut after): (_, Option<Cursor>) = (HashMap::new(), None);
    loop {
        let page = store.scan(space, after).await?;
        found.extend(page.records.into_iter().map(|(key, record)| (key, record.value)));
        let Some(next) = page.next else { return Ok(found) };
        after = Some(next);
    }
}
