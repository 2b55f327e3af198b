//! Databases that are made to be read without end, or to be passed over.

use super::header::Header;
use super::*;
use crate::stage::inventory::recorder::Recorder;

const PAGE: usize = 4096;

fn header(name: &str) -> Vec<u8> {
    let values = [(header::NAME, name), (header::VERSION, "1.0"), (header::RELEASE, "1.el9")];
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, value) in values {
        for number in [tag, 6, u32::try_from(store.len()).expect("small"), 1] {
            index.extend_from_slice(&number.to_be_bytes());
        }
        store.extend_from_slice(value.as_bytes());
        store.push(0);
    }
    let size = u32::try_from(store.len()).expect("small");
    [&3u32.to_be_bytes()[..], &size.to_be_bytes(), &index, &store].concat()
}

fn varint(number: usize) -> Vec<u8> {
    let mut bytes = vec![(number & 0x7f) as u8];
    let mut rest = number >> 7;
    while rest > 0 {
        bytes.insert(0, (rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes
}

/// A record: the sizes of its values' header, the types, the values.
fn record(types: &[usize], values: &[u8]) -> Vec<u8> {
    let types: Vec<u8> = types.iter().flat_map(|kind| varint(*kind)).collect();
    [&varint(types.len() + 1)[..], &types, values].concat()
}

/// A leaf page from the byte on where its header is: each cell is there once, and named as often as is said.
fn leaf(page: &mut [u8], from: usize, cells: &[Vec<u8>], times: usize) {
    let (mut at, mut places) = (PAGE, Vec::new());
    for cell in cells {
        at -= cell.len();
        page[at..at + cell.len()].copy_from_slice(cell);
        places.extend(std::iter::repeat_n(at, times));
    }
    page[from] = 13;
    page[from + 3..from + 5].copy_from_slice(&u16::try_from(places.len()).expect("few").to_be_bytes());
    for (cell, place) in places.iter().enumerate() {
        let slot = from + 8 + 2 * cell;
        page[slot..slot + 2].copy_from_slice(&u16::try_from(*place).expect("within the page").to_be_bytes());
    }
}

/// A database of the one table, whose rows are on page 2.
fn sqlite(cells: &[Vec<u8>], times: usize, pages: usize) -> Vec<u8> {
    let mut file = vec![0; pages * PAGE];
    file[..16].copy_from_slice(b"SQLite format 3\0");
    file[16..18].copy_from_slice(&4096u16.to_be_bytes());
    let table = record(&[13 + 10, 13 + 16, 13 + 16, 1, 0], b"tablePackagesPackages\x02");
    let table = [&varint(table.len())[..], &[1], &table].concat();
    leaf(&mut file[..PAGE], 100, &[table], 1);
    leaf(&mut file[PAGE..2 * PAGE], 0, cells, times);
    file
}

/// A row of the key and a value of some type.
fn row(kind: usize, value: &[u8]) -> Vec<u8> {
    let record = record(&[0, kind], value);
    [&varint(record.len())[..], &[1], &record].concat()
}

fn seen(name: &str, content: &[u8]) -> Recorder {
    Recorder::of(&Rpm, &format!("var/lib/rpm/{name}"), content)
}

#[test]
fn a_header_that_is_stored_as_text_is_a_package_all_the_same() {
    let header = header("evil");
    for kind in [12, 13] {
        let read = seen("rpmdb.sqlite", &sqlite(&[row(kind + 2 * header.len(), &header)], 1, 2));
        assert!(read.purls().len() == 1 && read.gaps.is_empty(), "{kind}: {read:?}");
    }
    let number = seen("rpmdb.sqlite", &sqlite(&[row(1, b"x")], 1, 2));
    assert_eq!(number.gaps.len(), 1, "{number:?}");
}

#[test]
fn records_of_sqlite_that_lie_in_each_other_end_with_the_size_of_the_file() {
    const PAGES: usize = 60;
    let size = PAGES * PAGE - 100;
    // The record goes on on the last page, which goes on on itself.
    let (least, most) = ((PAGE - 12) * 32 / 255 - 23, PAGE - 35);
    let surplus = least + (size - least) % (PAGE - 4);
    let local = if surplus <= most { surplus } else { least };
    let mut cell = record(&[0, 12 + 2 * (size - 20)], &[]);
    cell.resize(local, 0);
    let last = u32::try_from(PAGES).expect("few").to_be_bytes();
    let cell = [&varint(size)[..], &[1], &cell, &last].concat();
    let database = |times| {
        let mut file = sqlite(std::slice::from_ref(&cell), times, PAGES);
        file[(PAGES - 1) * PAGE..][..4].copy_from_slice(&last);
        file
    };
    let file = database(1);
    let read = sqlite::blobs(&file);
    assert!(
        !read.troubles.iter().any(|trouble| trouble == blobs::Budget::SPENT),
        "{:?}",
        read.troubles
    );
    let file = database(100);
    let read = sqlite::blobs(&file);
    assert!(
        read.troubles.iter().any(|trouble| trouble == blobs::Budget::SPENT),
        "{:?}",
        read.troubles
    );
    assert!(read.blobs.iter().map(|blob| blob.len()).sum::<usize>() <= file.len());
}

#[test]
fn values_of_berkeley_db_that_lie_in_each_other_end_with_the_size_of_the_file() {
    const PAGES: usize = 20;
    let database = |times: usize| {
        let mut file = vec![0; PAGES * PAGE];
        file[12..16].copy_from_slice(&0x0006_1561u32.to_le_bytes());
        file[20..24].copy_from_slice(&4096u32.to_le_bytes());
        let last = &mut file[(PAGES - 1) * PAGE..];
        last[16..20].copy_from_slice(&19u32.to_le_bytes());
        last[22..24].copy_from_slice(&4000u16.to_le_bytes());
        last[25] = 7;
        let page = &mut file[PAGE..2 * PAGE];
        page[25] = 13;
        page[20..22].copy_from_slice(&u16::try_from(2 * times).expect("few").to_le_bytes());
        let place = [
            &[3, 0, 0, 0][..],
            &19u32.to_le_bytes(),
            &u32::try_from(PAGES * PAGE - 20).expect("small").to_le_bytes(),
        ]
        .concat();
        let (mut at, mut slot) = (PAGE, 26);
        for entry in std::iter::repeat_n([&[1, 1, 0, 0, 1][..], &place], times).flatten() {
            at -= entry.len();
            page[at..at + entry.len()].copy_from_slice(entry);
            page[slot..slot + 2].copy_from_slice(&u16::try_from(at).expect("within the page").to_le_bytes());
            slot += 2;
        }
        file
    };
    assert!(bdb::blobs(&database(1)).troubles.is_empty());
    let file = database(100);
    let read = bdb::blobs(&file);
    assert_eq!((read.blobs.len(), &*read.troubles), (1, &[blobs::Budget::SPENT.to_owned()][..]));
}

#[test]
fn a_blob_of_ndb_that_many_slots_name_is_read_no_more_often_than_the_file_is_large() {
    let database = |slots: usize| {
        let blob = header("evil");
        let number = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
        let mut file = [&b"RpmP"[..], &[0; 8], &number(1)].concat();
        file.resize(32, 0);
        for _ in 0..slots {
            file.extend_from_slice(&[&b"Slot"[..], &number(7), &number(PAGE / 16), &number(1)].concat());
        }
        file.resize(PAGE, 0);
        [&file[..], b"BlbS", &number(7), &[0; 4], &number(blob.len()), &blob].concat()
    };
    let read = seen("Packages.db", &database(1));
    assert!(read.purls().len() == 1 && read.gaps.is_empty(), "{read:?}");
    let read = seen("Packages.db", &database(254));
    assert_eq!(read.gaps.len(), 1, "{read:?}");
}

#[test]
fn a_hot_journal_beside_the_database_is_a_gap() {
    let hot = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7\0\0\0\0";
    assert_eq!(seen("rpmdb.sqlite-journal", hot).gaps.len(), 1);
    assert!(seen("rpmdb.sqlite-journal", &[0; 512]).gaps.is_empty());
}

#[test]
fn a_long_folder_that_many_files_name_is_no_path() {
    let folder = "x".repeat(200_000);
    let zeros = vec![0; 240_000];
    let store = [folder.as_bytes(), &zeros].concat();
    let names = u32::try_from(folder.len()).expect("small") + 1;
    let mut index = Vec::new();
    for (tag, kind, offset, count) in [(1117, 8, names, 50_000), (1118, 8, 0, 1), (1116, 4, names, 50_000u32)] {
        for number in [tag, kind, offset, count] {
            index.extend_from_slice(&u32::to_be_bytes(number));
        }
    }
    let size = u32::try_from(store.len()).expect("small");
    let blob = [&3u32.to_be_bytes()[..], &size.to_be_bytes(), &index, &store].concat();
    assert_eq!(Header::new(&blob).expect("whole").files().count(), 0);
}
