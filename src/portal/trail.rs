//! Where a visitor wants to go, carried from page to page in the pages' own addresses, so that several tabs of one
//! browser do not mix.

use form_urlencoded::Serializer;

use crate::app::Exchange;
use crate::route::ReturnUrl;

/// `rd`, `nonce`, `again` and `confirm` of a query.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    pub destination: Option<ReturnUrl>,
    /// What the app's host said of the nonce it gave this browser: the ticket is bound to it.
    pub nonce: Option<String>,
    /// The hand-over to the app's host failed once and is tried again.
    pub again: bool,
    /// Whoever is signed in is to prove both factors again, for a change that matters.
    pub confirm: bool,
}

impl Trail {
    /// A destination that is none of ours is dropped here, and nowhere else.
    pub fn read(x: &Exchange<'_>, query: &str) -> Self {
        let mut trail = Self::default();
        let mut seen = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "rd" => {
                    trail.destination =
                        ReturnUrl::parse(&value, x.origin, &x.snapshot.routes).filter(|_| !seen);
                    seen = true;
                }
                "nonce" if value.len() == 43 => trail.nonce = Some(value.into_owned()),
                "again" => trail.again = true,
                "confirm" => trail.confirm = true,
                _ => {}
            }
        }
        trail
    }

    /// The query to pass on, with its question mark; empty if there is nothing to say.
    pub fn query(&self) -> String {
        self.query_with(&[])
    }

    pub fn query_with(&self, more: &[(&str, &str)]) -> String {
        let mut query = self.serializer();
        query.extend_pairs(more);
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    /// The same for who has more to say.
    pub fn serializer(&self) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        if let Some(destination) = &self.destination {
            query.append_pair("rd", &destination.url);
        }
        if let Some(nonce) = &self.nonce {
            query.append_pair("nonce", nonce);
        }
        if self.again {
            query.append_pair("again", "1");
        }
        if self.confirm {
            query.append_pair("confirm", "1");
        }
        query
    }
}
