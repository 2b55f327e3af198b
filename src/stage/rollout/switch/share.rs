//! Who of the clients meets the new version, while it gets a share of the requests.
//!
//! Each client draws a lot of [`LOTS`]; those below the share meet the new version. With a growing share a client moves to it once and never back.

use std::sync::Arc;

use hyper::header::{self, HeaderMap, HeaderValue};

use super::instance::Instance;
use super::message::Canary;
use crate::io::hash::sha256;
use crate::model::excused::Excused as _;
use crate::model::plan::Sticky;

/// How many lots there are: 100 of them are one percent.
const LOTS: u64 = 10_000;
/// From one lot to the next: without a common divisor with [`LOTS`], and near its golden section, so that any few in a row are spread evenly.
const STRIDE: u64 = 6_181;
/// Bytes of the longest value of a cookie that is looked at.
const LONGEST: usize = 5;

/// The instance that gets a share, with the rule by which.
pub(super) struct Shared {
    pub(super) instance: Arc<Instance>,
    lots: u64,
    sticky: Sticky,
    /// Makes the same clients of a header not the first ones each time.
    salt: String,
}

/// Who takes a request.
pub(super) struct Drawn {
    pub(super) is_canary: bool,
    /// What the client is told, so that it comes back to its version.
    pub(super) cookie: Option<HeaderValue>,
}

impl Shared {
    pub(super) fn new(canary: &Canary, instance: Arc<Instance>) -> Self {
        Self {
            instance,
            lots: u64::from(canary.percent.min(100)) * LOTS / 100,
            sticky: canary.sticky.clone(),
            salt: canary.backend.run.clone(),
        }
    }

    /// `turn` counts requests.
    pub(super) fn draw(&self, headers: &HeaderMap, turn: u64) -> Drawn {
        let fresh = turn.wrapping_mul(STRIDE) % LOTS;
        let (lot, cookie) = match &self.sticky {
            Sticky::None => (fresh, None),
            Sticky::Cookie(name) => match lot_of_cookie(headers, name) {
                Some(lot) => (lot, None),
                None => {
                    let text = format!("{name}={fresh}; Path=/; HttpOnly; SameSite=Lax");
                    (
                        fresh,
                        HeaderValue::from_str(&text).or_none("a name that is no cookie's is refused before"),
                    )
                }
            },
            Sticky::Header(name) => match headers.get(name.as_str()) {
                Some(value) => (self.lot_of(value.as_bytes()), None),
                None => (fresh, None),
            },
        };
        Drawn {
            is_canary: lot < self.lots,
            cookie,
        }
    }

    fn lot_of(&self, value: &[u8]) -> u64 {
        let digest = sha256(&[self.salt.as_bytes(), b"\0", value].concat());
        let mut first = [0u8; 8];
        first.copy_from_slice(&digest.bytes()[..8]);
        u64::from_be_bytes(first) % LOTS
    }
}

/// The lot that a client's cookie names; `None` where it names none. Source: RFC 6265, 5.4.
fn lot_of_cookie(headers: &HeaderMap, name: &str) -> Option<u64> {
    let values = headers.get_all(header::COOKIE).iter();
    let mut pairs = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        if value.is_empty() || value.len() > LONGEST || !value.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let text = std::str::from_utf8(value).or_none("no digits: another one is drawn")?;
        let lot: u64 = text.parse().or_none("no number: another one is drawn")?;
        (lot < LOTS).then_some(lot)
    })
}

#[cfg(test)]
mod tests {
    use super::super::message::Backend;
    use super::*;
    use crate::model::digest::Digest;

    fn shared(percent: u8, sticky: Sticky) -> Shared {
        let backend = Backend {
            run: "run".to_owned(),
            digest: Digest::from_bytes([1; 32]),
            commit: None,
            address: ([127, 0, 0, 1], 1).into(),
        };
        let canary = Canary {
            backend: backend.clone(),
            percent,
            sticky,
        };
        Shared::new(&canary, Instance::new(backend, 0))
    }

    fn with(name: &str, value: &str) -> HeaderMap {
        let name: hyper::header::HeaderName = name.parse().expect("a name");
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a value"))])
    }

    #[test]
    fn the_share_is_met_in_any_hundred_requests_and_nobody_is_drawn_at_none() {
        for percent in [0u8, 1, 5, 25, 50, 99, 100] {
            let shared = shared(percent, Sticky::None);
            for from in [0u64, 7, 999, u64::MAX - 2] {
                let drawn = (0..100)
                    .filter(|turn| shared.draw(&HeaderMap::new(), from.wrapping_add(*turn)).is_canary)
                    .count();
                assert!(drawn.abs_diff(usize::from(percent)) <= 2, "{percent}: {drawn} from {from}");
            }
        }
        let none = shared(0, Sticky::None);
        assert!((0..10_000).all(|turn| !none.draw(&HeaderMap::new(), turn).is_canary));
        let all = shared(100, Sticky::None);
        assert!((0..10_000).all(|turn| all.draw(&HeaderMap::new(), turn).is_canary));
    }

    #[test]
    fn a_client_with_a_cookie_stays_with_its_version_and_moves_to_the_new_one_once() {
        let sticky = || Sticky::Cookie("lot".to_owned());
        for turn in 0..200 {
            let first = shared(5, sticky()).draw(&HeaderMap::new(), turn);
            let cookie = first.cookie.expect("told");
            let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
            let again = with("cookie", &format!("a=b; {pair}; lots=1"));
            let met: Vec<bool> = [5, 25, 100]
                .map(|percent| shared(percent, sticky()).draw(&again, turn + 77).is_canary)
                .to_vec();
            assert_eq!(met[0], first.is_canary, "{turn}");
            assert!(met.is_sorted(), "{turn}: {met:?}");
            assert!(shared(5, sticky()).draw(&again, 1).cookie.is_none(), "it is told once");
        }
    }

    #[test]
    fn a_cookie_that_names_no_lot_is_replaced() {
        for value in ["lot=", "lot=10000", "lot=-1", "lot=12345678", "lot=1x", "xlot=3", "lot"] {
            assert_eq!(lot_of_cookie(&with("cookie", value), "lot"), None, "{value}");
        }
        assert_eq!(lot_of_cookie(&with("cookie", "a=1;lot=9999"), "lot"), Some(9_999));
    }

    #[test]
    fn the_same_header_meets_the_same_version_and_many_are_shared_out() {
        let shared = shared(25, Sticky::Header("x-user".to_owned()));
        let drawn = |user: u32, turn| shared.draw(&with("x-user", &user.to_string()), turn).is_canary;
        let met = (0..2_000).filter(|user| drawn(*user, 1)).count();
        assert!((400..600).contains(&met), "{met}");
        assert!((0..100).all(|user| drawn(user, 1) == drawn(user, 5_555)));
    }
}
