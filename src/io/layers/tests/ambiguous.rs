//! Tricks by which one reader of tars sees another file than the next, each beside its control: the same without the trick.

use super::*;

/// Hears doubts, and goes on.
#[derive(Default)]
struct Doubting {
    seen: Seen,
    doubts: Vec<(String, u64, &'static str)>,
}

impl Visitor for Doubting {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        self.seen.entry(entry)
    }

    fn ambiguous(&mut self, doubt: &Doubt<'_>) -> Result<(), LayerProblem> {
        self.doubts.push((doubt.entry.to_owned(), doubt.offset, doubt.reason));
        Ok(())
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.seen.content(entry, bytes);
    }
}

fn walked(tar: &[u8]) -> Doubting {
    let mut doubting = Doubting::default();
    read(tar, &Stated::default(), &Limits::default(), &mut doubting).expect("it can be read on");
    doubting
}

/// A header as a file of three bytes, changed by hand.
fn changed(path: &str, flag: u8, change: impl Fn(&mut [u8; 512])) -> [u8; 512] {
    let mut block = [0; 512];
    block.copy_from_slice(&Tar::new().header(path, flag, 0o644, 3, "").unfinished());
    change(&mut block);
    checksum(&mut block);
    block
}

fn file(change: impl Fn(&mut [u8; 512])) -> Tar {
    Tar::new().raw(&changed("real", b'0', change)).data(b"abc")
}

fn old(path: &str, size: u64) -> Tar {
    Tar::new().header(path, 0, 0o644, size, "").data(&vec![b'x'; size as usize])
}

fn gnu(block: &mut [u8; 512]) {
    block[257..265].copy_from_slice(b"ustar  \0");
}

/// The sum of signed bytes instead of unsigned ones.
fn signed(path: &[u8]) -> Tar {
    let mut block = changed("", b'0', |block| block[..path.len()].copy_from_slice(path));
    block[148..156].fill(b' ');
    let sum: i32 = block.iter().map(|byte| i32::from(byte.cast_signed())).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Tar::new().raw(&block).data(b"abc")
}

