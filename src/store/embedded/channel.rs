//! What other processes on the same file have changed: a table to which everybody appends, looked at twice a second.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::SqlitePool;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::StoreError;
use super::super::change::{Change, Channel};
use super::within_deadline;
use crate::clock::stopwatch;
use crate::tasks::Tasks;

/// How often the table is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How long a message stays there: many looks long.
pub const KEPT: Duration = Duration::from_mins(1);

/// After a look that comes later than this nothing that is remembered is believed.
const LATE: Duration = Duration::from_secs(1);

/// Listens until the guard is dropped or the channel is.
pub fn listen(channel: &Arc<Channel>, readers: SqlitePool, tasks: &Tasks) -> DropGuard {
    let stop = CancellationToken::new();
    let (stopped, channel) = (stop.clone(), Arc::downgrade(channel));
    tasks.spawn("changes in the store", async move {
        stopped.run_until_cancelled(follow(channel, readers)).await;
    });
    stop.drop_guard()
}

async fn follow(channel: Weak<Channel>, readers: SqlitePool) {
    let mut known: Option<i64> = None;
    let mut last = stopwatch();
    loop {
        let looked = look(&readers, known).await;
        let Some(channel) = channel.upgrade() else { return };
        let in_time = last.elapsed() < LATE + LOOK;
        last = stopwatch();
        match looked {
            Ok(found) => {
                known = Some(found.last);
                found.changes.into_iter().for_each(|change| channel.tell(change));
                if channel.run().is_none() || !in_time {
                    channel.is_up();
                }
            }
            Err(_) if readers.is_closed() => return,
            Err(error) => {
                if channel.run().is_some() {
                    tracing::warn!(%error, "changes by other processes are not seen");
                }
                channel.is_down();
            }
        }
        drop(channel);
        tokio::time::sleep(LOOK).await;
    }
}

struct Found {
    changes: Vec<Change>,
    last: i64,
}

/// What came after the message of this number; at the first look nothing but where to begin.
async fn look(readers: &SqlitePool, known: Option<i64>) -> Result<Found, StoreError> {
    let Some(known) = known else {
        let newest =
            sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'changes'");
        let last = within_deadline(newest.fetch_one(readers)).await?;
        return Ok(Found { changes: Vec::new(), last });
    };
    let after = sqlx::query_as::<_, (i64, Vec<u8>)>(
        "SELECT number, message FROM changes WHERE number > ? ORDER BY number",
    );
    let rows = within_deadline(after.bind(known).fetch_all(readers)).await?;
    let last = rows.last().map_or(known, |(number, _)| *number);
    let changes = rows.iter().filter_map(|(_, message)| Change::from_bytes(message)).collect();
    Ok(Found { changes, last })
}
