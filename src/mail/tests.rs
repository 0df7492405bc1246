use super::*;

#[test]
fn an_address_is_masked_as_the_contract_says() {
    let cases = [
        ("alice@example.com", "a***e@example.com"),
        ("anna@example.com", "a***a@example.com"),
        ("bob@example.com", "b***@example.com"),
        ("x@example.com", "x***@example.com"),
        ("üöä@example.com", "ü***@example.com"),
        ("\"a@b\"@example.com", "\"***\"@example.com"),
        ("@example.com", "***@example.com"),
    ];
    for (address, masked) in cases {
        assert_eq!(mask_address(address), masked);
    }
}

#[tokio::test]
async fn the_outbox_holds_one_private_file_a_message() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("deep/outbox");
    let settings =
        Settings { from: "signin@example.com".into(), transport: TransportSettings::Outbox(folder.clone()) };
    let mailer =
        Mailer::new(&settings, Clock::System, Tasks::default(), Handle::current()).expect("good settings");
    for code in ["123456", "654321"] {
        let text = format!("Your sign-in code is {code}.");
        let message =
            Message { to: "alice@example.com".into(), subject: "Code".into(), html: text.clone(), text };
        mailer.send(message).await.expect("written");
    }
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("there").map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    assert_eq!((files.len(), mode(&folder)), (2, 0o700));
    for file in &files {
        assert_eq!((file.extension().and_then(|ending| ending.to_str()), mode(file)), (Some("eml"), 0o600));
    }
    let texts: String = files.iter().map(|file| std::fs::read_to_string(file).expect("readable")).collect();
    assert!(texts.contains("123456") && texts.contains("654321"));
}

#[tokio::test]
async fn an_outbox_that_cannot_be_written_is_named() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("file");
    std::fs::write(&folder, "in the way").expect("written");
    let settings =
        Settings { from: "signin@example.com".into(), transport: TransportSettings::Outbox(folder.clone()) };
    let mailer =
        Mailer::new(&settings, Clock::System, Tasks::default(), Handle::current()).expect("good settings");
    let message = Message {
        to: "a@example.com".into(),
        subject: String::new(),
        text: String::new(),
        html: String::new(),
    };
    let error = mailer.send(message).await.expect_err("in the way").to_string();
    assert!(error.contains(&folder.display().to_string()), "{error}");
}

#[test]
fn a_mail_may_be_sent_from_a_runtime_that_is_not_the_services_own() {
    let services =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one");
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        from: "signin@example.com".into(),
        transport: TransportSettings::Outbox(folder.path().to_owned()),
    };
    let mailer = Mailer::new(&settings, Clock::System, Tasks::default(), services.handle().clone())
        .expect("good settings");
    // No timers and no sockets: whatever needs them runs on the services' runtime.
    let bare = tokio::runtime::Builder::new_current_thread().build().expect("another");
    let message = Message {
        to: "a@example.com".into(),
        subject: String::new(),
        text: String::new(),
        html: String::new(),
    };
    bare.block_on(mailer.send(message)).expect("written");
}
