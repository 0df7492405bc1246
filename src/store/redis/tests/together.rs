//! Looks that come at once: each gets its own answer, whatever becomes of the others, and the server is asked once.

use futures_util::future::{join_all, select_all};

use super::*;
use crate::store::Key;

/// Of none that another part of these tests writes.
fn pair(number: u8) -> [Key; 2] {
    let sign_on = key(Space::SignOn, 100 + number);
    [sign_on.beside(Space::Session, &[number; 32]), sign_on]
}

/// How often the server was asked for several values.
async fn asked(server: &Server) -> u32 {
    let said: String = server.ask(&["INFO", "commandstats"]).await.expect("told");
    let line = said.lines().find_map(|line| line.strip_prefix("cmdstat_mget:calls="));
    line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn looks_at_once_are_one_question_and_each_gets_its_own_answer() {
    let server = Server::start(&[]).await;
    let store = serving(&server.settings()).await;
    let ends = Clock::System.now().plus(MINUTE);
    for number in (0..100).step_by(2) {
        let [session, sign_on] = pair(number);
        store.put(sign_on, &[number], ends).await.expect("written");
        if number % 4 == 0 {
            store.put(session, b"", ends).await.expect("written");
        }
    }
    let found = join_all((0..100).map(|number| store.get_pair(pair(number)))).await;
    for (number, found) in (0_u8..).zip(found) {
        let values = found.expect("read").map(|record| record.map(|record| record.value));
        let sign_on = number.is_multiple_of(2).then(|| vec![number]);
        assert_eq!(values, [number.is_multiple_of(4).then(Vec::new), sign_on], "{number}");
    }
    // No more than 64 are asked for at once.
    assert_eq!(asked(&server).await, 2);
    store.get_pair(pair(0)).await.expect("read");
    assert_eq!(asked(&server).await, 3);
}

#[tokio::test]
async fn a_look_that_comes_within_the_same_turn_is_asked_for_with_the_first() {
    let server = Server::start(&[]).await;
    let store = serving(&server.settings()).await;
    let next = async {
        tokio::task::yield_now().await;
        store.get_pair(pair(2)).await
    };
    let (first, next) = tokio::join!(store.get_pair(pair(1)), next);
    assert!(matches!((first, next), (Ok([None, None]), Ok([None, None]))));
    assert_eq!(asked(&server).await, 1);
}

#[tokio::test]
async fn who_goes_away_takes_nobody_along() {
    let server = Server::start(&[]).await;
    let store = serving(&server.settings()).await;
    let mut first = Box::pin(store.get_pair(pair(1)));
    let mut others: Vec<_> = (2..6).map(|number| Box::pin(store.get_pair(pair(number)))).collect();
    let all = select_all(std::iter::once(&mut first).chain(&mut others));
    // Each has been asked once, and none can have its answer.
    assert!(futures_util::FutureExt::now_or_never(all).is_none());
    drop(first);
    others.pop();
    for answer in join_all(others).await {
        assert_eq!(answer.expect("read"), [None, None]);
    }
    assert_eq!(asked(&server).await, 1);
}

#[tokio::test]
async fn of_a_server_that_is_gone_everybody_is_told_at_once() {
    let server = Server::start(&[]).await;
    let store = serving(&server.settings()).await;
    drop(server);
    is_unreachable_at_once(&store).await;
    let watch = stopwatch();
    for answer in join_all((0..10).map(|number| store.get_pair(pair(number)))).await {
        assert!(matches!(answer, Err(StoreError::Unreachable(_))), "{answer:?}");
    }
    assert!(watch.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn runtimes_ask_each_for_itself() {
    let server = Server::start(&[]).await;
    let store = Arc::new(serving(&server.settings()).await);
    let others = (0..2).map(|number: u8| {
        let store = Arc::clone(&store);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for _ in 0..50 {
                    let answers = join_all((0..8).map(|look| store.get_pair(pair(8 * number + look)))).await;
                    assert!(answers.into_iter().all(|answer| matches!(answer, Ok([None, None]))));
                }
            });
        })
    });
    let others: Vec<_> = others.collect();
    tokio::task::spawn_blocking(move || others.into_iter().for_each(|other| other.join().unwrap()))
        .await
        .unwrap();
    assert_eq!(asked(&server).await, 100);
}

#[tokio::test]
async fn in_a_cluster_each_place_is_asked_for_where_it_lies() {
    let fleet = Fleet::cluster(3, false).await;
    let store = serving(&fleet.settings("test:")).await;
    let ends = Clock::System.now().plus(MINUTE);
    for number in 0..20 {
        store.put(pair(number)[1], &[number], ends).await.expect("written");
    }
    let found = join_all((0..20).map(|number| store.get_pair(pair(number)))).await;
    for (number, found) in (0_u8..).zip(found) {
        let [session, sign_on] = found.expect("read");
        assert_eq!((session, sign_on.map(|record| record.value)), (None, Some(vec![number])));
    }
}
