use super::*;

const HASH: &str = "pbkdf2_sha256$20000$00eaamvJ3yjicwx4tBrwyP$DE7faFxQL+ubweLXQagNKZJCuh/Yi0wfuMWf3JZaV1A=";

/// What would be made, a line each.
fn made(import: &Import) -> Vec<String> {
    let shown = |row: &Row| {
        format!(
            "{}: {} <{}> {:?} {}{}{}",
            row.line,
            row.username,
            row.email.as_str(),
            row.name.as_str(),
            row.groups.as_slice().join(","),
            if row.disabled { " disabled" } else { "" },
            if row.password.is_some() { " password" } else { "" },
        )
    };
    import.rows.iter().map(shown).collect()
}

/// Reads what has no mistake in it.
fn right(text: &str, format: Format) -> Vec<String> {
    let import = read(text.as_bytes());
    assert_eq!(import.problems, [], "{text}");
    assert_eq!(import.format, format);
    made(&import)
}

/// The problems, as they are shown.
fn wrong(bytes: impl AsRef<[u8]>) -> Vec<String> {
    read(bytes.as_ref()).problems.iter().map(ToString::to_string).collect()
}

fn notes(text: &str) -> Vec<String> {
    read(text.as_bytes()).notes.iter().map(ToString::to_string).collect()
}

#[test]
fn a_table_is_read() {
    let text = format!(
        "username,email,name,groups,password\n\
         alice,alice@example.com,Alice Example,\"ops,staff\",{HASH}\n\
         bob,bob@example.com,,,\n"
    );
    let rows = [
        "2: alice <alice@example.com> \"Alice Example\" ops,staff password",
        "3: bob <bob@example.com> \"bob\" ",
    ];
    assert_eq!(right(&text, Format::Csv), rows);
    assert_eq!(right(&text.replace('\n', "\r\n"), Format::Csv), rows, "line ends of Windows");
    assert_eq!(right(&format!("\u{feff}{text}"), Format::Csv), rows, "a byte order mark");
    assert_eq!(right(text.trim_end(), Format::Csv), rows, "no line end at the end");
}

#[test]
fn the_columns_of_a_table_may_come_in_any_order_and_from_a_spreadsheet() {
    for text in [
        "Email;Username;Disabled;Attributes.phone;Groups\nalice@example.com;alice;yes;+1 555;ops, staff\n",
        "Email\tUsername\tDisabled\tAttributes.phone\tGroups\nalice@example.com\talice\tyes\t+1 555\tops, staff\n",
        "Email,Username,Disabled,Attributes.phone,Groups\n\nalice@example.com,alice,yes,+1 555,\"ops, staff\"\n",
    ] {
        let import = read(text.as_bytes());
        assert_eq!(import.problems, [], "{text}");
        let row = import.rows.first().expect("a row");
        assert_eq!(row.attributes.as_map().get("phone").map(String::as_str), Some("+1 555"));
        assert_eq!(row.groups.as_slice(), ["ops", "staff"]);
        assert!(row.disabled);
    }
}

#[test]
fn lines_of_json_are_read() {
    let text = format!(
        "{{\"username\": \"alice\", \"email\": \"alice@example.com\", \"name\": \"Alice\", \"groups\": [\"ops\"], \
         \"password\": \"{HASH}\", \"attributes\": {{\"phone\": \"1\"}}}}\n\n\
         {{\"username\": \"bob\", \"email\": \"bob@example.com\", \"groups\": \"a,b\", \"name\": null, \"disabled\": true}}\n"
    );
    let rows = [
        "1: alice <alice@example.com> \"Alice\" ops password",
        "3: bob <bob@example.com> \"bob\" a,b disabled",
    ];
    assert_eq!(right(&text, Format::JsonLines), rows);
    assert_eq!(right(&text.replace('\n', "\r\n"), Format::JsonLines), rows);
    let array = format!("[{}]", text.trim().replace("\n\n", ",\n\n"));
    assert_eq!(right(&array, Format::JsonArray), rows);
}

