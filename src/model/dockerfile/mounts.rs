//! What `RUN --mount` brings into steps.

use super::flags::split_flags;
use super::lines::Dockerfile;

/// The mounts of a Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mounts {
    /// Some step sees files that no `COPY` has put into a layer.
    pub binds: bool,
    /// The stages with a step that keeps something from build to build, in their order; none for one without a name, or one that is not known.
    pub caches: Vec<Option<String>>,
    /// The stages with a step that sees a secret, likewise: a secret's value is no part of what a step is cached by.
    pub secrets: Vec<Option<String>>,
}

/// Looks at every `RUN`, also behind `ONBUILD`. What is not plainly another kind counts as a cache: its kind may come from an argument.
#[must_use]
pub fn mounts(file: &Dockerfile) -> Mounts {
    let mut mounts = Mounts::default();
    let mut stage = None;
    for instruction in &file.instructions {
        let arguments = instruction.arguments();
        match instruction.keyword.as_str() {
            "FROM" => stage = stage_name(arguments),
            "RUN" => of_run(arguments, stage.as_ref(), &mut mounts),
            // Whoever builds upon it runs it.
            "ONBUILD" => of_run(arguments, None, &mut mounts),
            _ => {}
        }
    }
    mounts.caches.dedup();
    mounts.secrets.dedup();
    mounts
}

fn of_run(arguments: &str, stage: Option<&String>, mounts: &mut Mounts) {
    let arguments = arguments.trim_start();
    let run = arguments.get(..3).filter(|word| word.eq_ignore_ascii_case("run"));
    let arguments = run.map_or(arguments, |run| &arguments[run.len()..]);
    for mount in split_flags(arguments).values("mount") {
        let mount = mount.to_lowercase();
        if mount.contains("cache") || mount.contains(['$', '`', '\\']) {
            mounts.caches.push(stage.cloned());
        } else if mount.contains("secret") {
            mounts.secrets.push(stage.cloned());
        } else if !["type=ssh", "type=tmpfs"].iter().any(|kind| mount.contains(kind)) {
            mounts.binds = true;
        }
    }
}

fn stage_name(arguments: &str) -> Option<String> {
    let mut words = split_flags(arguments).rest.split_whitespace().skip(1);
    words.next().filter(|word| word.eq_ignore_ascii_case("as"))?;
    words.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn of(text: &str) -> (bool, Vec<Option<String>>) {
        let Mounts { binds, caches, .. } = mounts(&parse(text));
        (binds, caches)
    }

    #[test]
    fn caches_are_told_by_their_stages_however_they_are_written() {
        let named = |name: &str| vec![Some(name.to_owned())];
        for mount in [
            "type=cache,target=/t",
            "type=CACHE,target=/t",
            "target=/t,type=\"cache\"",
            "type=$KIND,target=/t",
        ] {
            let text = format!("FROM a AS build\nRUN --mount={mount} make\nFROM b\nRUN other\n");
            assert_eq!(of(&text), (false, named("build")), "{mount}");
        }
        assert_eq!(
            of("# escape=`\nFROM a AS build\nRUN --mount=type=ca`che,target=/t make\n").1,
            named("build")
        );
        assert_eq!(of("FROM a\nRUN --mount=type=cache,target=/t make\n").1, [None]);
        assert_eq!(of("FROM a AS b\nONBUILD RUN --mount=type=cache,target=/t make\n").1, [None]);
    }

    #[test]
    fn stages_that_see_a_secret_are_told() {
        let text =
            "FROM a AS deps\nRUN --mount=type=secret,id=npmrc npm ci\nRUN --mount=id=x,type=SECRET y\nFROM b\nRUN --mount=type=ssh z\n";
        assert_eq!(mounts(&parse(text)).secrets, [Some("deps".to_owned())]);
        assert_eq!(mounts(&parse("FROM a\nRUN --mount=type=secret,id=x y\n")).secrets, [None]);
        assert_eq!(mounts(&parse("FROM a\nRUN --mount=type=\"secret\",id=x y\n")).secrets, [None]);
    }

    #[test]
    fn what_keeps_nothing_is_no_cache() {
        for mount in ["type=secret,id=npmrc", "type=ssh", "type=tmpfs,target=/t"] {
            assert_eq!(of(&format!("FROM a\nRUN --mount={mount} make\n")), (false, vec![]), "{mount}");
        }
        for mount in ["type=bind,target=/t", "target=/t"] {
            assert_eq!(of(&format!("FROM a\nRUN --mount={mount} make\n")), (true, vec![]), "{mount}");
        }
        assert_eq!(of("FROM a\nCOPY a /a\nRUN make cache\n"), (false, vec![]));
    }
}
