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
/// Whole names: of redis-cli, npm, docker and GitLab, and of personal access tokens.
const NAMES: [&str; 7] = [
    "REDISCLI_AUTH",
    "NPM_CONFIG__AUTH",
    "DOCKER_AUTH_CONFIG",
    "CI_JOB_JWT",
    "GITHUB_PAT",
    "GH_PAT",
    "AZURE_DEVOPS_EXT_PAT",
];
/// Values that switch something.
const SWITCHES: [&str; 14] = [
    "true", "false", "none", "null", "required", "optional", "enabled", "disabled", "yes", "no", "on", "off", "1", "0",
];
/// Shorter values are none that were found in an image: a word that an example left there.
const SHORTEST: usize = 4;

/// True when a variable of this name holds a secret: not a place, a reference to another variable, or a switch.
#[must_use]
pub fn holds_secret(name: &str, value: &str) -> bool {
    value.len() >= SHORTEST && is_secret(name, value)
}

/// The same for what somebody sets, where a short value is as much of a secret as a long one.
#[must_use]
pub fn is_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let ends = |secret: &str| {
        let rest = upper.strip_suffix(secret);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(['_', '-', '.']))
    };
    let named =
        ENDINGS.iter().any(|secret| ends(secret)) || WITHIN.iter().any(|secret| upper.ends_with(secret)) || NAMES.contains(&upper.as_str());
    named && !value.is_empty() && !value.starts_with(['/', '$']) && !SWITCHES.contains(&value.to_ascii_lowercase().as_str())
}

/// Parts of a name, between its `_`, of which one is enough where nobody needs to see what the variable holds.
const PARTS: [&str; 19] = [
    "APIKEY",
    "AUTH",
    "COOKIE",
    "CREDENTIAL",
    "CREDENTIALS",
    "DSN",
    "JWT",
    "KEY",
    "KEYS",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "PRIVATE",
    "PWD",
    "SECRET",
    "SESSION",
    "TOKEN",
];

/// True when a part of a name says that it may hold a secret, whatever its value is: the rule for what others would be handed.
#[must_use]
pub fn sounds_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let plural = |part: &str| part.strip_suffix('S').is_some_and(|one| PARTS.contains(&one));
    upper.split(['_', '-', '.']).any(|part| PARTS.contains(&part) || plural(part))
}

/// True for a text with an address that logs somebody in: `postgres://user:password@host/db`.
#[must_use]
pub fn logs_in(value: &str) -> bool {
    value.match_indices("://").any(|(at, mark)| {
        let rest = &value[at + mark.len()..];
        let authority = rest
            .split(|c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace())
            .next()
            .unwrap_or(rest);
        // A password may hold what ends an authority where nobody has encoded it.
        let loose = rest.split(char::is_whitespace).next().unwrap_or(rest);
        let login = authority.rsplit_once('@').or_else(|| loose.split_once('@'));
        login.is_some_and(|(login, _)| login.split_once(':').is_some_and(|(_, password)| !password.is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use super::{holds_secret, logs_in, sounds_secret};

    #[test]
    fn one_part_of_a_name_is_enough_for_what_is_handed_on() {
        for name in [
            "DEPLOY_KEY",
            "SSH_KEY",
            "COSIGN_KEY",
            "NPM_AUTH",
            "NPM_CONFIG__AUTH",
            "DOCKER_AUTH_CONFIG",
            "REGISTRY_AUTH",
            "SECRET_KEY_BASE",
            "GITHUB_TOKEN_READ",
            "GOOGLE_APPLICATION_CREDENTIALS_JSON",
            "CI_JOB_JWT",
            "SSH_AUTH_SOCK",
            "SENTRY_DSN",
            "deploy_tokens",
        ] {
            assert!(sounds_secret(name), "{name}");
        }
        for name in ["SQLX_OFFLINE", "DATABASE_URL", "KEYBOARD", "AUTHOR_NAME", "CHANNEL", "BYPASS"] {
            assert!(!sounds_secret(name), "{name}");
        }
    }

    #[test]
    fn an_address_with_a_password_logs_in() {
        for value in ["postgres://a:b@db/x", "x https://:tok@host", "amqp://u:p/q@h"] {
            assert!(logs_in(value), "{value}");
        }
        for value in [
            "https://host/a@b",
            "git+ssh://git@host/x",
            "postgres://db:5432/x",
            "a:b@c",
            "https://u:@h",
        ] {
            assert!(!logs_in(value), "{value}");
        }
    }

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
