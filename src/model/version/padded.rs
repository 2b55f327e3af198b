//! Lists of parts, where what is not there counts as a part of its own: `1.0` and `1.0.0`.

use std::cmp::Ordering;

/// Compares part by part; the shorter list goes on with `nothing`.
pub(super) fn compare<P: Ord + Copy>(mut a: impl Iterator<Item = P>, mut b: impl Iterator<Item = P>, nothing: P) -> Ordering {
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => (x.unwrap_or(nothing), y.unwrap_or(nothing)),
        };
        let order = x.cmp(&y);
        if order.is_ne() {
            return order;
        }
    }
}
