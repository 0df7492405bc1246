//! What somebody is called, and in which language pages and mails speak to them.

use super::super::FlowError;
use super::super::who::Visitor;
use super::{account, change, database};
use crate::account::database::Changed;
use crate::account::{FullName, NameError};
use crate::app::Exchange;

pub enum Outcome {
    Changed,
    Name(NameError),
    /// There is no such language.
    Language,
    /// The account stands in a file, or has gone.
    NotHere,
}

/// `language`: one that there is, or empty for whichever the browser asks for.
pub async fn set(
    x: &Exchange<'_>,
    visitor: &Visitor,
    name: &str,
    language: &str,
) -> Result<Outcome, FlowError> {
    let name = match FullName::parse(name) {
        Ok(name) => name,
        Err(error) => return Ok(Outcome::Name(error)),
    };
    let language = Some(language).filter(|language| !language.is_empty());
    if language.is_some_and(|language| x.app.words.all().all(|words| words.language() != language)) {
        return Ok(Outcome::Language);
    }
    let Some(account) = account(x, visitor).await? else { return Ok(Outcome::NotHere) };
    let Some(database) = database(x, &account) else { return Ok(Outcome::NotHere) };
    let (name, language) = (name.as_str().to_owned(), language.map(str::to_owned));
    let changed = change::<()>(x, visitor, database, ("profile_changed", None), move |entry| {
        entry.account.name.clone_from(&name);
        entry.account.language.clone_from(&language);
        Ok(())
    });
    let Changed::Done(entry) = changed.await? else { return Ok(Outcome::NotHere) };
    x.app.sessions.account_changed(&entry.account.id).await?;
    Ok(Outcome::Changed)
}