#[test]
fn a_dump_of_django_is_read_with_its_groups() {
    let user = |pk: u32, rest: &str| {
        format!("{{\"model\": \"auth.user\", \"pk\": {pk}, \"fields\": {{\"is_active\": true, {rest}}}}}")
    };
    let objects = [
        "{\"model\": \"auth.group\", \"pk\": 3, \"fields\": {\"name\": \"ops\", \"permissions\": []}}"
            .to_owned(),
        user(
            1,
            &format!(
                "\"username\": \"alice\", \"email\": \"alice@example.com\", \"first_name\": \"Alice\", \
                 \"last_name\": \"Example\", \"password\": \"{HASH}\", \"groups\": [3, [\"staff\"]], \
                 \"user_permissions\": [], \"last_login\": null, \"is_superuser\": true"
            ),
        ),
        user(2, "\"username\": \"bob@example.com\", \"email\": \"bob@example.com\", \"password\": \"!x\""),
        user(3, "\"username\": \"carol\", \"email\": \"c@example.com\"").replace("true", "false"),
    ];
    let rows = [
        "alice <alice@example.com> \"Alice Example\" ops,staff password",
        "bob <bob@example.com> \"bob\" ",
        "carol <c@example.com> \"carol\"  disabled",
    ];
    let after_line = |rows: Vec<String>| -> Vec<String> {
        rows.into_iter().filter_map(|row| Some(row.split_once(": ")?.1.to_owned())).collect()
    };
    for text in
        [format!("[{}]", objects.join(", ")), format!("[\n{}\n]\n", objects.join(",\n")), objects.join("\n")]
    {
        assert_eq!(after_line(right(&text, Format::Django)), rows, "{text}");
    }
    let text = format!("[\n{}\n]\n", objects.join(",\n"));
    let import = read(text.as_bytes());
    assert_eq!(import.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(
        notes(&text),
        [
            "3: `alice`: is a superuser in Django, and no administrator here unless a group says so",
            "4: `bob@example.com`: has no usable password, and chooses one by \"forgotten password\"",
            "4: `bob@example.com`: gets the username `bob`, made of the address bob@example.com",
        ]
    );
}

#[test]
fn what_is_no_person_in_a_dump_is_left_out_and_told() {
    let user = "{\"model\": \"people.member\", \"pk\": 1, \"fields\": {\"email\": \"a@example.com\", \"password\": \"\"}}";
    let other = "{\"model\": \"auth.permission\", \"pk\": 1, \"fields\": {\"name\": \"Can add\"}}";
    let text = format!("[{user},\n{other},\n{other}]");
    assert_eq!(right(&text, Format::Django), ["1: a <a@example.com> \"a\" "]);
    assert!(notes(&text).contains(&"2: 2 objects of `auth.permission` left out: not people".to_owned()));
}

#[test]
fn groups_without_a_name_are_a_problem() {
    let text = "[{\"model\": \"auth.user\", \"pk\": 1, \"fields\": \
        {\"username\": \"a\", \"email\": \"a@example.com\", \"groups\": [3, 7]}}]";
    let [problem] = wrong(text).try_into().expect("one problem");
    assert!(
        problem.starts_with("1: `a`: the groups 3, 7 are numbers") && problem.contains("--natural-foreign"),
        "{problem}"
    );
}

#[test]
fn every_problem_of_a_table_is_told_with_its_line() {
    let text = format!(
        "username,email,name,groups,password\n\
         alice,alice@example.com,,,hunter2\n\
         Bob,bob@example.com,,,\n\
         bob,BOB@example.com,,,\n\
         c d,,,,\n\
         dora,dora@example.com,<b>,\"a,,b\",\n\
         root,r@example.com,,,\n\
         eve,eve@@example.com,,,{}\n\
         frank,frank@example.com\n",
        HASH.replace("$20000$", "$30000000$"),
    );
    let problems = wrong(&text);
    let expected = [
        "2: the password: this is no password hash of an accepted form",
        "4: the username `bob` stands on line 3 already",
        "4: the address `bob@example.com` stands on line 3 already",
        "5: there is no e-mail address",
        "5: `c d`: a username has letters from a to z",
        "6: the name of a group is empty",
        "7: `root`: the username `root` is reserved",
        "8: `eve@@example.com`: an address has one @ only",
        "8: the password: pbkdf2: rounds is at most 3000000",
        "9: the line has 2 columns, and the header 5",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem} is not {expected}");
    }
    assert!(!problems.concat().contains("hunter2"), "a password is not repeated");
    assert_eq!(read(text.as_bytes()).rows.len(), 1, "what stands there already is not made twice");
    assert_eq!(notes(&text), ["3: `Bob` becomes `bob`, which apps see"]);
}

