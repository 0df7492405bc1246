//! What is amiss with servers that serve: settings by which sessions are lost one day.

use super::super::StoreError;
use super::lineage::Lineage;
use super::lines::{Aim, Lines};

/// A sentence for each, and each once, however many servers it is said of.
pub async fn of(lines: &Lines) -> Result<Vec<String>, StoreError> {
    let mut advice = Vec::new();
    for server in lines.servers().await? {
        let said: String = lines.ask(Aim::Server(&server), |_: Lineage| redis::cmd("INFO").into()).await?;
        for sentence in on(&said) {
            if !advice.contains(&sentence) {
                advice.push(sentence);
            }
        }
    }
    Ok(advice)
}

fn on(info: &str) -> Vec<String> {
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
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_amiss_is_said() {
        let right = "redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";
        assert!(on(right).is_empty());
        let wrong = "redis_version:6.2.1\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n";
        let said = on(wrong);
        for (word, sentence) in ["allkeys-lru", "appendonly", "version 7"].iter().zip(&said) {
            assert!(sentence.contains(word), "{sentence}");
        }
        assert_eq!(said.len(), 3);
        assert!(on("").is_empty(), "what a server does not say is not held against it");
    }
}
