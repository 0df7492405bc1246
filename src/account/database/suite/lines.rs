//! The audit trail.

use std::slice;

use tokio::sync::mpsc;

use super::*;
use crate::tasks::Shutdown;

pub async fn the_trail_is_read_backwards_and_filtered(one: Database, other: Database) -> Outcome {
    let (alice, bob) = (AccountId::new(SOURCE, "a"), AccountId::new("file", "bob"));
    let at = |minutes, line: Line| Line { at: NOW.plus(Duration::from_mins(minutes)), ..line };
    let by = Some(bob.as_str().to_owned());
    let lines = vec![
        at(0, line("signed_in", &alice)),
        at(1, line("signed_in", &bob)),
        at(2, Line { by: by.clone(), request_id: Some("id".into()), ..line("disabled", &alice) }),
    ];
    one.append(lines.clone()).await?;
    let read = async |trace: Trace| -> Result<Vec<Line>, DatabaseError> {
        Ok(other.trail(&trace, 10).await?.into_iter().map(|(_, line)| line).collect())
    };
    let [first, second, third] = &lines[..] else { unreachable!("three") };
    let all = other.trail(&Trace::default(), 2).await?;
    assert_eq!(all.iter().map(|(_, line)| line).collect::<Vec<_>>(), [third, second]);
    let older = Trace { before: Some(all[1].0), ..Trace::default() };
    assert_eq!(read(older.clone()).await?, slice::from_ref(first));
    let account = |id: &AccountId| Trace { account: Some(id.as_str().into()), ..Trace::default() };
    assert_eq!(read(account(&alice)).await?, [third.clone(), first.clone()]);
    assert_eq!(
        read(account(&bob)).await?,
        [third.clone(), second.clone()],
        "what was done by whom counts too"
    );
    let event = Trace { event: Some("signed_in".into()), ..Trace::default() };
    assert_eq!(read(event.clone()).await?, [second.clone(), first.clone()]);
    assert_eq!(read(Trace { before: older.before, ..event.clone() }).await?, slice::from_ref(first));
    assert_eq!(read(Trace { event: event.event, ..account(&bob) }).await?, slice::from_ref(second));
    let between = Trace { since: Some(second.at), until: Some(third.at), ..Trace::default() };
    assert_eq!(read(between).await?, slice::from_ref(second));
    Ok(())
}

pub async fn lines_sent_aside_are_all_written(one: Database, other: Database) -> Outcome {
    let (sender, receiver) = mpsc::channel(1_000);
    let (tasks, shutdown) = (Tasks::default(), Shutdown::default());
    let id = AccountId::new("file", "alice");
    for _ in 0..300 {
        sender.try_send(line("signed_in", &id)).expect("room");
    }
    tasks.spawn("audit table", keep_trail(one, receiver, shutdown.clone()));
    // While it runs already, and not with its end alone.
    let written = async {
        while other.trail(&Trace::default(), 1_000).await.is_ok_and(|lines| lines.len() < 300) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), written).await.expect("the lines are written");
    for _ in 0..300 {
        sender.try_send(line("signed_out", &id)).expect("room");
    }
    shutdown.abort();
    assert!(tasks.finished_within(Duration::from_secs(20)).await);
    assert_eq!(other.trail(&Trace::default(), 1_000).await?.len(), 600);
    Ok(())
}
