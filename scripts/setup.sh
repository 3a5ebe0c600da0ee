#!/bin/sh
# Installs what `make demo` and `make test` need and this machine lacks, and says so first: a C
# compiler, Rust, the PostgreSQL server's programs, Tesseract with English, Czech and German, the
# programs that open PDF and HEIC, and pip, which fetches the models of PP-OCRv6.
# Silent and quick when nothing is missing. It starts no service and keeps none running.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
rust_wanted=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' "$root/Cargo.toml" | head -n 1)
postgres_wanted=14
languages='eng ces deu'
createcluster=/etc/postgresql-common/createcluster.conf

PATH="${CARGO_HOME:-${HOME:-/root}/.cargo}/bin:$PATH"
export PATH

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "setup: $*"
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# at_least 1.95.0 1.94: true
at_least() {
    have_minor=${1#*.} want_minor=${2#*.}
    [ "${1%%.*}" -gt "${2%%.*}" ] && return 0
    [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${have_minor%%.*}" -ge "${want_minor%%.*}" ]
}

has_compiler() { has cc; }

has_rust() {
    rust_there=$(cargo --version 2>/dev/null | cut -d ' ' -f 2) || rust_there=
    [ -n "$rust_there" ] && at_least "$rust_there" "$rust_wanted"
}

# The same places as crates/private-postgres looks in.
has_postgres() {
    for initdb in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb \
        /usr/pgsql-*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb \
        /usr/local/opt/postgresql*/bin/initdb \
        /Applications/Postgres.app/Contents/Versions/*/bin/initdb; do
        [ -x "$initdb" ] || continue
        version=$("$initdb" --version 2>/dev/null | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
        [ "${version:-0}" -ge "$postgres_wanted" ] && return 0
    done
    return 1
}

has_openers() {
    has pdftotext && has pdftoppm && { has heif-dec || has heif-convert; }
}

# Where the models are already, nothing has to fetch them.
has_pip() {
    [ -e "${OCR_MODELS_DIR:-$root/models}/PP-OCRv6_rec_small.onnx" ] ||
        python3 -m pip --version >/dev/null 2>&1
}

has_tesseract() {
    known=$(tesseract --list-langs 2>/dev/null) || return 1
    for language in $languages; do
        printf '%s\n' "$known" | grep -qx "$language" || return 1
    done
}

# wants 'a C compiler' has_compiler 'some dependencies bring C': notes what is missing.
missing=
wants() {
    "$2" && return 0
    [ -n "$missing" ] || say 'Paragon needs a few things that this machine lacks:'
    say "  - $1: $3"
    missing="$missing $2"
}
lacks() { case " $missing " in *" $1 "*) return 0 ;; *) return 1 ;; esac }

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
    packages=
    lacks has_compiler && packages="$packages gcc libc6-dev"
    if lacks has_rust && ! has rustup && ! has curl; then packages="$packages ca-certificates curl"; fi
    lacks has_tesseract && packages="$packages tesseract-ocr" &&
        for language in $languages; do packages="$packages tesseract-ocr-$language"; done
    lacks has_openers && packages="$packages poppler-utils libheif-examples"
    lacks has_pip && packages="$packages python3-pip"
    lacks has_postgres && packages="$packages postgresql"
    [ -n "$packages" ] || return 0
    say "Installing with apt-get:$packages"
    apt_install update -qq
    if lacks has_postgres; then
        # Only the programs are wanted, not a server that runs from now on.
        apt_install install -y -qq --no-install-recommends postgresql-common
        as_root sed -i.paragon 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' "$createcluster"
    fi
    # shellcheck disable=SC2086 # a list of words
    apt_install install -y -qq --no-install-recommends $packages
    if lacks has_postgres; then as_root mv "$createcluster.paragon" "$createcluster"; fi
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null >&2; }

with_brew() {
    packages=
    lacks has_tesseract && packages="$packages tesseract tesseract-lang"
    lacks has_openers && packages="$packages poppler libheif"
    lacks has_pip && packages="$packages python"
    lacks has_postgres && packages="$packages postgresql@17"
    if lacks has_compiler; then fail 'run this first: xcode-select --install'; fi
    [ -n "$packages" ] || return 0
    say "Installing with brew:$packages"
    # shellcheck disable=SC2086 # a list of words
    brew install --quiet $packages >&2
}

install_rust() {
    if has rustup; then
        say 'Updating Rust with rustup: stable'
        rustup update stable >&2
        return 0
    fi
    say 'Installing Rust with rustup, for this user, into ~/.cargo and ~/.rustup'
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs </dev/null |
        sh -s -- -y --profile minimal --component clippy,rustfmt >&2
}

wants 'a C compiler' has_compiler 'some of the Rust dependencies bring C with them'
wants "Rust $rust_wanted or newer" has_rust 'Paragon is written in it'
wants "the PostgreSQL server, $postgres_wanted or newer" has_postgres \
    'demo and tests start a private one and throw it away; no service is set up'
wants "Tesseract with $languages" has_tesseract 'it reads the photos where PP-OCRv6 cannot'
wants 'poppler and libheif' has_openers 'their programs open PDF documents and HEIC pictures'
wants 'pip' has_pip 'it fetches the models of PP-OCRv6, which read the photos'
[ -n "$missing" ] || exit 0

if has apt-get; then
    with_apt
elif has brew; then
    with_brew
elif [ "$missing" != ' has_rust' ]; then
    fail 'neither apt-get nor brew is here: please install the above by hand, then try again'
fi
if lacks has_rust; then install_rust; fi

for check in $missing; do
    hash -r
    "$check" && continue
    case $check in
        has_rust) fail "cargo is ${rust_there:-absent} still; try \`rustup default stable\`" ;;
        has_postgres) fail "what this system offers is older than PostgreSQL $postgres_wanted; see postgresql.org/download for a newer one" ;;
        *) fail "installed, but $check still says no; please report this" ;;
    esac
done
say 'Everything that Paragon needs is here now.'
