//! Images that somebody made to harm or to mislead whoever looks at them: each ends undecidable (exit 2), with the file and the place in it,
//! in bounded memory; or it is read as an engine would unpack it.

use std::fs;
use std::io::Write as _;

use portcullis::io::hash::sha256;
use portcullis::model::image::media_type;
use serde_json::json;

use crate::support::hostile::{Place, scanned};
use crate::support::layer::{Tar, checksum, gzip, zstd};

const OS: &str = "ID=debian\nVERSION_ID=\"12\"\n";
const STATUS: &str = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2\n\n";

fn base() -> Tar {
    Tar::new().file("etc/os-release", OS).file("var/lib/dpkg/status", STATUS)
}

/// The digest as the layer's error names it.
fn named(blob: &[u8]) -> String {
    format!("layer {}", sha256(blob))
}

#[test]
fn a_sound_image_is_cleared_here() {
    scanned(&base().finish()).with(0, &["cleared"]);
}

#[test]
fn decompression_bombs_end_undecidable_in_bounded_memory() {
    // 400 MB of zeros behind the header of one file.
    let head = Tar::new().header("zeros", b'0', 0o644, 400 << 20, "").unfinished();
    let zeros = vec![0; 1 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut zstd = zstd::Encoder::new(Vec::new(), 3).unwrap();
    for encoder in [&mut gzip as &mut dyn std::io::Write, &mut zstd] {
        encoder.write_all(&head).unwrap();
        (0..400).for_each(|_| encoder.write_all(&zeros).unwrap());
    }
    for (media, blob) in [
        (media_type::OCI_LAYER_GZIP, gzip.finish().unwrap()),
        (media_type::OCI_LAYER_ZSTD, zstd.finish().unwrap()),
    ] {
        let place = Place::new();
        place.image(&blob, media, &json!(sha256(b"never reached")));
        place
            .scan()
            .undecidable(&[&named(&blob), "a decompression bomb", "(byte "])
            .within(100);
    }
}

#[test]
fn an_archive_in_an_archive_in_an_archive_is_a_gap_where_it_unpacks_to_too_much() {
    let jar = |name: &str, content: &[u8]| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap().into_inner()
    };
    let bomb = jar("in.jar", &jar("in.jar", &vec![0; 64 << 20]));
    scanned(&base().file("srv/app.jar", &bomb).finish())
        .undecidable(&["limit-reached", "/srv/app.jar", "in.jar"])
        .within(150);
    let mut nest = jar("x.txt", b"x");
    for _ in 0..40 {
        nest = jar("in.jar", &nest);
    }
    scanned(&base().file("srv/app.jar", &nest).finish()).undecidable(&["limit-reached", "nested more than"]);
}

#[test]
fn a_truncated_layer_names_its_digest_and_where_it_ends() {
    let tar = base().file("big", vec![7; 300_000]).finish();
    for (media, blob) in [
        (media_type::OCI_LAYER, tar.clone()),
        (media_type::OCI_LAYER_GZIP, gzip(&tar)),
        (media_type::OCI_LAYER_ZSTD, zstd(&tar)),
    ] {
        // Cut off before its digest was taken.
        let cut = &blob[..blob.len() / 2];
        let place = Place::new();
        place.image(cut, media, &json!(sha256(&tar)));
        place.scan().undecidable(&[&named(cut), "(byte "]);
        // Cut off after.
        let place = Place::new();
        let layout = place.image(&blob, media, &json!(sha256(&tar)));
        fs::write(layout.blob_path(&sha256(&blob)), cut).unwrap();
        place.scan().undecidable(&[&sha256(&blob).hex()]);
    }
}

