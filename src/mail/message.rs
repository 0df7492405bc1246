//! Writes mails. A mail has a text part and an HTML part that say the same; the HTML part loads nothing and is
//! readable with images and styles off.

use std::net::IpAddr;

use askama::Template;

use super::Message;
use crate::accent::{Accent, Scheme, Shades};
use crate::clock::Timestamp;
use crate::words::{Value, Words};

/// The company, as mails show it.
#[derive(Clone, Debug)]
pub struct Brand {
    pub title: String,
    pub accent: Accent,
}

/// What a code is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFor {
    SignIn,
    /// To prove the address of somebody who asks for an account.
    Registration,
    /// To prove the new address of somebody who has an account.
    Address,
}

/// A mail with a one-time code.
#[derive(Clone, Copy)]
pub struct CodeMail<'a> {
    pub purpose: CodeFor,
    /// The address on record, or the one that is to be proved.
    pub to: &'a str,
    pub code: &'a str,
    pub valid_minutes: u64,
    /// The host name of the app that the visitor wanted to open, or the company's title.
    pub app: &'a str,
    /// Where the sign-in was started from.
    pub address: IpAddr,
    /// In words, as [`BrowserName::in_words`](crate::browser::BrowserName::in_words) has it.
    pub browser: &'a str,
    pub started: Timestamp,
}

/// Contract: subject, first line and order of a code mail; it holds no link, so that nobody learns to follow one.
pub fn code_mail(words: &Words, brand: &Brand, mail: &CodeMail<'_>) -> Message {
    let gaps = [("minutes", mail.valid_minutes.into()), ("app", Value::from(mail.app))];
    let texts = Texts::of(words, brand, mail, &gaps);
    let subject = texts.subject;
    let parts = CodeParts {
        language: words.language(),
        title: &brand.title,
        subject: &subject,
        light: brand.accent.shades(Scheme::Light),
        dark: brand.accent.shades(Scheme::Dark),
        intro: texts.intro,
        valid: texts.valid,
        started: texts.started,
        not_you: texts.not_you,
        sender: texts.sender,
        origin: [
            (words.text("mail-code-browser"), mail.browser.to_owned()),
            (words.text("mail-code-address"), mail.address.to_canonical().to_string()),
            (words.text("mail-code-time"), words.moment(mail.started)),
        ],
        first: &texts.first,
        code: mail.code,
        words,
    };
    Message {
        to: mail.to.to_owned(),
        // Rendering into a string fails only if a template itself says so, and none does.
        text: CodeText { parts: &parts }.render().unwrap_or_default(),
        html: CodeHtml { parts: &parts }.render().unwrap_or_default(),
        subject,
    }
}

/// What a code mail says differently, by what the code is for.
struct Texts {
    subject: String,
    first: String,
    intro: String,
    valid: String,
    started: String,
    not_you: String,
    sender: String,
}

impl Texts {
    fn of(words: &Words, brand: &Brand, mail: &CodeMail<'_>, gaps: &[(&str, Value<'_>)]) -> Self {
        let title = brand.title.as_str();
        match mail.purpose {
            CodeFor::SignIn => Self {
                subject: words.filled("mail-code-subject", "title", title),
                first: words.filled("mail-code-first", "code", mail.code),
                intro: words.text("mail-code-intro"),
                valid: words.with("mail-code-valid", gaps),
                started: words.text("mail-code-started"),
                not_you: words.text("mail-code-not-you"),
                sender: words.filled("mail-sender", "title", title),
            },
            CodeFor::Registration => Self {
                subject: words.filled("mail-register-subject", "title", title),
                first: words.filled("mail-register-first", "code", mail.code),
                intro: words.text("mail-register-intro"),
                valid: words.with("mail-register-valid", gaps),
                started: words.text("mail-register-started"),
                not_you: words.text("mail-register-not-you"),
                sender: words.filled("mail-register-sender", "title", title),
            },
            CodeFor::Address => Self {
                subject: words.filled("mail-register-subject", "title", title),
                first: words.filled("mail-register-first", "code", mail.code),
                intro: words.text("mail-register-intro"),
                valid: words.with("mail-prove-valid", gaps),
                started: words.text("mail-prove-started"),
                not_you: words.text("mail-register-not-you"),
                sender: words.filled("mail-prove-sender", "title", title),
            },
        }
    }
}

