//! Secrets in an image's configuration: its variables, its command, its labels, and the history that keeps the arguments of the build.

use super::found::Found;
use super::{addresses, keys, tokens};
use crate::model::image::ImageConfig;
use crate::model::inventory::{Fact, FactKind, Location};
use crate::model::secret_name::holds_secret;
use crate::model::visible::shortened;

/// One text of the configuration.
struct Text {
    place: String,
    text: String,
}

/// Every secret in the configuration, each at the key where it stands (`config: Env NAME`).
pub(in crate::stage::inventory) fn in_configuration(config: &ImageConfig) -> Vec<Fact> {
    let variables = config
        .env
        .iter()
        .map(|pair| text(format!("Env {}", pair.split('=').next().unwrap_or(pair)), pair));
    let labels = config.labels.iter().map(|(name, value)| text(format!("Label {name}"), value));
    let health = config.healthcheck.iter().flatten();
    let commands = [("Entrypoint", &config.entrypoint), ("Cmd", &config.cmd)];
    let commands = commands
        .into_iter()
        .flat_map(|(key, words)| words.iter().map(move |word| text(key.to_owned(), word)));
    let commands = commands.chain(health.map(|word| text("Healthcheck".to_owned(), word)));
    let history = config
        .history
        .iter()
        .zip(1u32..)
        .map(|(step, at)| text(format!("history, step {at}"), step));
    let mut found = of_group(&variables.collect::<Vec<_>>());
    found.extend(of_group(&labels.collect::<Vec<_>>()));
    found.extend(of_group(&commands.collect::<Vec<_>>()));
    let others = config.texts.iter().map(|(place, other)| text(place.clone(), other));
    found.extend(of_group(&others.collect::<Vec<_>>()));
    for step in history {
        let arguments = named_arguments(&step.text);
        let whole = of_group(std::slice::from_ref(&step));
        found.extend(
            arguments
                .into_iter()
                .filter(|_| whole.is_empty())
                .map(|what| (step.place.clone(), what)),
        );
        found.extend(whole);
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(place, what)| fact(&place, what)).collect()
}

fn text(place: String, text: &str) -> Text {
    Text {
        place,
        text: text.replace(['\n', '\r'], " "),
    }
}

/// The texts of a group are looked at together: a key's id may be in one and the key in the next.
fn of_group(texts: &[Text]) -> Vec<(String, String)> {
    let lines: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
    let whole = lines.join("\n");
    let mut found: Vec<Found> = tokens::in_text(whole.as_bytes());
    found.extend(addresses::passwords(whole.as_bytes()));
    found.extend(keys::private_keys(whole.as_bytes()));
    let placed = found
        .into_iter()
        .filter_map(|found| Some((texts.get(found.line.checked_sub(1)?)?.place.clone(), found.what)));
    placed.collect()
}

/// Arguments and variables of a build step that say by their name that they are secret: `|1 DB_PASSWORD=… /bin/sh -c …`, `ENV TOKEN=…`.
fn named_arguments(step: &str) -> Vec<String> {
    let step = step.trim_start_matches("/bin/sh -c #(nop)").trim_start();
    let step = step.strip_prefix("RUN ").unwrap_or(step);
    let words: Vec<&str> = step.split_whitespace().collect();
    let arguments = match words.split_first() {
        Some((first, rest)) if first.starts_with('|') => {
            // Values may hold blanks, and what looks like a shell: the command begins behind the last one.
            &rest[..rest.iter().rposition(|word| is_shell(word)).unwrap_or(rest.len())]
        }
        Some((first, rest)) if ["ENV", "ARG"].contains(first) => rest,
        _ => &[],
    };
    let named = arguments.iter().filter_map(|word| word.split_once('='));
    let secret = named.filter(|(name, value)| holds_secret(name, value.trim_matches(['"', '\''])));
    secret.map(|(name, _)| format!("the build argument or variable {name}")).collect()
}

fn is_shell(word: &str) -> bool {
    let name = word.rsplit_once('/').map(|(_, name)| name);
    name.is_some_and(|name| ["sh", "ash", "bash", "dash", "ksh", "zsh"].contains(&name))
}

