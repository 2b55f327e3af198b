//! Layers as they are and as they should not be: forms, cuts, bombs, names, holes.

use super::*;

#[test]
fn plain_gzip_and_zstd_layers_give_the_same_entries_and_diff_id() {
    let tar = sample();
    let halves = tar.split_at(tar.len() / 3);
    let members = [gzip(halves.0), gzip(halves.1)].concat();
    let frames = [zstd(halves.0), zstd(halves.1)].concat();
    for blob in [tar.clone(), gzip(&tar), members, zstd(&tar), frames] {
        let stated = Stated {
            digest: Some(sha256(&blob)),
            diff_id: Some(sha256(&tar)),
            size: Some(blob.len() as u64),
            name: String::new(),
        };
        let (entries, totals) = seen_with(&blob, &stated, &Limits::default()).expect("a sound layer");
        assert_eq!(entries, SAMPLE);
        assert_eq!((totals.unpacked, totals.entries), (tar.len() as u64, 5));
    }
}

#[test]
fn a_truncated_layer_names_its_digest_and_where_it_ends() {
    for blob in [sample(), gzip(&sample()), zstd(&sample())] {
        let stated = Stated {
            digest: Some(sha256(&blob)),
            size: Some(blob.len() as u64),
            ..Stated::default()
        };
        for cut in [0, 1, 600, blob.len() / 2, blob.len() - 1] {
            let cut = cut.min(blob.len() - 1);
            let error = seen_with(&blob[..cut], &stated, &Limits::default()).expect_err("truncated");
            assert!(
                matches!(error.problem, LayerProblem::Truncated { found, .. } if found == cut as u64),
                "{error}"
            );
            assert!(error.to_string().contains(&sha256(&blob).to_string()), "{error}");
        }
    }
}

#[test]
fn a_blob_that_was_cut_before_its_digest_was_taken_is_broken_too() {
    let blob = gzip(&sample());
    assert!(problem(&blob[..blob.len() - 30]).contains("compressed stream is broken"));
    let blob = zstd(&sample());
    assert!(problem(&blob[..blob.len() - 3]).contains("compressed stream is broken"));
    let tar = sample();
    assert!(problem(&tar[..100_000]).contains("ends inside"));
    assert!(problem(&tar[..700]).contains("ends inside"));
}

#[test]
fn wrong_digests_and_sizes_are_refused() {
    let blob = gzip(&sample());
    let wrong = Digest::from_bytes([1; 32]);
    let of = |stated: Stated| seen_with(&blob, &stated, &Limits::default()).expect_err("refused").problem;
    let digest = Stated {
        digest: Some(wrong),
        ..Stated::default()
    };
    assert!(matches!(of(digest), LayerProblem::WrongDigest(found) if found == sha256(&blob)));
    let diff_id = Stated {
        diff_id: Some(wrong),
        ..Stated::default()
    };
    assert!(matches!(of(diff_id), LayerProblem::WrongDiffId { found, .. } if found == sha256(&sample())));
    let size = Stated {
        size: Some(blob.len() as u64 - 1),
        ..Stated::default()
    };
    assert!(matches!(of(size), LayerProblem::TooLong(_)));
}

#[test]
fn a_digest_that_does_not_match_explains_a_broken_tar() {
    let mut tar = sample();
    tar[512 + 3] ^= 1;
    let stated = Stated {
        digest: Some(sha256(&sample())),
        ..Stated::default()
    };
    let error = seen_with(&tar, &stated, &Limits::default()).expect_err("refused");
    assert!(matches!(error.problem, LayerProblem::WrongDigest(_)));
    assert!(
        problem(&tar).contains("checksum does not match (byte 1024 of the unpacked tar)"),
        "{}",
        problem(&tar)
    );
}

