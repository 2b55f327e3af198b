//! `oversized-image`: images that grew without anybody noticing.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::byte_size::bytes;
use crate::model::excused::Excused as _;
use crate::model::finding::Level;
use crate::model::visible::shortened;
use crate::model::written;
use crate::stage::policy::Evidence;

/// A number of bytes as people write it: `500MB` (10^6), `1GiB` (2^30).
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)$"))]
pub(crate) struct Size(pub u64);

impl Size {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text[..digits].parse().or_none("the caller says that it is no size")?;
        let unit = match &text[digits..] {
            "B" => 1,
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(unit).map(Self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        written::parsed(deserializer, EXPECTED, |text| {
            Self::parse(text).ok_or_else(|| format!("invalid value: string {text:?}, expected {EXPECTED}"))
        })
    }
}

const EXPECTED: &str = "a size with its unit, such as \"500MB\" or \"1GiB\"";

impl Serialize for Size {
    /// In the largest unit that holds it whole.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let units = [
            (1 << 30, "GiB"),
            (1_000_000_000, "GB"),
            (1 << 20, "MiB"),
            (1_000_000, "MB"),
            (1 << 10, "KiB"),
            (1_000, "kB"),
        ];
        let fitting = units.iter().find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit));
        let (unit, name) = fitting.copied().unwrap_or((1, "B"));
        serializer.collect_str(&format_args!("{}{name}", self.0 / unit))
    }
}

/// Settings of `oversized-image`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OversizedImage {
    /// How hard it weighs.
    pub level: Level,
    /// The most bytes that the layers of one platform may have as stored (compressed): `500MB`, `1GiB`.
    pub max: Size,
}

impl Default for OversizedImage {
    fn default() -> Self {
        Self {
            level: Level::Warn,
            max: Size(1 << 30),
        }
    }
}

impl Settings for OversizedImage {
    const ABOUT: RuleText = RuleText {
        code: "oversized-image",
        summary: "The image is larger than the policy allows.",
        why: "Size is time at every rollout, and most of it is code that nobody needs and somebody has to patch.",
        fix: "Build in one stage and copy the result into a small one; the report lists each layer with its size and its build step.",
    };
}

impl Rule for OversizedImage {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for platform in &evidence.inventory.platforms {
            let size = platform.layers.iter().fold(0u64, |sum, layer| sum.saturating_add(layer.size));
            if size <= self.max.0 {
                continue;
            }
            let message = format!("the image has {}, the policy allows {}", bytes(size), bytes(self.max.0));
            let mut finding = Self::ABOUT.finding(self.level, message);
            finding.subject = Some(platform.platform.to_string());
            if let Some(largest) = platform.layers.iter().max_by_key(|layer| layer.size) {
                let step = largest.created_by.as_deref().unwrap_or("an unnamed step");
                let step = shortened(step, 120);
                finding.help = Some(format!("its largest layer has {} and comes from: {step}", bytes(largest.size)));
            }
            objections.findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn a_size_needs_its_unit() {
        for (text, size) in [
            ("12B", 12),
            ("3kB", 3_000),
            ("500MB", 500_000_000),
            ("2GB", 2_000_000_000),
            ("3KiB", 3_072),
            ("2MiB", 2_097_152),
            ("1GiB", 1_073_741_824),
        ] {
            assert_eq!(Size::parse(text), Some(Size(size)), "{text}");
        }
        for text in ["", "1", "MB", "1.5GB", "-1MB", "99999999999999999GiB"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
