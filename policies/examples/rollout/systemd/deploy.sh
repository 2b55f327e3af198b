#!/bin/sh
# Brings a release in front. May be run again for the same one: what lies there whole stays.
set -eu
release=$RELEASES/${PORTCULLIS_DIGEST#sha256:}
if [ ! -d "$release" ]; then
    rm -rf "$release.new"
    cp -a "$PORTCULLIS_ROOT" "$release.new"
    mv "$release.new" "$release"
fi
# Renamed and not removed: there is no moment without the link.
ln -sfn "$release" "$RELEASES/next"
mv -T "$RELEASES/next" "$RELEASES/current"
# Not `start`, which changes nothing while the unit is active.
systemctl restart "$UNIT"