#[test]
fn bombs_are_refused_before_they_unpack() {
    let limits = Limits {
        expansion_free: 1 << 20,
        ..Limits::default()
    };
    let tar = Tar::new().file("zeros", vec![0; 20 << 20]).finish();
    for blob in [gzip(&tar), zstd(&tar)] {
        let stated = Stated {
            size: Some(blob.len() as u64),
            ..Stated::default()
        };
        let error = seen_with(&blob, &stated, &limits).expect_err("a bomb");
        assert!(matches!(error.problem, LayerProblem::Bomb { .. }), "{error}");
    }
    let small = Limits {
        layer_unpacked: 1 << 20,
        ..Limits::default()
    };
    assert!(matches!(
        seen_with(&tar, &Stated::default(), &small).expect_err("too large").problem,
        LayerProblem::Limit { .. }
    ));
    let just = |layer_unpacked: usize| Limits {
        layer_unpacked: layer_unpacked as u64,
        ..Limits::default()
    };
    seen_with(&tar, &Stated::default(), &just(tar.len())).expect("as large as may be");
    seen_with(&tar, &Stated::default(), &just(tar.len() - 1)).expect_err("a byte too large");
    let stored = |layer: usize| {
        let stated = Stated {
            size: Some(tar.len() as u64),
            ..Stated::default()
        };
        let limits = Limits {
            layer: layer as u64,
            ..Limits::default()
        };
        seen_with(&tar, &stated, &limits)
    };
    stored(tar.len()).expect("as large as may be");
    stored(tar.len() - 1).expect_err("a byte too large");
    let free = |expansion_free: usize| Limits {
        expansion_free: expansion_free as u64,
        ..Limits::default()
    };
    let blob = gzip(&tar);
    let stated = Stated {
        size: Some(blob.len() as u64),
        ..Stated::default()
    };
    seen_with(&blob, &stated, &free(tar.len())).expect("as large as is no bomb yet");
    seen_with(&blob, &stated, &free(tar.len() - 1)).expect_err("a byte too large");
    // A frame that decoders pass over makes a blob as large as one likes.
    let tenfold = Limits {
        expansion_free: 0,
        expansion: 10,
        ..Limits::default()
    };
    let of_size = |size: usize| {
        let mut blob = zstd(&tar);
        let rest = u32::try_from(size - blob.len() - 8).expect("a short frame");
        blob.extend([[0x50, 0x2a, 0x4d, 0x18], rest.to_le_bytes()].concat());
        blob.resize(size, 0);
        let stated = Stated {
            size: Some(size as u64),
            ..Stated::default()
        };
        seen_with(&blob, &stated, &tenfold)
    };
    of_size(tar.len() / 10).expect("ten times as large");
    of_size(tar.len() / 10 - 1).expect_err("more than ten times as large");
}

#[test]
fn a_link_may_lead_as_far_as_a_path_may_be_long() {
    let limits = Limits {
        path: 120,
        ..Limits::default()
    };
    let link = |length: usize| {
        let target = "t".repeat(length);
        let tar = Tar::new()
            .header("link", b'K', 0o644, length as u64 + 1, "")
            .data(format!("{target}\0").as_bytes());
        seen_with(&tar.symlink("link", "cut").finish(), &Stated::default(), &limits)
    };
    assert_eq!(link(120).expect("as long as may be").0, [format!("link -> {}", "t".repeat(120))]);
    let error = link(121).expect_err("a byte too long");
    assert!(error.to_string().contains("the length of a link's target"), "{error}");
}

#[test]
fn long_names_come_from_gnu_pax_and_the_ustar_prefix() {
    let long = format!("usr/{}/x", "d".repeat(150));
    let mut prefixed = [0u8; 512];
    prefixed.copy_from_slice(&Tar::new().header("name", b'0', 0o644, 0, "").unfinished());
    prefixed[345..352].copy_from_slice(b"a/b/c/d");
    checksum(&mut prefixed);
    let tar = Tar::new()
        .gnu_name(&long)
        .file("cut", "1")
        .pax(&[("path", &long), ("size", "3"), ("comment", "none")])
        .header("cut", b'0', 0o644, 3, "")
        .data(b"two")
        .pax(&[("linkpath", &long)])
        .symlink("link", "cut")
        .raw(&prefixed)
        .finish();
    assert_eq!(
        seen(&tar),
        [
            format!("{long}: 1"),
            format!("{long}: two"),
            format!("link -> {long}"),
            "a/b/c/d/name: ".to_owned()
        ]
    );
}

