//! Values of `[build]` for a Dockerfile that a builder would take as they are, whatever they say: each is known, or refused before anything runs.

use std::collections::BTreeMap;

use crate::cli::error::CliError;
use crate::io::document::nearest;
use crate::model::image::Platform;
use crate::model::secret_name::{is_secret, logs_in};

/// Platforms that Linux images are for, as Go names them, with the variants that engines know. Source: the platforms of Docker's official images, and
/// those that containerd's `platforms` normalizes.
const PLATFORMS: [&str; 20] = [
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/arm/v5",
    "linux/arm",
    "linux/386",
    "linux/ppc64le",
    "linux/s390x",
    "linux/riscv64",
    "linux/mips64le",
    "linux/loong64",
    "linux/arm64/v8",
    "linux/arm64/v9",
    "linux/amd64/v1",
    "linux/amd64/v2",
    "linux/amd64/v3",
    "linux/amd64/v4",
    "linux/mips64",
    "linux/ppc64",
];
/// How many of them are told to who misspelt one beyond recognition.
const TOLD: usize = 12;
/// What others call a processor, and its name here.
const OTHER_NAMES: [(&str, &str); 7] = [
    ("x86_64", "linux/amd64"),
    ("x86-64", "linux/amd64"),
    ("aarch64", "linux/arm64"),
    ("armhf", "linux/arm/v7"),
    ("armel", "linux/arm/v6"),
    ("i386", "linux/386"),
    ("i686", "linux/386"),
];

/// What the values of `args` may have in braces.
const FIELDS: [&str; 2] = ["{sha}", "{short}"];

/// Kinds of caches that BuildKit writes; it reads all but the last, which is read as `registry`.
const CACHES: [&str; 6] = ["registry", "local", "gha", "s3", "azblob", "inline"];

/// `platforms`, each of them one that images are built for.
///
/// # Errors
/// [`CliError::Setting`] for one that nobody knows: an engine would build it, and write the name into the image.
pub(super) fn platforms(texts: &[String]) -> Result<Vec<Platform>, CliError> {
    let setting = |problem: String| CliError::setting("build.platforms", problem);
    let known = |text: &String| {
        let platform = Platform::try_from(text.clone());
        match (platform, PLATFORMS.contains(&text.as_str())) {
            (Ok(platform), true) => Ok(platform),
            (Ok(platform), false) if platform.os == "windows" => Err(setting(format!("`{text}`: images for Windows are not built here"))),
            _ => Err(setting(format!(
                "`{text}` is no platform that images are built for; {}",
                meant(text)
            ))),
        }
    };
    texts.iter().map(known).collect()
}

/// `did you mean linux/arm64?`, or the platforms that there are.
fn meant(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let processor = lower.strip_prefix("linux/").unwrap_or(&lower);
    let other = OTHER_NAMES.iter().find(|(name, _)| processor == *name).map(|(_, own)| *own);
    // Without its system, the name is short: what is not like it would be.
    let short = PLATFORMS
        .iter()
        .copied()
        .find(|known| known.strip_prefix("linux/") == Some(processor));
    match other.or(short).or_else(|| nearest(&lower, &PLATFORMS)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", PLATFORMS[..TOLD].join(", ")),
    }
}

