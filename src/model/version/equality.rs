//! Equality by order, for types whose order is the definition of it.

/// Equality and partial order of a type by its total order: two spellings of one version are equal.
macro_rules! equal_by_order {
    ($version:ty) => {
        impl PartialOrd for $version {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl PartialEq for $version {
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other).is_eq()
            }
        }

        impl Eq for $version {}
    };
}

pub(super) use equal_by_order;
