//! Asking for an account, and what comes of it.

use super::*;
use crate::account::Registration;
use crate::account::database::{Filter, Trace};
use crate::flow::register::{self, Begun, Outcome, Resent, WrongAddress};
use crate::flow::{By, administer};

const PASSWORD: &str = "seven green umbrellas";

/// Somebody's registration: the browser's cookie.
struct Applicant {
    address: IpAddr,
    cookie: Option<String>,
}

impl Applicant {
    fn from(last: u8) -> Self {
        Self { address: IpAddr::from([198, 51, 100, last]), cookie: None }
    }

    fn visitor(&self) -> Visitor {
        Visitor { address: self.address, ..Visitor::new() }
    }
}

impl Rig {
    fn registration(&self, registration: Registration, domains: &[&str]) {
        let mut settings = self.app.snapshot.load().database.clone().unwrap();
        settings.registration = registration;
        settings.domains = domains.iter().map(ToString::to_string).collect();
        self.configure(|snapshot| snapshot.database = Some(settings));
    }

    /// A second later than whatever was before, so that the letters have an order.
    async fn register(&self, applicant: &mut Applicant, email: &str, username: &str) -> Begun {
        self.advance(Duration::from_secs(1));
        let snapshot = self.app.snapshot.load_full();
        let visitor = applicant.visitor();
        let x = self.in_exchange(&snapshot, &visitor, &self.portal);
        let password = Secret::new(PASSWORD.to_owned());
        let typed = register::Typed { name: "Erin Example", email, username, password };
        let begun = register::begin(&x, typed).await.unwrap();
        if let Begun::Mailed(cookie) = &begun {
            applicant.cookie = Some(cookie.clone());
        }
        self.app.mailer.finished_within(Duration::from_secs(20)).await;
        begun
    }

    async fn prove(&self, applicant: &Applicant, code: &str) -> Outcome {
        let snapshot = self.app.snapshot.load_full();
        let visitor = applicant.visitor();
        let x = self.in_exchange(&snapshot, &visitor, &self.portal);
        let outcome = register::verify(&x, applicant.cookie.as_deref(), code).await.unwrap();
        self.app.mailer.finished_within(Duration::from_secs(20)).await;
        outcome
    }

    async fn choose(&self, applicant: &Applicant, username: &str) -> Outcome {
        let snapshot = self.app.snapshot.load_full();
        let visitor = applicant.visitor();
        let x = self.in_exchange(&snapshot, &visitor, &self.portal);
        register::choose(&x, applicant.cookie.as_deref(), username).await.unwrap()
    }

    /// The code in the last letter.
    fn registration_code(&self) -> String {
        let letter = self.letters().pop().unwrap();
        let (_, rest) = letter.split_once("Your code is ").unwrap();
        rest[..6].to_owned()
    }

    /// The subjects of all letters to this address.
    pub(super) fn subjects(&self, address: &str) -> Vec<String> {
        let to = format!("To: {address}\r\n");
        let letters = self.letters().into_iter().filter(|letter| letter.contains(&to));
        let subject =
            |letter: String| letter.split("Subject: ").nth(1).unwrap().lines().next().unwrap().to_owned();
        letters.map(subject).collect()
    }
}

#[tokio::test]
async fn a_proved_address_makes_an_account_that_waits_and_the_administrators_are_told() {
    let rig = Rig::new().await;
    rig.add("root-of-all", "admins").await;
    let mut erin = Applicant::from(1);
    assert!(matches!(rig.register(&mut erin, " Erin@Example.com", "").await, Begun::Mailed(_)));
    assert!(
        rig.database.find("erin@example.com").await.unwrap().is_none(),
        "nobody sees it before the proof"
    );
    let code = rig.registration_code();
    assert!(matches!(rig.prove(&erin, &wrong(&code)).await, Outcome::Wrong(_)));
    assert!(matches!(rig.prove(&erin, &code).await, Outcome::Made(Approval::Pending)));
    assert!(matches!(rig.prove(&erin, &code).await, Outcome::Expired), "once");
    let made = rig.database.find("erin").await.unwrap().unwrap();
    assert_eq!(
        (made.account.email.as_str(), made.account.name.as_str()),
        ("Erin@example.com", "Erin Example")
    );
    assert_eq!((made.account.approval, made.account.groups.len()), (Approval::Pending, 0));
    assert_eq!(made.email_verified, Some(rig.app.clock.now()));
    assert_eq!(rig.subjects("root-of-all@example.com"), ["Example: somebody asks for an account"]);
    let trace = Trace { account: Some(made.account.id.to_string()), ..Trace::default() };
    let lines = rig.database.trail(&trace, 10).await.unwrap();
    assert_eq!(lines[0].1.event, "registered");
    assert_eq!(lines[0].1.address.as_deref(), Some("198.51.100.1"));

    let pending = rig.password(&mut Visitor::new(), "erin", PASSWORD, None).await;
    assert!(matches!(pending, super::Outcome::Pending));
    let by = By::command_line(&rig.app);
    administer::approve(&rig.app, by, &made.account.id, None).await.unwrap();
    let mut visitor = Visitor::new();
    assert!(matches!(rig.password(&mut visitor, "erin", PASSWORD, None).await, super::Outcome::CodeSent(_)));
}