struct CodeParts<'a> {
    words: &'a Words,
    language: &'a str,
    title: &'a str,
    subject: &'a str,
    light: Shades,
    dark: Shades,
    first: &'a str,
    code: &'a str,
    intro: String,
    valid: String,
    started: String,
    not_you: String,
    sender: String,
    /// Label and value.
    origin: [(String, String); 3],
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "mail/templates/code.txt", whitespace = "preserve")]
struct CodeText<'a> {
    parts: &'a CodeParts<'a>,
}

#[derive(Template)]
#[template(config = "src/askama.toml", path = "mail/templates/code.html")]
struct CodeHtml<'a> {
    parts: &'a CodeParts<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::BrowserName;
    use crate::words::Languages;

    fn mail() -> Message {
        mail_in("en")
    }

    fn mail_in(language: &str) -> Message {
        let brand = Brand { title: "Example Corp".into(), accent: Accent::default() };
        let languages = Languages::built_in();
        let words = languages.choose(Some(language), "");
        code_mail(words, &brand, &sample(&BrowserName::of("Firefox/145.0 Linux").in_words(words)))
    }

    fn sample(browser: &str) -> CodeMail<'_> {
        CodeMail {
            purpose: CodeFor::SignIn,
            to: "alice@example.com",
            code: "042137",
            valid_minutes: 5,
            app: "grafana.example.com",
            address: "::ffff:203.0.113.7".parse().expect("an address"),
            browser,
            started: Timestamp::from_millis(1_795_344_300_000),
        }
    }

    #[test]
    fn a_code_mail_reads_as_the_contract_says() {
        let mail = mail();
        assert_eq!(mail.subject, "Your sign-in code for Example Corp");
        insta::assert_snapshot!("code.txt", mail.text);
        insta::assert_snapshot!("code.html", mail.html);
    }

    #[test]
    fn a_code_mail_speaks_its_readers_language() {
        let mail = mail_in("de");
        assert_eq!(mail.subject, "Ihr Anmeldecode für Example Corp");
        assert!(mail.html.contains("<html lang=\"de\">"), "{}", mail.html);
        insta::assert_snapshot!("code-de.txt", mail.text);
    }

    #[test]
    fn a_code_mail_holds_no_link_and_loads_nothing() {
        let (english, german, other) = (mail(), mail_in("de"), registration());
        for part in [&english.text, &english.html, &german.text, &german.html, &other.text, &other.html] {
            for never in ["{$", "://", "<a ", "<img", "src=", "url(", "@import"] {
                assert!(!part.contains(never), "{never} in {part}");
            }
        }
    }

    fn registration() -> Message {
        let brand = Brand { title: "Example Corp".into(), accent: Accent::default() };
        let mail = CodeMail { purpose: CodeFor::Registration, ..sample("Firefox on Linux") };
        code_mail(&Words::english(), &brand, &mail)
    }

    #[test]
    fn a_code_for_a_registration_is_not_taken_for_one_that_signs_in() {
        let mail = registration();
        assert_eq!(mail.subject, "Your code for Example Corp");
        assert!(!mail.text.contains("sign-in code") && !mail.html.contains("sign-in code"), "{}", mail.text);
        insta::assert_snapshot!("code-registration.txt", mail.text);
    }

    #[test]
    fn nothing_in_a_mail_is_taken_for_html() {
        let hostile = "<img src=x onerror=alert(1)>\"'&";
        let brand = Brand { title: hostile.into(), accent: Accent::default() };
        let mail = code_mail(&Words::english(), &brand, &CodeMail { app: hostile, ..sample(hostile) });
        assert!(!mail.html.contains("<img"), "{}", mail.html);
        assert!(mail.text.contains(hostile));
    }
}
