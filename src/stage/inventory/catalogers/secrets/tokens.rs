//! Tokens that begin with a word of their issuer's: found in one pass over any text.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::found::{Found, line_of};
use super::proof::{base62_checksum_holds, is_placeholder, is_random};

/// How the text after a prefix is told to be a token.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// So many letters and digits, the last six of them a checksum of the others.
    Checked(usize),
    /// From so many to so many characters of letters, digits and these.
    Word(usize, usize, &'static [u8]),
    /// `id-id-secret`: Slack.
    Slack,
    /// `T…/B…/secret`: a Slack webhook.
    Webhook,
    /// 16 characters of base 32, and the 40 of the secret key close by.
    Aws,
    /// Two words joined by a dot or a dash.
    Two(usize, usize),
    /// 88 characters of base 64.
    AzureStorage,
}

struct Token {
    prefix: &'static str,
    name: &'static str,
    shape: Shape,
}

const fn token(prefix: &'static str, name: &'static str, shape: Shape) -> Token {
    Token { prefix, name, shape }
}

/// Formats as their issuers document them.
static TOKENS: [Token; 54] = [
    token("ghp_", "GitHub personal access token", Shape::Checked(36)),
    token("gho_", "GitHub OAuth token", Shape::Checked(36)),
    token("ghu_", "GitHub user-to-server token", Shape::Checked(36)),
    token("ghs_", "GitHub server-to-server token", Shape::Checked(36)),
    token("ghr_", "GitHub refresh token", Shape::Checked(36)),
    token("github_pat_", "GitHub fine-grained token", Shape::Word(82, 82, b"_")),
    token("glpat-", "GitLab personal access token", Shape::Word(20, 64, b"-_.")),
    token("gldt-", "GitLab deploy token", Shape::Word(20, 64, b"-_.")),
    token("glrt-", "GitLab runner token", Shape::Word(20, 64, b"-_.")),
    token("glcbt-", "GitLab job token", Shape::Word(20, 64, b"-_.")),
    token("npm_", "npm token", Shape::Checked(36)),
    token("pypi-AgEIcHlwaS5vcmc", "PyPI token", Shape::Word(50, 300, b"-_")),
    token("rubygems_", "RubyGems token", Shape::Word(48, 48, b"")),
    token("dckr_pat_", "Docker Hub token", Shape::Word(27, 40, b"-_")),
    token("AKIA", "AWS access key", Shape::Aws),
    token("ASIA", "AWS session key", Shape::Aws),
    token("GOCSPX-", "Google OAuth client secret", Shape::Word(28, 28, b"-_")),
    token("AccountKey=", "Azure storage key", Shape::AzureStorage),
    token("SharedAccessKey=", "Azure shared access key", Shape::Word(43, 44, b"+/=")),
    token("xoxb-", "Slack bot token", Shape::Slack),
    token("xoxp-", "Slack user token", Shape::Slack),
    token("xoxa-", "Slack app token", Shape::Slack),
    token("xoxr-", "Slack refresh token", Shape::Slack),
    token("xapp-1-", "Slack app-level token", Shape::Word(60, 120, b"-")),
    token("hooks.slack.com/services/", "Slack webhook", Shape::Webhook),
    token("sk_live_", "Stripe live key", Shape::Word(24, 110, b"")),
    token("rk_live_", "Stripe restricted key", Shape::Word(24, 110, b"")),
    token("SG.", "SendGrid key", Shape::Two(22, 43)),
    token("hvs.", "Vault token", Shape::Word(24, 200, b"-_")),
    token("hvb.", "Vault batch token", Shape::Word(24, 300, b"-_")),
    token("dop_v1_", "DigitalOcean token", Shape::Word(64, 64, b"")),
    token("sk-ant-api03-", "Anthropic key", Shape::Word(90, 110, b"-_")),
    token("sk-proj-", "OpenAI project key", Shape::Word(40, 200, b"-_")),
    token("AGE-SECRET-KEY-1", "age private key", Shape::Word(58, 58, b"")),
    token("cio", "crates.io token", Shape::Word(32, 32, b"")),
    token("tskey-auth-", "Tailscale key", Shape::Word(20, 80, b"-")),
    token("hf_", "Hugging Face token", Shape::Word(34, 34, b"")),
    token("sk-svcacct-", "OpenAI service account key", Shape::Word(40, 200, b"-_")),
    token("sk-admin-", "OpenAI admin key", Shape::Word(40, 200, b"-_")),
    token("sk-", "OpenAI key", Shape::Word(48, 48, b"")),
    token("shpat_", "Shopify token", Shape::Word(32, 32, b"")),
    token("shpss_", "Shopify shared secret", Shape::Word(32, 32, b"")),
    token("shpca_", "Shopify custom app token", Shape::Word(32, 32, b"")),
    token("shppa_", "Shopify private app password", Shape::Word(32, 32, b"")),
    token("dp.pt.", "Doppler token", Shape::Word(40, 44, b"")),
    token("lin_api_", "Linear key", Shape::Word(40, 40, b"")),
    token("PMAK-", "Postman key", Shape::Two(24, 34)),
    token("glsa_", "Grafana service account token", Shape::Word(41, 41, b"_")),
    token("dapi", "Databricks token", Shape::Word(32, 32, b"")),
    token("NRAK-", "New Relic key", Shape::Word(27, 27, b"")),
    token("pul-", "Pulumi token", Shape::Word(40, 40, b"")),
    token("sntrys_", "Sentry token", Shape::Word(80, 300, b"+/=_")),
    token("glptt-", "GitLab trigger token", Shape::Word(20, 64, b"-_.")),
    token("sq0csp-", "Square client secret", Shape::Word(43, 43, b"-_")),
];

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test builds the automaton")]
static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    // Only with this kind of match is text passed over by vector instructions: four times as fast.
    let mut builder = AhoCorasick::builder();
    let builder = builder.match_kind(MatchKind::LeftmostFirst);
    let prefixes = TOKENS.iter().map(|token| token.prefix);
    builder.build(prefixes).expect("the short patterns make an automaton")
});

