use super::*;
use crate::accent::Accent;
use crate::words::Languages;

fn occasion() -> Occasion {
    Occasion {
        address: Some("::ffff:203.0.113.7".parse().expect("an address")),
        browser: "Firefox on Linux".into(),
        at: Timestamp::from_millis(1_795_344_300_000),
    }
}

const SITE: &str = "https://auth.example.com/_vestibule";

/// Every mail, with a name for its snapshot.
fn all(text: &str) -> Vec<(&'static str, Notice<'_>)> {
    let page = |name: &str| format!("{SITE}/{name}");
    let (login, reset) = (page("login"), page("reset"));
    let token = page("reset?token=AbC-_123");
    vec![
        ("waiting", Notice::Waiting { name: text, username: text, email: text, page: Some(page("admin")) }),
        ("approved", Notice::Approved { username: text, reason: Some(text), page: login.clone() }),
        ("rejected", Notice::Rejected { reason: Some(text) }),
        ("known", Notice::Known { page: login, reset: Some(reset.clone()), occasion: occasion() }),
        ("known-pending", Notice::KnownPending { occasion: occasion() }),
        ("known-barred", Notice::KnownBarred { occasion: occasion() }),
        ("retired", Notice::Retired { occasion: occasion() }),
        ("reset", Notice::Reset { username: text, page: token.clone(), minutes: 30, occasion: occasion() }),
        ("reset-of-a-file", Notice::ResetElsewhere { username: text, occasion: occasion() }),
        (
            "reset-by-administrator",
            Notice::ResetByAdministrator { username: text, page: token.clone(), minutes: 30 },
        ),
        ("invited", Notice::Invited { username: text, page: token, hours: 24, again: reset.clone() }),
        ("password", Notice::PasswordChanged { username: text, reset: reset.clone(), occasion: occasion() }),
        ("wanted", Notice::AddressWanted),
        ("address", Notice::AddressChanged { username: text, to: "alice@new.example", occasion: occasion() }),
        ("device", Notice::NewDevice { username: text, reset: Some(reset), occasion: occasion() }),
        ("device-of-a-file", Notice::NewDevice { username: text, reset: None, occasion: occasion() }),
    ]
}

fn mail(language: &str, title: &str, notice: &Notice<'_>) -> Message {
    let brand = Brand { title: title.into(), accent: Accent::default() };
    let languages = Languages::built_in();
    notice_mail(languages.choose(Some(language), ""), &brand, "alice@example.com", notice)
}

#[test]
fn every_notice_reads_as_it_did_in_both_languages() {
    for language in ["en", "de"] {
        for (name, notice) in all("alice") {
            let mail = mail(language, "Example Corp", &notice);
            assert!(!mail.text.contains("{$") && !mail.text.contains("{ $"), "{}", mail.text);
            insta::assert_snapshot!(
                format!("{name}-{language}.txt"),
                format!("{}\n\n{}", mail.subject, mail.text)
            );
        }
    }
    let (_, reset) = all("alice").remove(7);
    insta::assert_snapshot!("reset.html", mail("en", "Example Corp", &reset).html);
}

#[test]
fn both_parts_say_the_same_and_load_nothing() {
    for (name, notice) in all("alice") {
        let mail = mail("en", "Example Corp", &notice);
        for never in ["<img", "src=", "url(", "@import", "http://"] {
            assert!(!mail.html.contains(never), "{never} in {name}");
        }
        let lines = mail.text.lines().map(|line| line.trim().trim_end_matches(':'));
        for line in lines.filter(|line| *line != "--") {
            let (label, value) = line.split_once(": ").unwrap_or((line, ""));
            assert!(mail.html.contains(label) && mail.html.contains(value), "{name}: {line}");
        }
    }
}

#[test]
fn links_lead_to_our_own_pages_alone() {
    for (name, notice) in all("alice") {
        let mail = mail("en", "Example Corp", &notice);
        for part in [&mail.text, &mail.html] {
            for link in part.match_indices("://").map(|(place, _)| &part[place.saturating_sub(5)..]) {
                assert!(link.starts_with(SITE), "{name}: {link}");
            }
        }
    }
}

#[test]
fn nothing_in_a_notice_is_taken_for_html_or_begins_a_header() {
    let hostile = "<img src=x onerror=alert(1)>\"'&\r\nBcc: eve@example.com";
    for (name, notice) in all(hostile) {
        let mail = mail("en", hostile, &notice);
        assert!(!mail.html.contains("<img"), "{name}: {}", mail.html);
    }
}
