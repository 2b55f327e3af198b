//! Tars whose contents nobody looks into.

use super::*;

/// Keeps the paths and sizes, and looks into nothing.
#[derive(Default)]
struct Listed(Vec<(String, u64, u64)>);

impl Visitor for Listed {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        self.0.push((entry.path.to_owned(), entry.size, entry.offset));
        Ok(Need::Nothing)
    }

    fn content(&mut self, entry: &Entry<'_>, _: &[u8]) {
        unreachable!("nobody asked for {}", entry.path);
    }
}

#[test]
fn a_tar_on_disk_lists_the_same_as_one_that_arrives() {
    let sizes = [10, 40_000, 511, 512, 0, 20_000, 16_384, 1];
    let tar = sizes
        .iter()
        .enumerate()
        .fold(Tar::new(), |tar, (at, size)| tar.file(&at.to_string(), vec![b'x'; *size]));
    let tar = tar.finish();
    let mut expected = Vec::new();
    let mut offset = 0;
    for (at, size) in sizes.iter().enumerate() {
        expected.push((at.to_string(), *size as u64, offset + 512));
        offset += 512 + size.next_multiple_of(512) as u64;
    }
    let mut file = tempfile::tempfile().expect("a file");
    std::io::Write::write_all(&mut file, &tar).expect("written");
    let (mut on_disk, mut arriving) = (Listed::default(), Listed::default());
    let limits = Limits::default();
    let count = index(&file, std::path::Path::new("t"), &limits, &mut on_disk).expect("a tar");
    assert_eq!((count, &on_disk.0), (8, &expected));
    let count = plain(&tar[..], "t", &limits, &mut arriving).expect("a tar");
    assert_eq!((count, &arriving.0), (8, &expected));
}
