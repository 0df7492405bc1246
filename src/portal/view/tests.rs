mod account;
mod admin;
mod ask;
mod sample;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::portal::Logo;
use crate::portal::assets::FOLDER;
use crate::words::Languages;

/// What a browser would run or load, were it not escaped.
const HOSTILE: &str = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}&lt;`";

fn views() -> Views {
    Views::new(&Settings {
        title: "Example Corp".into(),
        notice: Some("For authorised use only.".into()),
        support: Some("helpdesk@example.com".into()),
        ..Settings::default()
    })
}

const LOGIN: LoginView<'_> = LoginView {
    action: "/_vestibule/login?rd=https%3A%2F%2Fgrafana.example.com%2F&x=1",
    destination: Some("grafana.example.com"),
    username: "",
    remember: Some(false),
    reset: None,
    register: None,
    note: None,
    problem: None,
};

const VERIFY: VerifyView<'_> = VerifyView {
    action: "/_vestibule/verify?rd=%2F",
    resend_action: "/_vestibule/verify/resend?rd=%2F",
    cancel_action: "/_vestibule/verify/cancel?rd=%2F",
    cancel_text: "use-another-account",
    destination: Some("grafana.example.com"),
    masked_address: "a***e@example.com",
    code: "",
    digits: 6,
    valid_minutes: 5,
    resend_wait_seconds: Some(45),
    resend_possible: true,
    problem: None,
    note: None,
};

const STEP_UP: StepUpView<'_> = StepUpView {
    action: "/_vestibule/step-up?rd=%2F",
    cancel_action: "/_vestibule/logout",
    destination: Some("grafana.example.com"),
    username: "alice",
    masked_address: "a***e@example.com",
    problem: None,
};

const APPS: AppsView<'_> = AppsView {
    nav: Nav { here: Section::Apps, sections: &[Section::Apps], who: "Alice Example" },
    note: None,
    apps: &[
        AppLink { name: "grafana", url: "https://grafana.example.com", host: "grafana.example.com" },
        AppLink { name: "wiki", url: "https://intranet.example.com/wiki", host: "intranet.example.com/wiki" },
    ],
};

/// Every page in every state that looks different, with the name of its snapshot.
fn gallery(show: Pages<'_>) -> Vec<(String, Page)> {
    let wrong = Some(Problem::InvalidCredentials);
    let mut pages = vec![
        ("login".into(), show.login(&LOGIN)),
        ("login-wrong".into(), show.login(&LoginView { username: "alice", problem: wrong, ..LOGIN })),
        (
            "login-locked".into(),
            show.login(&LoginView {
                problem: Some(Problem::TooMany { minutes: 5 }),
                remember: None,
                ..LOGIN
            }),
        ),
        ("verify".into(), show.verify(&VERIFY)),
        (
            "verify-wrong".into(),
            show.verify(&VerifyView { code: "123 456", problem: Some(Problem::InvalidCode), ..VERIFY }),
        ),
        (
            "verify-again".into(),
            show.verify(&VerifyView { note: Some(Note::SentAgain), resend_wait_seconds: None, ..VERIFY }),
        ),
        (
            "verify-failed".into(),
            show.verify(&VerifyView {
                problem: Some(Problem::MailFailed),
                resend_wait_seconds: None,
                ..VERIFY
            }),
        ),
        (
            "verify-spent".into(),
            show.verify(&VerifyView { resend_possible: false, destination: None, ..VERIFY }),
        ),
        ("step-up".into(), show.step_up(&STEP_UP)),
        (
            "step-up-failed".into(),
            show.step_up(&StepUpView { problem: Some(Problem::MailFailed), ..STEP_UP }),
        ),
        (
            "continue".into(),
            show.continue_page(&ContinueView {
                name: "Alice Example",
                target: "https://grafana.example.com/d?a=1&b=2",
            }),
        ),
        (
            "logout".into(),
            show.logout(&LogoutView {
                username: "alice",
                action: "/_vestibule/logout",
                stay_address: "/_vestibule/",
            }),
        ),
        ("apps".into(), show.apps(&APPS)),
        ("apps-none".into(), show.apps(&AppsView { apps: &[], ..APPS })),
        (
            "login-links".into(),
            show.login(&LoginView {
                reset: Some("/_vestibule/reset"),
                register: Some(("register-heading", "/_vestibule/register")),
                ..LOGIN
            }),
        ),
        ("kit".into(), sample::sample(show, "alice", false)),
        ("kit-refused".into(), sample::sample(show, "alice", true)),
    ];
    pages.extend(ask::gallery(show, "alice"));
    pages.push(("login-again".into(), show.login(&LoginView { note: Some(Note::SignInAgain), ..LOGIN })));
    pages.extend(account::gallery(show));
    pages.extend(admin::gallery(show));
    for kind in [Explain::CookiesNeeded, Explain::HandOverFailed, Explain::InCircles] {
        let page = show.explain(&ExplainView { kind, retry_address: "https://grafana.example.com/" });
        pages.push((format!("explain-{kind:?}").to_lowercase(), page));
    }
    for kind in ErrorKind::ALL {
        let account = (kind == ErrorKind::Forbidden)
            .then_some(AccountLine { username: "alice", switch_address: "/_vestibule/logout" });
        let sign_in = (kind == ErrorKind::SignInRequired).then_some("/_vestibule/login?rd=%2F");
        let page = show.error(&ErrorView { account, sign_in, ..refused(kind) });
        pages.push((format!("error-{kind:?}").to_lowercase(), page));
    }
    let administrators = Some("/_vestibule/login?rd=https%3A%2F%2Fgrafana.example.com%2F");
    let page = show.error(&ErrorView { administrators, ..refused(ErrorKind::Maintenance) });
    pages.push(("error-maintenance-anonymous".into(), page));
    pages
}

const fn refused(kind: ErrorKind) -> ErrorView<'static> {
    let request_id = "0192f0c1a2b34c5d6e7f8091a2b3c4d5";
    ErrorView { kind, request_id, account: None, sign_in: None, administrators: None }
}

fn in_german() -> Vec<(String, Page)> {
    let languages = Languages::built_in();
    let pages = gallery(views().with(languages.choose(Some("de"), "")));
    pages.into_iter().map(|(name, page)| (format!("{name}-de"), page)).collect()
}

#[test]
fn every_page_speaks_its_readers_language() {
    for (name, page) in in_german() {
        assert!(page.html.contains("<html lang=\"de\">"), "{name}");
        assert!(
            !page.html.contains("{$") && !page.html.contains("{ $"),
            "a gap is not filled: {}",
            page.html
        );
        // What is said in English on every page, on the forms, and on the error pages.
        for english in
            ["Need help", "Sign ", "Use a different", "Try again", "Request 0192", "Administrators"]
        {
            assert!(!page.html.contains(english), "{english} on {name}: {}", page.html);
        }
    }
    let pages: BTreeMap<_, _> = in_german().into_iter().collect();
    for name in
        ["login-wrong-de", "verify-de", "account-waiting-de", "admin-queue-outcomes-de", "error-forbidden-de"]
    {
        insta::assert_snapshot!(name, without_hashes(&pages[name].html));
    }
}

#[test]
fn every_page_looks_as_it_did() {
    for (name, page) in gallery(views().with(&Words::english())) {
        assert!(
            !page.html.contains("{$") && !page.html.contains("{ $"),
            "a gap is not filled: {}",
            page.html
        );
        insta::assert_snapshot!(name, without_hashes(&page.html));
    }
}

#[test]
fn no_page_holds_anything_inline_or_of_a_third_party() {
    for (name, page) in gallery(views().with(&Words::english())) {
        refuse_inline(&name, &page.html);
    }
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/portal/templates");
    let folder = |folder: &Path| fs::read_dir(folder).expect("the folder is there");
    let files =
        folder(&templates).chain(folder(&templates.join("kit"))).chain(folder(&templates.join("admin")));
    for file in files.map(|file| file.expect("readable").path()).filter(|file| file.is_file()) {
        let text = fs::read_to_string(&file).expect("readable");
        refuse_inline(&file.display().to_string(), &text);
        assert!(!text.contains("|safe"), "{} opens a way around escaping", file.display());
    }
}

fn refuse_inline(name: &str, html: &str) {
    for never in ["style=", "<style", " onclick", " onload", " onerror=", "javascript:", "data:", "http://"] {
        assert!(!html.contains(never), "{never} in {name}");
    }
    for script in html.split("<script").skip(1) {
        assert!(
            script.starts_with(" src=\"") && script.contains("defer></script>"),
            "inline script in {name}"
        );
    }
    for (attribute, value) in ["src=\"", "<link rel=\"stylesheet\" href=\""]
        .iter()
        .flat_map(|open| html.split(open).skip(1).map(move |v| (open, v)))
    {
        assert!(
            value.starts_with(FOLDER) || value.starts_with("{{"),
            "{attribute} leads elsewhere in {name}"
        );
    }
}

#[test]
fn nothing_that_is_filled_in_is_taken_for_html() {
    let views = Views::new(&Settings {
        title: HOSTILE.into(),
        notice: Some(HOSTILE.into()),
        support: Some(HOSTILE.into()),
        ..Settings::default()
    });
    let words = Words::english();
    let show = views.with(&words);
    let apps = [AppLink { name: HOSTILE, url: HOSTILE, host: HOSTILE }];
    let pages = [
        show.login(&LoginView { action: HOSTILE, destination: Some(HOSTILE), username: HOSTILE, ..LOGIN }),
        show.verify(&VerifyView {
            action: HOSTILE,
            resend_action: HOSTILE,
            cancel_action: HOSTILE,
            cancel_text: "use-another-account",
            destination: Some(HOSTILE),
            masked_address: HOSTILE,
            code: HOSTILE,
            ..VERIFY
        }),
        show.step_up(&StepUpView {
            action: HOSTILE,
            cancel_action: HOSTILE,
            destination: Some(HOSTILE),
            username: HOSTILE,
            masked_address: HOSTILE,
            problem: None,
        }),
        show.continue_page(&ContinueView { name: HOSTILE, target: &format!("/{HOSTILE}") }),
        show.logout(&LogoutView { username: HOSTILE, action: HOSTILE, stay_address: HOSTILE }),
        show.apps(&AppsView { nav: Nav { who: HOSTILE, ..APPS.nav }, apps: &apps, ..APPS }),
        account::filled_with(show, HOSTILE),
        sample::sample(show, HOSTILE, true),
        show.error(&ErrorView {
            kind: ErrorKind::Forbidden,
            request_id: HOSTILE,
            account: Some(AccountLine { username: HOSTILE, switch_address: HOSTILE }),
            sign_in: Some(HOSTILE),
            administrators: None,
        }),
        show.error(&ErrorView { administrators: Some(HOSTILE), ..refused(ErrorKind::Maintenance) }),
        show.explain(&ExplainView { kind: Explain::CookiesNeeded, retry_address: HOSTILE }),
    ];
    let asked = ask::gallery(show, HOSTILE).into_iter().map(|(_, page)| page);
    // What has nothing to fill in cannot be filled in wrongly.
    let asked = asked.filter(|page| page.html.contains("onerror"));
    for page in pages.into_iter().chain(asked).chain(admin::filled_with(show, HOSTILE)) {
        assert!(page.html.contains("onerror=alert(1)"), "the test fills nothing in: {}", page.html);
        assert!(!page.html.contains("<img src=x"), "{}", page.html);
        assert!(!page.html.contains("<script>"), "{}", page.html);
        // A quotation mark that ends an attribute early leaves the tag with a stray piece of the text.
        assert!(!page.html.contains("\"'>"), "{}", page.html);
    }
}

#[test]
fn a_problem_is_tied_to_its_fields() {
    let page = views().with(&Words::english()).login(&LoginView {
        problem: Some(Problem::InvalidCredentials),
        username: "alice",
        ..LOGIN
    });
    assert!(page.html.contains("aria-invalid=\"true\" aria-describedby=\"problem\""), "{}", page.html);
    assert!(page.html.contains("aria-describedby=\"problem password-hint\""), "{}", page.html);
    assert!(page.html.contains("value=\"alice\""), "what was typed is kept: {}", page.html);
    assert_eq!(page.html.matches("autofocus").count(), 1, "{}", page.html);
}

#[test]
fn every_page_focuses_one_thing_at_most_and_describes_by_what_is_there() {
    for (name, page) in gallery(views().with(&Words::english())) {
        assert!(page.html.matches(" autofocus").count() <= 1, "{name}");
        for ids in page.html.split("aria-describedby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            for id in ids.split_whitespace() {
                assert!(page.html.contains(&format!("id=\"{id}\"")), "{name} has no {id}");
            }
        }
    }
}

#[test]
fn the_contracts_messages_are_said_word_for_word() {
    let cases = [
        (Problem::InvalidCredentials, "Invalid username or password."),
        (Problem::Pending, "Your account is pending administrator approval."),
        (Problem::Disabled, "Your account has been disabled. Contact your administrator."),
        (Problem::InvalidCode, "Invalid or expired code."),
        (Problem::Expired, "Your sign-in has expired. Please start over."),
        (Problem::MailFailed, "We could not send your code. Please try again."),
        (Problem::TooMany { minutes: 7 }, "Too many attempts. Try again in 7 minutes."),
    ];
    for (problem, text) in cases {
        let page = views().with(&Words::english()).login(&LoginView { problem: Some(problem), ..LOGIN });
        assert!(page.html.contains(&format!("<p>{text}</p>")), "{text}");
    }
}

#[test]
fn a_logo_takes_the_place_of_mark_and_title() {
    let logo = Logo { media_type: "image/svg+xml", bytes: b"<svg/>".to_vec() };
    let settings = Settings { title: "Example Corp".into(), logo: Some(logo), ..Settings::default() };
    let views = Views::new(&settings);
    let page = views.with(&Words::english()).login(&LOGIN);
    assert!(page.html.contains("alt=\"Example Corp\"") && !page.html.contains("class=\"mark\""));
}

/// The page with the hashes of file names taken out: a changed style sheet changes no page.
fn without_hashes(html: &str) -> String {
    let mut parts = html.split(FOLDER);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut pieces = part.splitn(3, '.');
        let (stem, _hash, rest) = (pieces.next(), pieces.next(), pieces.next());
        plain.extend([FOLDER, stem.unwrap_or_default(), ".", rest.unwrap_or_default()]);
    }
    plain
}

/// Writes the gallery and its files to the folder that `GALLERY` names, to be looked at in a browser; and some pages in
/// accents that are hard to read: yellow, black, white, grey.
#[test]
#[ignore = "for looking at, which the tests with a real browser do"]
#[expect(clippy::disallowed_methods, reason = "whoever looks says where")]
fn gallery_to_look_at() {
    let folder = PathBuf::from(std::env::var("GALLERY").expect("a folder to write to"));
    fs::create_dir_all(folder.join(FOLDER.trim_start_matches('/'))).expect("made");
    let write = |views: &Views, pages: Vec<(String, Page)>| {
        for (name, page) in pages {
            fs::write(folder.join(name + ".html"), page.html).expect("written");
        }
        for asset in views.assets.files() {
            fs::write(folder.join(asset.address().trim_start_matches('/')), &asset.bytes).expect("written");
        }
    };
    write(&views(), gallery(views().with(&Words::english())));
    write(&views(), in_german());
    for (number, accent) in
        [[250, 204, 21], [0, 0, 0], [255, 255, 255], [119, 119, 119]].into_iter().enumerate()
    {
        let settings = Settings { title: "Example Corp".into(), accent: Some(accent), ..Settings::default() };
        let (views, words) = (Views::new(&settings), Words::english());
        let show = views.with(&words);
        let login = show.login(&LoginView { remember: Some(true), ..LOGIN });
        let named = |page: &str| format!("accent-{number}-{page}");
        let pages = vec![(named("login"), login), (named("kit"), sample::sample(show, "alice", false))];
        write(&views, pages);
    }
}
