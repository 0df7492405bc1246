//! The accounts: search and filters stand in the address, and pages go on from a username, so that the thousandth costs
//! no more than the first.

use http::{Response, StatusCode};

use super::super::super::view::admin::{AccountsView, Show};
use super::super::super::{PortalError, Visit, reply};
use super::{ROWS, address, administrator, database, desk};
use crate::account::Approval;
use crate::account::database::{Database, DatabaseError, Entry, Filter, SOURCE};
use crate::body::Body;
use crate::flow::FlowError;

const PAGE: &str = "admin/accounts";

pub async fn show(visit: &Visit<'_>) -> Result<Response<Body>, PortalError> {
    let asked = Asked::read(visit);
    let visitor = match administrator(visit, &asked.page()).await? {
        Ok(visitor) => visitor,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (database, filter) = (database(visit)?, asked.filter());
    let found = asked.find(database, &filter).await.map_err(FlowError::from)?;
    let total = asked.total(database, &filter, &found).await.map_err(FlowError::from)?;
    let in_a_file = if asked.search.trim().is_empty() || asked.cursor() {
        None
    } else {
        visit.x.snapshot.directory.find(asked.search.trim()).await.map_err(FlowError::from)?
    };
    let desk = desk(visit, &visitor).await?;
    let ways = Show::ALL.map(|show| (show, asked.address(show, &asked.group, ("", ""))));
    let at = |name, entry: Option<&Entry>| {
        entry.map(|entry| asked.address(asked.show, &asked.group, (name, &entry.account.username)))
    };
    let previous = at("before", found.accounts.first().filter(|_| found.earlier));
    let next = at("after", found.accounts.last().filter(|_| found.later));
    let page = visit.pages_for(&visitor).admin_accounts(&AccountsView {
        desk,
        accounts: &found.accounts,
        in_a_file: in_a_file.as_deref().filter(|account| account.source != SOURCE),
        total,
        search: &asked.search,
        show: asked.show,
        group: Some(asked.group.as_str()).filter(|group| !group.is_empty()),
        ways: &ways,
        all_groups: &asked.address(asked.show, "", ("", "")),
        previous: previous.as_deref(),
        next: next.as_deref(),
    });
    Ok(reply::page(StatusCode::OK, page))
}

/// What the address asks for.
struct Asked {
    search: String,
    show: Show,
    group: String,
    after: String,
    before: String,
}

struct Found {
    accounts: Vec<Entry>,
    earlier: bool,
    later: bool,
}

impl Asked {
    fn read(visit: &Visit<'_>) -> Self {
        let parameter = |name| visit.parameter(name).unwrap_or_default();
        Self {
            search: parameter("search"),
            show: Show::of(&parameter("show")),
            group: parameter("group"),
            after: parameter("after"),
            before: parameter("before"),
        }
    }

    /// Whether it asks for another than the first page.
    fn cursor(&self) -> bool {
        !self.after.is_empty() || !self.before.is_empty()
    }

    fn filter(&self) -> Filter {
        let (approval, disabled) = match self.show {
            Show::All => (None, None),
            Show::Pending => (Some(Approval::Pending), None),
            Show::Approved => (Some(Approval::Approved), None),
            Show::Rejected => (Some(Approval::Rejected), None),
            Show::Disabled => (None, Some(true)),
        };
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Filter { approval, disabled, group: given(&self.group), search: given(&self.search) }
    }

    async fn find(&self, database: &Database, filter: &Filter) -> Result<Found, DatabaseError> {
        let (rows, backwards) = (ROWS as usize, self.after.is_empty() && !self.before.is_empty());
        if backwards {
            let mut accounts = database.list_before(filter, &self.before, ROWS + 1).await?;
            let earlier = accounts.len() > rows;
            // The row beyond the page is the first here.
            accounts.drain(..accounts.len().saturating_sub(rows));
            return Ok(Found { accounts, earlier, later: true });
        }
        let mut accounts = database.list(filter, Some(&self.after), ROWS + 1).await?;
        let later = accounts.len() > rows;
        accounts.truncate(rows);
        Ok(Found { accounts, earlier: !self.after.is_empty(), later })
    }

    /// How many there are in all. Where one page shows them, the search that found them, which may have read every account,
    /// is not done once more.
    async fn total(&self, database: &Database, filter: &Filter, found: &Found) -> Result<u64, DatabaseError> {
        if self.cursor() || found.later {
            return Ok(database.count(filter).await?.unsigned_abs());
        }
        Ok(found.accounts.len() as u64)
    }

    fn address(&self, show: Show, group: &str, cursor: (&str, &str)) -> String {
        address(PAGE, &[("search", self.search.as_str()), ("show", show.word()), ("group", group), cursor])
    }

    /// The same page without the prefix, to come back to.
    fn page(&self) -> String {
        let cursor = if self.after.is_empty() {
            ("before", self.before.as_str())
        } else {
            ("after", self.after.as_str())
        };
        let address = self.address(self.show, &self.group, cursor);
        address.trim_start_matches("/_vestibule/").to_owned()
    }
}
