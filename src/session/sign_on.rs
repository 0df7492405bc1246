//! The sign-ons of an account: listed, ended, and told that the account has changed.

use super::record::{SignOnRecord, read};
use super::{Client, Sessions, SignOnId, sign_on_key};
use crate::clock::Timestamp;
use crate::secret::{self, Purpose};
use crate::store::{About, Cursor, Key, Record, Space, StoreError};
use crate::subject::{AccountId, Proofs};

/// A sign-on as its owner and administrators see it.
#[derive(Clone, Debug)]
pub struct SignOn {
    /// Not for people's eyes; see [`SignOn::public_id`].
    pub id: SignOnId,
    pub account: AccountId,
    pub proofs: Proofs,
    pub remember: bool,
    pub started: Timestamp,
    /// To the minute, while it is in use.
    pub last_seen: Timestamp,
    /// When it ends if it is not used again.
    pub ends: Timestamp,
    pub client: Client,
}

impl SignOn {
    /// What it is called in lists and commands.
    pub fn public_id(&self) -> String {
        public_id(&self.id)
    }

    fn new(id: SignOnId, record: SignOnRecord, last_seen: Timestamp) -> Self {
        Self {
            id,
            account: record.account,
            proofs: record.proofs,
            remember: record.remember,
            started: record.span.started,
            last_seen,
            ends: record.span.ends(last_seen),
            client: record.client,
        }
    }
}

/// Some of all sign-ons, and where to go on; a sign-on may be found twice.
pub struct Page {
    pub sign_ons: Vec<SignOn>,
    /// Those of which it cannot be read whose they are.
    pub unread: Vec<SignOnId>,
    pub next: Option<Cursor>,
}

/// A short name for something that the store knows by this id: 16 hexadecimal digits that neither open nor find it.
pub fn public_id(id: &[u8; 32]) -> String {
    let digest = secret::sha256(id);
    format!("{:016x}", u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default()))
}

impl Sessions {
    /// An account's sign-ons, the last used first.
    pub async fn of_account(&self, account: &AccountId) -> Result<Vec<SignOn>, StoreError> {
        let mut found = Vec::new();
        for id in self.ids_of(account).await? {
            let stored = self.store.get(sign_on_key(&id)).await?;
            found.extend(stored.and_then(|stored| self.understood(&id, &stored)));
        }
        found.sort_by_key(|sign_on| std::cmp::Reverse(sign_on.last_seen));
        Ok(found)
    }

    /// Some of everybody's sign-ons, from the beginning or after an earlier page.
    pub async fn page(&self, after: Option<Cursor>) -> Result<Page, StoreError> {
        let found = self.store.scan(Space::SignOn, after).await?;
        let (mut sign_ons, mut unread) = (Vec::new(), Vec::new());
        for (key, stored) in &found.records {
            match self.understood(&key.digest, stored) {
                Some(sign_on) => sign_ons.push(sign_on),
                None => unread.push(key.digest),
            }
        }
        Ok(Page { sign_ons, unread, next: found.next })
    }

    /// Ends a sign-on, on every host. Whether there was one.
    pub async fn end(&self, id: &SignOnId, account: &AccountId) -> Result<bool, StoreError> {
        let there = self.end_unread(id).await?;
        if there {
            // One that is not there may be about to be written, and is not to be lost sight of. An entry without a
            // sign-on does no harm, and ends by itself.
            for index in self.account_indexes(account) {
                if let Err(error) = self.store.index_remove(index, id).await {
                    tracing::debug!(%error, "a sign-on that has ended stays listed for its account");
                }
            }
        }
        Ok(there)
    }

    /// The same for one whose account is not known: it stays listed there until that entry ends.
    pub(super) async fn end_unread(&self, id: &SignOnId) -> Result<bool, StoreError> {
        let there = self.store.take(sign_on_key(id)).await?.is_some();
        if let Some(shared) = self.shared.get(id) {
            shared.end();
        }
        if there {
            self.tell(About::SignOnEnded, id).await;
        }
        Ok(there)
    }

    /// Ends all sign-ons of an account, but for one that may stay, and says how many there were. One that cannot be
    /// ended keeps none of the others.
    pub async fn end_all(&self, account: &AccountId, except: Option<&SignOnId>) -> Result<usize, StoreError> {
        let (mut ended, mut failed) = (0, None);
        for id in self.ids_of(account).await? {
            if Some(&id) == except {
                continue;
            }
            match self.end(&id, account).await {
                Ok(there) => ended += usize::from(there),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(ended), Err)
    }

    /// Ends the account's sign-on that is called this. `None`: it has none of that name.
    pub async fn end_by_public_id(
        &self,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<SignOnId>, StoreError> {
        let ids = self.ids_of(account).await?;
        let Some(id) = ids.into_iter().find(|id| public_id(id) == name) else { return Ok(None) };
        Ok(self.end(&id, account).await?.then_some(id))
    }

    /// Has every gateway read the account anew for all its sessions. To be called once the change has been written:
    /// whoever asks for the account from here on gets it as it stands now.
    pub async fn account_changed(&self, account: &AccountId) -> Result<(), StoreError> {
        for id in self.ids_of(account).await? {
            match self.change(&id, |record| record.epoch += 1).await {
                Ok(_) => {
                    self.changed(&id);
                    self.tell(About::SignOnChanged, &id).await;
                }
                // Nobody can use it either.
                Err(StoreError::Corrupt(error)) => tracing::warn!(error, "a sign-on cannot be read"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A record as people see it; one that cannot be read belongs to nobody.
    fn understood(&self, id: &SignOnId, stored: &Record) -> Option<SignOn> {
        let record = read(&stored.value);
        let record = record.inspect_err(|error| tracing::warn!(%error, "a sign-on cannot be read")).ok()?;
        let last_seen = self.last_seen(id, &record);
        Some(SignOn::new(*id, record, last_seen))
    }

    pub(super) async fn ids_of(&self, account: &AccountId) -> Result<Vec<SignOnId>, StoreError> {
        let mut ids = Vec::new();
        for index in self.account_indexes(account) {
            let members = self.store.index_members(index).await?;
            ids.extend(members.into_iter().filter_map(|member| SignOnId::try_from(member).ok()));
        }
        Ok(ids)
    }

    /// Where a new sign-on is listed.
    pub(super) fn account_index(&self, account: &AccountId) -> Key {
        let name = index_name(account);
        Key { space: Space::Index, digest: self.keys.sign(Purpose::StoreName, &name) }
    }

    /// Where sign-ons of the account may be listed: each secret has a name of its own for it.
    fn account_indexes(&self, account: &AccountId) -> Vec<Key> {
        let name = index_name(account);
        let digests = self.keys.sign_with_each(Purpose::StoreName, &name);
        digests.map(|digest| Key { space: Space::Index, digest }).collect()
    }
}

fn index_name(account: &AccountId) -> [&[u8]; 2] {
    [b"sign-ons", account.as_str().as_bytes()]
}