/// # Errors
/// [`CliError::Setting`] for an argument that is the gate's own, a secret by its name, an address that logs in, and for a field in braces that
/// nothing is put in for.
pub(super) fn arguments(args: &BTreeMap<String, String>) -> Result<(), CliError> {
    for (name, value) in args {
        let refused = |problem: String| Err(CliError::setting("build.args", problem));
        let instead = "arguments are in the image's history and in logs: pass it as [build.secrets], to `RUN --mount=type=secret`";
        if name == "SOURCE_DATE_EPOCH" {
            return refused("`SOURCE_DATE_EPOCH` is the gate's own: it is the commit's time".to_owned());
        }
        if name == "BUILDKIT_SYNTAX" {
            return refused(
                "`BUILDKIT_SYNTAX` names a program that reads the Dockerfile: it stands in the Dockerfile itself, `# syntax=`".to_owned(),
            );
        }
        if is_secret(name, value) {
            return refused(format!("by its name `{name}` is a secret, and {instead}"));
        }
        if logs_in(value) {
            return refused(format!("the value of `{name}` is an address that logs somebody in, and {instead}"));
        }
        if let Some(field) = unknown_field(value) {
            let near = nearest(&field.to_ascii_lowercase(), &FIELDS).map(|near| format!("did you mean `{near}`? "));
            return refused(format!(
                "`{name}` has `{field}`, which nothing is put in for: {}known are {}",
                near.unwrap_or_default(),
                FIELDS.join(" and ")
            ));
        }
    }
    Ok(())
}

/// The first name in braces that is no field. Other braces are a text's own: JSON, `${shell}`, `%{format}`, `{{template}}`.
fn unknown_field(value: &str) -> Option<&str> {
    value.match_indices('{').find_map(|(at, _)| {
        let (before, rest) = value.split_at(at);
        let end = rest.find('}')?;
        let (field, after) = rest.split_at(end + 1);
        let name = &field[1..end];
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'));
        let is_anothers = before.ends_with(['$', '%', '{', '\\']) || after.starts_with('}') && before.ends_with('{');
        (is_name && !is_anothers && !FIELDS.contains(&field)).then_some(field)
    })
}

