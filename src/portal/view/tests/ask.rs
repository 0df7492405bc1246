//! The pages of who has no account yet, or has forgotten the password.

use super::super::kit::{Field, Form, Kind};
use super::super::{AskView, Page, Pages, TellView, VerifyView};
use super::VERIFY;

/// `text` stands wherever something can be filled in.
pub fn gallery(show: Pages<'_>, text: &str) -> Vec<(String, Page)> {
    let tell = |heading, says, prominent| {
        let onward = ("register-done-sign-in", "/_vestibule/login");
        show.tell(&TellView { heading, says, onward, prominent })
    };
    let again = VerifyView {
        action: "/_vestibule/register/verify",
        resend_action: "/_vestibule/register/resend",
        cancel_action: "/_vestibule/register/cancel",
        cancel_text: "register-start-over",
        destination: None,
        masked_address: text,
        ..VERIFY
    };
    vec![
        ("register".into(), show.ask(&register(text, None))),
        ("register-wrong".into(), show.ask(&register(text, Some("Take more characters.")))),
        ("register-verify".into(), show.verify(&again)),
        ("register-username".into(), show.ask(&username(text))),
        ("register-done".into(), tell("register-done-heading", &["register-done"], false)),
        ("register-ready".into(), tell("register-done-open-heading", &["register-done-open"], true)),
        ("reset".into(), show.ask(&reset(text))),
        ("reset-sent".into(), tell("reset-sent-heading", &["reset-sent", "reset-sent-none"], false)),
        ("reset-choose".into(), show.ask(&choose(text))),
        ("reset-done".into(), tell("reset-done-heading", &["reset-done"], true)),
    ]
}

fn ask<'a>(heading: &'static str, fields: Vec<Field<'a>>, submit: &'static str) -> AskView<'a> {
    let form = Form { action: "/_vestibule/register?rd=%2F", fields, submit, ..Form::default() };
    AskView { heading, lead: None, form, instead: None, back: None }
}

fn register<'a>(text: &'a str, problem: Option<&str>) -> AskView<'a> {
    let fields = vec![
        Field::new("name", "register-name", Kind::Text("name"), text),
        Field::new("email", "register-email", Kind::Email, text).problem(problem.map(str::to_owned)),
        Field::new("username", "register-username", Kind::Text("username"), text)
            .optional()
            .help("Leave it empty.".into()),
        Field::new("password", "register-password", Kind::Password("new-password"), "")
            .help("12 characters or more.".into())
            .problem(problem.map(str::to_owned)),
    ];
    let instead = Some(("register-sign-in", "/_vestibule/login"));
    AskView { instead, ..ask("register-heading", fields, "register-submit") }
}

fn username(text: &str) -> AskView<'_> {
    let field = Field::new("username", "register-username", Kind::Text("username"), text);
    AskView {
        lead: Some(text.to_owned()),
        back: Some(("register-start-over", "/_vestibule/register/cancel")),
        ..ask("register-username-heading", vec![field.problem(Some("Taken.".into()))], "register-submit")
    }
}

fn reset(text: &str) -> AskView<'_> {
    let field = Field::new("login", "reset-login", Kind::Text("username"), text);
    let instead = Some(("reset-sign-in", "/_vestibule/login"));
    let asked = ask("reset-ask-heading", vec![field], "reset-submit");
    AskView {
        instead,
        lead: Some("We will mail you a link.".into()),
        form: Form { problem: Some("This link has expired.".into()), ..asked.form },
        ..asked
    }
}

fn choose(text: &str) -> AskView<'_> {
    let field = Field::new("password", "reset-password", Kind::Password("new-password"), "");
    let asked = ask("reset-heading", vec![field.help("12 characters.".into())], "reset-set");
    AskView {
        lead: Some(text.to_owned()),
        form: Form { hidden: vec![("token", text)], whose: Some(text), ..asked.form },
        ..asked
    }
}
