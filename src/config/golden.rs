//! The samples load, and what `check` says stands in files: `tests/golden/config/NAME.yaml` beside `NAME.txt`.
//!
//! `UPDATE_GOLDEN=1 cargo test golden` writes the texts anew. In a case, `${DIR}` is a folder with certificates and
//! account files.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;
use crate::mail::TransportSettings;
use crate::route::Scheme;
use crate::upstream::Target;

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$iQK8fv8Wc9IVM0dDCikllw$d0CuZgYWPv1We0WfVJtidwopdn9ANKU0R9rEoZSFG1w";

/// A folder with what the cases name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    let users =
        format!("users:\n  alice: {{ email: alice@example.com, groups: [ops], password: \"{HASH}\" }}\n");
    write("users.yaml", &users);
    for (name, hosts, year) in [
        ("example.com", ["example.com", "*.example.com"], 4000),
        ("expired", ["example.com", "*.example.com"], 2001),
    ] {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(hosts.map(str::to_owned)).expect("names");
        params.not_after = date_time_ymd(year, 1, 1);
        write(&format!("{name}.pem"), &params.self_signed(&key).expect("a certificate").pem());
        write(&format!("{name}.key"), &key.serialize_pem());
    }
    write("not.pem", "no certificate\n");
    write("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n");
    write("brand.css", "a { color: red }\n");
    for texts in ["right", "wrong"] {
        let copy = folder.path().join("locales").join(texts);
        fs::create_dir_all(&copy).expect("made");
        for file in fs::read_dir(root().join("tests/golden/locales").join(texts)).expect("the texts") {
            let file = file.expect("an entry");
            fs::copy(file.path(), copy.join(file.file_name())).expect("copied");
        }
    }
    folder
}

fn environment(folder: &Path) -> Environment {
    let dir = folder.display().to_string();
    let values: [(&str, &str); 5] = [
        ("DIR", &dir),
        ("VESTIBULE_SECRET", SECRET),
        ("SMTP_PASSWORD", "hunter2-of-mail"),
        ("SHORT_SECRET", "aHVudGVyMg=="),
        ("PORT", "2525"),
    ];
    Environment::Fixed(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares what is said about each case with its golden file.
fn compare(cases: &str, least: usize, say: impl Fn(&str, &Path) -> Vec<Problem>, dir: &str) {
    let mut paths: Vec<_> = fs::read_dir(root().join(cases))
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    assert!(paths.len() >= least, "cases are missing");
    let mut wrong = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("the case");
        let name = path.file_name().expect("a name");
        let problems = say(&text, Path::new(name));
        assert!(problems.iter().all(|problem| problem.help.is_some()), "what would be right? {problems:?}");
        let said = render(&problems).replace(dir, "DIR");
        assert!(!said.contains("hunter2") && !said.contains("$argon2id"), "a secret is shown: {said}");
        let expected = path.with_extension("txt");
        if Environment::System.get("UPDATE_GOLDEN").is_some() {
            fs::write(&expected, &said).expect("written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", name.display()));
        }
    }
    assert!(wrong.is_empty(), "not as in the golden files:\n{}", wrong.join("\n"));
}

#[test]
fn what_check_says_stands_in_the_golden_files() {
    let folder = folder();
    let environment = environment(folder.path());
    let say = |text: &str, name: &Path| match parse(text, name, &environment) {
        Ok((_, warnings)) => warnings,
        Err(LoadError::Problems(problems)) => problems,
        Err(error) => panic!("{error}"),
    };
    compare("tests/golden/config", 50, say, &folder.path().display().to_string());
}

#[test]
fn what_is_said_about_account_files_stands_in_the_golden_files() {
    let folder = folder();
    let environment = environment(folder.path());
    let say = |text: &str, name: &Path| {
        let mut taken = users::Taken::default();
        users::read(text.as_bytes(), name, &environment, &mut taken).1
    };
    compare("tests/golden/users", 5, say, &folder.path().display().to_string());
}

#[tokio::test]
async fn the_demo_account_is_known_by_its_hash() {
    let path = root().join("config/quickstart-users.yaml");
    let (accounts, problems) = users::parse(&fs::read(&path).expect("the sample"), &path);
    assert_eq!(render(&problems), "");
    let folder = folder();
    let text =
        fs::read_to_string(root().join("tests/golden/config/certificate_right.yaml")).expect("the case");
    let text = text.replace("${DIR}/users.yaml", &path.display().to_string());
    let refused = parse(&text, Path::new("v.yaml"), &environment(folder.path()));
    let error = explained(&refused.err().expect("the demo account, on a host that others reach"));
    assert!(error.contains("error: ") && error.contains("password is public"), "{error}");
    assert_eq!(accounts[0].username, "demo");
    let settings = account::PasswordSettings { memory: 19_456, iterations: 2, minimum_length: 12 };
    let hasher = account::Hasher::new(1, 1, settings).expect("a thread");
    let typed = Secret::new("correct horse battery".to_owned());
    let right = hasher.verify(typed, accounts[0].password.clone()).await;
    assert!(right.expect("nobody else hashes"), "as the README says");
}

