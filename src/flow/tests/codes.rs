//! The mailed code: good once, in one browser, for a few tries; and when its mail fails.

use super::*;

#[tokio::test]
async fn a_code_works_once() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    let mut second = visitor.clone();
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
    assert!(matches!(rig.code(&mut second, &code).await, CodeOutcome::Expired));
}

#[tokio::test]
async fn a_code_is_good_in_the_browser_that_asked_for_it_alone() {
    let rig = Rig::new().await;
    let (mut mine, mut theirs) = (Visitor::new(), Visitor::new());
    rig.password(&mut mine, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    assert!(matches!(rig.code(&mut theirs, &code).await, CodeOutcome::Expired));
    rig.password(&mut theirs, "alice", RIGHT, None).await;
    assert!(matches!(rig.code(&mut theirs, &code).await, CodeOutcome::Wrong(_)));
    assert!(matches!(rig.code(&mut mine, &code).await, CodeOutcome::Entered(_)));
}

#[tokio::test]
async fn of_fifty_right_answers_at_once_one_opens_a_session() {
    let rig = Arc::new(Rig::new().await);
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    let tasks = tokio_util::task::TaskTracker::new();
    let entered = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let spawner = Tasks::default();
    for _ in 0..50 {
        let (rig, mut visitor, code, entered) = (rig.clone(), visitor.clone(), code.clone(), entered.clone());
        let token = tasks.token();
        spawner.spawn("answer", async move {
            if matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)) {
                entered.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
            drop(token);
        });
    }
    tasks.close();
    tasks.wait().await;
    assert_eq!(entered.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_fifth_wrong_code_ends_the_sign_in_and_a_resend_forgives_nothing() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    for _ in 0..3 {
        assert!(matches!(rig.code(&mut visitor, &wrong(&code)).await, CodeOutcome::Wrong(_)));
    }
    rig.advance(Duration::from_mins(1));
    resend(&rig, &visitor).await;
    assert!(matches!(rig.code(&mut visitor, &wrong(&code)).await, CodeOutcome::Wrong(_)));
    let CodeOutcome::TooMany(wait) = rig.code(&mut visitor, &wrong(&code)).await else {
        panic!("still open")
    };
    assert_eq!(wait, LIMITS.lock);
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Expired));
    assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, None).await, Outcome::Locked(_)));
}

#[tokio::test]
async fn what_is_no_code_is_not_counted_as_a_try() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let code = rig.mails()[0].clone();
    for typed in ["", "12345", "abcdef", "1234567", "\u{ff11}23456"].repeat(3) {
        assert!(matches!(rig.code(&mut visitor, typed).await, CodeOutcome::Wrong(_)));
    }
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
}

pub(super) async fn resend(rig: &Rig, visitor: &Visitor) -> Option<Mailed> {
    let snapshot = rig.app.snapshot.load_full();
    let x = rig.in_exchange(&snapshot, visitor, &rig.portal);
    code::resend(&x, visitor.cookies(), None).await.unwrap().map(|(mailed, _)| mailed)
}

#[tokio::test]
async fn a_resend_waits_a_minute_and_repeats_the_code_at_first() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    rig.advance(Duration::from_secs(59));
    assert_eq!(resend(&rig, &visitor).await, Some(Mailed::TooEarly(Duration::from_secs(1))));
    rig.advance(Duration::from_secs(1));
    assert_eq!(resend(&rig, &visitor).await, Some(Mailed::Sent));
    let mails = rig.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1]);
    rig.advance(Duration::from_mins(4));
    assert!(
        matches!(rig.code(&mut visitor, &mails[0]).await, CodeOutcome::Wrong(_)),
        "five minutes have passed"
    );
}

#[tokio::test]
async fn a_second_tab_with_the_same_account_waits_for_the_same_code() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    let before = visitor.login.clone();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    assert_eq!(visitor.login, before);
    assert_eq!(rig.mails().len(), 1);
}

#[tokio::test]
async fn a_code_can_be_printed_for_who_waits() {
    let rig = Rig::new().await;
    assert!(matches!(
        break_glass::code(&rig.app, "nobody").await,
        Err(break_glass::BreakGlassError::UnknownAccount(_))
    ));
    assert!(matches!(
        break_glass::code(&rig.app, "alice").await,
        Err(break_glass::BreakGlassError::NothingWaiting(_))
    ));
    let mut visitor = Visitor::new();
    rig.password(&mut visitor, "alice", RIGHT, None).await;
    rig.advance(Duration::from_mins(6));
    let printed = break_glass::code(&rig.app, "alice@example.com").await.unwrap();
    assert_eq!(printed.host, "auth.example.com");
    assert!(matches!(rig.code(&mut visitor, &printed.code).await, CodeOutcome::Entered(_)));
}

#[tokio::test]
async fn a_mail_that_fails_loses_nothing_and_counts_for_nothing() {
    let rig = Rig::new().await;
    let mut visitor = Visitor::new();
    let folder = rig.outbox.path().to_owned();
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    assert!(matches!(rig.password(&mut visitor, "alice", RIGHT, None).await, Outcome::MailFailed(_)));
    for _ in 0..20 {
        assert_eq!(resend(&rig, &visitor).await, Some(Mailed::Failed));
    }
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(resend(&rig, &visitor).await, Some(Mailed::Sent));
    let code = rig.mails()[0].clone();
    assert!(matches!(rig.code(&mut visitor, &code).await, CodeOutcome::Entered(_)));
}

#[tokio::test]
async fn a_code_is_mailed_in_the_accounts_language_or_the_browsers() {
    let rig = Rig::new().await;
    let account = |language: Option<&str>| {
        let mut account = account("alice", Approval::Approved, false);
        account.language = language.map(str::to_owned);
        account
    };
    for (own, accept_language, expected) in [
        (None, "", "Your sign-in code is "),
        (None, "de-DE, en;q=0.5", "Ihr Anmeldecode lautet "),
        (Some("en"), "de", "Your sign-in code is "),
        (Some("de"), "en", "Ihr Anmeldecode lautet "),
    ] {
        rig.accounts.replace(vec![account(own)]);
        let mut visitor = Visitor { accept_language, ..Visitor::new() };
        rig.password(&mut visitor, "alice", RIGHT, None).await;
        let letters = rig.letters();
        assert!(letters.last().unwrap().contains(expected), "{own:?}, {accept_language}: {letters:?}");
    }
}
