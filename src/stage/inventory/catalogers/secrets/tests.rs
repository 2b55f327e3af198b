use super::cataloger::secrets;
use super::proof::with_checksum;
use super::*;
use crate::stage::inventory::cataloger::{Cataloger as _, EntryHead, Want};

fn of(path: &str, content: &str) -> Vec<String> {
    let head = EntryHead {
        path,
        mode: 0o600,
        size: content.len() as u64,
    };
    if Secrets.wants(&head) == Want::No {
        return Vec::new();
    }
    let mut found = secrets(path, content.as_bytes());
    found.sort();
    found.iter().map(|found| format!("{} (line {})", found.what, found.line)).collect()
}

/// Letters that look drawn by chance, made here so that no scanner takes this file for a leak.
fn random(length: usize) -> String {
    const LETTERS: &[u8] = b"q7WzK2mXv9RtL4bNcY8sHgJ5dPfA3eUoTiQ6ZkMwVxB1nCyDhSrGjFlE";
    (0..length)
        .map(|at| char::from(LETTERS[(at * 17 + at / 7) % LETTERS.len()]))
        .collect()
}

fn pem(label: &str) -> String {
    format!("-----BEGIN {label}-----\n{}\n{}\n-----END {label}-----\n", random(64), random(48))
}

#[test]
fn private_keys_are_found_wherever_they_lie() {
    for label in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
    ] {
        assert_eq!(of("root/.ssh/id_x", &pem(label)), [format!("{} (line 1)", label.to_lowercase())]);
    }
    let json = format!("{{\"key\": \"{}\"}}", pem("PRIVATE KEY").replace('\n', "\\n"));
    assert_eq!(of("app/config.json", &json), ["private key (line 1)"]);
    assert_eq!(
        of("app/config.yaml", &format!("a: 1\nkey: |\n{}", pem("PRIVATE KEY"))),
        ["private key (line 3)"]
    );
}

#[test]
fn certificates_public_keys_and_words_about_keys_are_none() {
    for text in [
        pem("CERTIFICATE"),
        pem("PUBLIC KEY"),
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n".to_owned(),
        "if line.startswith('-----BEGIN RSA PRIVATE KEY-----'): raise\n".to_owned(),
    ] {
        assert_eq!(of("app/x.pem", &text), [] as [&str; 0], "{text}");
    }
    assert_eq!(of("etc/ssl/private/ssl-cert-snakeoil.key", &pem("PRIVATE KEY")), [] as [&str; 0]);
    assert_eq!(of("usr/share/doc/openssl/key.pem", &pem("PRIVATE KEY")), [] as [&str; 0]);
    assert_eq!(of("app/node_modules/x/test/key.pem", &pem("PRIVATE KEY")), [] as [&str; 0]);
}

#[test]
fn tokens_are_told_by_checksum_length_and_entropy() {
    let github = format!("ghp_{}", with_checksum(&random(30)));
    assert_eq!(
        of("app/run.sh", &format!("x\nTOKEN={github}\n")),
        ["GitHub personal access token (line 2)"]
    );
    assert!(of("app/run.sh", &format!("ghp_{}", random(36)))[0].contains("checksum does not hold"));
    assert_eq!(of("app/run.sh", &format!("ghp_{}", "x".repeat(36))), [] as [&str; 0]);
    assert_eq!(of("app/run.sh", &format!("ghp_{}", random(40))), [] as [&str; 0]);
    for (token, name) in [
        (format!("glpat-{}", random(20)), "GitLab personal access token"),
        (format!("npm_{}", with_checksum(&random(30))), "npm token"),
        (format!("xoxb-123456789012-123456789012-{}", random(24)), "Slack bot token"),
        (
            format!("https://hooks.slack.com/services/T01234567/B01234567/{}", random(24)),
            "Slack webhook",
        ),
        (format!("AccountName=x;AccountKey={}==;", random(86)), "Azure storage key"),
        (format!("sk_live_{}", random(24)), "Stripe live key"),
        (format!("sk-{}", random(48)), "OpenAI key"),
        (format!("shpat_{}", random(32)), "Shopify token"),
        (format!("dp.pt.{}", random(43)), "Doppler token"),
        (format!("lin_api_{}", random(40)), "Linear key"),
        (format!("PMAK-{}-{}", random(24), random(34)), "Postman key"),
        (format!("glsa_{}_{}", random(32), random(8)), "Grafana service account token"),
        (format!("pul-{}", random(40)), "Pulumi token"),
    ] {
        assert_eq!(of("app/settings.py", &format!("a = '{token}'\n")), [format!("{name} (line 1)")]);
    }
}