#[test]
fn the_quickstart_loads_and_is_for_this_machine_alone() {
    let path = root().join("config/quickstart.yaml");
    let text = fs::read_to_string(&path).expect("the sample");
    let text = text.replace("config/", &format!("{}/", root().join("config").display()));
    let (config, warnings) =
        parse(&text, &path, &Environment::default()).unwrap_or_else(|error| panic!("{}", explained(&error)));
    assert_eq!(render(&warnings), "");
    assert_eq!(config.portal.url.map(|url| url.to_string()).as_deref(), Some("http://localhost:8080"));
    assert_eq!(config.apps[0].url.to_string(), "http://whoami.localhost:8080");
    assert!(
        matches!(&config.apps[0].behind, Behind::Upstream { settings, .. } if settings.target == Target::Whoami)
    );
    assert!(matches!(config.mail.transport, TransportSettings::Terminal));
    assert!(config.secrets.is_empty());
}

#[test]
fn the_production_sample_loads_where_its_files_are() {
    let folder = folder();
    let path = root().join("config/vestibule.yaml");
    let dir = folder.path().display().to_string();
    let text = fs::read_to_string(&path).expect("the sample");
    let text =
        text.replace("certs/", &format!("{dir}/")).replace("config/users.yaml", &format!("{dir}/users.yaml"));
    let (config, warnings) = parse(&text, &path, &environment(folder.path()))
        .unwrap_or_else(|error| panic!("{}", explained(&error)));
    assert_eq!(render(&warnings), "");
    assert_eq!(config.secrets.len(), 1);
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.apps[0].url.origin.scheme, Scheme::Https);
    assert_eq!(config.apps[0].access.len(), 3);
    let TransportSettings::Smtp(smtp) = config.mail.transport else { panic!("smtp") };
    assert_eq!(smtp.credentials.expect("credentials").1.expose(), "hunter2-of-mail");
}

#[test]
fn what_the_production_sample_has_commented_out_is_right_and_the_default() {
    let folder = folder();
    let dir = folder.path().display().to_string();
    let sample = fs::read_to_string(root().join("config/vestibule.yaml")).expect("the sample");
    let others = ["store", "redis", "url", "ca", "prefix", "outbox", "terminal"];
    let uncommented: String = sample
        .lines()
        .map(|line| {
            let key = line.trim_start().strip_prefix("# ").and_then(|rest| rest.trim_start().split_once(':'));
            let plain =
                |key: &str| key.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(&byte));
            match key {
                Some((key, _)) if plain(key) && !others.contains(&key) => line.replacen("# ", "", 1) + "\n",
                _ => format!("{line}\n"),
            }
        })
        .collect();
    let text = uncommented
        .replace("certs/", &format!("{dir}/"))
        .replace("config/users.yaml", &format!("{dir}/users.yaml"))
        .replace("config/logo.svg", &format!("{dir}/logo.svg"))
        .replace("config/brand.css", &format!("{dir}/brand.css"))
        .replace("config/locales", &format!("{dir}/locales/right"));
    let loaded = |text: &str| {
        let (config, warnings) = parse(text, Path::new("v.yaml"), &environment(folder.path()))
            .unwrap_or_else(|error| panic!("{}", explained(&error)));
        assert_eq!(render(&warnings), "");
        config
    };
    let written = loaded(&text);
    let default = loaded(
        &sample.replace("certs/", &format!("{dir}/")).replace("config/users", &format!("{dir}/users")),
    );
    assert_eq!(written.session, default.session);
    assert_eq!(written.email_code, default.email_code);
    assert_eq!(written.passwords, default.passwords);
    assert_eq!(written.limits, default.limits);
    assert_eq!(written.tls, default.tls);
    assert_eq!(written.trusted_proxies.len(), 1);
    assert_eq!(written.apps[0].identity.headers[0].0, "x-webauth-user");
    assert_eq!(timeouts(&written.apps[1]), timeouts(&default.apps[1]));
    assert_eq!(limits(&written.apps[0]), limits(&default.apps[0]));
    assert_eq!(written.apps[0].max_request_body, default.apps[0].max_request_body);
    assert!(written.portal.logo.is_some() && written.portal.stylesheet.is_some());
    assert_eq!(written.portal.locales.len(), 2);
    assert_eq!(written.portal.accent, Some([0x0f, 0x76, 0x6e]));
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let folder = folder();
    let text = "listen: [{ address: 127.0.0.1:0 }]\naccounts: [{ file: \"${DIR}/users.yaml\" }]\nmail: { from: a@example.com, outbox: out }\n\
                apps: [{ name: a, url: http://a.localhost, upstream: http://127.0.0.1:1 }]\n";
    let (config, _) = parse(text, Path::new("v.yaml"), &environment(folder.path()))
        .unwrap_or_else(|error| panic!("{}", explained(&error)));
    let seconds = |duration: std::time::Duration| duration.as_secs();
    assert_eq!(config.data_dir, Path::new("data"));
    assert!(matches!(config.store, store::Settings::Embedded { file } if file == Path::new("data/state.db")));
    assert!(config.trusted_proxies.is_empty() && config.admin.is_none() && config.portal.url.is_none());
    let session = config.session;
    assert_eq!((seconds(session.idle), seconds(session.lifetime)), (3600, 43_200));
    assert_eq!((seconds(session.remember), session.cache), (2_592_000, 100_000));
    let code = config.email_code;
    assert_eq!(
        (code.digits, seconds(code.lifetime), code.attempts, seconds(code.resend_after)),
        (6, 300, 5, 60)
    );
    assert_eq!((code.hourly, code.daily, code.quarantine), (10, 30, 15));
    let passwords = config.passwords;
    assert_eq!((passwords.memory, passwords.iterations, passwords.minimum_length), (19_456, 2, 12));
    let throttle = config.limits.throttle;
    assert_eq!((throttle.failures, seconds(throttle.within), seconds(throttle.lock)), (5, 600, 300));
    assert_eq!((throttle.device_failures, config.limits.max_request_headers), (10, 65_536));
    assert_eq!(config.limits.max_request_body, 0);
    assert_eq!(
        config.log,
        observe::Settings { format: observe::Format::Text, level: "info".into(), access: true }
    );
    let names: Vec<_> = config.apps[0].identity.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["remote-user", "remote-name", "remote-email", "remote-groups"]);
    assert_eq!(config.apps[0].access.len(), 1);
    let (limits, max_request_body) = (limits(&config.apps[0]), config.apps[0].max_request_body);
    assert_eq!(
        (limits.connections, limits.waiting, seconds(limits.wait), max_request_body),
        (1024, 256, 10, 0)
    );
    let timeouts = timeouts(&config.apps[0]);
    assert_eq!((seconds(timeouts.connect), seconds(timeouts.response), seconds(timeouts.idle)), (5, 60, 300));
    assert_eq!(config.apps[0].access[0].policy, crate::policy::Policy::TwoFactor);
}

