#!/bin/sh
# Make the locks anew from pyproject.toml: requirements.lock for what runs, test.lock for what tests need besides.
# Needs pip-tools on PATH, and Python 3.11. torch has locks of its own: see the heads of torch.lock and cuda.lock.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() {
    pip-compile --quiet --generate-hashes --allow-unsafe --all-build-deps --strip-extras \
        --no-emit-index-url --no-emit-find-links --no-header "$@" pyproject.toml
}

# Entry by entry (a name with its hashes and where it comes from), without those of the names in the first file.
without() {
    awk -v names="$1" 'BEGIN { while ((getline line < names) > 0) skip[line] = 1 }
        /^[A-Za-z0-9]/ { name = $1; sub(/=.*/, "", name); keep = !(name in skip) } keep' "$2"
}

# What is locked already stays as it is unless pyproject.toml asks for something else.
for lock in requirements test; do
    if [ -f "config/$lock.lock" ]; then cp "config/$lock.lock" "$work/$lock"; else : > "$work/$lock"; fi
done
compile --extra laptop --output-file "$work/requirements"
cat "$work/requirements" "$work/test" > "$work/all"
compile --extra laptop --extra test --output-file "$work/all"

echo torch > "$work/torch"
{
    echo "# Every package that runs here but torch, with the hashes of all its files. Made by config/lock.sh."
    without "$work/torch" "$work/requirements"
} > config/requirements.lock
sed -n 's/^\([A-Za-z0-9][A-Za-z0-9._-]*\)==.*/\1/p' "$work/requirements" > "$work/run"
{
    echo "# Every package that only tests need, with the hashes of all its files. Made by config/lock.sh."
    without "$work/run" "$work/all"
} > config/test.lock
