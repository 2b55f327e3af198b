//! Compares our reader of tars with Go's, over tars from a seed: `differential [TARS [SEED]]`. Ends with 1 at the first that is read differently
//! without a doubt. A tar is made of its seed alone, so that a find is repeated by `differential 256 SEED`.

#[path = "../../tests/support/go_tar.rs"]
mod go_tar;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/support/layer.rs"]
mod layer;
#[path = "../../tests/support/mutated_tars.rs"]
mod mutated_tars;
#[allow(dead_code, reason = "images are asked about with more of it")]
#[path = "../../tests/support/peer.rs"]
mod peer;

/// Tars between two lines of output.
const STEP: u64 = 256 * 391;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse().expect("a number"));
    let (tars, seed): (u64, u64) = (arguments.next().unwrap_or(STEP), arguments.next().unwrap_or(1));
    let folder = tempfile::tempdir().expect("a folder");
    let mut go = go_tar::Go::build(folder.path()).expect("Go is installed");
    let mut done = 0;
    while done < tars {
        let compared = go.compare(seed + done, STEP.min(tars - done));
        done += compared.tars;
        println!(
            "from seed {seed}, {done} so far; of the last {}: {} alike, {} doubted, {} refused ({} of these two read by Go)",
            compared.tars, compared.same, compared.doubted, compared.refused, compared.read_by_go
        );
        if !compared.different.is_empty() {
            println!("{}", compared.different.join("\n"));
            std::process::exit(1);
        }
    }
}
