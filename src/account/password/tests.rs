//! Hashes that other programs made: Django 5.2, argon2-cffi, bcrypt, passlib, OpenSSL and glibc's crypt.

use super::*;
use crate::secret::Secret;

const PASSWORD: &str = "correct horse battery staple";
const SETTINGS: PasswordSettings = PasswordSettings { memory: 64, iterations: 2, minimum_length: 12 };

const KNOWN: &[(&str, &str)] = &[
    (
        "argon2id",
        "$argon2id$v=19$m=256,t=2,p=1$xeUr8z2OO4lmsd5pkrju1A$dWLGpniaw8wLZZTCl8SiHm4qsQd15ZEe9dt3eQel5pM",
    ),
    (
        "argon2i",
        "$argon2i$v=19$m=256,t=2,p=1$IFTpfdED2mt0N01Eq+u0bw$maPjFLNT0lKvgmtlx2dze/HIspeGjNoKn6OilLZjfiI",
    ),
    (
        "argon2d",
        "$argon2d$v=19$m=256,t=2,p=1$7NcE60qMoh8qPgS4rBwNhg$3Qo5PRXhkuqoJzeQpuLWRwDM44oC+d3L3QE3WdxzDmQ",
    ),
    (
        "argon2 0x10",
        "$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$fdigDfq+C9m+G70BsjrAsfMKgB8bP/Q4hLHE8BprSno",
    ),
    (
        "argon2 without a version",
        "$argon2i$m=256,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$fdigDfq+C9m+G70BsjrAsfMKgB8bP/Q4hLHE8BprSno",
    ),
    ("bcrypt 2b", "$2b$05$CWw/i6VzUbqjEY.Us7bVPu9DOFLGxntGA0/TNKxSwO6.moHUUAPUi"),
    ("bcrypt 2y", "$2y$05$CWw/i6VzUbqjEY.Us7bVPu9DOFLGxntGA0/TNKxSwO6.moHUUAPUi"),
    ("bcrypt 2a", "$2a$05$VDkDQhk1ykbPggzf85fAseh.4OuYrHdOajHtWXAqi7pID7obB0qmC"),
    ("scrypt", "$scrypt$ln=10,r=8,p=1$UKr13lvr3dv7XwsBgPC+Nw$n9myQseyXtO5bESoxhU42XV3x/F5MznM3fkODIK4Jgg"),
    (
        "pbkdf2, passlib",
        "$pbkdf2-sha256$2000$oXQOAQAgpBTifC8FwNhbSw$rUp2os0ixPVQmRr5PctNlNmOoAUv8u55NpldclSK69Q",
    ),
    (
        "pbkdf2 SHA-512",
        "$pbkdf2-sha512$2000$U2oNgRDiHKM0hjDmnNN6zw$XfMsR3hSDJ9rgJ5rxmeyoGEl1eo6Koz4msm7J2/.hIYmc9MTB/bRi/spyevo1mn.abYHX/etL8wGvusoEtFJpQ",
    ),
    (
        "pbkdf2",
        "$pbkdf2-sha256$i=2000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$bucuaFAmxWz1I16djE1K+HlOG9D4XrozBzxwjypiDPw",
    ),
    (
        "Django pbkdf2",
        "pbkdf2_sha256$20000$00eaamvJ3yjicwx4tBrwyP$DE7faFxQL+ubweLXQagNKZJCuh/Yi0wfuMWf3JZaV1A=",
    ),
    (
        "Django argon2",
        "argon2$argon2id$v=19$m=1024,t=2,p=8$bkI1aDhLSEppY3M3bW9VMUE1NFEyTg$BK2ZmiQaCWjp94RkN46Wa1vk02SLnNTpIPV74A9N5eM",
    ),
    ("Django bcrypt", "bcrypt_sha256$$2b$05$UcEDW.pcyIwEQnQu/WvCgejzjuHoYYXV9z7nb/Q3NZ4UOvFb5JLCa"),
    (
        "Django scrypt",
        "scrypt$1024$RBBk4AYqUcdr1t7DHsL2g2$8$5$rRveM6x7S4jDTe0muwTZWzdbkmUSHDdnZ5N3/PQplV6NnaVXEK9sDRbwMBUHkWS5T7jvVJN70Bmn7not5+DAKw==",
    ),
    (
        "crypt",
        "$6$saltstring$qvPJY4PeugKzKQqyIJ0gRdJnpS0uaaiZ.X1SaheFedsK/yZPwlluTLS90fJPM41sD5JxCHKgGr1..qt5HqEY8.",
    ),
    (
        "crypt with rounds",
        "$6$rounds=1400$anotherlongsalts$DY8ofsHFwr6qUPLa1CEoQGwXJoRil1PKmXBbSOenTcLcsBy4jAfIOZdnnEP.DV9c9SkLwknNyyn0xLnV6Ykmu1",
    ),
    (
        "crypt, OpenSSL",
        "$6$abcdefgh$VN7LMkaLOrsMSWYHlf/ovyaWJao3Zm4TBZ4xfZWXb3l5At21Utq1nOJwr6vKh6Wgb2f1irZkd2TDXRV6cwWw51",
    ),
];

