//! Files that may change while the gateway runs.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Looks at a file now and then, for ever, and hands over its content whenever that has changed, or the error when
/// it can no longer be read. `seen` is the content that is in use already.
///
/// Content is compared, not times: editors and `ConfigMap`s replace files by renaming, within one tick of a clock.
pub async fn watch_file(
    path: PathBuf,
    every: Duration,
    mut seen: Vec<u8>,
    mut changed: impl FnMut(io::Result<&[u8]>) + Send,
) {
    let mut failed = false;
    loop {
        tokio::time::sleep(every).await;
        match tokio::fs::read(&path).await {
            Ok(content) if content == seen && !failed => {}
            Ok(content) => {
                failed = false;
                seen = content;
                changed(Ok(&seen));
            }
            Err(error) if !failed => {
                failed = true;
                changed(Err(error));
            }
            Err(_) => {}
        }
    }
}
