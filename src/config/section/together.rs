//! What the sections mean together: hosts that are shared, addresses nobody can reach, people nobody knows.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

use super::super::problem::{Place, Report};
use super::{accounts, apps, headers, listen, mail, portal, secret, store, tls};
use crate::identity::StripList;
use crate::listen::Address;
use crate::mail::TransportSettings;
use crate::route::{Host, Scheme};
use crate::spelling::nearest;
use crate::store::Settings as StoreSettings;

pub struct Parts<'a> {
    pub secret: &'a secret::Read,
    pub listen: &'a listen::Read,
    pub tls: &'a tls::Read,
    pub trusted_proxies: &'a [IpNet],
    pub portal: &'a portal::Read,
    pub store: Option<&'a store::Read>,
    pub accounts: &'a accounts::Read,
    pub mail: Option<&'a mail::Read>,
    pub apps: &'a [apps::Placed],
    pub admin: Option<(SocketAddr, Place)>,
}

pub fn check(report: &mut Report, parts: &Parts<'_>) {
    names(report, parts.apps);
    hosts(report, parts);
    shared_secret(report, parts);
    shared_accounts(report, parts);
    terminal(report, parts);
    listeners(report, parts);
    https(report, parts);
    people(report, parts);
    demo(report, parts);
    administration(report, parts);
    spellings(report, parts.apps);
}

fn names(report: &mut Report, apps: &[apps::Placed]) {
    for (index, app) in apps.iter().enumerate() {
        let before = || apps.iter().take(index);
        if let Some(first) = before().find(|earlier| earlier.app.name == app.app.name) {
            let message = format!("the app on line {} is called `{}` too", first.name.line, app.app.name);
            report.error(app.name, message, "give each app a name of its own");
        }
        if let Some(first) = before().find(|earlier| earlier.app.url == app.app.url) {
            let message = format!("`{}` has the same url: {}", first.app.name, app.app.url);
            report.error(
                app.url,
                message,
                "one app takes the requests: remove the other, or give it another path or host",
            );
        }
    }
}

/// The portal shares its host with nobody; apps that share one share its cookies.
fn hosts(report: &mut Report, parts: &Parts<'_>) {
    if let Some(portal) = &parts.portal.settings.url
        && let Some(app) = parts.apps.iter().find(|app| app.app.url.origin.host == portal.host)
    {
        let message = format!("`portal.url` is on the host of the app `{}`: {}", app.app.name, portal.host);
        let help = "a script in the app could act as the visitor on the portal: give the portal a host name of its own, or remove `portal.url` to sign in on each app's host";
        report.error(parts.portal.place, message, help);
    }
    for (index, app) in parts.apps.iter().enumerate() {
        let host = &app.app.url.origin.host;
        let other =
            |earlier: &&apps::Placed| earlier.app.url.origin.host == *host && earlier.app.url != app.app.url;
        if let Some(first) = parts.apps.iter().take(index).find(other) {
            let message = format!(
                "`{}` and `{}` share the host name {host}, so they share a session and can read each other's cookies",
                first.app.name, app.app.name
            );
            report.warning(
                app.url,
                message,
                "give apps that do not trust each other host names of their own",
            );
        }
    }
}

fn shared_secret(report: &mut Report, parts: &Parts<'_>) {
    if let Some(store::Read { settings: StoreSettings::Redis(_), place }) = parts.store
        && parts.secret.place.is_none()
    {
        let help = "write `secret: ${VESTIBULE_SECRET}`, the same for all that share the store; `vestibule secret` prints one";
        report.error(*place, "with a redis store, `secret` must be given", help);
    }
}

/// Gateways that share a store end the sessions of accounts that they do not know.
fn shared_accounts(report: &mut Report, parts: &Parts<'_>) {
    if let Some(store::Read { settings: StoreSettings::Redis(_), .. }) = parts.store
        && let Some(place) = parts.accounts.sqlite_place
    {
        let message = "gateways that share a redis store would not share these accounts: they are a file of one machine";
        let help =
            "write `database: postgres://user:password@host/name`, unless one gateway alone uses the store";
        report.warning(place, message, help);
    }
}