#[test]
fn a_header_that_is_none_is_told_once() {
    for (text, expected) in [
        ("alice,alice@example.com\nbob,bob@example.com\n", "1: `alice` is no column"),
        ("username,mail\na,a@example.com\n", "1: `mail` is no column"),
        ("username,E-Mail\na,a@example.com\n", "1: `e-mail` is no column"),
        ("username,name\na,A\n", "1: there is no column `email`"),
        ("username,email,email\n", "1: the column `email` is there twice"),
        ("username,email\n", "1: there is no account in the file"),
        ("", "1: the file is empty"),
        ("\u{feff}\r\n", "1: the file is empty"),
        ("[]", "1: there is no account in the file"),
    ] {
        let problems = wrong(text);
        assert!(problems.len() == 1 && problems[0].starts_with(expected), "{text:?}: {problems:?}");
    }
}

#[test]
fn what_a_column_was_meant_to_be_is_told() {
    for (header, meant) in [
        ("user,email", "username"),
        ("username,E-Mail", "email"),
        ("username,email,Full Name", "name"),
        ("username,email,pasword", "password"),
        ("username,email,roles", "groups"),
    ] {
        let problems = wrong(format!("{header}\na,b,c\n"));
        assert!(problems[0].ends_with(&format!("; did you mean `{meant}`?")), "{problems:?}");
    }
    assert!(!wrong("username,email,shoe size\n")[0].contains("did you mean"));
}

#[test]
fn a_quotation_mark_that_is_missing_does_not_swallow_the_rest_in_silence() {
    let problems = wrong("username,email,name\na,a@example.com,\"Al\nb,b@example.com,B\nc,c@example.com,C\n");
    assert!(
        problems.len() == 1 && problems[0].starts_with("2: a value goes on over the end"),
        "{problems:?}"
    );
}

#[test]
fn text_in_another_encoding_is_told_by_its_place() {
    assert_eq!(
        wrong(b"username,email,name\na,a@example.com,\xc3\x84 J\xf6rg\n"),
        ["2:20: here begins something that is no UTF-8: save the file as UTF-8"]
    );
    assert_eq!(wrong(b"\xff\xfeu\0s\0"), ["1: the file is in UTF-16: save it as UTF-8"]);
}

#[test]
fn broken_json_is_told_by_its_place() {
    for (text, expected) in [
        (
            "{\"username\": \"a\", \"email\": \"a@example.com\"}\n{\"username\": \n",
            "2:13: this is no JSON: EOF while parsing a value: an object stands on one line, or all of them in an array",
        ),
        (
            "{\"username\": \"a\", \"email\": \"a@example.com\", \"mail\": 1}",
            "1: unknown field `mail`, expected one of",
        ),
        ("{\"username\": \"a\"}", "1: missing field `email`"),
        ("{\"username\": \"a\", \"email\": \"a@example.com\", \"groups\": 7}", "1: `groups` is a list"),
        ("[\n\n{\"model\": \"auth.user\" \"pk\": 1}]", "3:23: this is no JSON: expected `,` or `}`"),
        ("[\n{\"model\": \"auth.permission\"},\n", "3: the file ends within the array"),
        ("[1]", "1: invalid type: integer `1`"),
        (
            "[{\"model\": \"auth.group\", \"pk\": 1}, {\"username\": \"a\"}]",
            "1: this is no object of Django's: missing field `model`",
        ),
        ("[{\"username\": \"a\"}]", "1: missing field `email`"),
    ] {
        let problems = wrong(text);
        assert!(problems.len() == 1 && problems[0].starts_with(expected), "{text:?}: {problems:?}");
    }
}

#[test]
fn three_bad_lines_of_ten_thousand_are_the_three_that_are_told() {
    let line = |number: u32| {
        let host = if number.is_multiple_of(3333) { "" } else { "@example.com" };
        format!("person{number},person{number}{host},Person {number},staff,{HASH}\n")
    };
    let text =
        "username,email,name,groups,password\n".to_owned() + &(1..=10_000).map(line).collect::<String>();
    let import = read(text.as_bytes());
    let lines: Vec<_> = import.problems.iter().map(|problem| problem.line).collect();
    assert_eq!((lines, import.rows.len()), (vec![3334, 6667, 10_000], 9_997));
}
