//! Debian's ordering.
