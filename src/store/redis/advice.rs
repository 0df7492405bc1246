//! What is amiss with servers that serve: settings by which sessions are lost one day.

use std::time::Duration;

use super::super::StoreError;
use super::lineage::Lineage;
use super::lines::{Aim, Lines};
use crate::clock::Timestamp;

/// Gateways hand tickets on to each other that are good for half a minute.
const CLOCKS_APART: Duration = Duration::from_secs(5);

/// A sentence for each, and each once, however many servers it is said of.
pub async fn of(lines: &Lines, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let mut advice = Vec::new();
    for server in lines.servers().await? {
        // What is loaded already may have been loaded by another user, and is gone when the server starts again.
        let load = |_: Lineage| redis::cmd("SCRIPT").arg("LOAD").arg("return 1").clone().into();
        lines.ask::<String>(Aim::Server(&server), load).await?;
        let said: String = lines.ask(Aim::Server(&server), |_: Lineage| redis::cmd("INFO").into()).await?;
        for sentence in on(&said, now) {
            if !advice.contains(&sentence) {
                advice.push(sentence);
            }
        }
    }
    Ok(advice)
}

fn on(info: &str, now: Timestamp) -> Vec<String> {
    let field =
        |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let mut advice = Vec::new();
    if let Some(policy) = field("maxmemory_policy").filter(|policy| *policy != "noeviction") {
        advice.push(format!(
            "redis throws sessions away when its memory is full (maxmemory-policy is {policy}): set it to noeviction"
        ));
    }
    if field("aof_enabled") == Some("0") {
        advice.push(
            "redis may forget sessions when it is started again (appendonly is no): set it to yes".to_owned(),
        );
    }
    let major = field("redis_version").and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    if major.is_some_and(|major| major < 7) {
        advice.push("redis is older than version 7, with which the gateway was never tried".to_owned());
    }
    let time = field("server_time_usec").and_then(|time| time.parse::<i64>().ok());
    let apart = time.map_or(Duration::ZERO, |time| {
        let time = Timestamp::from_millis(time / 1000);
        now.since(time).max(now.until(time))
    });
    if apart > CLOCKS_APART {
        advice.push(format!(
            "the clock of redis and that of this machine are {} s apart: all gateways judge by their own clocks when \
             codes and sessions end, so let NTP set every one",
            apart.as_secs()
        ));
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_amiss_is_said() {
        let right = "redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";
        let now = Timestamp::from_millis(1_795_338_300_000);
        assert!(on(right, now).is_empty());
        let wrong = "redis_version:6.2.1\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n";
        let said = on(wrong, now);
        for (word, sentence) in ["allkeys-lru", "appendonly", "version 7"].iter().zip(&said) {
            assert!(sentence.contains(word), "{sentence}");
        }
        assert_eq!(said.len(), 3);
        assert!(on("", now).is_empty(), "what a server does not say is not held against it");
    }
    #[test]
    fn a_clock_that_is_wrong_is_said_to_be() {
        let now = Timestamp::from_millis(1_795_338_300_000);
        for (seconds, expected) in [(0, None), (4, None), (-4, None), (45, Some("45 s")), (-45, Some("45 s"))]
        {
            let time = (now.millis() + 1000 * seconds) * 1000;
            let said = on(&format!("server_time_usec:{time}\r\n"), now);
            assert_eq!(said.len(), usize::from(expected.is_some()), "{seconds}: {said:?}");
            assert!(said.iter().all(|sentence| sentence.contains(expected.unwrap_or_default())), "{said:?}");
        }
    }
}
