//! An error in one line.

use std::error::Error;

/// An error with its causes, the outermost first: `cannot open a: permission denied`. A cause that the message ends with already is not repeated.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let reason = inner.to_string();
        if !text.ends_with(&reason) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failed {
        #[error("cannot read a: {source}")]
        Says { source: std::io::Error },
        #[error("cannot read a")]
        IsSilent { source: std::io::Error },
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = || std::io::Error::from_raw_os_error(20);
        let told = "cannot read a: Not a directory (os error 20)";
        assert_eq!(chain(&Failed::Says { source: cause() }), told);
        assert_eq!(chain(&Failed::IsSilent { source: cause() }), told);
    }
}
