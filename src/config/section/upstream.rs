//! `upstream` of an app: where its requests go.

use super::super::fields::wrong;
use super::super::problem::Report;
use super::super::source::{Kind, Node};
use super::super::value;
use crate::upstream::Target;

pub const EXAMPLE: &str =
    "write `upstream: http://127.0.0.1:3000`, https://HOST:PORT, unix:/path.sock, or whoami:";

pub fn target(node: &Node, report: &mut Report) -> Option<Target> {
    let Kind::Text(text) = &node.kind else {
        wrong(node, report, "one address", EXAMPLE);
        return None;
    };
    if text == "whoami:" {
        return Some(Target::Whoami);
    }
    if let Some(path) = text.strip_prefix("unix:") {
        if path.starts_with('/') && !path.starts_with("//") {
            return Some(Target::Unix(path.into()));
        }
        wrong(node, report, "a socket with a whole path", "write it like unix:/run/app.sock");
        return None;
    }
    if !text.starts_with("http://") && !text.starts_with("https://") {
        let host_and_port =
            text.split_once(':').is_some_and(|(_, port)| port.starts_with(|c: char| c.is_ascii_digit()));
        let help =
            if host_and_port { format!("write the scheme too: http://{text}") } else { EXAMPLE.to_owned() };
        wrong(node, report, "an address that requests can be forwarded to", &help);
        return None;
    }
    let url = value::app_url(node, report)?;
    if !url.path.is_empty() {
        let message =
            format!("`{}` must not have a path: the visitor's path is forwarded as it is", node.path);
        let help = format!(
            "write {}; to live below a path, an app takes it in `url`, with `strip_prefix: true` if it does not know of it",
            url.origin
        );
        report.error(node.place, message, help);
        return None;
    }
    let origin = url.origin;
    Some(Target::Tcp { scheme: origin.scheme, host: origin.host, port: origin.port })
}
