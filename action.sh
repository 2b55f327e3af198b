#!/usr/bin/env bash
# Gets portcullis for the actions of this repository, and says where it is as the output `path`. In this order: a binary that the job names
# (PORTCULLIS_BIN), the release's whose digest stands in action.sums beside this file, a build of this checkout. A download with another digest is an
# error, not a reason to build.
set -eu -o pipefail
source=$(cd "$(dirname "$0")" && pwd)
if [ -n "${PORTCULLIS_BIN:-}" ]; then
  echo "path=$PORTCULLIS_BIN" >> "$GITHUB_OUTPUT"
  exit 0
fi
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/Cargo.toml" | head -n 1)
asset=portcullis-$version-$(uname -m)-$(uname -s | tr '[:upper:]' '[:lower:]')
wanted=$(awk -v asset="$asset" '$2 == asset { print $1 }' "$source/action.sums")
key=${wanted:-$(cat "$source/Cargo.toml" "$source/Cargo.lock" <(find "$source/src" "$source/policies" -type f -print0 | sort -z | xargs -0 cat) | sha256sum | cut -c 1-64)}
# A binary that was built here has no digest to be compared with: it is kept for this job only.
folder=${RUNNER_TEMP:-$HOME/.cache}/portcullis/$key
if [ -n "$wanted" ]; then
  folder=${RUNNER_TOOL_CACHE:-$HOME/.cache}/portcullis/$key
fi
binary=$folder/bin/portcullis
# Each time, and not only after the download: other jobs can write to the cache of tools.
if [ -n "$wanted" ] && [ -e "$binary" ] && ! echo "$wanted  $binary" | sha256sum --check --quiet; then
  echo "::error title=portcullis::the cached $asset does not have the digest that stands beside the action; nothing was run"
  exit 2
fi
if [ ! -x "$binary" ] && [ -n "$wanted" ]; then
  mkdir -p "$folder/bin"
  url=${GITHUB_SERVER_URL:-https://github.com}/$ACTION_REPOSITORY/releases/download/v$version/$asset
  if curl --fail --silent --show-error --location --retry 3 --output "$binary.part" "$url"; then
    if ! echo "$wanted  $binary.part" | sha256sum --check --quiet; then
      rm -f "$binary.part"
      echo "::error title=portcullis::the downloaded $asset does not have the digest that stands beside the action; nothing was run"
      exit 2
    fi
    chmod +x "$binary.part"
    mv "$binary.part" "$binary"
  fi
fi
if [ ! -x "$binary" ] && [ -n "$wanted" ]; then
  # What is built below has another digest than the release.
  folder=${RUNNER_TEMP:-$HOME/.cache}/portcullis/$key-built
  binary=$folder/bin/portcullis
fi
if [ ! -x "$binary" ]; then
  # A build sees nothing that the step has for the gate, whatever it is called. It is made where this file lies: cargo and rustup obey what lies in the
  # working folder and above it, and that is the commit that is judged.
  cd "$source"
  seen=()
  for name in PATH HOME USER LANG TMPDIR CARGO_HOME RUSTUP_HOME RUSTUP_TOOLCHAIN CARGO_HTTP_CAINFO CARGO_BUILD_JOBS SSL_CERT_FILE SSL_CERT_DIR \
    HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy CC CXX AR; do
    if [ -n "${!name:-}" ]; then
      seen+=("$name=${!name}")
    fi
  done
  env -i "${seen[@]}" cargo install --quiet --locked --path . --root "$folder"
fi
echo "path=$binary" >> "$GITHUB_OUTPUT"
