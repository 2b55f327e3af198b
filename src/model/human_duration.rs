//! Lengths of time as configuration writes them: `500ms`, `90s`, `15m`, `24h`, `14d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::written;

/// A length of time that was written with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, schemars::JsonSchema)]
#[schemars(with = "String")]
pub struct HumanDuration(pub Duration);

/// Why a text is not a [`HumanDuration`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: expected a whole number with a unit, such as 500ms, 90s, 15m, 24h or 14d")]
pub struct HumanDurationError(String);

impl HumanDuration {
    /// Parses a whole number with one of the units `ms`, `s`, `m`, `h`, `d`.
    ///
    /// # Errors
    /// [`HumanDurationError`] for every other text, and for what does not fit 64 bits of milliseconds.
    pub fn parse(text: &str) -> Result<Self, HumanDurationError> {
        let fail = || HumanDurationError(text.chars().take(40).collect());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text[..digits].parse().map_err(|_| fail())?;
        let unit: u64 = match &text[digits..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(fail()),
        };
        number.checked_mul(unit).map(|ms| Self(Duration::from_millis(ms))).ok_or_else(fail)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a length of time with its unit, such as \"500ms\", \"90s\", \"15m\", \"24h\" or \"14d\"";
        written::parsed(deserializer, expected, Self::parse)
    }
}

impl Serialize for HumanDuration {
    /// In the largest unit that holds it whole.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millis();
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        let fitting = units.iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit));
        let (unit, name) = fitting.copied().unwrap_or((1, "ms"));
        serializer.collect_str(&format_args!("{}{name}", millis / unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_a_bare_number_is_not() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("24h", 86_400), ("14d", 1_209_600)] {
            assert_eq!(HumanDuration::parse(text), Ok(HumanDuration(Duration::from_secs(seconds))));
        }
        assert_eq!(HumanDuration::parse("500ms"), Ok(HumanDuration(Duration::from_millis(500))));
        for text in [
            "",
            "24",
            "h",
            "1.5h",
            "-1s",
            "1 h",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(HumanDuration::parse(text).is_err(), "{text}");
        }
    }
}
