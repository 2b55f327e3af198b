//! Archives that readers could read differently, and those that everybody writes.

use std::io::Write as _;

use zip::write::SimpleFileOptions;

use super::directory::{Directory, Refused};
use super::unpacker::{Unpacker, identity};

fn packed(records: &[(&str, &str)], options: SimpleFileOptions) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in records {
        zip.start_file(*name, options).expect("started");
        zip.write_all(text.as_bytes()).expect("written");
    }
    zip.finish().expect("finished").into_inner()
}

/// Keys and contents; what is wrong where something is.
fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    let directory = Directory::read(file, bytes.len() as u64, 1000).map_err(|refused| match refused {
        Refused::Damaged(problem) => problem,
        Refused::TooMany => "too many".to_owned(),
    })?;
    let (mut buffer, mut text, mut unpacker) = (Vec::new(), Vec::new(), Unpacker::new());
    let mut one = |entry| {
        let stored = directory.stored(entry, 1 << 20, &mut buffer)?;
        unpacker.unpack(entry, stored, 1 << 20, &mut text)?;
        Ok((directory.key(entry).to_owned(), String::from_utf8_lossy(&text).into_owned()))
    };
    directory.entries.iter().map(&mut one).collect()
}

fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default()
}

#[test]
fn entries_come_in_the_order_of_their_keys_however_they_are_stored() {
    let records = [("b.json", "2"), ("a:1.json", "1"), ("read.me", "x"), ("a.json", "")];
    let stored = deflated().compression_method(zip::CompressionMethod::Stored);
    for options in [deflated(), stored, deflated().large_file(true)] {
        let found = read(&packed(&records, options)).expect("readable");
        let expected = [("a", ""), ("a%3A1", "1"), ("b", "2")].map(|(key, text)| (key.to_owned(), text.to_owned()));
        assert_eq!(found, expected);
    }
    assert_eq!(read(&packed(&[], deflated())), Ok(Vec::new()));
}

#[test]
fn every_cut_and_every_flipped_byte_that_counts_is_noticed() {
    let sound = packed(&[("a.json", &"one and two ".repeat(20)), ("b.json", "two")], deflated());
    let expected = read(&sound).expect("the control");
    for length in 0..sound.len() {
        assert!(read(&sound[..length]).is_err(), "cut to {length}");
    }
    for at in 0..sound.len() {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x41;
        if let Ok(found) = read(&damaged) {
            // Times, versions and attributes say nothing of a record.
            assert_eq!(found, expected, "byte {at}");
        }
    }
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let archive = packed(&[("a.json", "one")], deflated());
    let problem = |bytes: &[u8]| read(bytes).expect_err("refused");
    // Something in front, something between, something behind.
    let front = [b"junk", archive.as_slice()].concat();
    assert!(problem(&front).contains("does not end"), "{}", problem(&front));
    let behind = [archive.as_slice(), b"junk"].concat();
    assert!(problem(&behind).contains("no end"), "{}", problem(&behind));
    // A comment that is an end of its own.
    let mut two = archive.clone();
    let end = archive[archive.len() - 22..].to_vec();
    let at = two.len() - 2;
    two[at] = 22;
    two.extend_from_slice(&end);
    assert!(problem(&two).contains("two ends"), "{}", problem(&two));
    // Another name before the bytes than in the directory.
    let mut other = archive.clone();
    other[30] = b'b';
    assert!(problem(&other).contains("another entry"), "{}", problem(&other));
    // The same record twice, by name and by key.
    let twice = packed(&[("a.json", "1"), ("b.json", "2")], deflated());
    let mut one_name = twice.clone();
    for at in memchr::memmem::find_iter(&twice, b"b.json") {
        one_name[at] = b'a';
    }
    assert!(problem(&one_name).contains("one name"), "{}", problem(&one_name));
    let by_key = packed(&[("a%3A.json", "1"), ("a:.json", "2")], deflated());
    assert!(read(&by_key).is_ok(), "the key of the first is a%253A");
    let mut encrypted = archive.clone();
    let central = memchr::memmem::find(&archive, b"PK\x01\x02").expect("a directory");
    encrypted[central + 8] |= 1;
    assert!(problem(&encrypted).contains("encrypted"), "{}", problem(&encrypted));
}

#[test]
fn another_content_is_another_identity_whatever_its_size_and_check() {
    let one = packed(&[("a.json", "one")], deflated());
    let other = packed(&[("a.json", "two")], deflated());
    let of = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        let Ok(directory) = Directory::read(file, bytes.len() as u64, 10) else {
            panic!("an archive")
        };
        let mut buffer = Vec::new();
        let entry = &directory.entries[0];
        identity(entry, directory.stored(entry, 100, &mut buffer).expect("stored"))
    };
    assert_eq!(of(&one), of(&packed(&[("a.json", "one"), ("b.json", "x")], deflated())));
    assert_ne!(of(&one), of(&other));
}
