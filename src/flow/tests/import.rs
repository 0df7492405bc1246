//! Accounts made out of a file, all or none.

use super::*;
use crate::account::import::read;
use crate::flow::By;
use crate::flow::import::{self, Outcome as Imported};

impl Rig {
    async fn import(&self, text: &str, apply: bool) -> Imported {
        let file = read(text.as_bytes());
        import::import(&self.app, By::command_line(&self.app), file, apply, |_| {}).await.unwrap()
    }

    async fn count(&self) -> i64 {
        self.database.count(&account::database::Filter::default()).await.unwrap()
    }
}

fn problems(outcome: &Imported) -> Vec<String> {
    outcome.problems.iter().map(ToString::to_string).collect()
}

fn table(rows: &str) -> String {
    format!("username,email,name,groups,password\n{rows}")
}

#[tokio::test]
async fn an_imported_account_signs_in_with_the_password_it_had() {
    let rig = Rig::new().await;
    let hash = account::password::hash(RIGHT, &HASHING).unwrap();
    let text = table(&format!(
        "erin,erin@example.com,Erin,\"ops,staff\",\"argon2{hash}\"\nfrank,f@example.com,,,\n"
    ));
    let dry = rig.import(&text, false).await;
    assert_eq!((problems(&dry), dry.accounts, dry.written), (vec![], 2, false));
    assert_eq!((dry.outdated, dry.without_password), (1, 1));
    assert_eq!(rig.count().await, 0, "a dry run leaves nothing behind");
    assert!(rig.import(&text, true).await.written);
    let visitor = rig.signed_in("erin").await;
    let inside = rig.who(&visitor).await.expect("signed in");
    assert_eq!(inside.subject.groups, ["ops", "staff"]);
    let attempt = rig.password(&mut Visitor::new(), "frank", RIGHT, None).await;
    assert!(matches!(attempt, Outcome::Wrong), "without a password nobody gets in");
}

#[tokio::test]
async fn of_a_file_with_a_mistake_nothing_is_made() {
    let rig = Rig::new().await;
    let text = table("erin,erin@example.com,,,\nfrank,frank,,,\n");
    let outcome = rig.import(&text, true).await;
    assert!(!outcome.written && outcome.problems.len() == 1);
    assert_eq!(rig.count().await, 0);
}

#[tokio::test]
async fn names_and_addresses_of_others_are_told_all_at_once() {
    let rig = Rig::new().await;
    let gone = rig.add("gone", "").await;
    crate::flow::administer::delete(&rig.app, By::command_line(&rig.app), &gone).await.unwrap();
    rig.add("erin", "").await;
    let text = table(
        "alice,a@example.com,,,\nnew,BOB@example.com,,,\nerin,e@example.com,,,\nnewer,erin@example.com,,,\n\
         gone,g@example.com,,,\nwrong,wrong,,,\nfine,fine@example.com,,,\n",
    );
    for apply in [false, true] {
        let outcome = rig.import(&text, apply).await;
        assert_eq!(
            problems(&outcome),
            [
                "2: the username `alice` is somebody's in an account file",
                "3: the address `BOB@example.com` is somebody's in an account file",
                "4: the username `erin` is somebody's already",
                "5: the address of `newer` is somebody's already",
                "6: the username or address of `gone` was a deleted account's, whose history in the apps would pass \
                 to this one",
                "7: `wrong`: an address has an @ in it, as alice@example.com",
            ]
        );
        assert_eq!(outcome.accounts - outcome.refused.len(), 1, "`fine` alone");
        assert_eq!(rig.count().await, 1, "only erin");
    }
}

#[tokio::test]
async fn the_trail_tells_who_imported_and_whom() {
    let rig = Rig::new().await;
    rig.import(&table("erin,erin@example.com,,,\n"), true).await;
    let lines = rig.database.trail(&account::database::Trace::default(), 10).await.unwrap();
    let told = lines.iter().any(|(_, line)| {
        line.event == "account_imported"
            && line.by.as_deref() == Some("command line")
            && line.detail.as_deref() == Some("from line 2")
    });
    assert!(told, "{lines:?}");
}
