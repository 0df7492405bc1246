//! The accounts of `users.yaml`: read whole by `config`, replaced whole when the file changed. Start from
//! [`FileDirectory`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::{Account, Standing, canonical};
use crate::subject::AccountId;

/// Cheap to clone: clones share the accounts, so whoever watches the file keeps one and calls
/// [`replace`](Self::replace).
#[derive(Clone)]
pub struct FileDirectory {
    shared: Arc<Shared>,
}

impl FileDirectory {
    /// Names and addresses are expected to be unique, which `config` checks; of two, the first is found.
    pub fn new(accounts: Vec<Account>) -> Self {
        let accounts = ArcSwap::from_pointee(Accounts::of(accounts));
        Self { shared: Arc::new(Shared { accounts, generation: AtomicU64::new(0) }) }
    }

    /// From now on these are the accounts.
    pub fn replace(&self, accounts: Vec<Account>) {
        self.shared.accounts.store(Arc::new(Accounts::of(accounts)));
        // After the accounts: who sees the new number finds the new accounts.
        self.shared.generation.fetch_add(1, Ordering::Release);
    }

    /// By username or address in [`canonical`] form.
    pub(super) fn find(&self, login: &str) -> Option<Arc<Account>> {
        self.shared.accounts.load().by_login.get(login).cloned()
    }

    pub(super) fn by_id(&self, id: &AccountId) -> Option<Arc<Account>> {
        self.shared.accounts.load().by_id.get(id).cloned()
    }

    /// Who may sign in and has one of these groups.
    pub(super) fn members(&self, groups: &[String]) -> Vec<Account> {
        let accounts = self.shared.accounts.load();
        let member = |account: &Account| account.groups.iter().any(|group| groups.contains(group));
        let good = accounts.by_id.values().filter(|account| account.standing() == Standing::Good);
        good.filter(|account| member(account)).map(|account| Account::clone(account)).collect()
    }

    pub(super) fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }
}

struct Shared {
    accounts: ArcSwap<Accounts>,
    generation: AtomicU64,
}

struct Accounts {
    by_login: HashMap<String, Arc<Account>>,
    by_id: HashMap<AccountId, Arc<Account>>,
}

impl Accounts {
    fn of(accounts: Vec<Account>) -> Self {
        let mut by_login = HashMap::with_capacity(2 * accounts.len());
        let mut by_id = HashMap::with_capacity(accounts.len());
        for account in accounts.into_iter().map(Arc::new) {
            for login in [&account.username, &account.email] {
                by_login.entry(canonical(login)).or_insert_with(|| Arc::clone(&account));
            }
            by_id.entry(account.id.clone()).or_insert(account);
        }
        Self { by_login, by_id }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Approval, Directory, Source, StoredHash};
    use super::*;
    use crate::secret::Secret;
    use crate::subject::Person;

    fn account(username: &str, email: &str) -> Account {
        let person = Person {
            id: AccountId::new("file", username),
            username: username.into(),
            name: username.into(),
            email: email.into(),
            groups: Vec::new(),
            attributes: BTreeMap::new(),
            language: None,
        };
        Account {
            person: Arc::new(person),
            source: "file",
            approval: Approval::Approved,
            disabled: false,
            password: Some(StoredHash(Secret::new("$argon2id$".into()))),
            fingerprint: [0; 8],
        }
    }

    #[tokio::test]
    async fn an_account_is_found_by_name_address_and_id() {
        let directory = Directory::new(vec![Source::File(FileDirectory::new(vec![
            account("alice", "Alice@Bücher.example"),
            account("bob", "bob@example.com"),
        ]))]);
        for login in [" ALICE", "alice@BÜCHER.example", "alice@xn--bcher-kva.example"] {
            let found = directory.find(login).await.expect("a file never fails");
            assert_eq!(found.expect(login).username, "alice");
        }
        assert!(directory.find("carol").await.expect("a file never fails").is_none());
        assert!(directory.find("").await.expect("a file never fails").is_none());
        let bob = directory.by_id(&AccountId::new("file", "bob")).await.expect("a file never fails");
        assert_eq!(bob.expect("bob").email, "bob@example.com");
    }

    #[tokio::test]
    async fn the_first_source_that_knows_a_name_decides() {
        let first = FileDirectory::new(vec![account("alice", "first@example.com")]);
        let second = FileDirectory::new(vec![
            account("alice", "second@example.com"),
            account("bob", "bob@example.com"),
        ]);
        let directory = Directory::new(vec![Source::File(first), Source::File(second)]);
        let alice = directory.find("alice").await.expect("a file never fails").expect("alice");
        assert_eq!(alice.email, "first@example.com");
        assert!(directory.find("bob").await.expect("a file never fails").is_some());
    }

    #[tokio::test]
    async fn a_replaced_file_changes_the_generation_and_the_accounts() {
        let file = FileDirectory::new(vec![account("alice", "alice@example.com")]);
        let directory = Directory::new(vec![Source::File(file.clone())]);
        let before = directory.generation();
        file.replace(vec![account("bob", "bob@example.com")]);
        assert_ne!(directory.generation(), before);
        assert!(directory.find("alice").await.expect("a file never fails").is_none());
        assert!(directory.find("bob").await.expect("a file never fails").is_some());
    }
}