/// The pages of administration need accounts to look after, and a host that no app shares.
fn administration(report: &mut Report, parts: &Parts<'_>) {
    let Some(place) = parts.accounts.admins_place else {
        if let Some(place) = parts.accounts.approval_place {
            let message =
                "nobody is told of requests, and nobody decides on the pages: there are no `admins`";
            report.warning(
                place,
                message,
                "write `admins: [admins]`: the groups whose members are mailed and decide",
            );
        }
        return;
    };
    if parts.portal.settings.url.is_none() {
        let message = "`admins` has no effect without `portal.url`: on an app's own host, a script in the app could act as the administrator";
        report.warning(
            place,
            message,
            "write `portal: { url: https://auth.example.com }`, or remove `admins`",
        );
    } else if parts.accounts.database().is_none() && !parts.accounts.incomplete {
        let message = "`admins` has no effect without an accounts database: files are edited by hand";
        report.warning(place, message, "add `- database: sqlite` to `accounts`, or remove `admins`");
    }
}

/// Codes on a terminal are for trying things out.
fn terminal(report: &mut Report, parts: &Parts<'_>) {
    let Some(mail) = parts.mail else { return };
    if !matches!(mail.settings.transport, TransportSettings::Terminal) {
        return;
    }
    if let Some(host) = remote_host(parts) {
        let message =
            format!("`mail.terminal` prints codes instead of sending them, and {host} is not this machine");
        report.error(mail.place, message, "write `smtp` with a mail server; `terminal` is for localhost");
    }
}

/// A host that others than this machine can reach.
fn remote_host<'a>(parts: &Parts<'a>) -> Option<&'a Host> {
    let portal = parts.portal.settings.url.as_ref().map(|url| &url.host);
    parts.apps.iter().map(|app| &app.app.url.origin.host).chain(portal).find(|host| !host.is_loopback())
}

fn listeners(report: &mut Report, parts: &Parts<'_>) {
    let tls = parts.listen.listeners.iter().find(|listener| listener.settings.tls);
    match (tls, parts.tls.place) {
        (Some(listener), None) => {
            let help = "write `tls: { certificates: [{ certificate: certs/example.com.pem, key: certs/example.com.key }] }`; `vestibule certificate NAME` makes one for development";
            report.error(
                listener.place,
                "this listener speaks TLS, and there is no `tls` with certificates",
                help,
            );
        }
        (None, Some(place)) if !parts.listen.incomplete => {
            let help = "write `tls: true` below the listener's address, or remove `tls`";
            report.warning(place, "no listener uses these certificates", help);
        }
        _ => {}
    }
    if let Some(first) = parts.listen.listeners.first()
        && !parts.listen.incomplete
        && parts.listen.listeners.iter().all(|listener| listener.settings.redirect)
    {
        let help = "add one with `tls: true`, or one without `redirect` behind a proxy that speaks TLS";
        report.error(first.place, "all listeners redirect, so nothing would ever be served", help);
    }
    for listener in &parts.listen.listeners {
        if let (Some(_), Address::Tcp(address)) =
            (&listener.settings.proxy_protocol, &listener.settings.address)
            && !address.ip().is_loopback()
            && parts.trusted_proxies.is_empty()
        {
            let message =
                "with `proxy_protocol`, whoever reaches this listener can claim to have any address";
            let help = "name the load balancer in `trusted_proxies`: then nobody else may connect";
            report.warning(listener.place, message, help);
        }
    }
    if let Some((admin, place)) = parts.admin
        && let Some(other) = parts
            .listen
            .listeners
            .iter()
            .find(|other| listen::overlap(&other.settings.address, &Address::Tcp(admin)))
    {
        let message = format!("this address is listened on already, on line {}", other.place.line);
        report.error(place, message, "give `admin` a port of its own");
    }
}

