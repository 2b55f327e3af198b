//! Why two builds of one commit differ.

use std::fmt;

/// Why two builds differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The time at which a step ran is in the file.
    TimeStamp,
    /// The same things in another order.
    Order,
    /// A key, an identity, a salt.
    Randomness,
    /// Something fetched that has changed meanwhile.
    Network,
    /// No cause that we know a remedy for.
    Unknown,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimeStamp => "a time stamp: have the step use SOURCE_DATE_EPOCH, or remove the file in the same step",
            Self::Order => "the order in which something was listed: sort it",
            Self::Randomness => "randomness: a key, an identity or a salt is made in the step; make it where the service starts",
            Self::Network => "the network: what is fetched has changed; pin it by version and digest",
            Self::Unknown => "not known by its look",
        })
    }
}
