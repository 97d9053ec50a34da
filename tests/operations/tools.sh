#!/bin/sh
# Installs what the tests of operations need on Debian: podman with runc, mmdebstrap for an image without a registry,
# Virtuoso, and promtool.
# Where it may not, it does nothing; such tests are skipped then, with the reason. It never fails.
command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || exit 0
missing=""
command -v podman >/dev/null || docker info >/dev/null 2>&1 || missing="podman runc"
command -v mmdebstrap >/dev/null || missing="$missing mmdebstrap"
command -v virtuoso-t >/dev/null || missing="$missing virtuoso-opensource-7-bin"
command -v promtool >/dev/null || missing="$missing prometheus"
[ -n "$missing" ] || exit 0
echo "installing $missing for the tests of operations"
export DEBIAN_FRONTEND=noninteractive
timeout 120 apt-get update -qq >/dev/null 2>&1
# shellcheck disable=SC2086  # a list of names
timeout 480 apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 ||
  echo "could not install $missing: tests that need them are skipped"
exit 0