/// What is tried, the reason to be found, the tar with the trick, and the one without.
fn tricks() -> Vec<(&'static str, &'static str, Tar, Tar)> {
    let abc = || Tar::new().file("real", "abc");
    let link = || Tar::new().symlink("link", "real");
    let global = |key, value| {
        let pax = Tar::new().pax(&[(key, value)]).unfinished();
        let mut block = [0; 512];
        block.copy_from_slice(&pax[..512]);
        block[156] = b'g';
        checksum(&mut block);
        Tar::new().raw(&block).raw(&pax[512..])
    };
    let sparse = |records: &[(&str, &str)]| Tar::new().pax(records).file("GNUSparseFile.0/real", "abc");
    let whole = [
        ("GNU.sparse.size", "3"),
        ("GNU.sparse.numblocks", "1"),
        ("GNU.sparse.map", "0,3"),
        ("GNU.sparse.name", "real"),
    ];
    let and = |tar: Tar, next: Tar| tar.raw(&next.unfinished());
    let pax = |records: &[(&str, &str)]| and(Tar::new().pax(records), abc());
    let size = |flag, size| Tar::new().header("x", flag, 0o644, size, "real");
    vec![
        (
            "GNU's name behind a PAX path",
            "PAX header and GNU's",
            and(Tar::new().pax(&[("path", "other")]).gnu_name("real"), abc()),
            pax(&[("path", "real")]),
        ),
        (
            "GNU's name before a PAX path",
            "PAX header and GNU's",
            and(Tar::new().gnu_name("real").pax(&[("path", "other")]), abc()),
            and(Tar::new().gnu_name("real"), abc()),
        ),
        (
            "GNU's target beside a PAX target",
            "PAX header and GNU's",
            and(
                Tar::new().pax(&[("linkpath", "a")]).header("l", b'K', 0o644, 2, "").data(b"b\0"),
                link(),
            ),
            and(Tar::new().pax(&[("linkpath", "a")]), link()),
        ),
        (
            "two of GNU's names",
            "two of GNU's",
            and(Tar::new().gnu_name("other").gnu_name("real"), abc()),
            and(Tar::new().gnu_name("real"), abc()),
        ),
        (
            "an empty GNU name",
            "is empty",
            and(Tar::new().gnu_name(""), abc()),
            and(Tar::new().gnu_name("real"), abc()),
        ),
        (
            "a zero byte in GNU's name",
            "zero byte",
            and(Tar::new().gnu_name("real\0other"), abc()),
            and(Tar::new().gnu_name("real"), abc()),
        ),
        ("GNU's name at the end", "none comes", abc().gnu_name("real"), abc()),
        ("a PAX header at the end", "none comes", abc().pax(&[("path", "real")]), abc()),
        (
            "a PAX path twice",
            "record twice",
            pax(&[("path", "other"), ("path", "real")]),
            pax(&[("path", "real")]),
        ),
        (
            "a PAX path taken back",
            "is empty",
            pax(&[("path", "other"), ("path", "")]),
            pax(&[("path", "real")]),
        ),
        (
            "a PAX attribute twice",
            "record twice",
            pax(&[("SCHILY.xattr.user.a", "1"), ("SCHILY.xattr.user.a", "2")]),
            pax(&[("SCHILY.xattr.user.a", "1"), ("SCHILY.xattr.user.b", "2")]),
        ),
        (
            "two PAX headers",
            "two PAX headers",
            and(Tar::new().pax(&[("path", "other")]).pax(&[("mtime", "1.5")]), abc()),
            pax(&[("mtime", "1.5")]),
        ),
        (
            "a PAX size that is another",
            "two sizes",
            Tar::new().pax(&[("size", "3")]).header("real", b'0', 0o644, 0, "").data(b"abc"),
            pax(&[("size", "3")]),
        ),
        (
            "a PAX size that is no number",
            "where a number belongs",
            pax(&[("size", "+3")]),
            pax(&[("size", "3")]),
        ),
        (
            "a PAX record that is cut",
            "malformed",
            and(Tar::new().header("x", b'x', 0o644, 12, "").data(b"13 path=real"), abc()),
            pax(&[("path", "real")]),
        ),
        (
            "a zero byte in a PAX path",
            "zero byte",
            pax(&[("path", "real\0other")]),
            pax(&[("path", "real")]),
        ),
        (
            "a PAX charset that converts names",
            "for some readers only",
            pax(&[("hdrcharset", "KOI8-R")]),
            pax(&[("hdrcharset", "BINARY")]),
        ),
        (
            "a PAX real size of star",
            "for some readers only",
            pax(&[("SCHILY.realsize", "1")]),
            pax(&[("SCHILY.dev", "1")]),
        ),
        (
            "an attribute of the overlay",
            "for some readers only",
            pax(&[("SCHILY.xattr.trusted.overlay.redirect", "/x")]),
            pax(&[("SCHILY.xattr.security.capability", "x")]),
        ),
        (
            "a PAX folder name for an old file",
            "which of its names",
            and(Tar::new().pax(&[("path", "real/")]), old("real", 0)),
            old("real", 3),
        ),
        (
            "a PAX file name for an old folder",
            "which of its names",
            and(Tar::new().pax(&[("path", "real")]), old("real/", 3)),
            old("real/", 0),
        ),
        (
            "an old folder with a size",
            "type that has no data",
            Tar::new().header("real/", 0, 0o755, 3, ""),
            old("real/", 0),
        ),
        (
            "a file whose name ends in a slash",
            "that of a folder",
            Tar::new().file("real/", "abc"),
            abc(),
        ),
        (
            "a link whose name ends in a slash",
            "that of a folder",
            Tar::new().symlink("link/", "real"),
            link(),
        ),
        (
            "a PAX folder name for a file",
            "that of a folder",
            pax(&[("path", "real/")]),
            pax(&[("path", "real")]),
        ),
        ("a file without a name", "no name", Tar::new().file("", "abc"), Tar::new().dir(".")),
        ("a name with `..`", "`..`", Tar::new().file("a/../real", "abc"), abc()),
        (
            "a target with `..`",
            "`..`",
            Tar::new().hard_link("l", "a/../real"),
            Tar::new().hard_link("l", "./real"),
        ),
        ("a link to nothing", "link to nothing", Tar::new().symlink("link", ""), link()),
        ("a hard link with data", "type that has no data", size(b'1', 3), size(b'1', 0)),
        ("a symbolic link with data", "type that has no data", size(b'2', 3), size(b'2', 0)),
        (
            "a folder with data",
            "type that has no data",
            Tar::new().header("x", b'5', 0o755, 512, ""),
            Tar::new().header("x", b'5', 0o755, 0, ""),
        ),
        (
            "a device with data",
            "type that has no data",
            Tar::new().header("x", b'3', 0o644, 512, ""),
            Tar::new().header("x", b'3', 0o644, 0, ""),
        ),
        (
            "a PAX size of a folder",
            "type that has no data",
            Tar::new().pax(&[("size", "512")]).dir("x"),
            Tar::new().pax(&[("size", "0")]).dir("x"),
        ),
        (
            "a target of a file",
            "is no link",
            Tar::new().header("x", b'0', 0o644, 0, "real"),
            Tar::new().header("x", b'0', 0o644, 0, ""),
        ),
        (
            "a contiguous file",
            "not one that all",
            Tar::new().header("x", b'7', 0o644, 0, ""),
            abc(),
        ),
        (
            "a volume's label",
            "not one that all",
            Tar::new().header("x", b'V', 0o644, 0, ""),
            abc(),
        ),
        (
            "a type of nobody's",
            "not one that all",
            Tar::new().header("x", b'Z', 0o644, 3, "").data(b"abc"),
            abc(),
        ),
        (
            "Solaris's extended header",
            "not one that all",
            and(Tar::new().header("x", b'X', 0o644, 13, "").data(b"13 path=rea1\n"), abc()),
            pax(&[("path", "real")]),
        ),
        (
            "a path for all that follow",
            "changes entries",
            and(global("path", "other"), abc()),
            and(global("comment", "0123456789abcdef"), abc()),
        ),
        (
            "a size for all that follow",
            "changes entries",
            and(global("size", "0"), abc()),
            and(global("mtime", "1.25"), abc()),
        ),
        (
            "a global header that makes Go forget",
            "stands between",
            and(
                Tar::new().pax(&[("path", "other")]).raw(&global("comment", "x").unfinished()),
                abc(),
            ),
            and(global("comment", "x"), abc()),
        ),
        (
            "a sparse name without a map",
            "does not fit together",
            sparse(&[("GNU.sparse.name", "real")]),
            sparse(&whole),
        ),
        (
            "a sparse file of an unknown version",
            "does not fit together",
            sparse(&[whole.as_slice(), &[("GNU.sparse.major", "2"), ("GNU.sparse.minor", "0")]].concat()),
            sparse(&whole),
        ),
        (
            "a sparse map of another length",
            "does not fit together",
            sparse(&[whole[0], ("GNU.sparse.numblocks", "2"), whole[2]]),
            sparse(&whole),
        ),
        (
            "two sizes of a sparse file",
            "does not fit together",
            sparse(&[whole.as_slice(), &[("GNU.sparse.realsize", "9")]].concat()),
            sparse(&whole),
        ),
        (
            "a map for an old file",
            "and another type",
            and(Tar::new().pax(&whole), old("x", 3)),
            sparse(&whole),
        ),
        (
            "GNU's magic with a prefix",
            "as a number",
            file(|block| {
                gnu(block);
                block[345..350].copy_from_slice(b"other");
            }),
            file(gnu),
        ),
        (
            "GNU's sparse map for a plain file",
            "bytes where its format has none",
            file(|block| {
                gnu(block);
                block[386..397].copy_from_slice(b"00000000001");
            }),
            file(gnu),
        ),
        (
            "star's shorter prefix",
            "bytes where its format has none",
            file(|block| block[508..512].copy_from_slice(b"tar\0")),
            file(|_| ()),
        ),
        (
            "a prefix without a magic",
            "bytes where its format has none",
            file(|block| {
                block[257..265].fill(0);
                block[345] = b'a';
            }),
            file(|block| block[257..265].fill(0)),
        ),
        (
            "half a magic",
            "not known by its magic",
            file(|block| block[257..265].copy_from_slice(b"ustar  0")),
            file(gnu),
        ),
        (
            "bytes behind the name's end",
            "end of its name",
            file(|block| block[5..10].copy_from_slice(b"other")),
            file(|_| ()),
        ),
        (
            "bytes behind the target's end",
            "end of its target",
            {
                let mut block = [0; 512];
                block.copy_from_slice(&link().unfinished());
                block[170] = b'x';
                checksum(&mut block);
                Tar::new().raw(&block)
            },
            link(),
        ),
        (
            "a zero byte before the size",
            "as a number",
            file(|block| block[124..136].copy_from_slice(b"\x0000000000003")),
            file(|_| ()),
        ),
        (
            "bytes behind the size",
            "as a number",
            file(|block| block[124..136].copy_from_slice(b"3\09999999999")),
            file(|block| block[124..136].copy_from_slice(b"         3 \0")),
        ),
        (
            "no size",
            "not stated",
            Tar::new().raw(&changed("real", b'0', |block| block[124..136].fill(0))),
            Tar::new().file("real", ""),
        ),
        (
            "a size in base 64",
            "as a number",
            file(|block| {
                block[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
                block[108..116].copy_from_slice(&[0x81, 0, 0, 0, 0, 0, 0, 0]);
            }),
            file(|block| block[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3])),
        ),
        (
            "an owner that is no number",
            "as a number",
            file(|block| block[108..116].copy_from_slice(b"root\0\0\0\0")),
            file(|block| block[108..116].fill(0)),
        ),
        (
            "a device number that is no number",
            "as a number",
            file(|block| block[329..337].copy_from_slice(b"root\0\0\0\0")),
            file(|block| block[329..337].fill(0)),
        ),
        (
            "a sparse map of lengths alone",
            "does not fit together",
            sparse(&[whole[0], whole[1], ("GNU.sparse.numbytes", "0"), ("GNU.sparse.numbytes", "3")]),
            sparse(&[whole[0], whole[1], ("GNU.sparse.offset", "0"), ("GNU.sparse.numbytes", "3")]),
        ),
        (
            "a checksum of signed bytes",
            "signed bytes",
            signed("ä".as_bytes()),
            Tar::new().file("ä", "abc"),
        ),
        (
            "a lone block of zeros",
            "lone block",
            and(Tar::new().raw(&[0; 512]), abc()),
            abc().raw(&[0; 512]),
        ),
        (
            "a tar behind the tar's end",
            "follow the end",
            and(abc().raw(&[0; 1024]), abc()),
            abc().raw(&[0; 4096]),
        ),
    ]
}

