//! The versions of CycloneDX that are written.

/// A version of CycloneDX.
///
/// 1.6 unless another one is asked for: the readers of other tools that are at hand take it, and syft's does not take 1.7.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray)]
pub enum CycloneDxVersion {
    /// Of 2023.
    #[strum(serialize = "1.5")]
    V1_5,
    /// Of 2024 (ECMA-424).
    #[default]
    #[strum(serialize = "1.6")]
    V1_6,
    /// Of 2025.
    #[strum(serialize = "1.7")]
    V1_7,
}

impl CycloneDxVersion {
    /// As `specVersion` writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Every version, ascending.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;
}
