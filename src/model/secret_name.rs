//! Names that say that what they name is secret.

/// How the name of a variable ends that holds a secret. Names that end in `_FILE` or `_PATH` hold a place.
const ENDINGS: [&str; 10] = [
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "SECRET_KEY",
    "SECRET_ACCESS_KEY",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
    "CREDENTIALS",
];

/// True when a variable of this name holds a secret: not a place, a reference to another variable, or a switch.
#[must_use]
pub fn holds_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let named = ENDINGS.iter().any(|secret| {
        upper
            .strip_suffix(secret)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with(['_', '-', '.']))
    });
    named && value.len() >= 4 && !value.starts_with(['/', '$']) && !matches!(value, "true" | "false" | "none" | "null")
}

#[cfg(test)]
mod tests {
    use super::holds_secret;

    #[test]
    fn places_and_switches_are_no_secrets() {
        for (name, value) in [
            ("DB_PASSWORD", "hunter22"),
            ("AWS_SECRET_ACCESS_KEY", "abcd/efgh"),
            ("GITHUB_TOKEN", "ghp_x"),
            ("api_key", "12345"),
        ] {
            assert!(holds_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("DB_PASSWORD", "/run/secrets/db"),
            ("DB_PASSWORD", ""),
            ("USE_TOKEN", "true"),
            ("GPG_KEY", "E3FF2839C048B25C084DEBE9B26995E310250568"),
            ("PATH", "/usr/bin"),
            ("TOKENIZER", "fast"),
            ("MYTOKEN", "abcdef"),
        ] {
            assert!(!holds_secret(name, value), "{name}={value}");
        }
    }
}