#[test]
fn what_two_readers_could_read_differently_is_a_doubt_and_its_control_is_none() {
    for (what, why, trick, control) in tricks() {
        let doubts = walked(&trick.clone().finish()).doubts;
        assert!(doubts.iter().any(|(_, _, reason)| reason.contains(why)), "{what}: {doubts:?}");
        assert_eq!(walked(&control.clone().finish()).doubts, [], "{what}, the control");
        let refused = problem(&trick.finish());
        assert!(refused.contains("can be read in more than one way"), "{what}: {refused}");
        seen(&control.finish());
    }
}

#[test]
fn what_follows_a_doubt_is_still_found() {
    let evil = || Tar::new().file("evil", "found");
    for (what, _, trick, _) in tricks() {
        // Behind the end mark, and inside of what an unknown reader skips, nobody looks.
        if what.contains("behind the tar's end") || what.ends_with("at the end") {
            continue;
        }
        let seen = walked(&trick.raw(&evil().unfinished()).finish()).seen.0;
        assert!(seen.contains(&"evil: found".to_owned()), "{what}: {seen:?}");
    }
}

#[test]
fn a_doubt_names_the_entry_and_where_its_header_starts() {
    let tar = Tar::new()
        .file("a", "1")
        .pax(&[("path", "b"), ("path", "c")])
        .file("d", "2")
        .finish();
    assert_eq!(walked(&tar).doubts, [("c".to_owned(), 1024, "a PAX header has a record twice")]);
}