fn explained(error: &LoadError) -> String {
    match error {
        LoadError::Problems(problems) => render(problems),
        LoadError::Read(..) => error.to_string(),
    }
}

/// The production sample with literal secrets, and noise in or instead of any part that holds none.
fn mutilated() -> impl Strategy<Value = String> {
    let sample = fs::read_to_string(root().join("config/vestibule.yaml")).expect("the sample");
    let sample = sample.replace("${VESTIBULE_SECRET}", SECRET).replace("${SMTP_PASSWORD}", "hunter2");
    let lines: Vec<String> = sample.lines().map(|line| format!("{line}\n")).collect();
    let safe: Vec<usize> = (0..lines.len())
        .filter(|at| !lines[*at].contains("hunter2") && !lines[*at].contains(SECRET))
        .collect();
    let noise = "[-\\[\\]{}:,?&*!|>'\"#$a-c0-9 \t\r\n\u{feff}\u{85}]{0,12}";
    (prop::sample::select(safe), 0..40_usize, 0..40_usize, noise).prop_map(move |(line, at, gap, noise)| {
        let mut lines = lines.clone();
        let text: Vec<char> = lines[line].trim_end_matches('\n').chars().collect();
        let head = text.iter().take(at).copied();
        let tail = text.iter().skip(at + gap).copied();
        lines[line] = head.chain(noise.chars()).chain(tail).chain(['\n']).collect();
        lines.concat()
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic_and_none_shows_a_secret(text in mutilated()) {
        let said = match parse(&text, Path::new("v.yaml"), &Environment::default()) {
            Ok((_, warnings)) => render(&warnings),
            Err(error) => explained(&error),
        };
        prop_assert!(!said.contains("hunter2") && !said.contains(SECRET), "{said}");
        let (_, problems) = users::parse(text.as_bytes(), Path::new("u.yaml"));
        let said = render(&problems);
        prop_assert!(!said.is_empty() && !said.contains("hunter2") && !said.contains(SECRET), "{said}");
    }
}

fn limits(app: &App) -> crate::upstream::Limits {
    match &app.behind {
        Behind::Upstream { settings, .. } => settings.limits,
        Behind::Redirect { .. } => panic!("{} has no upstream", app.name),
    }
}

fn timeouts(app: &App) -> crate::upstream::Timeouts {
    match &app.behind {
        Behind::Upstream { timeouts, .. } => *timeouts,
        Behind::Redirect { .. } => panic!("{} has no upstream", app.name),
    }
}
