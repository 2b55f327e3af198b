//! An image that is for another machine than it says: what an engine makes of `--platform` and a base of one other platform.

use super::starts::{Started, name, started};
use crate::io::Effects;
use crate::io::oci_layout::OciLayout;
use crate::model::event::Stage;
use crate::model::image::{Descriptor, Platform, PlatformImage};
use crate::stage::build::assembly::{Architecture, Below};
use crate::stage::build::{BuildError, DockerfileError};

/// Refuses an image whose programs could not be started on the platform that was asked for. A builder takes a base of one platform for any other,
/// and says so at most in a warning; an engine says it at the start of the container. Platforms whose machine is not among these are not judged.
///
/// # Errors
/// [`DockerfileError::OtherMachine`]; [`BuildError::Layout`], [`BuildError::Layer`] for what does not hold together.
pub(super) fn starts_on(platform: &Platform, image: &Descriptor, layout: &OciLayout, effects: &Effects) -> Result<(), BuildError> {
    let Some(wanted) = machines_of(&platform.architecture) else {
        return Ok(());
    };
    for of in layout.platforms(image, &effects.limits)? {
        let below = Below::of(layout, &of.layers, effects)?;
        let Some(Odd { path, machine, is_started }) = of_another(&below, &of, wanted) else {
            continue;
        };
        let machine = name_of(machine).map_or_else(|| format!("machine {machine}"), str::to_owned);
        if is_started {
            return Err(DockerfileError::OtherMachine {
                path: format!("/{path}"),
                machine,
                platform: platform.to_string(),
            }
            .into());
        }
        let what = format!("/{path} is for {machine}, and the image for {platform}: whatever is to start it there must be able to");
        effects.warn(Stage::Build, what);
    }
    Ok(())
}

/// A program that is for another machine than the image.
#[derive(Debug, PartialEq, Eq)]
struct Odd {
    path: String,
    /// As ELF says it.
    machine: u16,
    /// The engine starts it, or a program that can start no other machine's.
    is_started: bool,
}

const ARM: u16 = 40;
const I386: u16 = 3;

/// What the machines of a platform start, its own first: those of 64 bits start the programs of their older kin as well. Source: the System V ABI,
/// `e_machine`.
fn machines_of(architecture: &str) -> Option<&'static [u16]> {
    Some(match architecture {
        "amd64" => &[62, I386],
        "arm64" => &[183, ARM],
        "386" => &[I386],
        "arm" => &[ARM],
        "ppc64le" => &[21],
        "riscv64" => &[243],
        "loong64" => &[258],
        _ => return None,
    })
}

/// The platform of a machine, as images name it.
fn name_of(machine: u16) -> Option<&'static str> {
    match machine {
        ARM => Some("arm"),
        I386 => Some("386"),
        other => Architecture::of_elf(other).map(|known| known.go),
    }
}

/// What scripts are run by.
const INTERPRETERS: [&str; 11] = [
    "sh", "bash", "dash", "ash", "busybox", "env", "node", "perl", "ruby", "php", "python3",
];

