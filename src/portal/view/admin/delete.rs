//! The question before an account is deleted for good.

use askama::Template;

use super::super::message::Messages;
use super::super::nav::Nav;
use super::super::{Frame, Page, Pages, page};
use super::{Desk, Link, Way, account_address};
use crate::account::Account;
use crate::words::{Value, Words};

#[derive(Clone, Copy)]
pub struct DeleteView<'a> {
    pub desk: Desk<'a>,
    pub account: &'a Account,
}

impl Pages<'_> {
    pub fn admin_delete(&self, view: &DeleteView<'_>) -> Page {
        let (words, desk, account) = (self.words, &view.desk, view.account);
        let gaps =
            [("username", Value::from(account.username.as_str())), ("email", account.email.as_str().into())];
        page(&DeletePage {
            frame: self.frame(&words.text("admin-delete-heading"), desk.problem.is_some()),
            nav: desk.nav,
            words,
            messages: &desk.messages(words),
            again: desk.again,
            ways: desk.ways(words, Way::Accounts),
            what: words.with("admin-delete-what", &gaps),
            id: account.id.as_str(),
            back: account_address(account.id.as_str()),
        })
    }
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "portal/templates/admin/delete.html")]
struct DeletePage<'a> {
    frame: Frame<'a>,
    nav: Nav<'a>,
    words: &'a Words,
    messages: &'a Messages,
    again: Option<&'a str>,
    ways: [Link; 3],
    what: String,
    id: &'a str,
    back: String,
}
