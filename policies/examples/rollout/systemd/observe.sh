#!/bin/sh
# Prints the digest of the release that the unit's process runs in, as the kernel has it. What the link names is only what was meant.
set -eu
case $(systemctl show --property=ActiveState --value "$UNIT") in
inactive | failed) exit 0 ;;
esac
pid=$(systemctl show --property=MainPID --value "$UNIT")
# Without a process yet this fails, and the gate takes it as "not known".
folder=$(readlink "/proc/$pid/cwd")
echo "sha256:$(basename "$folder")"
