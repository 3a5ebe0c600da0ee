#!/bin/sh
# Makes tests/python/venv, with what holds the API and the events from outside: schemathesis and the
# Python library of Standard Webhooks. Silent and quick when it is there. Ends with 1, and says what is
# left out, where it cannot.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/tests/python

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "python: $*"
    say 'python: without it `make proof` leaves out schemathesis and the verification in Python, and fails there'
    exit 1
}

[ "$folder/venv/done" -nt "$folder/requirements.txt" ] && exit 0
command -v python3 >/dev/null 2>&1 || fail 'python3 is not here'
if ! python3 -c 'import ensurepip' >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    say 'Installing with apt-get: python3-venv'
    if [ "$(id -u)" -eq 0 ]; then sudo=; else sudo=sudo; fi
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv </dev/null >&2 ||
        fail 'apt-get could not install it'
fi
say 'Installing with pip into tests/python/venv: schemathesis, standardwebhooks'
python3 -m venv "$folder/venv" || fail 'venv could not be made'
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$folder/requirements.txt" >&2 ||
    fail 'pip could not install them'
touch "$folder/venv/done"