#[test]
fn content_that_is_not_what_its_digest_says_is_undecidable() {
    let tar = base().finish();
    let place = Place::new();
    let layout = place.image(&tar, media_type::OCI_LAYER, &json!(sha256(&tar)));
    let other = Tar::new()
        .file("etc/os-release", OS)
        .file("var/lib/dpkg/status", STATUS.replace("bash", "dash"))
        .finish();
    assert_eq!(other.len(), tar.len(), "the size alone must not tell");
    fs::write(layout.blob_path(&sha256(&tar)), &other).unwrap();
    place.scan().undecidable(&[&named(&tar), &sha256(&other).to_string()]);
    let place = Place::new();
    place.image(&gzip(&tar), media_type::OCI_LAYER_GZIP, &json!(sha256(b"another")));
    place
        .scan()
        .undecidable(&["its unpacked content has the digest", &sha256(b"another").to_string()]);
}

#[test]
fn paths_that_lead_out_of_the_image_are_refused_and_absolute_ones_stay_inside() {
    scanned(&base().file("../../etc/passwd", "x").finish()).undecidable(&["`../../etc/passwd` leads out of the root", "(byte "]);
    scanned(&base().hard_link("x", "/../../etc/shadow").finish()).undecidable(&["leads out of the root"]);
    let absolute = Tar::new()
        .file("/etc/os-release", OS)
        .file("/var/lib/dpkg/status", STATUS)
        .symlink("x", "../../../etc/passwd");
    scanned(&absolute.finish()).with(0, &["cleared"]);
}

#[test]
fn names_with_control_characters_are_refused_and_never_reach_the_terminal() {
    for name in ["a\nb", "\u{1b}]0;owned\u{7}", "x\u{7f}", "\r\u{1b}[2K"] {
        scanned(&base().file(name, "").finish()).undecidable(&["has control characters", "(byte "]);
    }
}

#[test]
fn names_past_every_bound_are_refused() {
    let long = "a".repeat(5000);
    scanned(&base().pax(&[("path", &long)]).file("x", "").finish()).undecidable(&["the length of a path is past the limit of 4096"]);
    scanned(&base().gnu_name(&long).file("x", "").finish()).undecidable(&["the length of a path is past the limit of 4096"]);
    let deep = "a/".repeat(400) + "x";
    scanned(&base().pax(&[("path", &deep)]).file("x", "").finish()).undecidable(&["the depth of a path is past the limit of 256"]);
}

#[test]
fn names_that_are_not_utf8_are_read_and_reported() {
    let elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0";
    let mut odd = Tar::new().file("usr/bin/?dd", elf).unfinished();
    odd[8] = 0xff;
    checksum((&mut odd[..512]).try_into().unwrap());
    scanned(&base().raw(&odd).finish()).with(0, &["unowned-executable", "/usr/bin/\u{fffd}dd"]);
}

#[test]
fn links_in_a_circle_end() {
    let circle = Tar::new()
        .file("etc/os-release", OS)
        .symlink("var/lib/dpkg", "dpkg2")
        .symlink("var/lib/dpkg2", "dpkg");
    scanned(&circle.finish()).undecidable(&["the symbolic links on the way to /var/lib/dpkg", "lead in a circle"]);
    let elsewhere = base().symlink("a", "b").symlink("b", "a").symlink("c", "c/c/c").symlink("d", ".");
    scanned(&elsewhere.finish()).with(0, &["cleared"]);
    let hard = Tar::new()
        .file("etc/os-release", OS)
        .hard_link("var/lib/dpkg/status", "x")
        .hard_link("x", "y")
        .hard_link("y", "x");
    scanned(&hard.finish()).undecidable(&["empty-inventory"]);
}

