//! Any bytes as package databases: dpkg, apk, rpm, Python, npm, Java, and as a file that may hold secrets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::stage::inventory::CATALOGERS;
use portcullis_fuzz::ask;

const PATHS: [&str; 17] = [
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d/base",
    "var/lib/dpkg/info/base.list",
    "usr/share/doc/base/copyright",
    "var/lib/dpkg/info/base.md5sums",
    "lib/apk/db/installed",
    "var/lib/rpm/Packages",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/python3/dist-packages/x-1.dist-info/METADATA",
    "usr/lib/python3/dist-packages/x-1.dist-info/RECORD",
    "usr/lib/python3/dist-packages/x.egg-info",
    "srv/node_modules/x/package.json",
    "srv/app.jar",
    "etc/os-release",
    "app/.env",
    "root/.docker/config.json",
];

fuzz_target!(|bytes: &[u8]| {
    for path in PATHS {
        for cataloger in CATALOGERS {
            ask(*cataloger, path, bytes);
        }
    }
});