/// Every token in a text.
pub(super) fn in_text(content: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for hit in FINDER.find_iter(content) {
        let token = &TOKENS[hit.pattern().as_usize()];
        let starts_a_word = hit.start() == 0 || !is_word(content[hit.start() - 1], b"_");
        if !starts_a_word && !matches!(token.shape, Shape::Webhook) {
            continue;
        }
        if let Some(note) = proven(token, content, hit.end()) {
            found.push(Found {
                line: line_of(content, hit.start()),
                what: format!("{}{note}", token.name),
            });
        }
    }
    found
}

/// What is to be said of a token beside its name; none when the text is no token.
fn proven(token: &Token, content: &[u8], at: usize) -> Option<&'static str> {
    let rest = &content[at..];
    match token.shape {
        Shape::Checked(length) => {
            let body = exact(rest, length, length, b"")?;
            match base62_checksum_holds(body) {
                true => Some(""),
                // Nobody's token, unless the issuer changed its ways; still not a thing to ship.
                false => is_random(body).then_some(" (its checksum does not hold: revoked by hand or made up)"),
            }
        }
        Shape::Word(least, most, more) => is_random(exact(rest, least, most, more)?).then_some(""),
        Shape::Slack => {
            let body = exact(rest, 30, 120, b"-")?;
            let mut parts = body.split(|byte| *byte == b'-');
            let id = parts.next()?;
            let secret = body.rsplit(|byte| *byte == b'-').next()?;
            (id.len() >= 8 && id.iter().all(u8::is_ascii_digit) && secret.len() >= 20 && is_random(secret)).then_some("")
        }
        Shape::Webhook => {
            let body = exact(rest, 40, 80, b"/")?;
            let parts: Vec<&[u8]> = body.split(|byte| *byte == b'/').collect();
            let [team, channel, secret] = parts.as_slice() else { return None };
            (team.starts_with(b"T") && channel.starts_with(b"B") && secret.len() == 24 && is_random(secret)).then_some("")
        }
        Shape::Aws => {
            let id = exact(rest, 16, 16, b"")?;
            let base32 = id.iter().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(byte));
            (base32 && !is_placeholder(id) && has_secret_key(content, at)).then_some(" with its secret key")
        }
        Shape::Two(first, second) => {
            let body = exact(rest, first + 1 + second, first + 1 + second, b"-_.")?;
            (matches!(body[first], b'.' | b'-') && is_random(body)).then_some("")
        }
        Shape::AzureStorage => {
            let key = exact(rest, 86, 88, b"+/=")?;
            (key.ends_with(b"==") && is_random(key)).then_some("")
        }
    }
}

/// The word at the start of a text, when its length is within bounds.
fn exact<'t>(text: &'t [u8], least: usize, most: usize, more: &[u8]) -> Option<&'t [u8]> {
    let length = text.iter().take(most + 1).take_while(|byte| is_word(**byte, more)).count();
    (least..=most).contains(&length).then(|| &text[..length])
}

fn is_word(byte: u8, more: &[u8]) -> bool {
    byte.is_ascii_alphanumeric() || more.contains(&byte)
}

/// An id alone opens nothing: the secret key is 40 characters of base 64 within a few lines.
fn has_secret_key(content: &[u8], at: usize) -> bool {
    let around = &content[at.saturating_sub(400)..(at + 400).min(content.len())];
    around.split(|byte| !is_word(*byte, b"+/")).any(|word| {
        word.len() == 40 && is_random(word) && word.iter().any(u8::is_ascii_lowercase) && word.iter().any(u8::is_ascii_uppercase)
    })
}
