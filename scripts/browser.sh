#!/bin/sh
# Installs what the browser proof needs and this machine lacks, and says so first: Node.js, Chromium,
# and the two npm packages of tests/browser (Playwright's library, which drives Chromium, and axe).
# Silent and quick when nothing is missing. Ends with 1, and says what is left out, where it cannot.
# With --check it installs nothing: it names what is missing, and ends with 1 if that is anything.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/tests/browser

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "browser: $*"
    say 'browser: without it `make proof` leaves out what is proved in a browser, and says so'
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

has_node() {
    has node && has npm && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]
}
# The same places as tests/browser/lib.mjs looks in.
has_chromium() {
    for program in "${CHROMIUM:-}" /usr/bin/chromium /usr/bin/chromium-browser \
        /usr/bin/google-chrome /Applications/Chromium.app/Contents/MacOS/Chromium \
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
        [ -x "$program" ] && return 0
    done
    return 1
}
has_packages() {
    [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo. As root: $*; then try again"
    fi
}
with_apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null >&2 ||
        fail 'apt-get could not install them'
}

wanted=
has_node || wanted="$wanted node"
has_chromium || wanted="$wanted chromium"
if [ "${1:-}" = --check ]; then
    has_packages || wanted="$wanted npm-packages"
    [ -z "$wanted" ] || echo "missing:$wanted; scripts/browser.sh installs it"
    [ -z "$wanted" ]
    exit
fi
if [ -n "$wanted" ]; then
    say "The browser proof needs what this machine lacks:$wanted"
    if has apt-get; then
        packages=
        for it in $wanted; do
            case $it in
                node) packages="$packages nodejs npm" ;;
                # Emoji are letters to a phone.
                chromium) packages="$packages chromium fonts-noto-color-emoji" ;;
            esac
        done
        say "Installing with apt-get:$packages"
        with_apt update -qq
        # shellcheck disable=SC2086 # a list of words
        with_apt install -y -qq --no-install-recommends $packages
    elif has brew; then
        say "Installing with brew:$wanted"
        for it in $wanted; do
            case $it in
                node) brew install --quiet node >&2 || fail 'brew could not install node' ;;
                chromium)
                    brew install --quiet --cask chromium >&2 || fail 'brew could not install chromium'
                    ;;
            esac
        done
    else
        fail 'neither apt-get nor brew is here: please install the above by hand, then try again'
    fi
    has_node || fail 'node is older than 18, or absent still'
    has_chromium || fail 'Chromium is absent still; CHROMIUM=/path/to/it names one'
fi

if ! has_packages; then
    say 'Installing with npm into tests/browser/node_modules: playwright-core, axe-core'
    npm ci --prefix "$folder" --silent --no-audit --no-fund >&2 || fail 'npm could not install them'
fi