fn stored(hash: &str) -> StoredHash {
    StoredHash(Secret::new(hash.to_owned()))
}

#[test]
fn hashes_of_other_programs_fit_their_password_and_no_other() {
    for (name, hash) in KNOWN {
        assert_eq!(check_format(hash), Ok(()), "{name}");
        assert!(verify(PASSWORD, &stored(hash)), "{name}");
        assert!(!verify("correct horse battery staplE", &stored(hash)), "{name}");
    }
}

#[test]
fn every_part_of_a_hash_counts() {
    for (name, hash) in KNOWN {
        let last = hash.trim_end_matches('=').len() - 4;
        let (front, end) = hash.split_at(last);
        let other = if end.starts_with('a') { 'b' } else { 'a' };
        let changed = format!("{front}{other}{}", &end[1..]);
        assert!(!verify(PASSWORD, &stored(&changed)), "{name}");
    }
}

#[test]
fn letters_beyond_ascii_are_utf_8() {
    let hash = "$argon2id$v=19$m=512,t=1,p=4$28sKq1Zs15SLPkkdFWegPw$iVqIAzTH/Pk9z6H+1bVgrw";
    assert!(verify("p\u{e4}ssw\u{f6}rd \u{1f511}", &stored(hash)));
    assert!(
        verify("pa\u{308}sswo\u{308}rd \u{1f511}", &stored(hash)),
        "decomposed, as some keyboards type it"
    );
    assert!(!verify("passw\u{f6}rd \u{1f511}", &stored(hash)));
}

#[test]
fn bcrypt_looks_at_72_bytes() {
    let hash = stored("$2b$05$LGqhXXhMmM5nfn0VdgJbRuAZOKEtpRz0WJt/47BE0emvcUK0x8smu");
    assert!(verify(&"x".repeat(72), &hash));
    assert!(!verify(&"x".repeat(71), &hash));
}

