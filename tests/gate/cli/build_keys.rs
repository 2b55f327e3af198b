//! Keys of `[build]` that mean nothing, or too much: each is told by its name before anything is built.

use std::fs;

use crate::support::sample::{CONFIG, Sample};

fn refused(build: &str) -> String {
    let place = Sample::new();
    let config = CONFIG.replace(
        "[build]\nusing = \"image\"\nimage = \"oci:built\"\n",
        &format!("[build]\n{build}\n"),
    );
    place.write("portcullis.toml", &config);
    fs::create_dir_all(place.path("assets")).unwrap();
    let (_, err) = place.ends(64, &["gate", "--until", "policy"]);
    assert!(!place.path("target/portcullis/work").exists(), "{err}");
    err
}

#[test]
fn a_key_of_another_builder_is_never_passed_over() {
    for (build, key, whose) in [
        ("using = \"native\"\ncontext = \".\"", "build.context", "Dockerfile"),
        (
            "using = \"native\"\ntarget = \"x86_64-unknown-linux-musl\"",
            "build.target",
            "`targets`",
        ),
        ("using = \"native\"\nplatforms = [\"linux/arm64\"]", "build.platforms", "`targets`"),
        ("using = \"native\"\nimage = \"oci:x\"", "build.image", "an image that exists"),
        ("using = \"buildah\"\ntargets = [\"x\"]", "build.targets", "a Cargo package"),
        (
            "using = \"buildkit\"\nfiles = [{ from = \"a\", to = \"/a\" }]",
            "build.files",
            "a Cargo package",
        ),
        (
            "using = \"buildah\"\n[build.container]\nuser = \"1\"",
            "build.container",
            "a Cargo package",
        ),
        (
            "using = \"image\"\nimage = \"oci:built\"\nbins = [\"a\"]",
            "build.bins",
            "a Cargo package",
        ),
        (
            "using = \"image\"\nimage = \"oci:built\"\nargs = { A = \"1\" }",
            "build.args",
            "a Dockerfile",
        ),
    ] {
        let said = refused(build);
        assert!(said.contains(key) && said.contains(whose), "{build}: {said}");
    }
}

#[test]
fn what_is_judged_sees_no_secret_by_a_key_of_its_own() {
    for key in [
        "PORTCULLIS_KEY",
        "GITHUB_TOKEN",
        "DB_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "NPM_CONFIG__AUTH",
        "CI_JOB_JWT",
        "SSH_AUTH_SOCK",
    ] {
        let said = refused(&format!("using = \"native\"\npass_env = [\"SQLX_OFFLINE\", \"{key}\"]"));
        assert!(said.contains("build.pass_env") && said.contains(key), "{said}");
    }
    let said = refused("using = \"native\"\nenv = { API_TOKEN = \"hunter2\" }");
    assert!(said.contains("build.env") && !said.contains("hunter2"), "{said}");
    let said = refused("using = \"native\"\nenv = { MIRROR = \"https://me:hunter2@host/x\" }");
    assert!(said.contains("logs somebody in") && !said.contains("hunter2"), "{said}");
}

#[test]
fn an_environment_names_no_other_toolchain() {
    for name in [
        "RUSTUP_TOOLCHAIN",
        "RUSTC_WRAPPER",
        "RUSTC_BOOTSTRAP",
        "RUSTDOC",
        "CARGO_HOME",
        "CARGO_SOURCE_X_DIRECTORY",
    ] {
        for build in [format!("env = {{ {name} = \"x\" }}"), format!("pass_env = [\"{name}\"]")] {
            let said = refused(&format!("using = \"native\"\n{build}"));
            assert!(said.contains(&format!("`{name}` is set by the builder")), "{said}");
        }
    }
}

