//! What an engine kept of the build of an earlier commit.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::support::dockerfiles::{Builder, Project, listing};
use crate::support::engines::output;
use crate::support::tools;

/// Copied, changed in place, made, and taken from another stage. The last step differs from commit to commit.
const ALL_KINDS: &str = "FROM localhost/busybox:1 AS build
COPY src /srv/src
RUN mkdir -p /srv/made/deep && echo made > /srv/made/deep/file
FROM localhost/busybox:1
COPY src /own
RUN chmod -R o-rwx /own
RUN echo second > /second && touch -d '2019-03-04 05:06:07' /old
COPY --from=build /srv /srv
COPY late /late
";

fn now() -> String {
    output(Command::new("date").args(["--utc", "+%Y-%m-%dT%H:%M:%SZ"]))
        .trim()
        .to_owned()
}

/// A step; the base is there whatever is asked.
fn is_cached(said: &str) -> bool {
    let steps = said.lines().filter(|line| line.contains("] RUN ") || line.contains("] COPY "));
    steps.into_iter().any(|line| line.trim_end().ends_with("cached"))
}

#[test]
fn steps_from_the_cache_of_an_earlier_commit_give_the_digest_of_a_build_from_nothing() {
    for builder in Builder::all() {
        let files = [
            ("Dockerfile", ALL_KINDS),
            ("src/main.js", "hello\n"),
            ("late", "1\n"),
            (".dockerignore", "target\n.git\n"),
        ];
        let project = Project::new(builder.name(), "", &files);
        project.ends(0, &builder.env(), &["build"]);
        // What the first build made is older than the second commit, and its files are as old as the first one.
        sleep(Duration::from_millis(2100));
        project.change(&now(), &[("late", "2\n")]);
        let said = project.ends(0, &builder.env(), &["build"]);
        if matches!(builder, Builder::Buildkit(_)) {
            assert!(is_cached(&said), "the control: nothing came from the cache\n{said}");
        }
        let with_cache = project.digest();
        let said = project.ends(0, &builder.env(), &["build", "--no-cache"]);
        assert!(!is_cached(&said), "{said}");
        assert_eq!(project.digest(), with_cache, "{}", builder.name());
        let files = listing(&project.results().join("image"), &with_cache);
        let has = |what: &str| files.iter().any(|line| line.contains(what));
        assert!(has("2019-03-04 05:06:07 old"), "what is older than the base stays: {files:#?}");
        assert!(has("2020-09-13 12:26:40 bin/busybox"), "the base keeps its times: {files:#?}");
    }
}

/// A step that works as cargo and make do: it makes anew what is older than its source.
const COMPARES_TIMES: &str = "FROM localhost/busybox:1
COPY main /main
RUN --mount=type=cache,id=ID,target=/kept if [ ! -e /kept/made ] || [ /main -nt /kept/made ]; then cat /main > /kept/made; fi; cat /kept/made > /made
";

#[test]
fn a_cache_mount_never_hides_a_change_whatever_the_commits_time_is() {
    for builder in Builder::all() {
        // The mount outlives this test, and must be of it alone.
        let file = COMPARES_TIMES.replace("ID", &format!("{}-{}", std::process::id(), now().replace(':', "-")));
        let project = Project::new(builder.name(), "", &[("Dockerfile", &file), ("main", "one\n")]);
        project.ends(0, &builder.env(), &["build"]);
        sleep(Duration::from_millis(1100));
        // Committed long before the first build.
        project.change("2026-01-02T03:04:06Z", &[("main", "changed\n")]);
        project.ends(0, &builder.env(), &["build"]);
        let with_mount = project.digest();
        let files = listing(&project.results().join("image"), &with_mount);
        let size = "changed\n".len();
        let is_new = |line: &&String| line.ends_with(" made") && line.contains(&format!(" {size} 2026-01-02 03:04:06"));
        assert!(files.iter().any(|line| is_new(&line)), "{}: {files:#?}", builder.name());
    }
}

/// Keeps the commit's time from the engine, which dates its steps then as frontends of before 2023 do: to when they ran.
const FORGETS_THE_TIME: &str = "#!/bin/sh
unset SOURCE_DATE_EPOCH
count=$#
while [ $count -gt 0 ]; do
    case $2 in
        SOURCE_DATE_EPOCH=*) shift 2; count=$((count - 2)) ;;
        *) set -- \"$@\" \"$1\"; shift; count=$((count - 1)) ;;
    esac
done
exec DOCKER \"$@\"
";

#[test]
fn a_builder_that_dates_no_step_to_the_commit_builds_without_its_cache() {
    let Some(builder) = Builder::buildkit() else { return };
    let docker = tools::program("docker").expect("the engine is here");
    let folder = tempfile::tempdir().unwrap();
    let wrapper = folder.path().join("docker");
    fs::write(&wrapper, FORGETS_THE_TIME.replace("DOCKER", docker.to_str().unwrap())).unwrap();
    tools::executable(&wrapper);
    let mut env = builder.env();
    let path = std::env::var("PATH").unwrap();
    env.insert("PATH", format!("{}:{path}", folder.path().display()));

    let files = [("Dockerfile", ALL_KINDS), ("src/main.js", "hello\n"), ("late", "1\n")];
    let project = Project::new(builder.name(), "", &files);
    let what = "does not date its steps";
    let first = project.ends(0, &env, &["build"]);
    sleep(Duration::from_millis(2100));
    project.change(&now(), &[("late", "2\n")]);
    let said = project.ends(0, &env, &["build"]);
    assert!(first.contains(what) && said.contains(what), "{said}");
    let with_cache = project.digest();
    assert!(!project.ends(0, &env, &["build", "--no-cache"]).contains(what));
    assert_eq!(project.digest(), with_cache);
}

#[test]
fn a_cache_mount_hides_no_change_that_was_there_before_and_comes_back() {
    let Some(builder) = Builder::buildkit() else { return };
    let id = format!("back-{}-{}", std::process::id(), now().replace(':', "-"));
    // However the kind of the mount is written.
    let file = COMPARES_TIMES.replace("ID", &id).replace("type=cache", "type=CACHE");
    let file = file.replace("COPY main /main\n", "COPY main /main\nCOPY other /other\n");
    let project = Project::new(builder.name(), "", &[("Dockerfile", &file), ("main", "first\n"), ("other", "1\n")]);
    project.ends(0, &builder.env(), &["build"]);
    sleep(Duration::from_millis(1100));
    project.change("2026-01-02T03:04:06Z", &[("main", "the second\n")]);
    project.ends(0, &builder.env(), &["build"]);
    sleep(Duration::from_millis(1100));
    // Its copy is in the engine's cache, older than what the mount keeps of the commit between.
    project.change("2026-01-02T03:04:07Z", &[("main", "first\n"), ("other", "2\n")]);
    project.ends(0, &builder.env(), &["build"]);
    let files = listing(&project.results().join("image"), &project.digest());
    let size = "first\n".len();
    let is_back = |line: &&String| line.ends_with(" made") && line.contains(&format!(" {size} 2026-01-02 03:04:07"));
    assert!(files.iter().any(|line| is_back(&line)), "{files:#?}");
}