#[test]
fn the_tokens_of_more_issuers_are_told() {
    for (token, name) in [
        (format!("glft-{}", random(20)), "GitLab feed token"),
        (format!("GR1348941{}", random(20)), "GitLab runner registration token"),
        (format!("whsec_{}", random(32)), "Stripe webhook secret"),
        (format!("SG.{}.{}", random(22), random(43)), "SendGrid key"),
        (format!("sk-or-v1-{}", random(64)), "OpenRouter key"),
        (format!("gsk_{}", random(52)), "Groq key"),
        (format!("oy2{}", random(43)), "NuGet key"),
        (format!("pat{}.{}", random(14), random(64)), "Airtable token"),
        (format!("ATATT3{}", random(186)), "Atlassian token"),
        (format!("{}7Q~{}", random(3), random(34)), "Azure client secret"),
        (format!("{}AZDO{}", random(76), random(4)), "Azure DevOps token"),
        (format!("{}.atlasv1.{}", random(14), random(67)), "Terraform Cloud token"),
        (format!("7401938265:AA{}", random(33)), "Telegram bot token"),
    ] {
        assert_eq!(
            of("app/settings.py", &format!("a = '{token}'\n")),
            [format!("{name} (line 1)")],
            "{token}"
        );
    }
    let id = format!("SK{}", "7c1e90a4b25d83f6019be4d72a58c3f1");
    let pair = format!("sid: {id}\nsecret: {}\n", random(32));
    assert_eq!(of("app/a.yaml", &pair), ["Twilio API key with its secret (line 1)"]);
    // The controls: an id alone, digests, and words of the right letters.
    for text in [
        format!("sid: {id}\n"),
        format!("md5: AC{}\n", "d41d8cd98f00b204e9800998ecf8427e"),
        format!("AIza{}\n", random(35)),
        "time 12345678:AAA, path.atlasv1.x, Q~, AZDO\n".to_owned(),
        format!("{}AZDO{}\n", random(80), random(8)),
        format!("eyJ{}.eyJ{}.{}\n", random(30), random(60), random(43)),
    ] {
        assert_eq!(of("app/a.yaml", &text), [] as [&str; 0], "{text}");
    }
}

#[test]
fn a_secret_in_a_large_text_is_found_and_told_by_its_line() {
    let token = format!("glpat-{}\n", random(20));
    let secret = |lines: usize, line: &str, token: &str| {
        let text = [&line.repeat(lines), token, &line.repeat(lines)].concat();
        crate::stage::inventory::recorder::Recorder::of(&Secrets, "srv/dump.sql", text.as_bytes()).facts
    };
    let line = format!("{}\n", "insert into t values (1)".repeat(40));
    for lines in [1_100, 8_730, 9_000] {
        let found = secret(lines, &line, &token);
        assert_eq!(found.len(), 1, "{lines}: {found:?}");
        assert!(found[0].1.contains("GitLab personal access token"), "{found:?}");
    }
    // Where a piece ends, whatever the place, and a text without lines.
    let without = "insert into t values (1) ";
    for more in [0, 10, 20, 25] {
        let lines = (8 << 20) / without.len();
        let found = secret(lines, without, &format!("{} {} ", "x".repeat(more), token.trim()));
        assert_eq!(found.len(), 1, "{more}");
    }
    let key = secret(8_735, &line, &pem("RSA PRIVATE KEY"));
    assert_eq!(key.len(), 1, "{key:?}");
    // The control.
    assert!(secret(9_000, &line, "nothing\n").is_empty());
}

#[test]
fn an_aws_id_counts_with_its_secret_key_only() {
    let id = "AKIAQ3EGV7JXTN2LWKZM";
    assert_eq!(
        of("app/a.ini", &format!("id = {id}\nkey = {}\n", random(40))),
        ["AWS access key with its secret key (line 1)"]
    );
    assert_eq!(of("app/a.ini", &format!("id = {id}\n# nothing else here\n")), [] as [&str; 0]);
    let documented = "AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n";
    assert_eq!(of("app/a.ini", documented), [] as [&str; 0]);
}