#[test]
fn a_control_character_is_in_no_text_of_a_container() {
    for (text, key) in [
        ("cmd = [\"a\\u0000b\"]", "cmd"),
        ("user = \"1\\u0000\"", "user"),
        ("workdir = \"/a\\nb\"", "workdir"),
        ("entrypoint = \"a\\u0000\"", "entrypoint"),
        ("labels = { \"a\\u0000\" = \"b\" }", "labels"),
        ("healthcheck = { test = [\"/app/x\", \"\\u0000\"] }", "healthcheck"),
    ] {
        let said = refused(&format!("using = \"native\"\ncontainer.{text}"));
        assert!(
            said.contains(&format!("build.container.{key}")) && said.contains("control character"),
            "{text}: {said}"
        );
    }
}

#[test]
fn a_value_that_means_nothing_is_told_with_its_key() {
    for (build, words) in [
        ("bin = \"a\"\nbins = [\"b\"]", "build.bin"),
        ("bins = [\"a/b/c\"]", "`a/b/c` is neither"),
        ("env = { RUSTFLAGS = \"-Copt-level=0\" }", "`RUSTFLAGS` is set by the builder"),
        ("env = { CARGO_PROFILE_RELEASE_LTO = \"true\" }", "is set by the builder"),
        ("env = { A = \"1\" }\npass_env = [\"A\"]", "which one is it"),
        ("cargo = \"zigbuild\"\nlinker = \"cc\"", "links with zig"),
        ("linker = \"\"", "names no program"),
        ("linker = { x86_64-unknown-linux-gnu = \"../../../bin/cc\" }", "build.linker"),
        ("files = [{ from = \"../x\", to = \"/x\" }]", "no path within the project"),
        ("files = [{ from = \"assets\", to = \"x\" }]", "no place in the image"),
        ("files = [{ from = \"assets\", to = \"/a/../b\" }]", "no place in the image"),
        ("files = [{ from = \"assets\", to = \"/a\", mode = \"4755\" }]", "no mode of a file"),
        (
            "container.labels = { \"org.opencontainers.image.revision\" = \"1\" }",
            "out of the commit",
        ),
        (
            "container.labels = { \"org.opencontainers.image.source\" = \"1\" }",
            "out of the commit",
        ),
        (
            "container.labels = { \"org.opencontainers.image.created\" = \"1\" }",
            "out of the commit",
        ),
        (
            "container.labels = { \"org.opencontainers.image.base.name\" = \"1\" }",
            "out of the commit",
        ),
        ("container.env = { \"A=B\" = \"1\" }", "no name of a variable"),
        ("port = 80\ncontainer.env = { PORT = \"1\" }", "one of the two"),
        ("container.user = \"a b\"", "build.container.user"),
        ("container.workdir = \"srv\"", "build.container.workdir"),
        ("container.healthcheck = { test = [] }", "`test` needs a program"),
        ("container.healthcheck = { test = [\"CMD-SHELL\", \"x\"] }", "without a shell"),
        ("container.healthcheck = { test = [\"/app/x\"], interval = \"0s\" }", "leave it out"),
        ("container.healthcheck = { test = [\"/app/x\"], interval = 10 }", "length of time"),
        ("linker = 3", "a table of one for each target"),
    ] {
        let said = refused(&format!("using = \"native\"\n{build}"));
        assert!(said.contains(words), "{build}: {said}");
    }
}

#[test]
fn a_value_that_a_builder_would_take_as_it_is_is_told_with_its_key() {
    for (build, words) in [
        (
            "platforms = [\"linux/amd64\", \"linux/amr64\"]",
            ["build.platforms", "did you mean linux/arm64?"],
        ),
        ("args = { COMMIT = \"{sh}\" }", ["build.args", "did you mean `{sha}`?"]),
        ("args = { NPM_TOKEN = \"abc\" }", ["build.args", "`NPM_TOKEN` is a secret"]),
        ("cache_from = [\"type=gah\"]", ["build.cache_from", "did you mean `type=gha`?"]),
        (
            "cache_to = [\"type=regstry,ref=x\"]",
            ["build.cache_to", "did you mean `type=registry`?"],
        ),
    ] {
        for builder in ["buildkit", "buildah"] {
            // Lines of a terminal break anywhere.
            let said = refused(&format!("using = \"{builder}\"\n{build}"));
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.iter().all(|word| said.contains(word)), "{build}: {said}");
        }
    }
}
