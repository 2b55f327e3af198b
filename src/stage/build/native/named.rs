//! What the settings of an image name, and the image must have: the program of its health check, and its user.

use super::placement::Placement;
use super::rootfs;
use crate::model::plan::{HealthCheck, ImageSettings};
use crate::model::program_place::places_of;
use crate::stage::build::NativeError;
use crate::stage::build::assembly::{Below, Sort};

/// What is in an image.
pub(super) struct Content<'c> {
    /// What lies below everything that is added.
    pub(super) below: &'c Below,
    pub(super) placement: &'c Placement,
    /// Names of the programs in `/app`.
    pub(super) programs: Vec<&'c str>,
    /// The base's `PATH`; none for `scratch`, where it is `/app`.
    pub(super) path: Option<String>,
}

impl Content<'_> {
    /// Refuses what an engine could not start: it would be seen in production, as a container that is never healthy or never runs.
    ///
    /// # Errors
    /// [`NativeError::HealthProgram`].
    pub(super) fn has_what_checks(&self, image: &ImageSettings) -> Result<(), NativeError> {
        let Some(HealthCheck { test, .. }) = &image.healthcheck else {
            return Ok(());
        };
        let Some(program) = test.first() else { return Ok(()) };
        let path = image.env.get("PATH").or(self.path.as_ref()).map_or("/app", String::as_str);
        let places = places_of(program, image.workdir.as_deref(), path);
        match places.iter().any(|place| self.has(place)) {
            true => Ok(()),
            false => Err(NativeError::HealthProgram {
                program: program.clone(),
                have: self.programs.iter().map(|name| format!("/app/{name}")).collect(),
            }),
        }
    }

    /// True where a file lies at a path, through whatever links.
    fn has(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        let of_ours = |place: &str| self.programs.iter().any(|name| place == format!("app/{name}")) || self.placement.has(place);
        let clean: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        of_ours(&clean.join("/"))
            || self.below.resolve(path).is_some_and(|(_, node)| matches!(node.sort, Sort::File(_)))
            // What is put in may lie where links of the base lead.
            || self.below.place(path).is_some_and(|place| of_ours(&place))
    }
}

/// Refuses a user by a name that `scratch`, or the base, does not have: no engine would start the image. Files that are put in may bring the names.
///
/// # Errors
/// [`NativeError::NoUser`].
pub(super) fn knows_the_user(image: &ImageSettings, placement: &Placement, base: Option<&Below>) -> Result<(), NativeError> {
    let Some(asked) = &image.user else { return Ok(()) };
    let (user, group) = asked
        .split_once(':')
        .map_or((asked.as_str(), None), |(user, group)| (user, Some(group)));
    let has = |list: &str, name: &str| base.map_or_else(|| rootfs::NAMES.contains(&name), |base| base.knows(list, name));
    let is_known = |name: &str, list: &str| name.parse::<u32>().is_ok() || placement.has(list) || has(list, name);
    match is_known(user, "etc/passwd") && group.is_none_or(|group| is_known(group, "etc/group")) {
        true => Ok(()),
        false => Err(NativeError::NoUser {
            user: asked.clone(),
            of: if base.is_some() { "the base" } else { "an image from `scratch`" },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::program_place::DEFAULT_PATH;

    fn checked_by(program: &str, path: Option<&str>) -> ImageSettings {
        let mut image = ImageSettings {
            healthcheck: Some(HealthCheck {
                test: vec![program.to_owned(), "--health".to_owned()],
                ..HealthCheck::default()
            }),
            ..ImageSettings::default()
        };
        image.env.extend(path.map(|path| ("PATH".to_owned(), path.to_owned())));
        image
    }

    #[test]
    fn a_health_checks_program_is_found_where_an_engine_looks() {
        let mut below = rootfs::tree();
        below.put("bin", Sort::Link("usr/bin".to_owned()), 0o777);
        below.put("usr", Sort::Folder, 0o755);
        below.put("usr/bin", Sort::Folder, 0o755);
        below.put("usr/bin/curl", Sort::File(None), 0o755);
        let content = |path: Option<&str>| Content {
            below: &below,
            placement: Box::leak(Box::default()),
            programs: vec!["service"],
            path: path.map(str::to_owned),
        };
        let has = |program: &str, base: Option<&str>, set: Option<&str>| content(base).has_what_checks(&checked_by(program, set)).is_ok();
        assert!(has("/app/service", None, None) && has("service", None, None) && has("app/service", None, None));
        assert!(has("/bin/curl", Some(DEFAULT_PATH), None) && has("curl", Some(DEFAULT_PATH), None) && has("//usr/./bin/curl", None, None));
        assert!(!has("curl", None, None), "nothing but /app is looked through on scratch");
        assert!(has("curl", None, Some("/usr/bin")) && !has("service", None, Some("/usr/bin")));
        for absent in ["/usr/bin/wget", "wget", "/usr/bin", "app/other"] {
            assert!(!has(absent, Some(DEFAULT_PATH), None), "{absent}");
        }
    }

    #[test]
    fn a_user_by_name_needs_somebody_who_knows_the_name() {
        let placement = Placement::default();
        let known = |user: &str| {
            let image = ImageSettings {
                user: Some(user.to_owned()),
                ..ImageSettings::default()
            };
            knows_the_user(&image, &placement, None).is_ok()
        };
        assert!(known("nonroot") && known("1000") && known("1000:1000") && known("nonroot:nonroot"));
        assert!(!known("app") && !known("nonroot:app") && !known("1000:www") && !known("-1"));
    }
}
