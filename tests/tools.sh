#!/bin/sh
# Installs what some tests need beside Python: Debian's Chromium and nginx. Where it may not, it does nothing; such
# tests are skipped then, with the reason. It never fails, and takes ten minutes at most.
command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || exit 0
missing=""
command -v chromium >/dev/null || missing="$missing chromium"
command -v nginx >/dev/null || missing="$missing nginx-light"
[ -n "$missing" ] || exit 0
echo "installing$missing for the tests"
export DEBIAN_FRONTEND=noninteractive
timeout 120 apt-get update -qq >/dev/null 2>&1
# shellcheck disable=SC2086  # a list of names
timeout 480 apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 ||
  echo "could not install$missing: tests that need them are skipped"
exit 0