/// Looks at `cache_from` or `cache_to`: an engine passes over a cache that it does not know.
///
/// # Errors
/// [`CliError::Setting`] for a kind that nobody knows, and for one without a kind. Of the value nothing but its kind is shown: keys may be in it.
pub(super) fn caches(key: &'static str, values: &[String]) -> Result<(), CliError> {
    // A reference of an image alone means a registry.
    for value in values.iter().filter(|value| value.contains('=')) {
        let fields = value.split(',').filter_map(|field| field.trim_matches([' ', '"']).split_once('='));
        let kind = fields
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("type"))
            .map(|(_, kind)| kind);
        let is_read = key == "build.cache_from";
        let known = &CACHES[..CACHES.len() - usize::from(is_read)];
        let problem = match kind {
            Some(kind) if known.contains(&kind) => continue,
            Some("inline") => {
                "`type=inline` is for `cache_to`: what it wrote into an image is read with `type=registry,ref=IMAGE`".to_owned()
            }
            Some(kind) => {
                let near = nearest(&kind.to_ascii_lowercase(), known).map(|near| format!("did you mean `type={near}`? "));
                let near = near.unwrap_or_default();
                format!("no builder knows a cache of `type={kind}`: {near}known are {}", known.join(", "))
            }
            None => format!("a cache has no `type=`: known are {}", known.join(", ")),
        };
        return Err(CliError::setting(key, problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T: std::fmt::Debug>(result: Result<T, CliError>) -> String {
        result.expect_err("refused").to_string()
    }

    fn of_platform(text: &str) -> Result<Vec<Platform>, CliError> {
        platforms(&["linux/amd64".to_owned(), text.to_owned()])
    }

    #[test]
    fn a_platform_that_nobody_knows_is_refused_with_the_nearest() {
        for known in PLATFORMS {
            assert_eq!(of_platform(known).expect(known)[1].to_string(), known);
        }
        for (odd, near) in [
            ("linux/amr64", "linux/arm64"),
            ("linux/amd46", "linux/amd64"),
            ("linux/arm/v8", "linux/arm/v7"),
            ("linux/arm64/8", "linux/arm64/v8"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linx/arm64", "linux/arm64"),
            ("Linux/amd64", "linux/amd64"),
            ("arm64", "linux/arm64"),
            ("x86_64", "linux/amd64"),
            ("linux/riscv", "linux/riscv64"),
        ] {
            let said = said(of_platform(odd));
            assert!(said.contains(odd) && said.contains("did you mean"), "{odd}: {said}");
            assert!(said.contains(&format!("{near}?")) || odd == "linux/arm/v8", "{odd}: {said}");
        }
        assert!(said(of_platform("windows/amd64")).contains("Windows"));
        assert!(said(of_platform("plan9/sparcstation")).contains("there are linux/amd64, linux/arm64"));
        for odd in ["", "linux", "linux/", "linux/amd64/", "linux/amd64/v1/x", " linux/amd64"] {
            assert!(of_platform(odd).is_err(), "{odd:?}");
        }
    }

    fn of_argument(name: &str, value: &str) -> Result<(), CliError> {
        arguments(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn a_field_of_an_argument_is_known_and_braces_of_a_texts_own_stay() {
        for (odd, words) in [
            ("{sh}", "did you mean `{sha}`"),
            ("v-{shrot}", "did you mean `{short}`"),
            ("{Sha}", "did you mean `{sha}`"),
            ("{semver}", "known are {sha} and {short}"),
            ("{sha}{git-tag}", "`{git-tag}`"),
        ] {
            let said = said(of_argument("VERSION", odd));
            assert!(said.contains(words) && said.contains("VERSION"), "{odd}: {said}");
        }
        for own in [
            "{sha}",
            "a-{short}-{sha}",
            "{\"a\": {\"b\": 1}}",
            "${HOME}",
            "%{http_code}",
            "{{version}}",
            "{}",
            "{1,2}",
            "{",
            "a}b{c",
        ] {
            of_argument("VERSION", own).expect(own);
        }
    }

    #[test]
    fn an_argument_is_no_secret_however_short() {
        for (name, value) in [
            ("NPM_TOKEN", "abc"),
            ("DB_PASSWORD", "x"),
            ("NPM_CONFIG__AUTH", "aGk6"),
            ("MIRROR", "https://me:hunter2@host/x"),
        ] {
            let said = said(of_argument(name, value));
            assert!(
                said.contains(name) && said.contains("build.secrets") && !said.contains("hunter2"),
                "{said}"
            );
        }
        for (name, value) in [
            ("NPM_TOKEN", ""),
            ("WITH_TOKEN", "1"),
            ("ALLOW_EMPTY_PASSWORD", "yes"),
            ("NPM_TOKEN_FILE", "/run/secrets/npm"),
            ("GPG_KEY", "E3FF2839C048B25C084DEBE9B26995E310250568"),
            ("AUTH_MODE", "basic"),
            ("SESSION_TIMEOUT", "30"),
            ("KEY_SIZE", "4096"),
            ("TOKENIZER", "fast"),
            ("BYPASS", "x"),
            ("MIRROR", "https://host/x"),
        ] {
            of_argument(name, value).expect(name);
        }
    }

    #[test]
    fn a_kind_of_cache_is_known() {
        let of = |key: &'static str, value: &str| caches(key, &["type=gha".to_owned(), value.to_owned()]);
        for kind in CACHES {
            of("build.cache_to", &format!("type={kind},mode=max")).expect(kind);
        }
        for plain in [
            "127.0.0.1:9/cache",
            "ghcr.io/acme/cache:main",
            "ref=x,type=registry",
            "\"type=local\",src=a",
        ] {
            of("build.cache_from", plain).expect(plain);
        }
        for (key, odd, words) in [
            ("build.cache_from", "type=gah,token=hunter2", "did you mean `type=gha`"),
            ("build.cache_to", "type=registy,ref=x", "did you mean `type=registry`"),
            ("build.cache_to", "type=GHA", "did you mean `type=gha`"),
            ("build.cache_from", "type=inline", "`type=registry,ref=IMAGE`"),
            ("build.cache_from", "tpye=gha", "no `type=`"),
            ("build.cache_to", "type=", "known are registry, local, gha, s3, azblob, inline"),
        ] {
            let said = said(of(key, odd));
            assert!(
                said.contains(key) && said.contains(words) && !said.contains("hunter2"),
                "{odd}: {said}"
            );
        }
    }
}