#[tokio::test]
async fn where_registration_is_open_the_account_can_be_used_at_once() {
    let rig = Rig::new().await;
    rig.registration(Registration::Open, &[]);
    let mut erin = Applicant::from(1);
    rig.register(&mut erin, "erin@example.com", "erin.e").await;
    let code = rig.registration_code();
    assert!(matches!(rig.prove(&erin, &code).await, Outcome::Made(Approval::Approved)));
    let mut visitor = Visitor::new();
    let outcome = rig.password(&mut visitor, "erin.e", PASSWORD, None).await;
    assert!(matches!(outcome, super::Outcome::CodeSent(_)));
}

#[tokio::test]
async fn an_address_that_has_an_account_gets_word_of_it_and_never_a_code() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    for (number, email) in ["erin@example.com", "ALICE@example.com"].into_iter().enumerate() {
        let mut thief = Applicant::from(u8::try_from(number).unwrap());
        assert!(matches!(rig.register(&mut thief, email, "").await, Begun::Mailed(_)));
        let letter = rig.letters().pop().unwrap();
        assert!(letter.contains("You have one already") && !letter.contains("Your code is"), "{letter}");
        for _ in 0..4 {
            assert!(matches!(rig.prove(&thief, "000000").await, Outcome::Wrong(_)));
        }
        assert!(matches!(rig.prove(&thief, "000000").await, Outcome::TooMany(_)));
        assert!(matches!(rig.prove(&thief, "000000").await, Outcome::Expired));
    }
}

#[tokio::test]
async fn a_deleted_accounts_address_and_name_are_nobody_elses() {
    let rig = Rig::new().await;
    let gone = rig.add("erin", "").await;
    administer::delete(&rig.app, By::command_line(&rig.app), &gone).await.unwrap();
    let mut again = Applicant::from(1);
    rig.register(&mut again, "erin@example.com", "").await;
    assert!(rig.letters().pop().unwrap().contains("belonged to an account that was deleted"));
    let mut other = Applicant::from(2);
    rig.register(&mut other, "erin@other.example", "erin").await;
    let code = rig.registration_code();
    assert!(matches!(rig.prove(&other, &code).await, Outcome::UsernameTaken(_)));
}

#[tokio::test]
async fn a_taken_username_is_told_once_the_address_is_proved_and_another_can_be_chosen() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let mut other = Applicant::from(1);
    assert!(matches!(rig.choose(&other, "frank").await, Outcome::Expired), "nothing is under way");
    rig.register(&mut other, "e@other.example", "Erin").await;
    assert!(matches!(rig.choose(&other, "frank").await, Outcome::Expired), "nothing is proved");
    let code = rig.registration_code();
    assert!(matches!(rig.prove(&other, &code).await, Outcome::UsernameTaken(_)));
    assert!(matches!(rig.choose(&other, "alice").await, Outcome::UsernameTaken(_)), "a file has it");
    assert!(matches!(rig.choose(&other, "admin").await, Outcome::WrongUsername(..)));
    assert!(matches!(rig.choose(&other, "erin-2").await, Outcome::Made(Approval::Pending)));
    assert!(rig.database.find("erin-2").await.unwrap().is_some());
}

#[tokio::test]
async fn a_name_made_from_the_address_is_one_that_nobody_has() {
    let rig = Rig::new().await;
    rig.add("erin", "").await;
    let mut other = Applicant::from(1);
    rig.register(&mut other, "erin@other.example", "").await;
    let code = rig.registration_code();
    assert!(matches!(rig.prove(&other, &code).await, Outcome::Made(_)));
    assert_eq!(rig.database.find("erin@other.example").await.unwrap().unwrap().account.username, "erin-2");
}

#[tokio::test]
async fn fifty_registrations_of_one_address_at_once_make_one_account() {
    let rig = Rig::new().await;
    // Each from a network and with a code of its own, which the store is asked for since no address gets fifty mails.
    let budget = |snapshot: &mut crate::app::Snapshot| {
        (snapshot.email_code.hourly, snapshot.email_code.daily) = (1000, 1000);
    };
    rig.configure(budget);
    let mut applicants = Vec::new();
    for number in 0..50 {
        let mut applicant = Applicant::from(number);
        let address = if number % 2 == 0 { "erin@example.com" } else { "ERIN@EXAMPLE.COM" };
        rig.register(&mut applicant, address, "").await;
        applicants.push((applicant, rig.registration_code()));
    }
    let answers = applicants.iter().map(|(applicant, code)| rig.prove(applicant, code));
    let mut made = 0;
    for outcome in futures_util::future::join_all(answers).await {
        match outcome {
            Outcome::Made(_) => made += 1,
            Outcome::Wrong(_) => {}
            _ => panic!("neither made nor refused"),
        }
    }
    assert_eq!((made, rig.database.count(&Filter::default()).await.unwrap()), (1, 1));
}