/// As Go's `archive/tar` has it: what unpacks images sees these files.
#[test]
fn entries_are_read_as_the_unpackers_of_images_read_them() {
    let first = |tar: Tar| walked(&tar.finish()).seen.0.remove(0);
    assert_eq!(
        first(Tar::new().gnu_name("real").pax(&[("path", "other")]).file("x", "1")),
        "real: 1"
    );
    assert_eq!(
        first(Tar::new().pax(&[("path", "other"), ("path", "real")]).file("x", "1")),
        "real: 1"
    );
    assert_eq!(first(Tar::new().pax(&[("GNU.sparse.name", "other")]).file("real", "1")), "real: 1");
    assert_eq!(first(Tar::new().file("real/", "1")), "real: 1");
    let prefixed = |block: &mut [u8; 512]| {
        gnu(block);
        block[345..348].copy_from_slice(b"dir");
    };
    assert_eq!(first(file(prefixed)), "dir/real: abc");
}

#[test]
fn a_size_that_does_not_fit_the_header_is_stated_by_pax_alone() {
    // The first size that does not fit, and the last that does, beside what the header says.
    let (large, fits) = (1 << 33, (1 << 33) - 1);
    for (said, own, is_doubted) in [
        (large, 0, false),
        (large, fits, false),
        (large, 3, true),
        (fits, fits, false),
        (fits, 0, true),
    ] {
        let tar = Tar::new()
            .pax(&[("size", &u64::to_string(&said))])
            .header("x", b'0', 0o644, own, "");
        let mut doubting = Doubting::default();
        let cut = read(&*tar.finish(), &Stated::default(), &Limits::default(), &mut doubting);
        assert!(matches!(cut.expect_err("no such file").problem, LayerProblem::EndsInside(_)));
        assert_eq!(!doubting.doubts.is_empty(), is_doubted, "{said} {own}: {:?}", doubting.doubts);
    }
}
