//! Maps of sparse files that go on past their first block.

use super::*;

/// A sparse file in GNU's old form: a byte, a hole of one, a byte …
fn old_sparse(bytes: usize) -> Vec<u8> {
    let pair = |at: usize| format!("{:011o}\0{:011o}\0", 2 * at, 1).into_bytes();
    let mut header = [0u8; 512];
    header.copy_from_slice(&Tar::new().header("old", b'S', 0o644, bytes as u64, "").unfinished());
    header[257..265].copy_from_slice(b"ustar  \0");
    let pairs: Vec<Vec<u8>> = (0..bytes).map(pair).collect();
    let (first, rest) = pairs.split_at(4);
    header[386..482].copy_from_slice(&first.concat());
    header[482] = u8::from(!rest.is_empty());
    header[483..495].copy_from_slice(format!("{:011o}\0", 2 * bytes).as_bytes());
    checksum(&mut header);
    let mut tar = Tar::new().raw(&header);
    let mut blocks = rest.chunks(21).peekable();
    while let Some(pairs) = blocks.next() {
        let mut block = pairs.concat();
        block.resize(504, 0);
        block.push(u8::from(blocks.peek().is_some()));
        block.resize(512, 0);
        tar = tar.raw(&block);
    }
    tar.data(&vec![b'x'; bytes]).file("next", "found").finish()
}

#[test]
fn an_old_sparse_map_goes_on_in_blocks_of_its_own_and_is_bounded() {
    assert_eq!(
        seen(&old_sparse(10)),
        [format!("old: {}", "x\0".repeat(10)), "next: found".to_owned()]
    );
    assert_eq!(seen(&old_sparse(30)), ["old: 60 bytes", "next: found"]);
    let limits = Limits {
        tar_extension: 1000,
        ..Limits::default()
    };
    seen_with(&old_sparse(30), &Stated::default(), &limits).expect("within the limit");
    let error = seen_with(&old_sparse(60), &Stated::default(), &limits).expect_err("a map without an end");
    assert!(error.to_string().contains("the size of a sparse map"), "{error}");
}

#[test]
fn a_sparse_file_takes_no_more_memory_than_files_may() {
    let held = |held: u64| Limits {
        held,
        wanted_file: 0,
        ..Limits::default()
    };
    seen_with(&old_sparse(10), &Stated::default(), &held(20)).expect("as large as may be");
    let error = seen_with(&old_sparse(10), &Stated::default(), &held(19)).expect_err("a byte too large");
    assert!(error.to_string().contains("the size of a sparse file"), "{error}");
}
