//! The forms that other places read a result in.

use super::Reporter as _;
use super::{code_quality, csv, gitlab, html, junit, sarif, summary};
use crate::model::outcome::Outcome;

/// A form of a result for somebody else's reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Form {
    /// GitLab's report of a container scan, schema 15.
    Gitlab,
    /// GitLab's report of a dependency scan, schema 15.
    GitlabDependency,
    /// Code Quality JSON, which GitLab shows in its free tier.
    #[strum(serialize = "codequality")]
    CodeQuality,
    /// `JUnit` XML, which every CI reads.
    Junit,
    /// A table for spreadsheets.
    Csv,
    /// `summary.md`.
    Markdown,
    /// `report.html`.
    Html,
    /// SARIF 2.1.0.
    Sarif,
}

impl Form {
    /// Every form.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Its name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What it is, for a list.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Gitlab => "GitLab's container scanning report, schema 15",
            Self::GitlabDependency => "GitLab's dependency scanning report, schema 15",
            Self::CodeQuality => "Code Quality JSON",
            Self::Junit => "JUnit XML",
            Self::Csv => "A table for spreadsheets",
            Self::Markdown => "A page in Markdown",
            Self::Html => "A page for reviewers",
            Self::Sarif => "SARIF 2.1.0",
        }
    }

    /// The result in this form. A run that ended before a verdict is told as one that failed, where the form can say that; `None` where it cannot:
    /// a list without entries would be taken for a clean one.
    #[must_use]
    pub fn render(self, outcome: &Outcome) -> Option<Vec<u8>> {
        match self {
            Self::Gitlab => Some(gitlab::container_scanning(outcome)),
            Self::GitlabDependency => Some(gitlab::dependency_scanning(outcome)),
            Self::CodeQuality => Some(code_quality::code_quality(outcome)),
            Self::Junit => Some(junit::junit(outcome).into_bytes()),
            Self::Csv => Some(csv::csv(outcome).into_bytes()),
            Self::Markdown => summary::Summary.finish(outcome),
            Self::Html => html::Html.finish(outcome),
            Self::Sarif => sarif::Sarif.finish(outcome),
        }
    }
}
