//! What `observe` says: one digest for each instance that runs, a line each; nothing when nothing runs.

use crate::model::digest::Digest;
use crate::model::visible::shortened;

/// The most instances that are looked at.
const MOST: usize = 10_000;

/// The digests that a command's stdout names, in its order. The first word of a line may be `repository@sha256:…`; what comes after it is for
/// people.
///
/// # Errors
/// The line that names none: a failed reading is never "nothing runs".
pub(super) fn digests(stdout: &str) -> Result<Vec<Digest>, String> {
    let mut found = Vec::new();
    for (at, line) in stdout.lines().enumerate() {
        let Some(word) = line.split_whitespace().next() else { continue };
        let text = word.rsplit_once('@').map_or(word, |(_, digest)| digest);
        let digest = Digest::parse(text).map_err(|_| format!("line {} of `observe` names no digest: `{}`", at + 1, shortened(line, 80)))?;
        if found.len() == MOST {
            return Err(format!("`observe` names more than {MOST} instances"));
        }
        if line
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| is_another(word, &digest))
        {
            return Err(format!(
                "line {} of `observe` names two digests: `{}`",
                at + 1,
                shortened(line, 160)
            ));
        }
        found.push(digest);
    }
    Ok(found)
}

fn is_another(word: &str, digest: &Digest) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) && !word.eq_ignore_ascii_case(&digest.hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_names_a_digest_and_anything_else_is_an_error_and_not_nothing() {
        let one = format!("sha256:{}", "1".repeat(64));
        let digest = Digest::parse(&one).expect("digest");
        assert_eq!(digests(&format!("{one}\nghcr.io/a/b@{one} task 4\n\n")), Ok(vec![digest, digest]));
        assert_eq!(digests("  \n"), Ok(Vec::new()));
        let two = format!("sha256:{}", "2".repeat(64));
        for bad in [format!("{one} {two}"), format!("{one}\r{two}"), format!("{two}@{one}")] {
            assert!(digests(&bad).is_err(), "{bad}");
        }
        assert_eq!(digests(&format!("{one} is {one}")), Ok(vec![digest]));
        for bad in ["null", "None", "sha256:12", "error: not found", "ghcr.io/a/b:latest"] {
            assert!(digests(bad).is_err(), "{bad}");
        }
    }
}
