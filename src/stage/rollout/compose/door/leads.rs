//! What a front door was led to from here, so that another one's order is seen and a later one is not overruled.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::stage::rollout::json_file;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::TargetError;

/// Bytes of the largest one that is read.
const LARGEST: u64 = 1 << 20;

/// `front.json`: the last order that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::rollout::compose) struct Led {
    pub(in crate::stage::rollout::compose) deployed: Deployed,
    /// The fencing token of whoever ordered.
    pub(in crate::stage::rollout::compose) token: u64,
    pub(in crate::stage::rollout::compose) addresses: Vec<SocketAddr>,
}

/// The file of it.
#[derive(Debug, Clone)]
pub(in crate::stage::rollout::compose) struct Leads {
    path: PathBuf,
}

impl Leads {
    pub(in crate::stage::rollout::compose) fn new(state: &Path) -> Self {
        Self {
            path: state.join("front.json"),
        }
    }

    /// `None` if nothing was ordered yet.
    pub(in crate::stage::rollout::compose) fn last(&self) -> Result<Option<Led>, TargetError> {
        json_file::read(&self.path, LARGEST)
    }

    /// True where this order was carried out already.
    pub(super) fn is(&self, led: &Led) -> Result<bool, TargetError> {
        let last = self.last()?;
        if let Some(newer) = last.as_ref().filter(|last| last.token > led.token) {
            return Err(TargetError::Superseded(format!(
                "another deployer (token {}) leads the front door to run {} now",
                newer.token, newer.deployed.run
            )));
        }
        Ok(last.is_some_and(|last| last.deployed.run == led.deployed.run && last.addresses == led.addresses))
    }

    pub(super) fn carried_out(&self, led: &Led) -> Result<(), TargetError> {
        json_file::write(&self.path, led)
    }

    /// Remembers that it leads nowhere any more, and who ordered last.
    pub(super) fn ended(&self) -> Result<(), TargetError> {
        match self.last()? {
            Some(last) => self.carried_out(&Led {
                addresses: Vec::new(),
                ..last
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
impl Led {
    /// An order for these addresses.
    pub(super) fn to(addresses: &[&str]) -> Self {
        use crate::model::digest::Digest;
        use crate::stage::rollout::release::Release;

        Self {
            deployed: Deployed {
                run: "r".to_owned(),
                release: Release {
                    digest: Digest::from_bytes([1; 32]),
                    commit: None,
                    image: String::new(),
                },
            },
            token: 1,
            addresses: addresses.iter().map(|address| address.parse().expect("an address")).collect(),
        }
    }
}
