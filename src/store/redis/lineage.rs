//! Which life of which server it is that is written to.
//!
//! A replica that takes over may not have heard that a record was used up. So what is used once bears in its name the
//! life of the server on which it was written, and is not found in any other. A life ends when the process does (`run_id`),
//! and when the server is made a replica, even if the same process is made the primary again: what it has then is what
//! the primary between had. That one's replication id is kept as `master_replid2` by whoever is promoted
//! (<https://redis.io/docs/latest/operate/oss_and_stack/management/replication/>). `master_replid` itself would not do:
//! it also changes with the first replica that comes, and sign-ins would be lost. `master_replid2` is forgotten an hour
//! after the last replica has gone (`repl-backlog-ttl`), when nothing is left that was written under the name of before.

use crate::secret;

/// Another process, the same one started again, and one that was a replica meanwhile, each have another.
pub type Lineage = [u8; 8];

/// What a server that says of itself that it is a primary has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Primary<'a> {
    run: Option<&'a str>,
    /// Whom it took over from.
    before: &'a str,
}

impl<'a> Primary<'a> {
    /// Reads what `INFO`, or its section on replication, has to say.
    pub fn read(info: &'a str) -> Result<Self, String> {
        let field = |name: &str| {
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        match field("role") {
            Some("master") => {
                Ok(Self { run: field("run_id"), before: field("master_replid2").unwrap_or_default() })
            }
            Some("slave") => Err("it is a replica, and only a primary can be written to".into()),
            _ => Err("it does not say in INFO whether it is a primary".into()),
        }
    }

    /// `None` if only the section on replication was read.
    pub fn lineage(&self) -> Option<Lineage> {
        let digest = secret::sha256(format!("{} {}", self.run?, self.before).as_bytes());
        digest.first_chunk().copied()
    }

    /// Changes when a process that goes on was a replica meanwhile.
    pub fn reign(&self) -> &'a str {
        self.before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(role: &str, run: &str, before: &str) -> String {
        format!("# Server\r\nrun_id:{run}\r\n# Replication\r\nrole:{role}\r\nmaster_replid2:{before}\r\n")
    }

    #[test]
    fn every_life_of_a_primary_has_another_lineage() {
        let lives = [said("master", "a", "0"), said("master", "b", "0"), said("master", "a", "x")];
        let lineages = lives.each_ref().map(|said| Primary::read(said).expect("a primary").lineage());
        assert!(lineages.iter().all(Option::is_some));
        assert!(lineages[0] != lineages[1] && lineages[0] != lineages[2] && lineages[1] != lineages[2]);
        assert_eq!(Primary::read(&lives[0]).expect("a primary").lineage(), lineages[0]);
    }

    #[test]
    fn only_a_primary_has_one() {
        assert!(Primary::read(&said("slave", "a", "0")).expect_err("a replica").contains("replica"));
        for strange in ["", "role:sentinel\r\nrun_id:a\r\n", "run_id:a\r\n"] {
            assert!(Primary::read(strange).is_err(), "{strange}");
        }
        let replication = Primary::read("role:master\r\nmaster_replid2:x\r\n").expect("a primary");
        assert_eq!((replication.lineage(), replication.reign()), (None, "x"));
    }
}
