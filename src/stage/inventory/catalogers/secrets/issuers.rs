//! The tokens of issuers who begin theirs with a word of their own.
//!
//! Left out is what its issuer calls public (Google's keys for browsers, `AIza…`), what lives for minutes, and what has no mark of its own.

/// How the text after a prefix is told to be a token.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
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
    /// 32 hexadecimal digits of an id, and the 32 characters of its secret close by.
    Twilio,
}

pub(super) struct Token {
    pub(super) prefix: &'static str,
    pub(super) name: &'static str,
    pub(super) shape: Shape,
}

const fn token(prefix: &'static str, name: &'static str, shape: Shape) -> Token {
    Token { prefix, name, shape }
}

/// Formats as their issuers document them.
pub(super) static TOKENS: [Token; 54] = [
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

/// More of them: no more than 64 are looked for at once.
pub(super) static MORE_TOKENS: [Token; 54] = [
    token("glft-", "GitLab feed token", Shape::Word(20, 64, b"-_.")),
    token("glffct-", "GitLab feature flags token", Shape::Word(20, 64, b"-_.")),
    token("glimt-", "GitLab mail token", Shape::Word(20, 64, b"-_.")),
    token("glsoat-", "GitLab SCIM token", Shape::Word(20, 64, b"-_.")),
    token("gloas-", "GitLab application secret", Shape::Word(64, 64, b"-_")),
    token("glagent-", "GitLab agent token", Shape::Word(50, 64, b"-_.")),
    token("GR1348941", "GitLab runner registration token", Shape::Word(20, 20, b"-_")),
    token("pypi-AgENdGVzdC5weXBpLm9yZw", "TestPyPI token", Shape::Word(50, 300, b"-_")),
    token("ABIA", "AWS key of a bearer token", Shape::Aws),
    token("ACCA", "AWS key of a context", Shape::Aws),
    token("ABSKQmVkcm9ja0FQSUtleS", "AWS Bedrock key", Shape::Word(80, 300, b"+/=")),
    token("xoxe.xoxp-1-", "Slack configuration token", Shape::Word(140, 200, b"")),
    token("xoxe.xoxb-1-", "Slack configuration token", Shape::Word(140, 200, b"")),
    token("xoxe-1-", "Slack configuration refresh token", Shape::Word(120, 180, b"")),
    token("whsec_", "Stripe webhook secret", Shape::Word(32, 80, b"+/=")),
    token("SK", "Twilio API key", Shape::Twilio),
    token("AC", "Twilio account", Shape::Twilio),
    token("doo_v1_", "DigitalOcean OAuth token", Shape::Word(64, 64, b"")),
    token("dor_v1_", "DigitalOcean refresh token", Shape::Word(64, 64, b"")),
    token("sk-ant-admin01-", "Anthropic admin key", Shape::Word(80, 110, b"-_")),
    token("sk-or-v1-", "OpenRouter key", Shape::Word(64, 64, b"")),
    token("gsk_", "Groq key", Shape::Word(52, 52, b"")),
    token("xai-", "xAI key", Shape::Word(80, 80, b"")),
    token("pplx-", "Perplexity key", Shape::Word(48, 48, b"")),
    token("r8_", "Replicate token", Shape::Word(37, 37, b"")),
    token("AKCp", "Artifactory key", Shape::Word(69, 69, b"")),
    token("cmVmd", "Artifactory reference token", Shape::Word(59, 59, b"")),
    token("ATATT3", "Atlassian token", Shape::Word(150, 220, b"-_=")),
    token("ATCTT3", "Atlassian token", Shape::Word(150, 220, b"-_=")),
    token("ATBB", "Bitbucket app password", Shape::Word(32, 32, b"")),
    token("CFPAT-", "Contentful token", Shape::Word(43, 43, b"-_")),
    token("dt0c01.", "Dynatrace token", Shape::Two(24, 64)),
    token("fo1_", "Fly.io token", Shape::Word(43, 43, b"-_")),
    token("fm2_", "Fly.io macaroon", Shape::Word(100, 600, b"+/=")),
    token("glc_", "Grafana Cloud token", Shape::Word(50, 400, b"+/=")),
    token("HRKU-AA", "Heroku key", Shape::Word(58, 58, b"-_")),
    token("pscale_tkn_", "PlanetScale token", Shape::Word(32, 64, b"-_.=")),
    token("pscale_pw_", "PlanetScale password", Shape::Word(32, 64, b"-_.=")),
    token("sbp_", "Supabase token", Shape::Word(40, 40, b"")),
    token("sntryu_", "Sentry user token", Shape::Word(64, 64, b"")),
    token("sgp_", "Sourcegraph token", Shape::Word(40, 57, b"_")),
    token("tfp_", "Typeform token", Shape::Word(59, 59, b"-_=.")),
    token("shippo_live_", "Shippo token", Shape::Word(40, 40, b"")),
    token("sq0atp-", "Square access token", Shape::Word(22, 22, b"-_")),
    token("EZAK", "EasyPost key", Shape::Word(54, 54, b"")),
    token("CLOJARS_", "Clojars token", Shape::Word(60, 60, b"")),
    token("oy2", "NuGet key", Shape::Word(43, 43, b"")),
    token("ntn_", "Notion token", Shape::Word(46, 46, b"")),
    token("figd_", "Figma token", Shape::Word(40, 44, b"-_")),
    token("pat", "Airtable token", Shape::Two(14, 64)),
    token("tskey-api-", "Tailscale API key", Shape::Word(20, 80, b"-")),
    token("tskey-client-", "Tailscale client secret", Shape::Word(20, 80, b"-")),
    token("dckr_oat_", "Docker organization token", Shape::Word(27, 40, b"-_")),
    token("sk_prod_", "Stripe production key", Shape::Word(24, 110, b"")),
];
