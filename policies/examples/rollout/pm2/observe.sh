#!/bin/sh
# Prints the digest of the release that each process runs in, as the kernel has it.
set -eu
# Starts PM2's daemon where there is none: its greeting would be read as a process.
pm2 ping >/dev/null
for pid in $(pm2 pid "$APP"); do
    # PM2 has 0 for what it is about to start again: this fails then, and the gate takes it as "not known".
    folder=$(readlink "/proc/$pid/cwd")
    echo "sha256:$(basename "$folder")"
done
