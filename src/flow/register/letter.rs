//! The mail that follows a registration, by whose the address is: a code, or word of the account that it has.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::super::notice::Post;
use super::record::{Stored, is_for, void};
use crate::account::{Account, Directory, DirectoryError, Standing, canonical, database};
use crate::app::Exchange;
use crate::mail::{CodeFor, CodeMail, Notice, code_mail};
use crate::sign_in::ToMail;
use crate::throttle::MailPurpose;

/// `is_first`: no mail with this code has left before.
pub fn send(x: &Exchange<'_>, stored: &Stored, to_mail: ToMail, is_first: bool) {
    let (store, key, application) = (x.app.store.clone(), stored.key, &stored.application);
    let digits = x.snapshot.email_code.digits;
    let code = application.codes.code(to_mail.number, is_for(&application.email), &x.app.keys, digits);
    let (post, email) = (Post::of(x), application.email.clone());
    let site = x.snapshot.pages(x.origin).authority();
    x.app.mailer.aside(async move {
        let whose = match whose(&post.snapshot.directory, &email).await {
            Ok(whose) => whose,
            Err(error) => return tracing::error!(%error, "a code for a registration was not mailed"),
        };
        match whose {
            Whose::Account(account) => {
                let occasion = post.occasion(&account);
                let reset = (account.source == database::SOURCE).then(|| post.page("reset"));
                let notice = match account.standing() {
                    Standing::Good => Notice::Known { page: post.page("login"), reset, occasion },
                    Standing::Pending => Notice::KnownPending { occasion },
                    Standing::Barred => Notice::KnownBarred { occasion },
                };
                let words = post.words_for(&account);
                post.send(MailPurpose::Asked, Some(&account.id), &account.email, words, &notice).await;
            }
            Whose::Deleted => {
                let notice = Notice::Retired { occasion: post.occasion_in(post.words()) };
                post.send(MailPurpose::Asked, None, &email, post.words(), &notice).await;
            }
            Whose::Nobodys => {
                let occasion = post.occasion_in(post.words());
                let mail = CodeMail {
                    purpose: CodeFor::Registration,
                    to: &email,
                    code: code.expose(),
                    valid_minutes: to_mail.valid_for.as_secs().div_ceil(60),
                    app: &site,
                    address: occasion.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
                    browser: &occasion.browser,
                    started: occasion.at,
                };
                let message = code_mail(post.words(), &post.snapshot.brand, &mail);
                let left = post.hand_over(None, message).await;
                if is_first
                    && !left
                    && let Err(error) = void(&store, key, to_mail.number).await
                {
                    tracing::warn!(%error, "a code that was never mailed stays good");
                }
            }
        }
    });
}

enum Whose {
    Account(Arc<Account>),
    Deleted,
    Nobodys,
}

async fn whose(directory: &Directory, email: &str) -> Result<Whose, DirectoryError> {
    if let Some(account) = directory.find(email).await? {
        return Ok(Whose::Account(account));
    }
    let Some(database) = directory.database() else { return Ok(Whose::Nobodys) };
    let deleted = database.is_retired(&canonical(email)).await?;
    Ok(if deleted { Whose::Deleted } else { Whose::Nobodys })
}
