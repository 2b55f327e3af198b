//! Licenses in the two forms that SBOM formats know: one SPDX expression, or words.

/// True for a text that both formats take as a license expression. References to licenses that are not on SPDX's list
/// (`LicenseRef-…`) would need their text beside them, which is not known.
pub(super) fn is_expression(text: &str) -> bool {
    !text.contains("LicenseRef-") && spdx::Expression::parse(text).is_ok()
}

/// True for the identifier of one license on SPDX's list.
pub(super) fn is_identifier(text: &str) -> bool {
    spdx::license_id(text).is_some_and(|id| id.name == text)
}

/// All of several licenses as one expression; none where one of them is none.
pub(super) fn joined(licenses: &[String]) -> Option<String> {
    if licenses.is_empty() || !licenses.iter().all(|text| is_expression(text)) {
        return None;
    }
    Some(match licenses {
        [one] => one.clone(),
        several => {
            let in_brackets: Vec<String> = several.iter().map(|text| format!("({text})")).collect();
            in_brackets.join(" AND ")
        }
    })
}
