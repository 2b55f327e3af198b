//! One run from commit to outcome.
