//! On whose behalf something is done: what the audit trail says of it.

use std::net::IpAddr;

use super::who::Visitor;
use crate::app::{App, Exchange};
use crate::clock::Timestamp;
use crate::observe::Event;
use crate::route::Origin;
use crate::subject::AccountId;

/// What the trail calls those at the machine.
pub const COMMAND_LINE: &str = "command line";

#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub at: Timestamp,
    pub address: Option<IpAddr>,
    pub request_id: Option<&'a str>,
    /// The account that asked for it; `None`: the command line.
    pub account: Option<&'a AccountId>,
    /// What the browser calls itself, and which languages it asks for; empty at the command line.
    pub user_agent: &'a str,
    pub accept_language: &'a str,
    /// The host that was asked; `None`: the command line.
    pub origin: Option<&'a Origin>,
}

impl<'a> By<'a> {
    pub fn visitor(x: &Exchange<'a>, visitor: &'a Visitor) -> Self {
        Self::account(x, visitor.session.account())
    }

    /// Somebody who proved to be this account, in whatever way.
    pub fn account(x: &Exchange<'a>, account: &'a AccountId) -> Self {
        Self {
            at: x.now,
            address: Some(x.address),
            request_id: Some(x.request_id),
            account: Some(account),
            user_agent: x.user_agent,
            accept_language: x.accept_language,
            origin: Some(x.origin),
        }
    }

    pub fn command_line(app: &App) -> Self {
        Self {
            at: app.clock.now(),
            address: None,
            request_id: None,
            account: None,
            user_agent: "",
            accept_language: "",
            origin: None,
        }
    }

    /// What the trail calls it.
    pub fn name(&self) -> &'a str {
        self.account.map_or(COMMAND_LINE, AccountId::as_str)
    }

    /// An entry for the trail: done by this one, to that account.
    pub fn event<'b>(
        &self,
        what: &'static str,
        account: Option<&'b AccountId>,
        detail: Option<&'b str>,
    ) -> Event<'b>
    where
        'a: 'b,
    {
        Event {
            at: self.at,
            what,
            by: Some(self.name()),
            account: account.map(AccountId::as_str),
            address: self.address,
            request_id: self.request_id,
            detail,
        }
    }
}
