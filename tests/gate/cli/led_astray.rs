//! A commit chooses neither what is judged in its place, nor where results go, nor what is told when nothing was judged.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::committed::said;
use crate::support::checkout::{committed, git};
use crate::support::sample::Sample;

const EMPTY: &str = r#"{"name": "r", "lockfileVersion": 3, "packages": {}}"#;
const LAX: &str = "[rules.vulnerable-component]\nlevel = \"off\"\n[rules.root-user]\nlevel = \"off\"\n";

#[test]
fn a_job_without_git_takes_no_baseline_from_beside_the_service() {
    let place = Sample::new();
    let kept = tempfile::tempdir().unwrap();
    place.advise("DEBIAN-CVE-2000-2", "bash", "2026-01-01T00:00:00Z");
    place.write("lax.toml", LAX);
    place.ends(0, &["--output", "verdicts/base", "scan", "oci:built", "--policy", "lax.toml"]);
    fs::create_dir_all(place.path("services/pay")).unwrap();
    for name in ["portcullis.toml", "policy.toml"] {
        let text = fs::read_to_string(place.path(name)).unwrap();
        place.write(
            &format!("services/pay/{name}"),
            &text.replace("osv = \"feed\"", "osv = \"../../feed\""),
        );
    }
    let base = place.path("verdicts/base").display().to_string();
    symlink(place.path("verdicts/base"), place.path("services/pay/chosen")).unwrap();
    let scan = ["-C", "services/pay", "scan", "oci:../../built"];
    place.ends(1, &scan);
    let refused = |baseline: &str, of_the_job: &[(&str, &Path)]| {
        let args = [&scan[..], &["--only-new", "--baseline", baseline]].concat();
        let done = place.command(&args).envs(of_the_job.iter().copied()).output().unwrap();
        (done.status.code(), said(&done))
    };
    let (here, ci) = (place.path("."), Path::new("true"));
    for baseline in ["../../verdicts/base", &base, "chosen"] {
        for job in [&[][..], &[("CI", ci)], &[("CI", ci), ("CI_PROJECT_DIR", &here)]] {
            let (code, told) = refused(baseline, job);
            assert_eq!(code, Some(64), "{baseline}: {told}");
        }
    }
    // The control: what is kept outside of it.
    for name in ["verdict.json", "evidence.json"] {
        fs::copy(place.path("verdicts/base").join(name), kept.path().join(name)).unwrap();
    }
    let (code, told) = refused(&kept.path().display().to_string(), &[("CI", ci)]);
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn a_working_folder_behind_a_link_of_the_commit_is_not_judged_in_its_place() {
    let place = Sample::new();
    for folder in ["clean", "others", "shop/services/real", "shop/ignored/other"] {
        place.write(&format!("{folder}/package-lock.json"), EMPTY);
    }
    let shop = place.path("shop");
    place.write("shop/.gitignore", "ignored/\n");
    symlink("../../clean", shop.join("services/out")).unwrap();
    symlink("../ignored/other", shop.join("services/ignored")).unwrap();
    symlink("../../others", shop.join("services/other")).unwrap();
    committed(&place.path("others"));
    let refused = |folder: &str, args: &[&str], of_the_shell: bool, ci: bool| {
        let mut check = place.command(args);
        let folder = shop.join(folder);
        check.current_dir(&folder).env_remove("PWD");
        if of_the_shell {
            check.env("PWD", &folder);
        }
        if ci {
            check.env("CI", "true").env("GITHUB_WORKSPACE", &shop);
        }
        let done = check.output().unwrap();
        assert_eq!(
            done.status.code() == Some(64),
            said(&done).contains("cli::setting"),
            "{}",
            said(&done)
        );
        done.status.code() == Some(64)
    };
    let check = ["--offline", "check"];
    // In a job without git nobody knows whose a link is.
    assert!(refused(".", &["-C", "services/out", "check"], false, true));
    assert!(
        !refused(".", &["-C", "services/out", "check"], false, false),
        "at a desk it is the user's"
    );
    committed(&shop);
    for args in [&check[..], &["--offline", "scan", "."]] {
        assert!(refused("services/out", args, true, false), "the shell says where it went");
        assert!(refused("services/out", args, false, true), "the runner went there");
        assert!(refused("services/ignored", args, true, true), "no commit holds it");
        assert!(refused("services/ignored", args, false, true), "nor where the runner went there");
        assert!(refused("services/other", args, false, true), "a commit of somebody else's");
        // The controls.
        assert!(!refused("services/real", args, true, true) && !refused("services/real", args, false, true));
    }
    assert!(refused(".", &["-C", "services/ignored", "check"], false, false));
    assert!(!refused(".", &["-C", "services/real", "check"], false, true));
}

#[test]
fn results_go_through_no_link_of_the_commit_however_it_is_reached() {
    let place = Sample::new();
    place.write("shop/services/pay/package-lock.json", EMPTY);
    place.write("own/portcullis.toml", "");
    let shop = place.path("shop");
    fs::create_dir(place.path("outside")).unwrap();
    symlink("../outside", shop.join("res")).unwrap();
    symlink(&shop, place.path("alias")).unwrap();
    let refused = |args: &[&str], of_the_job: &[(&str, &Path)]| {
        let done = place.command(args).envs(of_the_job.iter().copied()).output().unwrap();
        assert!(fs::read_dir(place.path("outside")).unwrap().next().is_none(), "{}", said(&done));
        assert_eq!(done.status.code(), Some(64), "{}", said(&done));
    };
    let (alias, ci) = (place.path("alias"), Path::new("true"));
    let (by_alias, direct) = (alias.join("res").display().to_string(), shop.join("res").display().to_string());
    let pay = ["-C", "shop/services/pay", "check", "--output"];
    refused(&[&pay[..], &[&by_alias]].concat(), &[("CI", ci), ("GITHUB_WORKSPACE", &alias)]);
    refused(&[&pay[..], &[&direct]].concat(), &[("CI", ci), ("CI_PROJECT_DIR", &shop)]);
    // `y` would be made on the way, and `..` lead back from it.
    refused(&[&pay[..], &["y/../../../res"]].concat(), &[("CI", ci), ("CI_PROJECT_DIR", &shop)]);
    committed(&shop);
    refused(&[&pay[..], &["y/../../../res"]].concat(), &[]);
    // Judged from a folder outside of the checkout.
    refused(&["-C", "own", "--output", &direct, "scan", "../shop/services/pay"], &[]);
    let beside = place.path("beside").display().to_string();
    let control = place.run(&[&pay[..], &[&beside]].concat());
    assert_ne!(control.status.code(), Some(64), "{}", said(&control));
    assert!(place.path("beside/verdict.json").exists());
}

#[test]
fn a_link_of_the_commit_in_the_place_of_a_result_is_replaced_and_not_written_through() {
    let place = Sample::new();
    let outside = tempfile::tempdir().unwrap();
    for name in ["events.ndjson", "verdict.json", "report.html", "portcullis-image.json"] {
        let file = outside.path().join(name);
        fs::write(&file, "ours").unwrap();
        fs::create_dir_all(place.path("target/portcullis")).unwrap();
        symlink(&file, place.path("target/portcullis").join(name)).unwrap();
    }
    place.ends(0, &["gate", "--until", "policy"]);
    for name in ["events.ndjson", "verdict.json", "report.html", "portcullis-image.json"] {
        assert_eq!(fs::read_to_string(outside.path().join(name)).unwrap(), "ours", "{name}");
        let there = place.path("target/portcullis").join(name).symlink_metadata();
        assert!(there.is_ok_and(|there| there.is_file()), "{name}");
    }
}

#[test]
fn a_job_and_a_desk_use_links_of_their_own() {
    let place = Sample::new();
    place.write("ws/app/services/pay/package-lock.json", EMPTY);
    let app = place.path("ws/app");
    symlink("pay", app.join("services/current")).unwrap();
    committed(&app);
    symlink("app", place.path("ws/main")).unwrap();
    fs::create_dir(place.path("data")).unwrap();
    symlink("../data", place.path("ws/results")).unwrap();
    let ws = place.path("ws");
    let ends = |of_the_job: &[(&str, &str)], folder: &str, args: &[&str]| {
        let mut check = place.command(&[&["--offline"], args].concat());
        let folder = ws.join(folder);
        let done = check
            .current_dir(&folder)
            .env("PWD", &folder)
            .envs(of_the_job.iter().copied())
            .output()
            .unwrap();
        assert_ne!(done.status.code(), Some(64), "{of_the_job:?} {folder:?} {args:?}: {}", said(&done));
    };
    let ws = &ws.display().to_string();
    let results = &format!("{ws}/results/x");
    for job in [
        &[("CI", "true"), ("GITHUB_WORKSPACE", ws)][..],
        &[("JENKINS_URL", "http://127.0.0.1"), ("WORKSPACE", ws)],
        &[("WORKSPACE", ws)],
    ] {
        ends(job, "app/services/current", &["check"]);
        ends(job, "main/services/pay", &["check"]);
        ends(job, ".", &["-C", "app/services/current", "check"]);
        ends(job, "app", &["-C", "services/pay", "--output", results, "check"]);
    }
}

#[test]
fn no_program_of_a_proposal_runs_for_a_question_about_its_target() {
    let place = Sample::new();
    let config = fs::read_to_string(place.path("portcullis.toml")).unwrap();
    let noted = place.path("noted");
    let target = format!(
        "{config}[rollout]\ntarget = \"command\"\npass_env = [\"DEPLOY_TOKEN\"]\ndeploy = [\"true\"]\nrollback = [\"true\"]\n\
         observe = [\"sh\", \"-c\", \"echo $DEPLOY_TOKEN >> {}\"]\n[rollout.health]\nurl = \"http://127.0.0.1:9/readyz\"\n",
        noted.display()
    );
    place.write("portcullis.toml", &target);
    git(&place.path("."), &["init", "-q", "-b", "trunk"]);
    committed(&place.path("."));
    let asks = |args: &[&str], event: &str| {
        let done = place
            .command(args)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", event)
            .env("GITHUB_REF", "refs/heads/trunk")
            .env("DEPLOY_TOKEN", "prodtoken")
            .output()
            .unwrap();
        (done.status.code(), said(&done))
    };
    for args in [
        &["rollout", "status"][..],
        &["rollout", "--plan"],
        &["doctor"],
        &["gate", "--dry-run"],
        &["gate", "--until", "rollout", "--dry-run"],
    ] {
        let (_, told) = asks(args, "pull_request");
        assert!(!noted.exists(), "{args:?}: {told}");
    }
    assert_eq!(asks(&["rollout", "status"], "pull_request").0, Some(64));
    // The control: a push is asked about.
    let (_, told) = asks(&["rollout", "status"], "push");
    assert_eq!(
        fs::read_to_string(&noted).unwrap_or_else(|error| panic!("{error}: {told}")).trim(),
        "prodtoken"
    );
}

#[test]
fn whatever_ends_a_run_in_ci_no_earlier_answer_is_left_for_its_own() {
    let place = Sample::new();
    let (results, links) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    symlink(results.path(), links.path().join("linked")).unwrap();
    let direct = results.path().display().to_string();
    let linked = links.path().join("linked/out").display().to_string();
    let config = fs::read_to_string(place.path("portcullis.toml")).unwrap();
    for (output, folder, broken) in [(&direct, "gone", false), (&linked, ".", true), (&direct, ".", true)] {
        place.ends(0, &["--output", output, "gate", "--until", "policy"]);
        let verdict = Path::new(output).join("verdict.json");
        assert!(verdict.is_file());
        if broken {
            place.write("portcullis.toml", "no TOML");
        }
        let args = ["-C", folder, "--output", output, "gate", "--until", "policy"];
        // At a desk it stays.
        place.ends(64, &args);
        assert!(verdict.is_file());
        let done = place.command(&args).env("CI", "true").output().unwrap();
        assert_eq!(done.status.code(), Some(64));
        assert!(
            !verdict.is_file() && !Path::new(output).join("junit.xml").exists(),
            "{output} {}",
            said(&done)
        );
        place.write("portcullis.toml", &config);
    }
    // What the run compares with is read first.
    place.ends(0, &["--output", &direct, "gate", "--until", "policy"]);
    let args = ["--output", &direct, "gate", "--until", "policy", "--baseline", &direct];
    let done = place.command(&args).env("CI", "true").output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
}

#[test]
fn a_run_that_is_refused_in_ci_takes_nothing_of_the_projects_own_away() {
    let place = Sample::new();
    let files = ["findings.json", "junit.xml", "summary.md", "verdict.json"];
    for folder in ["shop", "shop/reports"] {
        for name in files {
            place.write(&format!("{folder}/{name}"), "ours");
        }
    }
    fs::remove_file(place.path("shop/reports/findings.json")).unwrap();
    fs::remove_file(place.path("shop/reports/verdict.json")).unwrap();
    place.write("shop/portcullis.toml", "no TOML");
    let ends = |args: &[&str]| {
        let done = place.command(&[&["-C", "shop"], args].concat()).env("CI", "true").output().unwrap();
        assert_eq!(done.status.code(), Some(64), "{}", said(&done));
    };
    let is_whole = |folder: &str, names: &[&str]| names.iter().all(|name| place.path("shop").join(folder).join(name).exists());
    ends(&["--output", ".", "gate"]);
    ends(&["--output", "reports", "gate"]);
    place.write("shop/portcullis.toml", "");
    ends(&["--output", ".", "gate", "--policy", "nope"]);
    ends(&["--output", "reports", "gate", "--policy", "nope"]);
    assert!(is_whole(".", &files) && is_whole("reports", &["junit.xml", "summary.md"]));
}
