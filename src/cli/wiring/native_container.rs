//! `[build.container]`: how a native build's image is run and what it says of itself.

use crate::cli::config::{Build, Container, HealthCheck};
use crate::cli::error::CliError;
use crate::model::human_duration::HumanDuration;
use crate::model::plan::{self, ImageSettings};

/// Labels that say where the image comes from, and are the builder's own word.
const OWN_LABELS: [&str; 3] = [
    "org.opencontainers.image.revision",
    "org.opencontainers.image.source",
    "org.opencontainers.image.created",
];
/// And what it was built upon.
const BASE_LABELS: &str = "org.opencontainers.image.base.";

/// Which program starts, and the settings.
///
/// # Errors
/// [`CliError::Setting`].
pub(super) fn container(build: &Build) -> Result<(Option<String>, ImageSettings), CliError> {
    let none = Container::default();
    let container = build.container.as_ref().unwrap_or(&none);
    plain(container)?;
    labels(container)?;
    variables(build, container)?;
    if container
        .user
        .as_deref()
        .is_some_and(|user| user.trim().is_empty() || user.contains(char::is_whitespace))
    {
        return Err(CliError::setting(
            "build.container.user",
            "expected `uid:gid`, such as \"65532:65532\", or a name",
        ));
    }
    if container
        .workdir
        .as_deref()
        .is_some_and(|folder| !folder.starts_with('/') || folder.contains("/../") || folder.ends_with("/.."))
    {
        return Err(CliError::setting(
            "build.container.workdir",
            "expected an absolute path, such as \"/app\"",
        ));
    }
    let settings = ImageSettings {
        env: container.env.clone(),
        labels: container.labels.clone(),
        user: container.user.clone(),
        workdir: container.workdir.clone(),
        cmd: container.cmd.clone(),
        healthcheck: container.healthcheck.as_ref().map(healthcheck).transpose()?,
    };
    Ok((container.entrypoint.clone(), settings))
}

/// A text with a control character starts nowhere, or is another one where it is read.
fn plain(container: &Container) -> Result<(), CliError> {
    let check = container
        .healthcheck
        .iter()
        .flat_map(|check| &check.test)
        .map(|text| ("build.container.healthcheck", text));
    let cmd = container.cmd.iter().map(|text| ("build.container.cmd", text));
    let names = container.labels.keys().map(|name| ("build.container.labels", name));
    let values = container.labels.values().map(|value| ("build.container.labels", value));
    let env = container
        .env
        .keys()
        .chain(container.env.values())
        .map(|text| ("build.container.env", text));
    let one = [
        ("build.container.user", &container.user),
        ("build.container.workdir", &container.workdir),
        ("build.container.entrypoint", &container.entrypoint),
    ];
    let one = one.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?)));
    let mut all = check.chain(cmd).chain(names).chain(values).chain(env).chain(one);
    match all.find(|(_, text)| text.contains(char::is_control)) {
        Some((key, text)) => {
            let problem = format!("{text:?} holds a control character (a NUL, a line end)");
            Err(CliError::setting(key, problem))
        }
        None => Ok(()),
    }
}

fn labels(container: &Container) -> Result<(), CliError> {
    let refused = |problem| Err(CliError::setting("build.container.labels", problem));
    for name in container.labels.keys() {
        if OWN_LABELS.contains(&name.as_str()) || name.starts_with(BASE_LABELS) {
            return refused(format!(
                "`{name}` says where the image comes from, and the builder writes it out of the commit and the base"
            ));
        }
        if name.trim().is_empty() {
            return refused("a label has no name".to_owned());
        }
    }
    Ok(())
}

fn variables(build: &Build, container: &Container) -> Result<(), CliError> {
    let refused = |problem| Err(CliError::setting("build.container.env", problem));
    for (name, value) in &container.env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return refused(format!("`{name}` is no name of a variable"));
        }
        if name == "PORT" && build.port.is_some() {
            return refused("`PORT` is what `[build] port` says: one of the two".to_owned());
        }
    }
    Ok(())
}

fn healthcheck(check: &HealthCheck) -> Result<plan::HealthCheck, CliError> {
    let refused = |problem| Err(CliError::setting("build.container.healthcheck", problem));
    match check.test.first().map(String::as_str) {
        None | Some("") => return refused("`test` needs a program and its arguments, such as [\"/app/service\", \"health\"]"),
        Some("CMD" | "CMD-SHELL" | "NONE") => return refused("`test` is a program and its arguments, without `CMD` and without a shell"),
        Some(_) => {}
    }
    let span = |span: Option<HumanDuration>| span.map(|span| span.0);
    let checked = plan::HealthCheck {
        test: check.test.clone(),
        interval: span(check.interval),
        timeout: span(check.timeout),
        start_period: span(check.start_period),
        retries: check.retries,
    };
    let spans = [checked.interval, checked.timeout, checked.start_period];
    let too_long = |span: std::time::Duration| i64::try_from(span.as_nanos()).is_err();
    if spans.into_iter().flatten().any(|span| span.is_zero() || too_long(span)) || checked.retries == Some(0) {
        return refused("a zero stands for the engine's own to engines, and no more than 292 years fit: leave it out");
    }
    Ok(checked)
}