/// An https url needs a certificate here, or a proxy before us that has one and is believed.
fn https(report: &mut Report, parts: &Parts<'_>) {
    let portal = parts.portal.settings.url.iter().map(|url| (url, parts.portal.place));
    let apps = parts.apps.iter().map(|app| (&app.app.url.origin, app.url));
    let speaks_tls = parts.listen.listeners.iter().any(|listener| listener.settings.tls);
    let mut told: Vec<&Host> = Vec::new();
    for (origin, place) in portal.chain(apps) {
        let host = &origin.host;
        if origin.scheme == Scheme::Http || told.contains(&host) {
            continue;
        }
        told.push(host);
        if !speaks_tls && parts.trusted_proxies.is_empty() && !parts.listen.incomplete {
            let message = format!("nothing here speaks TLS for {host}, and no proxy is trusted to do so");
            let help = "write `tls: true` below a listener and name a certificate, or name the proxy that speaks TLS in `trusted_proxies`";
            report.warning(place, message, help);
        } else if speaks_tls && parts.tls.place.is_some() && !parts.tls.incomplete && !parts.tls.covers(host)
        {
            let message = format!("no certificate in `tls.certificates` is for {host}");
            if parts.trusted_proxies.is_empty() {
                report.error(place, message, format!("add one whose names include {host}"));
            } else {
                report.warning(
                    place,
                    message,
                    format!("add one whose names include {host}, unless a trusted proxy speaks TLS for it"),
                );
            }
        }
    }
}

/// A name that nobody has is most likely misspelt.
fn people(report: &mut Report, parts: &Parts<'_>) {
    let accounts = parts.accounts;
    if accounts.incomplete {
        return;
    }
    for mention in parts.apps.iter().flat_map(|app| &app.mentions) {
        let (known, what) = if mention.group {
            (&accounts.groups, "no account is in the group")
        } else {
            (&accounts.usernames, "no account has the username")
        };
        if known.contains(&mention.name) {
            continue;
        }
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = nearest(&mention.name, &names).map(|name| format!("did you mean `{name}`?"));
        let message = format!("`{}`: {what} `{}`", mention.path, mention.name);
        let help = help.unwrap_or_else(|| "correct the name, or add it to an account file".to_owned());
        report.warning(mention.place, message, help);
    }
}

/// The account of the quickstart has a password that everybody can read up. No code reaches anybody at its address,
/// but a rule may ask for the password alone.
fn demo(report: &mut Report, parts: &Parts<'_>) {
    if let (Some(place), Some(host)) = (parts.accounts.demo, remote_host(parts)) {
        let message = format!(
            "the account file still has the demo account, whose password is public, and {host} is not this machine"
        );
        report.error(place, message, "remove the account `demo` from the file, or give it another password");
    }
}

/// What `allow_headers` lets through and `headers` change must not be, to a CGI or WSGI server, a header that the
/// gateway vouches for.
fn spellings(report: &mut Report, apps: &[apps::Placed]) {
    let strip = StripList::new(apps.iter().map(|app| &app.app.identity));
    for app in apps {
        headers::check(report, &app.ruled, &strip);
    }
    for (name, place) in apps.iter().flat_map(|app| &app.allowed) {
        let mut headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static(""))]);
        strip.apply(&mut headers, std::slice::from_ref(name));
        if strip.is_identity(name) {
            let message =
                format!("to an app, `{name}` may be the same as the header that tells who is there");
            report.error(*place, message, "remove it: visitors could pose as anybody");
        } else if headers.is_empty() {
            let message =
                format!("to an app, `{name}` may be the same as a header that visitors must not send");
            report.error(*place, message, "remove it: the gateway would not let it through");
        }
    }
}
