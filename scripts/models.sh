#!/bin/sh
# Fetches the models of PP-OCRv6 (small) into OCR_MODELS_DIR (default: models/ here): the files that
# the PyPI package `rapidocr` ships, by pip, their SHA-256 checked, with their licence and notice.
# Silent when they are there. Ends with 1, and says what follows, where they cannot be had.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
folder=${OCR_MODELS_DIR:-$root/models}
package=rapidocr==3.10.0
inside=rapidocr/models
notices=rapidocr-3.10.0.dist-info/licenses

# The sums stand in the package's MODEL_LICENSES.md too.
sums() {
    cat <<'END'
090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f  PP-OCRv6_det_small.onnx
6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884  PP-OCRv6_rec_small.onnx
END
}

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "models: $*"
    say 'models: without them photos are read by Tesseract, and less well. Try again: make models'
    exit 1
}
check() {
    if command -v sha256sum >/dev/null 2>&1; then
        (cd "$1" && sums | sha256sum -c) >/dev/null 2>&1
    else
        (cd "$1" && sums | shasum -a 256 -c) >/dev/null 2>&1
    fi
}

check "$folder" && exit 0

command -v python3 >/dev/null 2>&1 || fail 'python3 is not on this machine'
python3 -m pip --version >/dev/null 2>&1 || fail 'pip is not on this machine (python3-pip on Debian)'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "models: fetching the models of PP-OCRv6 (27 MB, Apache-2.0) by pip: $package"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --dest "$work" "$package" >&2 || fail 'pip could not fetch them'
python3 -m zipfile -e "$work"/rapidocr-*.whl "$work/wheel" || fail 'the package cannot be unpacked'
check "$work/wheel/$inside" || fail 'the files are not the ones we know (SHA-256 differs)'

mkdir -p "$folder"
cp "$work/wheel/$notices/LICENSE" "$work/wheel/$notices/MODEL_LICENSES.md" "$folder/"
sums | while read -r _ name; do
    # Whole or not at all: a worker may be starting.
    cp "$work/wheel/$inside/$name" "$folder/.$name.part"
    mv "$folder/.$name.part" "$folder/$name"
done
say "models: in $folder, with their licence and notice"