#[test]
fn extremes_of_sparse_files_and_pax_headers_are_refused_without_the_memory_they_ask_for() {
    let sparse = |size| {
        base()
            .pax(&[("GNU.sparse.size", size), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "0,1")])
            .file("var/lib/dpkg/status", "a")
            .finish()
    };
    scanned(&sparse("9223372036854775807"))
        .undecidable(&["limit-reached", "/var/lib/dpkg/status"])
        .within(100);
    // Beyond what Go's reader takes for a number.
    scanned(&sparse("18446744073709551615"))
        .undecidable(&["ambiguous-layer", "`var/lib/dpkg/status`"])
        .within(100);
    let executable = base()
        .pax(&[
            ("GNU.sparse.size", "500000000"),
            ("GNU.sparse.numblocks", "1"),
            ("GNU.sparse.map", "0,4"),
        ])
        .file("usr/bin/x", "\x7fELF");
    scanned(&executable.finish())
        .undecidable(&["limit-reached", "/usr/bin/x"])
        .within(100);
    let stores_more = base()
        .pax(&[("GNU.sparse.size", "1"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "0,1")])
        .file("etc/os-release", vec![0; 4 << 20]);
    scanned(&stores_more.finish()).undecidable(&["a sparse map is broken", "(byte "]);
    let extension = base().header("x", b'x', 0o644, 1 << 32, "");
    scanned(&extension.finish()).undecidable(&["the size of an extension header is past the limit", "(byte "]);
    let number = base().pax(&[("size", "99999999999999999999999999")]).file("x", "");
    scanned(&number.finish()).undecidable(&["ambiguous-layer", "something else where a number belongs"]);
    let size = base().pax(&[("size", "9223372036854775807")]).file("x", "");
    scanned(&size.finish()).undecidable(&["(byte "]).within(100);
}

#[test]
fn of_two_entries_of_one_path_the_last_counts() {
    let hidden = base()
        .dir("var/lib/dpkg")
        .file("./var//lib/dpkg/status", STATUS.replace("bash", "zsh"));
    scanned(&hidden.finish()).with(1, &["DEBIAN-CVE-2000-1", "zsh"]);
    let replaced = Tar::new().file("var/lib/dpkg/status", STATUS.replace("bash", "zsh"));
    let replaced = replaced.file("etc/os-release", OS).file("var/lib/dpkg/status", STATUS);
    scanned(&replaced.finish()).with(0, &["cleared"]);
}

#[test]
fn many_tiny_files_take_little_memory() {
    let mut tar = base();
    for at in 0..200_000 {
        tar = tar.header(&format!("srv/{}/{at}", at % 100), b'0', 0o644, 0, "");
    }
    scanned(&tar.finish()).with(0, &["cleared"]).within(40);
}

/// A program of 300 MB whose list of crates is at its end.
fn large_program() -> Vec<u8> {
    const SIZE: usize = 300 << 20;
    let audit = br#"{"packages":[{"name":"large","version":"1.0.0","source":"local","root":true}]}"#;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(audit).unwrap();
    let section = zlib.finish().unwrap();
    let names = b"\0.dep-v0\0.shstrtab\0";
    let mut tail = [&section[..], names].concat();
    let header = |name: u32, offset: usize, size: usize| {
        let mut entry = [&name.to_le_bytes()[..], &1u32.to_le_bytes()].concat();
        for word in [0, 0, offset as u64, size as u64, 0, 1, 0] {
            entry.extend_from_slice(&word.to_le_bytes());
        }
        entry
    };
    let table = SIZE + tail.len();
    tail.extend(header(0, 0, 0));
    tail.extend(header(1, SIZE, section.len()));
    tail.extend(header(9, SIZE + section.len(), names.len()));
    let mut head = [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[2, 0, 62, 0, 1, 0, 0, 0], &[0; 16]].concat();
    head.extend_from_slice(&(table as u64).to_le_bytes());
    head.extend_from_slice(&[0; 4]);
    for half in [64u16, 0, 0, 64, 3, 2] {
        head.extend_from_slice(&half.to_le_bytes());
    }
    let mut program = head;
    // Not so regular that it would pass for a bomb.
    let mut noise = 1u64;
    while program.len() < SIZE {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        program.extend_from_slice(&noise.to_le_bytes());
        program.extend_from_slice(&[0; 56]);
    }
    program.truncate(SIZE);
    program.extend_from_slice(&tail);
    program
}

#[test]
fn a_program_of_300_megabytes_is_read_in_less_than_100() {
    let place = Place::new();
    let tar = base().file("usr/bin/large", large_program()).finish();
    place.image(&gzip(&tar), media_type::OCI_LAYER_GZIP, &json!(sha256(&tar)));
    drop(tar);
    place.run(&["sbom", "oci:image"]).with(0, &["pkg:cargo/large@1.0.0"]).within(100);
}