#[test]
fn hostile_paths_are_refused_and_odd_ones_are_cleaned() {
    assert_eq!(
        seen(&Tar::new().file("/abs", "").file("./a//./b", "").dir(".").finish()),
        ["abs: ", "a/b: "]
    );
    for (path, word) in [
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("a\nb", "control characters"),
        ("\u{1b}[2J", "control"),
    ] {
        assert!(problem(&Tar::new().file(path, "").finish()).contains(word), "{path:?}");
    }
    assert!(problem(&Tar::new().hard_link("a", "../../etc/passwd").finish()).contains("leads out"));
    let deep = "a/".repeat(300) + "x";
    assert!(problem(&Tar::new().pax(&[("path", &deep)]).file("x", "").finish()).contains("depth"));
    let long = "a".repeat(5000);
    assert!(problem(&Tar::new().pax(&[("path", &long)]).file("x", "").finish()).contains("length of a path"));
}

#[test]
fn extension_headers_are_bounded() {
    let huge = Tar::new().header("x", b'x', 0o644, 1 << 32, "").finish();
    assert!(problem(&huge).contains("extension header"));
    let endless = Tar::new().header("x", b'0', 0o644, 1 << 32, "").finish();
    assert!(problem(&endless).contains("ends inside"));
    let limits = Limits {
        entries: 3,
        ..Limits::default()
    };
    let many = Tar::new().pax(&[]).pax(&[]).pax(&[]).pax(&[]).finish();
    assert!(seen_with(&many, &Stated::default(), &limits).is_err());
}

#[test]
fn sparse_files_are_read_with_their_holes() {
    let data = {
        let mut data = b"2\n0\n2\n5\n1\n".to_vec();
        data.resize(512, 0);
        data.extend_from_slice(b"abc");
        data
    };
    let pax = Tar::new()
        .pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "real"),
            ("GNU.sparse.realsize", "7"),
        ])
        .file("GNUSparseFile.0/real", &data)
        .finish();
    assert_eq!(seen(&pax), ["real: ab\0\0\0c\0"]);
    let mut old = [0u8; 512];
    old.copy_from_slice(&Tar::new().header("old", b'S', 0o644, 3, "").unfinished());
    old[257..265].copy_from_slice(b"ustar  \0");
    for (at, number) in [(386, 0), (398, 2), (410, 5), (422, 1), (483, 7)] {
        old[at..at + 12].copy_from_slice(format!("{number:011o}\0").as_bytes());
    }
    checksum(&mut old);
    assert_eq!(seen(&Tar::new().raw(&old).data(b"abc").finish()), ["old: ab\0\0\0c\0"]);
    let bomb = Tar::new()
        .pax(&[("GNU.sparse.map", "0,1"), ("GNU.sparse.size", "99999999999999")])
        .file("x", "a")
        .finish();
    assert!(problem(&bomb).contains("sparse"));
}

#[test]
fn a_tar_without_its_end_is_read_as_unpackers_do() {
    assert_eq!(seen(&Tar::new().file("a", "1").unfinished()), ["a: 1"]);
    assert_eq!(seen(&Tar::new().file("a", "1").raw(&[0; 512]).unfinished()), ["a: 1"]);
    assert_eq!(seen(&[Tar::new().file("a", "1").finish(), vec![0; 10_000]].concat()), ["a: 1"]);
    assert_eq!(seen(&[]), [] as [&str; 0]);
}

/// A reader that fails after some bytes.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.min(buffer.len());
        if count == 0 {
            return Err(std::io::Error::other("the disk is gone"));
        }
        buffer[..count].fill(0);
        self.0 -= count;
        Ok(count)
    }
}

#[test]
fn a_failing_read_is_told_as_such() {
    let error = read(Failing(100), &Stated::default(), &Limits::default(), &mut Seen::default()).expect_err("failed");
    assert!(matches!(error.problem, LayerProblem::Read(_)), "{error}");
}
