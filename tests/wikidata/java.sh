#!/bin/sh
# Installs Java for the tests of Spark, on Debian as root. Where it may not, they are skipped with the reason. It never fails.
command -v java >/dev/null && exit 0
command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || exit 0
echo "installing Java for the tests of Spark"
export DEBIAN_FRONTEND=noninteractive
timeout 120 apt-get update -qq >/dev/null 2>&1
timeout 480 apt-get install -qq -y --no-install-recommends default-jre-headless >/dev/null 2>&1 ||
  echo "could not install Java: SPARK IS NOT TESTED"
exit 0