#[test]
fn a_letter_of_another_encoding_hides_no_secret() {
    let found = |content: &[u8]| super::cataloger::secrets("app/.env", content).len();
    assert_eq!(found(b"DB_PASSWORD=hunter22\n"), 1, "the control");
    assert_eq!(found(b"# caf\xe9\nDB_PASSWORD=hunter22\n"), 1);
    let utf16: Vec<u8> = "\u{feff}DB_PASSWORD=hunter22\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(found(&utf16), 1);
    let token = format!("\u{feff}x: glpat-{}\n", random(20));
    let utf16: Vec<u8> = token.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(super::cataloger::secrets("app/notes.txt", &utf16).len(), 1);
}

#[test]
fn a_key_of_putty_and_a_password_of_a_database_are_told() {
    let key =
        |locked: &str| format!("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: {locked}\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\nAAAA\n");
    assert_eq!(of("home/a.ppk", &key("none")), ["PuTTY private key (line 1)"]);
    assert_eq!(of("home/a.ppk", &key("aes256-cbc")), ["encrypted PuTTY private key (line 1)"]);
    assert_eq!(
        of("home/a.txt", "PuTTY-User-Key-File-3 is how such a file begins\n"),
        [] as [&str; 0]
    );
    assert_eq!(
        of("root/.pgpass", "# h:p:d:u:x\nh:5432:d:u:q8dj2kdh3ks\n"),
        ["PostgreSQL password (line 2)"]
    );
    assert_eq!(of("root/.pgpass", "h:5432:d:u\n"), [] as [&str; 0]);
    assert_eq!(
        of("root/.my.cnf", "[client]\npassword = q8dj2kdh3ks\n"),
        ["MySQL password (line 2)"]
    );
    let settings = |value: &str| format!("<settings>\n<password>{value}</password>\n");
    assert_eq!(of("root/.m2/settings.xml", &settings("q8dj2kdh3ks")), ["Maven password (line 2)"]);
    assert_eq!(of("root/.m2/settings.xml", &settings("${env.X}")), [] as [&str; 0]);
}

#[test]
fn files_are_known_by_name() {
    assert_eq!(
        of("app/.env", "# x\nPORT=8080\nDB_PASSWORD=hunter22\nEMPTY=\n"),
        [".env file with 2 variables, among them DB_PASSWORD (line 2)"]
    );
    assert_eq!(of("app/.env", "DB_PASSWORD=\nTOKEN=${TOKEN}\n"), [] as [&str; 0]);
    assert_eq!(of("app/.env.example", "DB_PASSWORD=hunter22\n"), [] as [&str; 0]);
    assert_eq!(
        of("root/.npmrc", "//r.example.org/:_authToken=q8dj2kdh3ks\n"),
        ["npm credentials (line 1)"]
    );
    assert_eq!(of("root/.npmrc", "//r.org/:_authToken=${NPM_TOKEN}\n"), [] as [&str; 0]);
    assert_eq!(
        of(
            "root/.docker/config.json",
            r#"{"auths": {"ghcr.io": {"auth": "YTpodW50ZXIyMg=="}}}"#
        )
        .len(),
        1
    );
    assert_eq!(
        of("root/.docker/config.json", r#"{"auths": {"ghcr.io": {}}, "credsStore": "x"}"#),
        [] as [&str; 0]
    );
    assert_eq!(
        of("root/.netrc", "machine github.com login me password s3cr3t9\n"),
        ["netrc password (line 1)"]
    );
    assert_eq!(
        of("root/.git-credentials", "https://me:s3cr3t9@github.com\n"),
        ["git credentials (line 1)"]
    );
    let key = random(40);
    assert_eq!(
        of("root/.aws/credentials", &format!("[default]\naws_secret_access_key = {key}\n")),
        ["AWS credentials (line 2)"]
    );
}

#[test]
fn the_secret_itself_is_never_said() {
    let secret = format!("glpat-{}", random(20));
    assert!(!of("app/x.sh", &secret).join(" ").contains(&secret[6..]));
}

#[test]
fn what_is_in_base64_is_found_as_it_would_be_by_itself() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    let token = format!("ghp_{}", with_checksum(&random(30)));
    for before in ["", "a:", "me:", "user:", "token = "] {
        let text = format!("{before}{token}\n");
        for written in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            let file = format!("apiVersion: v1\nkind: Secret\ndata:\n  token: {written}\n  other: aGVsbG8=\n");
            let expected = "GitHub personal access token in base64 (line 4)";
            assert_eq!(of("app/deploy.yaml", &file), [expected], "{before:?}");
        }
    }
    let glued = STANDARD.encode(format!("x{token}"));
    assert_eq!(of("app/deploy.yaml", &glued), [] as [&str; 0], "no word begins there");
    let key = STANDARD.encode(pem("RSA PRIVATE KEY"));
    assert_eq!(
        of("root/config", &format!("users:\n- user:\n    client-key-data: {key}\n")),
        ["rsa private key in base64 (line 3)"]
    );
    // In lines of 64, as `base64` and `openssl` write them, and in JSON.
    let lines: Vec<&str> = key.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let block = format!("key: |\n  {}\nnext: 1\n", lines.join("\n  "));
    assert_eq!(of("app/block.yaml", &block), ["rsa private key in base64 (line 2)"]);
    let json = format!("{{\"key\": \"{}\"}}", lines.join("\\n"));
    assert_eq!(of("app/block.json", &json), ["rsa private key in base64 (line 1)"]);
    for harmless in [
        pem("CERTIFICATE"),
        "ghp_ is how a token begins".to_owned(),
        "npm_config_registry=x".to_owned(),
    ] {
        let text = STANDARD.encode(&harmless);
        assert_eq!(of("app/deploy.yaml", &format!("data: {text}\n")), [] as [&str; 0], "{harmless}");
    }
}