/// A program that shows it: one that starts; where that is a script, or none is named, what could run one, where nothing of it is for the wanted machine.
fn of_another(below: &Below, image: &PlatformImage, wanted: &[u16]) -> Option<Odd> {
    let starts = started(below, image);
    let of_other = |started: &&Started| started.machine.is_some_and(|machine| !wanted.contains(&machine));
    let others = || starts.iter().filter(of_other);
    // What is certain refuses, wherever it stands.
    let shows = others().find(|started| started.is_certain).or_else(|| others().next());
    let odd = shows.and_then(|started| {
        Some(Odd {
            path: started.path.clone(),
            machine: started.machine?,
            is_started: started.is_certain,
        })
    });
    let is_script = starts.first().is_none_or(|first| first.machine.is_none());
    if odd.is_some() || !is_script {
        return odd;
    }
    let is_program = |(path, machine): &(&str, u16)| name_of(*machine).is_some() && !name(path).contains(".so");
    let all = below.programs().filter(is_program);
    if all.clone().any(|(_, machine)| wanted.contains(&machine)) {
        return None;
    }
    let runs_scripts = |path: &str| INTERPRETERS.contains(&name(path)) || name(path).starts_with("python3");
    let shows = |(path, machine): (&str, u16)| Odd {
        path: path.to_owned(),
        machine,
        is_started: runs_scripts(path),
    };
    all.clone()
        .find(|(path, _)| runs_scripts(path))
        .or_else(|| all.clone().next())
        .map(shows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::ImageConfig;
    use crate::stage::build::assembly::Sort;

    const AMD64: Sort = Sort::File(Some(62));
    const ARM64: Sort = Sort::File(Some(183));
    const SCRIPT: Sort = Sort::File(None);

    fn odd(files: &[(&str, Sort)], entrypoint: &[&str]) -> Option<(String, u16)> {
        found(files, entrypoint)
            .filter(|odd| odd.is_started)
            .map(|odd| (odd.path, odd.machine))
    }

    fn found(files: &[(&str, Sort)], entrypoint: &[&str]) -> Option<Odd> {
        on("arm64", files, entrypoint)
    }

    fn on(architecture: &str, files: &[(&str, Sort)], entrypoint: &[&str]) -> Option<Odd> {
        let mut below = Below::default();
        for (path, sort) in files {
            below.put(path, sort.clone(), 0o755);
        }
        below.put("etc/passwd", Sort::File(None), 0o644);
        below.put_accounts("etc/passwd", &["root:x:0:0::/srv:/bin/sh", "node:x:1000:1000::/srv:/bin/sh"]);
        let image = PlatformImage {
            platform: Platform {
                os: "linux".to_owned(),
                architecture: "arm64".to_owned(),
                variant: None,
            },
            manifest: crate::io::hash::sha256(b""),
            config: ImageConfig {
                entrypoint: entrypoint.iter().map(|&word| word.to_owned()).collect(),
                ..ImageConfig::default()
            },
            layers: Vec::new(),
        };
        of_another(&below, &image, machines_of(architecture).expect("known"))
    }

    #[test]
    fn the_program_that_starts_decides_and_without_one_all_of_them() {
        let amd64 = |path: &str| Some((path.to_owned(), 62));
        assert_eq!(odd(&[("app/x", AMD64)], &["/app/x"]), amd64("app/x"));
        assert_eq!(odd(&[("app/x", ARM64), ("bin/sh", AMD64)], &["/app/x"]), None);
        assert_eq!(odd(&[("app/x", AMD64), ("bin/sh", ARM64)], &["/app/x"]), amd64("app/x"));
        // By the search path, and a script upon a base of another platform.
        assert_eq!(odd(&[("usr/bin/node", AMD64)], &["node", "x.js"]), amd64("usr/bin/node"));
        assert_eq!(odd(&[("run", SCRIPT), ("bin/sh", AMD64)], &["/run"]), amd64("bin/sh"));
        assert_eq!(odd(&[("run", SCRIPT), ("bin/sh", ARM64), ("bin/qemu", AMD64)], &["/run"]), None);
        assert_eq!(odd(&[("bin/sh", AMD64)], &[]), amd64("bin/sh"));
        // Data: a library that somebody could start.
        assert_eq!(odd(&[("lib/x.so", AMD64)], &[]), None);
        assert_eq!(odd(&[("run", SCRIPT), ("lib/x.so.1", AMD64)], &["/run"]), None);
        // What the entry point starts.
        assert_eq!(
            odd(&[("tini", ARM64), ("usr/bin/node", AMD64)], &["/tini", "--", "node"]),
            amd64("usr/bin/node")
        );
        assert_eq!(
            odd(&[("bin/sh", ARM64), ("app/x", AMD64)], &["/bin/sh", "-c", "exec /app/x --fast"]),
            amd64("app/x")
        );
        // What is no starter may emulate it, or load it as data: that is told.
        for emulator in ["bin/qemu-x86_64", "box64", "fl"] {
            let told = found(&[(emulator, ARM64), ("app/x", AMD64)], &[&format!("/{emulator}"), "/app/x"]);
            assert_eq!(told.map(|odd| odd.is_started), Some(false), "{emulator}");
        }
        // Data for another processor: a program of the kernel's own machine.
        assert_eq!(odd(&[("run", SCRIPT), ("lib/probe.o", Sort::File(Some(247)))], &["/run"]), None);
        // Nothing is known: no program, or none of 64 bits.
        assert_eq!(odd(&[("a", SCRIPT)], &["/a"]), None);
        assert_eq!(odd(&[], &["/absent"]), None);
    }

    #[test]
    fn what_is_only_given_to_a_program_as_data_refuses_nothing() {
        let firmware = Sort::File(Some(243));
        let started = |files: &[(&str, Sort)], entrypoint: &[&str]| found(files, entrypoint).map(|odd| odd.is_started);
        let tools = |data: &'static str| {
            [
                ("bin/sh", ARM64),
                ("bin/cp", ARM64),
                ("tini", ARM64),
                ("flash", ARM64),
                (data, Sort::File(Some(243))),
            ]
        };
        assert_eq!(started(&[("run", SCRIPT), ("fw", firmware)], &["/run"]), Some(false));
        assert_ne!(started(&tools("payload"), &["/bin/sh", "-c", "cp /payload /out"]), Some(true));
        assert_ne!(started(&tools("fw"), &["/tini", "--", "/flash", "/fw"]), Some(true));
        assert_ne!(started(&tools("fw"), &["/tini", "--", "/mnt/tool", "/fw"]), Some(true));
        assert_ne!(
            started(&tools("fw"), &["/bin/sh", "-c", "[ -n \"$A\" ] && exec /fw; cp /fw /out"]),
            Some(true)
        );
        // A text that only a shell can read names what it may start.
        let unread = "X=$(case $A in a) echo b;; esac)\nexec /fw";
        assert_eq!(started(&tools("fw"), &["/bin/sh", "-c", unread]), Some(false));
        // The controls: the same, and it is the program.
        assert_eq!(started(&tools("fw"), &["/bin/sh", "-c", "cp /fw /out; exec /fw"]), Some(true));
        assert_eq!(started(&tools("fw"), &["/tini", "-s", "--", "/fw"]), Some(true));
        assert_ne!(started(&tools("fw"), &["/bin/sh", "-ec", "cp /a /b; exec /fw"]), Some(true));
        assert_eq!(started(&tools("fw"), &["/bin/sh", "-ec", "exec /fw"]), Some(true));
    }

    #[test]
    fn what_is_started_in_another_way_is_refused_as_well() {
        let app = |architecture: &str, machine: u16, entrypoint: &[&str]| {
            let own = machines_of(architecture).expect("known")[0];
            let program = |machine| Sort::File(Some(machine));
            let files = [
                ("bin/sh", Sort::Link("busybox".to_owned())),
                ("bin/busybox", program(own)),
                ("lib/ld-linux-aarch64.so.1", program(own)),
                ("bin/gosu", program(own)),
                ("usr/bin/node", program(own)),
                ("srv", Sort::Folder),
                ("srv/app", program(machine)),
            ];
            let starters = [
                "env",
                "runuser",
                "su",
                "setpriv",
                "nice",
                "timeout",
                "stdbuf",
                "tini",
                "dumb-init",
                "catatonit",
                "su-exec",
                "chpst",
                "s6-setuidgid",
                "ionice",
                "chroot",
                "setsid",
                "nohup",
                "xargs",
                "taskset",
                "sudo",
                "prlimit",
                "flock",
                "numactl",
                "gosu",
                "probe",
                "cat",
                "uname",
            ]
            .map(|name| format!("usr/bin/{name}"));
            let starters = starters.iter().map(|path| (path.as_str(), program(own)));
            let files: Vec<_> = files.into_iter().chain(starters).chain([("bin/probe", program(own))]).collect();
            on(architecture, &files, entrypoint)
                .filter(|odd| odd.is_started)
                .map(|odd| odd.path)
        };
        for entrypoint in [
            &["/lib/ld-linux-aarch64.so.1", "/srv/app"][..],
            &["/lib/ld-linux-aarch64.so.1", "--library-path", "/lib", "/srv/app"],
            &["/bin/sh", "-c", "cd /srv && ./app"],
            &["/bin/sh", "-c", "exec \"/srv/app\";"],
            &["/bin/sh", "-c", "exec \"$@\"", "--", "/srv/app"],
            &["/bin/busybox", "sh", "-c", "A=1 /srv/app"],
            &["/bin/busybox", "env", "A=1", "/srv/app"],
            &["/bin/gosu", "node", "/srv/app"],
            &["env", "-S", "A=1 /srv/app --fast"],
            &["env", "-i", "/srv/app"],
            &["env", "--split-string=-u B /srv/app"],
            &["/bin/sh", "-c", "eval \"exec /srv/app\""],
            &["/bin/sh", "-c", "cd \"$HOME\" && ./app"],
            &["/bin/sh", "-c", "cd && exec ./app"],
            &["/bin/sh", "-c", "exec \"$0\" \"$@\"", "/srv/app", "x"],
            &["/bin/sh", "-c", "/srv/app || exit 1"],
            &["/bin/sh", "-c", "PATH=/srv:$PATH; app"],
            &["/bin/sh", "-o", "pipefail", "-c", "set -eu; /srv/app | cat"],
            &["runuser", "-u", "node", "--", "/srv/app"],
            &["su", "-c", "exec /srv/app", "node"],
            &["su", "-s", "/bin/sh", "node", "-c", "/srv/app"],
            &["su", "-", "node", "-c", "./app"],
            &["setpriv", "--reuid", "node", "--regid=node", "--init-groups", "/srv/app"],
            &["nice", "-n", "5", "/srv/app"],
            &["timeout", "-s", "KILL", "10", "/srv/app"],
            &["stdbuf", "-oL", "-e", "0", "/srv/app"],
            &["tini", "-s", "--", "/srv/app"],
            &["tini", "-p", "SIGTERM", "/srv/app"],
            &["dumb-init", "-r", "15:3", "--", "/srv/app"],
            &["catatonit", "--", "/srv/app"],
            &["su-exec", "node:node", "/srv/app"],
            &["chpst", "-u", "node", "-P", "/srv/app"],
            &["s6-setuidgid", "node", "/srv/app"],
            &["ionice", "-c", "2", "-n7", "/srv/app"],
            &["chroot", "/", "/srv/app"],
            &["chroot", "--userspec=node", "/", "/bin/sh", "-c", "/srv/app"],
            &["chroot", "/srv", "/app"],
            &["setsid", "-w", "/srv/app"],
            &["nohup", "nice", "/srv/app"],
            &["xargs", "-n", "1", "/srv/app"],
            &["taskset", "-c", "0,1", "/srv/app"],
            &["sudo", "-u", "node", "-E", "A=1", "/srv/app"],
            &["prlimit", "--nofile=1024:2048", "-n10", "--", "/srv/app"],
            &["flock", "-x", "/run/lock", "/srv/app"],
            &["flock", "/run/lock", "-c", "exec /srv/app"],
            &["numactl", "-N", "0", "--membind=0", "/srv/app"],
            &["numactl", "--interleave", "all", "nice", "/srv/app"],
        ] {
            assert_eq!(app("arm64", 62, entrypoint).as_deref(), Some("srv/app"), "{entrypoint:?}");
            assert_eq!(app("arm64", 183, entrypoint), None, "{entrypoint:?}");
        }
        // What decides whether it is started is not known, or it is not started at all: there the controls are what is certain above.
        for entrypoint in [
            &["/bin/sh", "-c", "/bin/probe && /srv/app"][..],
            &["/bin/sh", "-c", "/srv/app || exec /bin/probe"],
            &["/bin/sh", "-c", "/bin/probe; /srv/app"],
            &["/bin/sh", "-c", "if /bin/probe; then exec /srv/app; fi"],
            &["/bin/sh", "-c", "run() { exec /srv/app; }; exec /bin/probe"],
            &["/bin/sh", "-c", "node() { /bin/probe; }; PATH=/srv; node app"],
            &["/bin/sh", "-c", "cat <<END\n/srv/app\nEND\n/bin/probe"],
            &["/bin/sh", "-c", "case $(uname -m) in x86_64) exec /srv/app;; esac; exec /bin/probe"],
            &["/bin/sh", "-c", "[ -f /srv/app ] && exec /srv/app"],
            &["/bin/sh", "-c", "exec /bin/probe; /srv/app"],
            &["/bin/sh", "-c", "cd /mnt && ./app"],
            &["/bin/sh", "/srv/app"],
            &["/bin/sh", "-c", "HOME=/mnt; cd \"$HOME\" && ./app"],
            &["setpriv", "--reuid", "app", "/bin/probe"],
            &["timeout", "5", "/bin/probe", "/srv/app"],
            &["env", "-S", "/bin/probe ${A}", "/srv/app"],
            &["env", "-u", "app", "/bin/probe"],
            &["gosu", "app", "/bin/probe"],
            &["ionice", "-p", "1", "/srv/app"],
            &["xargs", "-r", "/srv/app"],
            &["chroot", "/mnt", "/srv/app"],
            &["prlimit", "--pid", "1", "/srv/app"],
            &["prlimit", "-o", "/srv/app", "/bin/probe"],
            &["flock", "-n", "/run/lock", "/srv/app"],
            &["flock", "--timeout", "5", "/run/lock", "-c", "/srv/app"],
            &["flock", "/srv/app", "/bin/probe"],
            &["numactl", "--hardware", "/srv/app"],
            &["/bin/sh", "-ic", "exec /srv/app; exec /bin/probe"],
            &["/bin/sh", "-O", "execfail", "-c", "exec /srv/app; exec /bin/probe"],
            &["env", "BASHOPTS=execfail", "/bin/sh", "-c", "exec /srv/app; exec /bin/probe"],
            &["/bin/sh", "-c", "/srv/app; [ $? = 126 ] && exec /bin/probe"],
            &["/bin/sh", "-c", "PATH=$(cat /etc/path):/srv; app"],
            &["runuser", "-u", "app", "--", "/bin/probe"],
        ] {
            assert_eq!(app("arm64", 62, entrypoint), None, "{entrypoint:?}");
        }
        // Machines of 32 bits: their own, and not each other's; those of 64 start their kin's.
        for (architecture, machine, refused) in [
            ("amd64", ARM, true),
            ("arm", I386, true),
            ("arm", 62, true),
            ("386", 62, true),
            ("arm64", I386, true),
            ("arm64", ARM, false),
            ("amd64", I386, false),
            ("arm", ARM, false),
            ("386", I386, false),
        ] {
            assert_eq!(
                app(architecture, machine, &["/srv/app"]).is_some(),
                refused,
                "{architecture} {machine}"
            );
        }
        assert!(machines_of("s390x").is_none());
    }
    #[test]
    fn a_text_that_doubles_its_variables_and_starts_itself_over_and_over_ends() {
        let mut text = format!("A={};", "x".repeat(64)) + &"A=$A$A;".repeat(9);
        for number in 0..300 {
            text += &format!("B{number}=$A;");
        }
        text += &format!("T='{}';", ":;".repeat(1000));
        text += &"/bin/sh -c \"$T\";".repeat(60);
        let files = [("bin/sh", ARM64), ("srv/app", AMD64)];
        let begun = std::time::Instant::now();
        assert_eq!(odd(&files, &["/bin/sh", "-c", &(text + "exec /srv/app")]), None);
        // It took minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
        assert!(odd(&files, &["/bin/sh", "-c", "exec /srv/app"]).is_some(), "the control");
    }
}
