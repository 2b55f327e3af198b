//! When Go's `encoding/json` takes one key for another.

/// The key in the form in which Go compares it: letters without their case, by Unicode's simple folding. All known keys are ASCII, so only what
/// folds to ASCII matters, and beside the letters themselves that is the long s and the Kelvin sign.
///
/// Source: `foldName` in Go's `encoding/json/fold.go`; Unicode's `CaseFolding.txt`, status C and S.
pub(crate) fn folded(key: &str) -> String {
    key.chars()
        .map(|c| match c {
            'ſ' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

/// The same for a protobuf message, whose fields have a second name with underscores (`dsse_envelope` for `dsseEnvelope`).
///
/// Source: protobuf's "JSON Mapping": parsers accept both names.
pub(super) fn folded_field(key: &str) -> String {
    folded(key).replace('_', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_s_and_the_kelvin_sign_are_letters_to_go() {
        assert_eq!(folded("diſt\u{212a}"), folded("distk"));
        assert_eq!(folded("LAYERS"), folded("layers"));
        assert_ne!(folded("läyers"), folded("layers"));
        assert_ne!(folded("created_by"), folded("createdBy"));
        assert_eq!(folded_field("dsse_envelope"), folded_field("dsseEnvelope"));
    }
}