#[test]
fn new_hashes_are_salted_argon2id_with_the_settings() {
    let (one, two) = (hash(PASSWORD, &SETTINGS).expect("hashed"), hash(PASSWORD, &SETTINGS).expect("hashed"));
    assert_ne!(one, two);
    for made in [one, two] {
        assert!(made.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{made}");
        assert_eq!(check_format(&made), Ok(()));
        assert!(verify(PASSWORD, &stored(&made)));
        assert!(!verify("another", &stored(&made)));
    }
}

#[test]
fn no_byte_of_a_password_is_cut_off() {
    for password in [" leading", "trailing ", "with\0nul", &"x".repeat(64), &"x".repeat(1024)] {
        let made = stored(&hash(password, &SETTINGS).expect("hashed"));
        assert!(verify(password, &made), "{password:?}");
        assert!(!verify(password.trim(), &made) || password.trim() == password, "{password:?}");
        let mut longer = password.to_owned();
        longer.pop();
        assert!(!verify(&longer, &made), "{password:?} without its end");
    }
}

#[test]
fn a_password_too_long_is_refused_and_wrong_at_the_same_cost() {
    let long = "x".repeat(1025);
    assert!(matches!(hash(&long, &SETTINGS), Err(PasswordError::TooLong)));
    let format = Format::parse(&hash("", &SETTINGS).expect("hashed")).expect("accepted");
    let mut memory = Memory::default();
    assert_eq!(fits(&long, &format, &mut memory), Ok(false));
    assert!(memory.is_used(), "argon2 was computed");
}

#[test]
fn forms_that_are_not_accepted_are_refused_without_repeating_them() {
    for hash in [
        "",
        "hunter2",
        "$",
        "$$$$",
        "$1$saltsalt$hash",
        "$5$saltsalt$hash",
        "$apr1$saltsalt$hash",
        "{SSHA}c2VjcmV0",
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "pbkdf2_sha1$20000$salt$DE7faFxQL+ubweLXQagNKZJCuh/Yi0wfuMWf3JZaV1A=",
        "$2x$05$CWw/i6VzUbqjEY.Us7bVPu9DOFLGxntGA0/TNKxSwO6.moHUUAPUi",
        "$2b$05$CWw/i6VzUbqjEY.Us7bVPu9DOFLGxntGA0/TNKxSwO6.moHUUAPU\u{e4}",
        "argon2$2b$05$CWw/i6VzUbqjEY.Us7bVPu9DOFLGxntGA0/TNKxSwO6.moHUUAPUi",
        "argon2id$v=19$m=256,t=2,p=1$xeUr8z2OO4lmsd5pkrju1A$dWLGpniaw8wLZZTCl8SiHm4qsQd15ZEe9dt3eQel5pM",
        "$argon2id$v=18$m=256,t=2,p=1$xeUr8z2OO4lmsd5pkrju1A$dWLGpniaw8wLZZTCl8SiHm4qsQd15ZEe9dt3eQel5pM",
        "$argon2id$v=19$m=256,t=2,p=1,data=eA$xeUr8z2OO4lmsd5pkrju1A$dWLGpniaw8wLZZTCl8SiHm4qsQd15ZEe9dt3eQel5pM",
        "$argon2id$v=19$m=256,t=2,p=+1$xeUr8z2OO4lmsd5pkrju1A$dWLGpniaw8wLZZTCl8SiHm4qsQd15ZEe9dt3eQel5pM",
        "$argon2id$v=19$m=256,t=2,p=1$xeUr8z2OO4lmsd5pkrju1A",
        "$argon2id$v=19$m=256,t=2,p=1$xeUr8z2OO4lmsd5pkrju1A$",
        "$argon2id$v=19$m=256,t=0,p=1$xeUr8z2OO4lmsd5pkrju1A$dWLGpniaw8wLZZTCl8SiHm4qsQd15ZEe9dt3eQel5pM",
        "pbkdf2_sha256$0$salt$DE7faFxQL+ubweLXQagNKZJCuh/Yi0wfuMWf3JZaV1A=",
        "pbkdf2_sha256$20000$salt$AAAA",
        "scrypt$1000$salt$8$1$rRveM6x7S4jDTe0muwTZWzdbkmUSHDdnZ5N3/PQplV6NnaVXEK9sDRbwMBUHkWS5T7jvVJN70Bmn7not5+DAKw==",
        "$6$saltstring$short",
        "$6$rounds=1400",
    ] {
        let why = check_format(hash).expect_err(hash);
        assert!(hash.len() < 3 || !why.contains(hash), "{why}");
        assert!(!verify("", &stored(hash)) && !verify(hash, &stored(hash)), "{hash}");
    }
    assert!(check_format("hunter2").expect_err("no hash").contains("vestibule hash-password"));
}

#[test]
fn costs_that_would_stall_everybody_are_refused_with_their_bound() {
    let crypt = "qvPJY4PeugKzKQqyIJ0gRdJnpS0uaaiZ.X1SaheFedsK/yZPwlluTLS90fJPM41sD5JxCHKgGr1..qt5HqEY8.";
    let (salt, hash) = ("xeUr8z2OO4lmsd5pkrju1A", "dWLGpniaw8wLZZTCl8SiHm4qsQd15ZEe9dt3eQel5pM");
    for (absurd, bound) in [
        (format!("$argon2id$v=19$m=262145,t=1,p=1${salt}${hash}"), "262144"),
        (format!("$argon2id$v=19$m=4294967295,t=4294967295,p=1${salt}${hash}"), "262144"),
        (format!("$argon2id$v=19$m=1024,t=2049,p=1${salt}${hash}"), "2097152"),
        ("$2b$16$CWw/i6VzUbqjEY.Us7bVPu9DOFLGxntGA0/TNKxSwO6.moHUUAPUi".to_owned(), "15"),
        (format!("$scrypt$ln=18,r=16,p=1${salt}${hash}"), "268435456"),
        (format!("$scrypt$ln=200,r=8,p=1${salt}${hash}"), "268435456"),
        (format!("$scrypt$ln=10,r=8,p=4294967295${salt}${hash}"), "536870912"),
        (format!("$scrypt$ln=1,r=4294967295,p=4294967295${salt}${hash}"), "268435456"),
        (format!("$pbkdf2-sha256$i=3000001${salt}${hash}"), "3000000"),
        (format!("pbkdf2_sha256$3000001$salt${hash}"), "3000000"),
        (format!("$6$rounds=1000001$salt${crypt}"), "1000000"),
    ] {
        let why = check_format(&absurd).expect_err(&absurd);
        assert!(why.contains(bound), "{absurd}: {why}");
    }
}

#[test]
fn costs_that_others_choose_by_default_are_accepted() {
    let (salt, hash) = ("xeUr8z2OO4lmsd5pkrju1A", "dWLGpniaw8wLZZTCl8SiHm4qsQd15ZEe9dt3eQel5pM");
    for usual in [
        format!("argon2$argon2id$v=19$m=102400,t=2,p=8${salt}${hash}"),
        format!("$argon2id$v=19$m=65536,t=3,p=4${salt}${hash}"),
        format!("$scrypt$ln=17,r=8,p=1${salt}${hash}"),
        format!("scrypt$16384$salt$8$5${hash}"),
        format!("pbkdf2_sha256$1500000$salt${hash}"),
        format!("$pbkdf2-sha512$310000${salt}${hash}"),
        "$2b$14$CWw/i6VzUbqjEY.Us7bVPu9DOFLGxntGA0/TNKxSwO6.moHUUAPUi".to_owned(),
    ] {
        assert_eq!(check_format(&usual), Ok(()), "{usual}");
    }
}
