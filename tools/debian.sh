#!/usr/bin/env bash
# Sees to it that Debian packages are there: installs those that are missing where this is root on Debian or Ubuntu, and
# says which are missing anywhere else. Usage: tools/debian.sh chromium postgresql
set -euo pipefail

there() {
  case $1 in
    chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
    postgresql) command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' ;;
    libgomp1) ldconfig -p | grep -F 'libgomp.so.1' ;;
    *) dpkg -s "$1" ;;
  esac >/dev/null 2>&1
}

missing=()
for package in "$@"; do there "$package" || missing+=("$package"); done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]} ..." >&2
  # The server of the tests is their own: no cluster of the machine's is made or started.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
else
  echo "Missing: ${missing[*]}. On Debian and Ubuntu: sudo apt-get install ${missing[*]}" >&2
fi