fn fact(place: &str, what: String) -> Fact {
    let place = shortened(place, 120);
    Fact {
        kind: FactKind::Secret,
        location: Location {
            path: format!("config: {place}"),
            layer: None,
            created_by: None,
            line: None,
            part: None,
        },
        detail: what,
        deleted: false,
        platform: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::proof::with_checksum;
    use super::*;

    fn places(config: &ImageConfig) -> Vec<String> {
        in_configuration(config).into_iter().map(|fact| fact.location.path).collect()
    }

    fn token() -> String {
        format!("ghp_{}", with_checksum("w7Rk2Xm9Qv4Tz8Lc1Jd6Ph3Ns5Bg0F"))
    }

    #[test]
    fn a_token_is_found_wherever_a_configuration_keeps_text() {
        let token = token();
        let mut config = ImageConfig {
            env: vec!["PATH=/bin".to_owned(), format!("CI_CONF={token}")],
            entrypoint: vec!["sh".to_owned(), format!("x --t={token}")],
            cmd: vec![token.clone()],
            history: vec!["COPY a /".to_owned(), format!("RUN |1 TOKEN={token} /bin/sh -c true # buildkit")],
            healthcheck: Some(vec!["CMD".to_owned(), token.clone()]),
            ..ImageConfig::default()
        };
        config.labels.insert("build.info".to_owned(), token);
        let expected = [
            "Cmd",
            "Entrypoint",
            "Env CI_CONF",
            "Healthcheck",
            "Label build.info",
            "history, step 2",
        ];
        assert_eq!(places(&config), expected.map(|place| format!("config: {place}")));
        assert!(in_configuration(&config).iter().all(|fact| !fact.detail.contains("ghp_")));
    }

    #[test]
    fn a_key_pair_in_two_variables_is_one() {
        let config = ImageConfig {
            env: vec![
                format!("A=AKIA{}", "Z7QK3LMNP5RT2WXY"),
                format!("B={}", "kJ8dPqX2vT5mN7wR4bZ6cF9hL1sG3yA0eU8iO2pQ"),
            ],
            ..ImageConfig::default()
        };
        assert_eq!(places(&config), ["config: Env A"]);
    }

    #[test]
    fn no_value_before_a_secret_argument_hides_it() {
        let found = |step: &str| named_arguments(step).len();
        assert_eq!(
            found("RUN |1 DB_PASSWORD=hunter2hunter2 /bin/bash -c make # buildkit"),
            1,
            "the control"
        );
        assert_eq!(
            found("RUN |2 A=hello world DB_PASSWORD=hunter2hunter2 /bin/bash -c make # buildkit"),
            1
        );
        assert_eq!(
            found("RUN |2 A=via /bin/sh DB_PASSWORD=hunter2hunter2 /bin/sh -c make # buildkit"),
            1
        );
        assert_eq!(
            found("RUN |1 A=1 /bin/sh -c DB_PASSWORD=hunter2hunter2 /opt/make.sh"),
            0,
            "a command's own business"
        );
    }

    #[test]
    fn a_token_in_any_other_text_of_the_document_is_found() {
        let config = ImageConfig {
            texts: vec![("config.OnBuild[0]".to_owned(), format!("RUN curl {}", token()))],
            ..ImageConfig::default()
        };
        assert_eq!(places(&config), ["config: config.OnBuild[0]"]);
    }

    #[test]
    fn arguments_of_the_build_are_secret_by_name() {
        let of = |step: &str| {
            places(&ImageConfig {
                history: vec![step.to_owned()],
                ..ImageConfig::default()
            })
            .len()
        };
        for step in [
            "RUN |2 VERSION=1.2 DB_PASSWORD=hunter2hunter2 /bin/sh -c make # buildkit",
            "|1 DB_PASSWORD=hunter2hunter2 /bin/sh -c make",
            "ENV DB_PASSWORD=hunter2hunter2",
            "/bin/sh -c #(nop)  ENV API_KEY=hunter2hunter2",
            "RUN /bin/sh -c curl https://ci:Xk29fjQp81@git.acme.example/x # buildkit",
        ] {
            assert_eq!(of(step), 1, "{step}");
        }
        for step in [
            "RUN |1 VERSION=1.2 /bin/sh -c DB_PASSWORD=$(cat /run/secrets/x) make # buildkit",
            "ENV DB_PASSWORD_FILE=/run/secrets/db",
            "ENV GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568",
            "ENV PYTHON_SHA256=c909157bb25ec114e5869124cc2a9c4a4d4c1e957ca4ff553f1edc692101154e",
            "CMD [\"node\"]",
        ] {
            assert_eq!(of(step), 0, "{step}");
        }
    }
}
