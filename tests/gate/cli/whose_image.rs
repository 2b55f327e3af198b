//! An image in a folder of results is published for the service and the commit that it was built of, and for no other.

use std::fs;

use crate::support::checkout::{committed, git};
use crate::support::images;
use crate::support::sample::{Sample, layer};

/// Two services of one checkout, each with an image that exists.
fn services() -> Sample {
    let place = Sample::new();
    let config = fs::read_to_string(place.path("portcullis.toml")).unwrap();
    for (service, package) in [("pay", "bash"), ("ship", "dash")] {
        let folder = format!("services/{service}");
        place.write(
            &format!("{folder}/portcullis.toml"),
            &config.replace("\"sample\"", &format!("\"{service}\"")),
        );
        for name in ["policy.toml", "feed/Debian/modified_id.csv", "feed/Debian/DEBIAN-CVE-2000-1.json"] {
            place.write(&format!("{folder}/{name}"), &fs::read_to_string(place.path(name)).unwrap());
        }
        let status = format!("Package: {package}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n");
        images::image(&place.path(&folder).join("built"), &[layer(&status)]);
    }
    place.write(".gitignore", "published/\ntarget/\n.cache/\n.state/\n");
    committed(&place.path("."));
    place
}

#[test]
fn an_image_of_another_service_is_not_published_as_ones_own() {
    let place = services();
    let results = tempfile::tempdir().unwrap();
    let results = results.path().join("results").display().to_string();
    let on = |service: &str, args: &[&str]| {
        let folder = format!("services/{service}");
        [&["-C", &folder, "--output", &results][..], args]
            .concat()
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let ends = |code: i32, args: Vec<String>| place.ends(code, &args.iter().map(String::as_str).collect::<Vec<_>>()).1;
    ends(0, on("pay", &["gate", "--until", "policy"]));
    ends(0, on("ship", &["gate", "--until", "policy"]));
    for verb in [
        &["gate", "--prebuilt"][..],
        &["gate", "--prebuilt", "--until", "policy"],
        &["publish"],
    ] {
        let told = ends(64, on("pay", verb));
        assert!(told.contains("is of the service `ship`, and this is `pay`"), "{verb:?}: {told}");
    }
    assert!(!place.path("services/pay/published").exists());
    // The controls: whose it is publishes it, and a note is no part of the image or of what is published.
    ends(0, on("ship", &["gate", "--prebuilt"]));
    let published = listing(&place.path("services/ship/published"));
    assert!(
        !published.is_empty() && !published.iter().any(|name| name.contains("portcullis-image")),
        "{published:?}"
    );
}

fn listing(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(listing(&path)),
            false => found.push(path.display().to_string()),
        }
    }
    found
}

#[test]
fn an_image_of_another_commit_another_builder_or_an_older_folder_is_not_published_as_this_ones() {
    let place = services();
    let pay = |args: &[&'static str]| [&["-C", "services/pay"][..], args].concat();
    place.ends(0, &pay(&["build"]));
    place.ends(0, &pay(&["gate", "--prebuilt", "--until", "policy"]));
    let note = place.path("services/pay/target/portcullis/portcullis-image.json");
    let kept = fs::read(&note).unwrap();
    // Nobody says whose it is, or somebody says it of another image.
    fs::remove_file(&note).unwrap();
    let (_, told) = place.ends(64, &pay(&["publish"]));
    assert!(told.contains("is of nobody"), "{told}");
    place.ends(0, &["-C", "services/ship", "build"]);
    fs::copy(place.path("services/ship/target/portcullis/portcullis-image.json"), &note).unwrap();
    let (_, told) = place.ends(64, &pay(&["publish"]));
    assert!(told.contains("the build that was there left"), "{told}");
    fs::write(&note, &kept).unwrap();
    git(&place.path("."), &["commit", "-q", "--allow-empty", "-m", "y"]);
    let (_, told) = place.ends(64, &pay(&["publish"]));
    assert!(told.contains("was built from commit"), "{told}");
    // The control: built again.
    place.ends(0, &pay(&["build"]));
    place.ends(0, &pay(&["publish"]));
}

#[test]
fn an_image_of_a_tree_with_changes_is_judged_as_that_though_the_tree_is_clean_by_now() {
    let place = services();
    place.write(
        "services/pay/policy.toml",
        "[rules.root-user]\nlevel = \"off\"\n[rules.untraceable-tag]\nlevel = \"deny\"\n",
    );
    committed(&place.path("."));
    let pay = |args: &[&'static str]| [&["-C", "services/pay"][..], args].concat();
    place.write("services/pay/stray", "x");
    place.ends(0, &pay(&["build"]));
    fs::remove_file(place.path("services/pay/stray")).unwrap();
    let (out, err) = place.ends(1, &pay(&["publish"]));
    assert!(format!("{out}{err}").contains("differs from"), "{out}{err}");
    // The control: built again, the image alone is what the policy objects to.
    place.ends(0, &pay(&["build"]));
    let (out, err) = place.ends(1, &pay(&["publish"]));
    assert!(
        out.contains("has no label") && !format!("{out}{err}").contains("differs from"),
        "{out}{err}"
    );
}

#[test]
fn a_job_without_git_takes_no_image_that_lies_in_its_folder_of_results() {
    let place = Sample::new();
    place.ends(0, &["build"]);
    let verbs = [
        &["gate", "--prebuilt", "--until", "policy"][..],
        &["gate", "--prebuilt"],
        &["publish"],
    ];
    let in_ci = |args: &[&str]| {
        let done = place.command(args).env("CI", "true").output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    for verb in verbs {
        // The folder is begun anew by a run that judges: what a commit brought lies there before each.
        place.ends(0, &["build"]);
        let (code, told) = in_ci(verb);
        assert_eq!(code, Some(64), "{verb:?}: {told}");
        assert!(told.contains("there is no git commit here"), "{verb:?}: {told}");
    }
    // An image that names a commit is not taken where none is, at a desk either.
    place.write(".gitignore", "target/\n.cache/\n.state/\npublished/\n");
    committed(&place.path("."));
    place.ends(0, &["build"]);
    fs::rename(place.path(".git"), place.path("git")).unwrap();
    let (_, told) = place.ends(64, &["gate", "--prebuilt", "--until", "policy"]);
    assert!(told.contains("was built from commit") && told.contains("no commit"), "{told}");
    // The controls: the same job with git, and a desk without.
    fs::rename(place.path("git"), place.path(".git")).unwrap();
    let (code, told) = in_ci(&["gate", "--prebuilt", "--until", "policy"]);
    assert_eq!(code, Some(0), "{told}");
    fs::remove_dir_all(place.path(".git")).unwrap();
    place.ends(0, &["build"]);
    place.ends(0, &["gate", "--prebuilt", "--until", "policy"]);
}
