//! Programs that start the one that is named to them.
//!
//! Source: the manual pages of coreutils, util-linux, numactl, busybox, runit, s6, tini, dumb-init, catatonit, gosu and su-exec.

use super::options::{Starter, starter};

/// Every one of them; `env` is the first.
pub(super) static STARTERS: [Starter; 27] = [
    starter(
        &["env"],
        ("uCSa", &["unset", "chdir", "split-string", "argv0"]),
        0,
        &["help", "version"],
    ),
    starter(&["tini", "tini-static", "docker-init"], ("pe", &[]), 0, &["h", "version"]),
    starter(&["dumb-init"], ("r", &["rewrite"]), 0, &["h", "help", "V", "version"]),
    starter(&["catatonit"], ("", &[]), 0, &["P", "h", "help", "V", "version"]),
    starter(&["gosu", "su-exec"], ("", &[]), 1, &["help", "version", "h", "v"]),
    starter(&["setuidgid", "s6-setuidgid", "envuidgid", "s6-envuidgid"], ("", &[]), 1, &[]),
    starter(&["s6-applyuidgid"], ("ugG", &[]), 0, &[]),
    starter(&["envdir", "s6-envdir"], ("", &[]), 1, &[]),
    starter(&["chpst"], ("uUbe/nlLmdopfcrtsa", &[]), 0, &[]),
    starter(
        &["setpriv"],
        (
            "",
            &[
                "ambient-caps",
                "bounding-set",
                "inh-caps",
                "reuid",
                "ruid",
                "euid",
                "regid",
                "rgid",
                "egid",
                "groups",
                "securebits",
                "pdeathsig",
                "ptracer",
                "selinux-label",
                "apparmor-profile",
                "landlock-access",
                "landlock-rule",
                "seccomp-filter",
            ],
        ),
        0,
        &["d", "dump", "list-caps", "h", "help", "V", "version"],
    ),
    starter(&["nice"], ("n", &["adjustment"]), 0, &["help", "version"]),
    starter(
        &["ionice"],
        ("cnpPu", &["class", "classdata", "pid", "pgid", "uid"]),
        0,
        &["p", "P", "u", "pid", "pgid", "uid", "h", "help", "V", "version"],
    ),
    starter(
        &["chrt"],
        ("TPDp", &["sched-runtime", "sched-period", "sched-deadline", "pid"]),
        1,
        &["p", "pid", "m", "max", "h", "help"],
    ),
    starter(&["taskset"], ("p", &["pid"]), 1, &["p", "pid", "h", "help", "V", "version"]),
    // A limit is joined to its option.
    starter(
        &["prlimit"],
        ("po", &["pid", "output"]),
        0,
        &["p", "pid", "h", "help", "V", "version"],
    ),
    starter(
        &["flock"],
        ("wE", &["timeout", "conflict-exit-code"]),
        1,
        &["h", "help", "V", "version"],
    ),
    starter(&["numactl"], NUMA, 0, NUMA_STOPS),
    starter(&["timeout"], ("skt", &["signal", "kill-after"]), 1, &["help", "version"]),
    starter(&["nohup"], ("", &[]), 0, &["help", "version"]),
    starter(&["setsid"], ("", &[]), 0, &["h", "help", "V", "version"]),
    starter(&["stdbuf"], ("ioe", &["input", "output", "error"]), 0, &["help", "version"]),
    starter(&["time"], ("fo", &["format", "output"]), 0, &["help", "V", "version"]),
    starter(&["chroot"], ("", &["userspec", "groups"]), 1, &["help", "version"]),
    starter(
        &["xargs"],
        (
            "InLPsEda",
            &["arg-file", "delimiter", "max-args", "max-procs", "max-chars", "process-slot-var"],
        ),
        0,
        &["help", "version"],
    ),
    starter(
        &["sudo"],
        (
            "ugChprtTUDR",
            &["user", "group", "host", "prompt", "role", "type", "chdir", "chroot", "close-from"],
        ),
        0,
        &[
            "l", "list", "e", "edit", "v", "validate", "k", "K", "V", "version", "i", "login", "s", "shell",
        ],
    ),
    starter(&["doas"], ("uCa", &[]), 0, &["L", "s", "C"]),
    starter(&["runuser", "su"], SWITCH_USER, 0, &["h", "help", "V", "version"]),
];

/// `numactl`.
const NUMA: (&str, &[&str]) = (
    "iwpPmNCcSIfLoM",
    &[
        "interleave",
        "weighted-interleave",
        "preferred",
        "preferred-many",
        "membind",
        "cpunodebind",
        "physcpubind",
        "cpubind",
        "shm",
        "shmid",
        "file",
        "length",
        "offset",
        "shmmode",
    ],
);
/// It shows something, or is about memory that is shared.
const NUMA_STOPS: &[&str] = &["s", "show", "H", "hardware", "h", "help", "S", "shm", "I", "shmid", "f", "file"];

/// `su` and `runuser`.
const SWITCH_USER: (&str, &[&str]) = (
    "cgGsTuw",
    &[
        "command",
        "session-command",
        "group",
        "supp-group",
        "shell",
        "whitelist-environment",
        "user",
    ],
);
