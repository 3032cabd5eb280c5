//! More than a hundred ways in which a file can be damaged, and whether what was put there is still there.

use std::fs;
use std::path::{Path, PathBuf};

/// More than any file of settings may hold, bytes.
pub const HUGE: usize = 3 * 1024 * 1024;

/// A damaged file, or something in its place.
pub enum Damaged {
    Bytes(Vec<u8>),
    Folder,
    LinkToItself,
}

/// More than a hundred of them, each with a name.
pub fn variants(whole: &str) -> Vec<(String, Damaged)> {
    let bytes = whole.as_bytes();
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: String, content: Vec<u8>| all.push((name, content));
    for part in 0..25 {
        add(format!("cut after {part}/25"), bytes[..bytes.len() * part / 25].to_vec());
        add(format!("without the first {part}/25"), bytes[bytes.len() * (part + 1) / 25..].to_vec());
    }
    // The same numbers every time.
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).expect("64 bits")
    };
    for number in 0..25 {
        let mut content = bytes.to_vec();
        for _ in 0..=number / 3 {
            let at = random() % content.len();
            content[at] = u8::try_from(random() % 256).expect("a byte");
        }
        add(format!("bytes changed {number}"), content);
    }
    for size in [1, 7, 64, 1000, 50_000] {
        add(format!("{size} random bytes"), (0..size).map(|_| u8::try_from(random() % 256).expect("a byte")).collect());
        add(format!("{size} zeros"), vec![0; size]);
    }
    for (name, content) in [
        ("nothing", ""),
        ("blanks", "  \n\t\n "),
        ("null", "null"),
        ("a number", "42"),
        ("a text", "\"hunter2\""),
        ("a list", "[\"hunter2\"]"),
        ("a list of lists", "[[[\"hunter2\"]]]"),
        ("another object", "{\"hunter2\": {\"hunter2\": [\"hunter2\"]}}"),
        (
            "wrong types",
            "{\"tenants\": {\"id\": \"hunter2\"}, \"api_token\": 7, \"user_email\": [], \"server\": 5, \"services\": \"hunter2\"}",
        ),
        (
            "other wrong types",
            "{\"tenants\": [{\"id\": 5, \"type\": \"local\", \"name\": \"hunter2\"}], \"api_token\": {\"a\": \"hunter2\"}, \"server\": [\"hunter2\"], \"services\": [1], \"ai\": \"hunter2\"}",
        ),
        ("a conflict of git", "<<<<<<< HEAD\n{\"a\": \"hunter2\"}\n=======\n{\"a\": \"b\"}\n>>>>>>> other\n"),
        ("a page", "<!DOCTYPE html><html><body>hunter2</body></html>"),
        ("a key twice", "{\"a\": \"hunter2\", \"a\": \"hunter2\"}"),
        ("two documents", "--- hunter2\n--- hunter2\n"),
        ("tabs", "a:\n\tb: hunter2\n"),
        ("an alias of nothing", "a: *hunter2\n"),
        ("a tag", "a: !!python/object:hunter2 {}\n"),
        ("escapes", "\u{1b}]0;hunter2\u{7}\u{1b}[2J: [\u{202e}"),
    ] {
        add(name.to_owned(), content.as_bytes().to_vec());
    }
    let utf16 = |big: bool| -> Vec<u8> {
        whole.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let latin: Vec<u8> = whole.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    for (name, content) in [
        ("UTF-16, little end first", utf16(false)),
        ("UTF-16, big end first", utf16(true)),
        ("UTF-16 with its mark", [&[0xff, 0xfe][..], &utf16(false)].concat()),
        ("UTF-16 with the other mark", [&[0xfe, 0xff][..], &utf16(true)].concat()),
        ("UTF-32", whole.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()),
        ("Latin-1", latin),
        ("UTF-8 with its mark", [&[0xef, 0xbb, 0xbf][..], bytes].concat()),
        ("half a character at the end", [bytes, &[0xe2, 0x82]].concat()),
        ("twice", [bytes, bytes].concat()),
        ("zeros behind it", [bytes, &[0; 512]].concat()),
        ("huge blanks behind it", [bytes, vec![b' '; HUGE].as_slice()].concat()),
        ("huge", vec![b'a'; HUGE]),
        ("deep lists", vec![b'['; 200_000]),
        ("deep objects", "{\"a\":".repeat(100_000).into_bytes()),
        ("compressed", [&[0x1f, 0x8b, 8][..], bytes].concat()),
        ("a program", [b"\x7fELF\x02\x01\x01\0", bytes].concat()),
    ] {
        add(name.to_owned(), content);
    }
    let bombs = (1..10).fold("a0: &a0 [hunter2]\n".to_owned(), |all, level| {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("{all}a{level}: &a{level} [{aliases}]\n")
    });
    add("a bomb".to_owned(), bombs.into_bytes());
    let mut all: Vec<(String, Damaged)> =
        all.into_iter().map(|(name, content)| (name, Damaged::Bytes(content))).collect();
    all.push(("a folder".to_owned(), Damaged::Folder));
    all.push(("a link to itself".to_owned(), Damaged::LinkToItself));
    assert!(all.len() > 100, "{}", all.len());
    all
}

pub fn put(path: &Path, damaged: &Damaged) {
    if path.is_dir() {
        fs::remove_dir_all(path).expect("removed");
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(path).expect("removed");
    }
    match damaged {
        Damaged::Bytes(bytes) => fs::write(path, bytes).expect("written"),
        Damaged::Folder => fs::create_dir(path).expect("made"),
        Damaged::LinkToItself => std::os::unix::fs::symlink(path, path).expect("linked"),
    }
}

/// True where what was put there is still there, or beside it as `.bak`.
pub fn is_kept(path: &Path, damaged: &Damaged) -> bool {
    let aside = PathBuf::from(format!("{}.bak", path.display()));
    [path, &aside].into_iter().any(|path| match damaged {
        Damaged::Bytes(bytes) => fs::read(path).is_ok_and(|read| read == *bytes),
        Damaged::Folder => path.is_dir(),
        Damaged::LinkToItself => path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()),
    })
}
