#!/bin/sh
# Brings a release in front. May be run again for the same one: what lies there whole stays.
set -eu
release=$RELEASES/${PORTCULLIS_DIGEST#sha256:}
if [ ! -d "$release" ]; then
    rm -rf "$release.new"
    cp -a "$PORTCULLIS_ROOT" "$release.new"
    mv "$release.new" "$release"
fi
pm2 ping >/dev/null # its daemon greets whoever starts it, once
# Not `reload`, which starts again what was started first: by the path of its release, that is the old code.
if [ -n "$(pm2 pid "$APP")" ]; then
    pm2 delete "$APP"
fi
pm2 start "$release/$SCRIPT" --name "$APP" --cwd "$release"