#[tokio::test]
async fn a_code_is_good_for_its_browser_and_its_time_alone() {
    let rig = Rig::new().await;
    let mut erin = Applicant::from(1);
    rig.register(&mut erin, "erin@example.com", "").await;
    let code = rig.registration_code();
    let mut other = Applicant::from(2);
    rig.register(&mut other, "frank@example.com", "").await;
    assert!(matches!(rig.prove(&other, &code).await, Outcome::Wrong(_)));
    rig.advance(EMAIL_CODE.lifetime);
    assert!(matches!(rig.prove(&erin, &code).await, Outcome::Wrong(_)));
    rig.advance(register::LIFETIME);
    assert!(matches!(rig.prove(&erin, &code).await, Outcome::Expired));
    assert!(matches!(rig.prove(&Applicant::from(3), &code).await, Outcome::Expired));
}

#[tokio::test]
async fn a_code_can_be_mailed_again_after_a_minute() {
    let rig = Rig::new().await;
    let mut erin = Applicant::from(1);
    rig.register(&mut erin, "erin@example.com", "").await;
    let resend = async || {
        let snapshot = rig.app.snapshot.load_full();
        let visitor = erin.visitor();
        let x = rig.in_exchange(&snapshot, &visitor, &rig.portal);
        let resent = register::resend(&x, erin.cookie.as_deref()).await.unwrap().unwrap();
        rig.app.mailer.finished_within(Duration::from_secs(20)).await;
        resent
    };
    let Resent::TooEarly(wait, _) = resend().await else { panic!("not too early") };
    assert_eq!(wait, EMAIL_CODE.resend_after);
    rig.advance(wait);
    assert!(matches!(resend().await, Resent::Mailed));
    assert_eq!(rig.letters().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_is_said_field_by_field_and_no_mail_goes_out() {
    let rig = Rig::new().await;
    rig.registration(Registration::Approval, &["example.com"]);
    let mut applicant = Applicant::from(1);
    for email in [
        "a@evil@corp.com",
        "\"a@corp.com\"@evil.com",
        "a@corp.com,b@evil.com",
        "a@example.com\r\nBcc: eve@example.com",
        "a@example.com.",
        "a@xn--corp-.com",
        "a@[127.0.0.1]",
        "a@example.com evil",
        "a\u{202e}@example.com",
        "\u{430}lice@example.com",
        &format!("{}@example.com", "a".repeat(300)),
        "a@sub.example.com",
        "a@notexample.com",
        "",
    ] {
        let Begun::Wrong(wrong) = rig.register(&mut applicant, email, "").await else {
            panic!("{email:?} was taken")
        };
        assert!(wrong.email.is_some() && wrong.name.is_none() && wrong.password.is_none(), "{email:?}");
        let domain = matches!(wrong.email, Some(WrongAddress::Domain(_)));
        assert_eq!(
            domain,
            email.ends_with("sub.example.com") || email.ends_with("notexample.com"),
            "{email:?}"
        );
    }
    let Begun::Wrong(wrong) = rig.register(&mut applicant, "a@example.com", "Root").await else {
        panic!("a reserved name was taken")
    };
    assert!(wrong.username.is_some());
    assert!(rig.letters().is_empty());
}

#[tokio::test]
async fn sixty_registrations_an_hour_come_from_one_network_and_a_few_mails_go_to_one_address() {
    let rig = Rig::new().await;
    let mut applicant = Applicant::from(1);
    for number in 0..60 {
        let email = format!("person{}@example.com", number % 10);
        assert!(matches!(rig.register(&mut applicant, &email, "").await, Begun::Mailed(_)), "{number}");
    }
    assert!(matches!(rig.register(&mut applicant, "x@example.com", "").await, Begun::Limited(_)));
    assert!(matches!(rig.register(&mut Applicant::from(2), "x@example.com", "").await, Begun::Mailed(_)));
    assert_eq!(rig.subjects("person0@example.com").len(), 4, "and the answers did not tell");
}

#[tokio::test]
async fn where_registration_was_closed_meanwhile_no_account_is_made() {
    let rig = Rig::new().await;
    let mut erin = Applicant::from(1);
    rig.register(&mut erin, "erin@example.com", "").await;
    let code = rig.registration_code();
    rig.registration(Registration::Closed, &[]);
    assert!(matches!(rig.prove(&erin, &code).await, Outcome::Expired));
    rig.registration(Registration::Open, &["corp.example"]);
    assert!(matches!(rig.prove(&erin, &code).await, Outcome::Wrong(_)), "another domain by now");
    assert_eq!(rig.database.count(&Filter::default()).await.unwrap(), 0);
}
