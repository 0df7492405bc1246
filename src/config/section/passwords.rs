//! `passwords`: what hashes made today cost.

use super::super::fields::Fields;
use super::super::value::{self, whole};
use crate::account::PasswordSettings;

const DEFAULT: PasswordSettings = PasswordSettings::DEFAULT;

/// OWASP, Password Storage Cheat Sheet: memory in KiB that each number of iterations needs at least.
const OWASP: [(u32, u32); 5] = [(1, 47_104), (2, 19_456), (3, 12_288), (4, 9_216), (5, 7_168)];

pub fn read(keys: &mut Fields<'_, '_>) -> PasswordSettings {
    keys.or("passwords", DEFAULT, |node, report| {
        let mut keys = Fields::of(node, report, "write `memory: 19MiB` below it")?;
        let memory = keys.or("memory", 19 << 20, value::size(7 << 20..=1 << 30)) >> 10;
        let iterations = keys.or("iterations", 2, whole(1..=100));
        // NIST SP 800-63B-4: eight characters where a second factor follows.
        let length = keys.or("minimum_length", 12, whole(8..=128));
        let settings = PasswordSettings {
            memory: u32::try_from(memory).unwrap_or(DEFAULT.memory),
            iterations: u32::try_from(iterations).unwrap_or(DEFAULT.iterations),
            minimum_length: usize::try_from(length).unwrap_or(DEFAULT.minimum_length),
        };
        let least = OWASP.iter().rev().find(|(iterations, _)| *iterations <= settings.iterations);
        if let (Some((_, least)), Some(node)) = (least, keys.node("memory").or(keys.node("iterations")))
            && settings.memory < *least
        {
            let message = format!(
                "hashes with {}KiB and {} iterations are weaker than OWASP's minimum",
                settings.memory, settings.iterations
            );
            let help = format!(
                "with {} iterations, `memory` should be at least {}MiB",
                settings.iterations,
                least >> 10
            );
            keys.report.warning(node.place, message, help);
        }
        keys.finish();
        Some(settings)
    })
}
