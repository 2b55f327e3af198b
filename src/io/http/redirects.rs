//! How far a redirect is followed.

use reqwest::redirect::Attempt;

/// Redirects of one request.
const MOST: usize = 5;

/// Why a redirect is not followed; `None` when it is: never from HTTPS to plain HTTP, never far.
pub(in crate::io) fn refusal(attempt: &Attempt<'_>) -> Option<&'static str> {
    let leaves_https = attempt.url().scheme() != "https" && attempt.previous().last().is_some_and(|last| last.scheme() == "https");
    if attempt.previous().len() > MOST {
        Some("more than five redirects")
    } else if leaves_https {
        Some("a redirect from HTTPS to plain HTTP is not followed")
    } else {
        None
    }
}
