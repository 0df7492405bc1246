//! `secret`: one secret or a list of them; the first signs, all verify.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::super::fields::{Fields, wrong};
use super::super::problem::{Place, Report};
use super::super::source::{Kind, Node};
use crate::secret::Secret;

/// NIST SP 800-107 and HMAC-SHA-256: a key shorter than the hash weakens it.
const LEAST: usize = 32;

pub struct Read {
    pub values: Vec<Secret<Vec<u8>>>,
    /// Where the key stands, if it does.
    pub place: Option<Place>,
}

pub fn read(keys: &mut Fields<'_, '_>) -> Read {
    let place = keys.node("secret").map(|node| node.anchor);
    let values = keys.or("secret", Vec::new(), |node, report| match &node.kind {
        Kind::List(nodes) if nodes.is_empty() => {
            report.error(node.place, "`secret` is an empty list", HELP);
            None
        }
        Kind::List(nodes) => Some(distinct(nodes, report)),
        _ => one(node, report).map(|secret| vec![secret]),
    });
    Read { values, place }
}

const HELP: &str = "`vestibule secret` prints a new one: 32 random bytes in base64";

fn distinct(nodes: &[Node], report: &mut Report) -> Vec<Secret<Vec<u8>>> {
    let mut secrets: Vec<Secret<Vec<u8>>> = Vec::new();
    for node in nodes {
        let Some(secret) = one(node, report) else { continue };
        if secrets.contains(&secret) {
            report.error(
                node.place,
                format!("`{}` is the same as one before it", node.path),
                "remove one of the two",
            );
        }
        secrets.push(secret);
    }
    secrets
}

fn one(node: &Node, report: &mut Report) -> Option<Secret<Vec<u8>>> {
    let Kind::Text(text) = &node.kind else {
        wrong(node, report, "a text in base64", HELP);
        return None;
    };
    let path = &node.path;
    let Some(mut bytes) = decode(text.trim()) else {
        report.error(node.place, format!("`{path}` is not base64"), HELP);
        return None;
    };
    let distinct: BTreeSet<u8> = bytes.iter().copied().collect();
    if bytes.len() < LEAST {
        let message = format!("`{path}` is too short: {} bytes once its base64 is decoded", bytes.len());
        report.error(node.place, message, format!("it takes {LEAST} bytes or more; {HELP}"));
        return None;
    }
    if distinct.len() < 8 {
        report.error(node.place, format!("`{path}` is not random"), HELP);
        return None;
    }
    Some(Secret::new(std::mem::take(&mut *bytes)))
}

/// Standard or URL-safe base64, padded or not.
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
        .map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_common_base64_forms_are_read() {
        for text in ["+/+/+w==", "+/+/+w", "-_-_-w==", "-_-_-w"] {
            assert_eq!(decode(text).map(|bytes| bytes.to_vec()), Some(vec![251, 255, 191, 251]), "{text}");
        }
        assert!(decode("not base64!").is_none());
    }
}
