//! One file for each top-level key: its defaults, its checks, and the tests of both.
//!
//! [`read`] reads all of them and then checks what they mean together. It goes on after a problem, so that one run
//! finds all of them.

mod access;
mod accounts;
mod admin;
mod apps;
mod email_code;
mod headers;
mod identity;
mod limits;
mod listen;
mod locales;
mod log;
mod mail;
mod passwords;
mod portal;
mod secret;
mod session;
mod store;
mod tls;
mod together;
mod trusted_proxies;
mod upstream;

use super::fields::Fields;
use super::problem::{Problem, Report};
use super::source::Node;
use super::source::reference::Environment;
use super::{Config, value};

/// The configuration, if nothing in it is wrong. Problems of the account files go to `others`.
pub fn read(
    root: &Node,
    environment: &Environment,
    report: &mut Report,
    others: &mut Vec<Problem>,
) -> Option<Config> {
    let mut keys = Fields::of(root, report, "write `key: value`, as in config/vestibule.yaml")?;
    let data_dir = keys.or("data_dir", "data".into(), value::path);
    let secrets = secret::read(&mut keys);
    let listen = listen::read(&mut keys);
    let tls = tls::read(&mut keys);
    let trusted_proxies = trusted_proxies::read(&mut keys);
    let portal = portal::read(&mut keys, others);
    let store = store::read(&mut keys, &data_dir);
    let accounts = accounts::read(&mut keys, &data_dir, environment, others);
    let mail = mail::read(&mut keys);
    let session = session::read(&mut keys);
    let email_code = email_code::read(&mut keys);
    let passwords = passwords::read(&mut keys);
    let limits = limits::read(&mut keys);
    let identity = identity::read(&mut keys);
    let apps = apps::read(&mut keys, &identity, &limits);
    let admin = admin::read(&mut keys);
    let log = log::read(&mut keys);
    together::check(
        keys.report,
        &together::Parts {
            secret: &secrets,
            listen: &listen,
            tls: &tls,
            trusted_proxies: &trusted_proxies,
            portal: &portal,
            store: store.as_ref(),
            accounts: &accounts,
            mail: mail.as_ref(),
            apps: &apps,
            admin,
        },
    );
    keys.finish();
    Some(Config {
        secrets: secrets.values,
        data_dir,
        listen: listen::settings(listen.listeners, &trusted_proxies),
        tls: tls.settings,
        trusted_proxies,
        portal: portal.settings,
        store: store?.settings,
        accounts: accounts.sources,
        admins: accounts.admins,
        mail: mail?.settings,
        session,
        email_code,
        passwords,
        limits,
        apps: apps.into_iter().map(|app| app.app).collect(),
        admin: admin.map(|(address, _)| address),
        log,
    })
}