#[test]
fn what_is_in_base64_is_found_wherever_lines_break_and_whatever_stands_before_it() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

    let token = format!("ghp_{}", with_checksum(&random(30)));
    let expected = "GitHub personal access token in base64";
    // The beginning lies across the end of a line, in one place of many.
    for before in 30..60 {
        let text = STANDARD.encode(format!("{}{token} {}", " ".repeat(before), "x".repeat(90)));
        for width in [54, 64, 76] {
            let lines: Vec<&str> = text
                .as_bytes()
                .chunks(width)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            for file in [
                lines.join("\n"),
                format!("data: |\n  {}\n", lines.join("\r\n  ")),
                format!("const TOKEN = \"{}\";\n", lines.join("\" +\n  \"")),
                format!("echo {}\n", lines.join("\\\n")),
                format!("x = (\n  '{}'\n)\n", lines.join("'\n  '")),
            ] {
                let found = of("app/x.txt", &file);
                assert!(
                    found.len() == 1 && found[0].starts_with(expected),
                    "{before} {width}: {found:?}\n{file}"
                );
            }
        }
    }
    // A line before it that is no part of it, of any length.
    let key = STANDARD.encode(pem("EC PRIVATE KEY"));
    let lines: Vec<&str> = key.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    for more in 0..4 {
        let odd = STANDARD_NO_PAD.encode(format!("ghp_1{}", "x".repeat(20 + more)));
        let found = of("app/x.txt", &format!("{odd}\n{}\n", lines.join("\n")));
        assert!(
            found.iter().any(|found| found.starts_with("ec private key in base64")),
            "{more}: {found:?}"
        );
    }
    // A bundle: certificates, and the key behind them.
    for certificates in [5, 200, 300, 400] {
        let bundle = STANDARD.encode(pem("CERTIFICATE").repeat(certificates) + &pem("PRIVATE KEY"));
        assert_eq!(of("app/x.txt", &bundle), ["private key in base64 (line 1)"], "{certificates}");
        let begun = STANDARD.encode(format!("ghp_x {}{}", pem("CERTIFICATE").repeat(certificates), pem("PRIVATE KEY")));
        assert_eq!(of("app/x.txt", &begun), ["private key in base64 (line 1)"], "{certificates}");
    }
}

#[test]
fn a_text_of_nothing_but_beginnings_in_base64_is_gone_through_in_linear_time() {
    let begun = std::time::Instant::now();
    for mark in ["Z2hwX", "Z2hwX\n", "LS0tLS1CRUdJTi", "LS0tLS1CRUdJTi\n", "hocF"] {
        assert_eq!(of("app/x.txt", &mark.repeat((1 << 19) / mark.len())), [] as [&str; 0]);
    }
    // Were it quadratic, it would take hours.
    assert!(begun.elapsed() < std::time::Duration::from_secs(600), "{:?}", begun.elapsed());
}
