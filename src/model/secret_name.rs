//! Names that say that what they name is secret.

/// How the name of a variable ends that holds a secret. Names that end in `_FILE` or `_PATH` hold a place.
const ENDINGS: [&str; 13] = [
    "PASSPHRASE",
    "PASS",
    "PWD",
    "SECRET",
    "SECRET_KEY",
    "ACCESS_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
    "CREDENTIALS",
];
/// The same, with any letters before it: `PGPASSWORD`, `dbPassword`.
const WITHIN: [&str; 3] = ["PASSWORD", "PASSWD", "SECRETKEY"];
/// Whole names: of redis-cli, and of personal access tokens.
const NAMES: [&str; 4] = ["REDISCLI_AUTH", "GITHUB_PAT", "GH_PAT", "AZURE_DEVOPS_EXT_PAT"];
/// Values that switch something.
const SWITCHES: [&str; 8] = ["true", "false", "none", "null", "required", "optional", "enabled", "disabled"];

/// True when a variable of this name holds a secret: not a place, a reference to another variable, or a switch.
#[must_use]
pub fn holds_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let ends = |secret: &str| {
        let rest = upper.strip_suffix(secret);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(['_', '-', '.']))
    };
    let named =
        ENDINGS.iter().any(|secret| ends(secret)) || WITHIN.iter().any(|secret| upper.ends_with(secret)) || NAMES.contains(&upper.as_str());
    named && value.len() >= 4 && !value.starts_with(['/', '$']) && !SWITCHES.contains(&value.to_ascii_lowercase().as_str())
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
            ("PGPASSWORD", "hunter22"),
            ("MYSQL_PWD", "hunter22"),
            ("dbPassword", "hunter22"),
            ("DB_PASS", "hunter22"),
            ("GITHUB_PAT", "abcdef"),
            ("DATA_ENCRYPTION_KEY", "abcdef"),
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
            ("PWD", "/srv"),
            ("ALLOW_EMPTY_PASSWORD", "yes"),
            ("REQUIRE_PASSWORD", "Optional"),
            ("COMPASS", "north"),
            ("TOKENIZER", "fast"),
            ("MYTOKEN", "abcdef"),
        ] {
            assert!(!holds_secret(name, value), "{name}={value}");
        }
    }
}
