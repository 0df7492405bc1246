//! Values that are none of ours, under names of ours: each is as if nothing stood there.

use super::*;

#[tokio::test]
async fn what_cannot_be_read_is_deleted_and_shuts_nobody_out() {
    let server = Server::start(&[]).await;
    let store = open(&server.settings()).await;
    let values: [&[&str]; 3] = [&["SET", "junk"], &["RPUSH", "a list"], &["SET", "12345678not a number----"]];
    for [command, value] in values.map(|value| [value[0], value[1]]) {
        let ends = Clock::System.now().plus(MINUTE);
        let (session, sign_on) = (key(Space::Session, 1), key(Space::SignOn, 1));
        let (counter, index) = (key(Space::Counter, 1), key(Space::Index, 1));
        store.put(sign_on, b"value", ends).await.expect("written");
        store.bump(counter, 1, MINUTE).await.expect("counted");
        store.index_add(index, b"one", ends).await.expect("added");
        let names: Vec<String> = server.ask(&["KEYS", "*"]).await.expect("keys");
        let spoil = async || {
            for name in &names {
                server.ask::<i64>(&["DEL", name]).await.expect("deleted");
                server.ask::<redis::Value>(&[command, name, value]).await.expect("spoiled");
            }
        };

        spoil().await;
        assert_eq!(store.get_pair([session, sign_on]).await.expect("read"), [None, None], "{value}");
        assert_eq!(store.bump(counter, 0, MINUTE).await.expect("read").value, 0, "{value}");
        assert!(store.index_members(index).await.expect("read").is_empty(), "{value}");
        let left: Vec<String> = server.ask(&["KEYS", "*"]).await.expect("keys");
        // `MGET` says of what is no string that it is not there.
        let unseen = usize::from(command == "RPUSH");
        assert_eq!(left.len(), unseen, "{value}: {left:?}");

        spoil().await;
        assert_eq!(store.get(sign_on).await.expect("read"), None, "{value}");
        spoil().await;
        assert_eq!(store.take(sign_on).await.expect("taken"), None, "{value}");
        assert!(store.scan(Space::SignOn, None).await.expect("read").records.is_empty(), "{value}");
        store.index_remove(index, b"one").await.expect("removed");

        spoil().await;
        assert!(store.swap(sign_on, None, b"new", ends).await.expect("swapped"), "{value}");
        assert_eq!(store.bump(counter, 2, MINUTE).await.expect("counted").value, 2, "{value}");
        store.index_add(index, b"two", ends).await.expect("added");
        assert_eq!(store.index_members(index).await.expect("read"), [b"two"], "{value}");
        for name in &names {
            server.ask::<i64>(&["DEL", name]).await.expect("deleted");
        }
    }
}
