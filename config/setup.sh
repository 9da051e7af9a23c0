#!/bin/sh
# Set up a checkout: system packages, virtual environment, locked packages, model weights. Called by the Makefile, a
# second time with "test" for what tests need besides.
set -eu

say() { printf '%s\n' "$*" >&2; }

# Install Debian packages when we may, else say what to install.
need() {
    packages=$1
    if [ "$(id -u)" = 0 ]; then as_root=''
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root='sudo -n'
    else as_root=none
    fi
    if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
        say "Please install: $packages   (on Debian and Ubuntu: sudo apt-get install $packages), then run make again."
        exit 2
    fi
    say "Installing $packages …"
    # shellcheck disable=SC2086
    { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq $packages; } >/dev/null
}

if [ "${1-}" = test ]; then
    # One of them is scored by a library that comes as C++ and is compiled here.
    command -v cc >/dev/null && "$VENV/bin/python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' || need 'g++ python3-dev'
    say "Installing what tests need (once; 270 MB) …"
    exec "$VENV/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r config/test.lock
fi

if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "Nachlese needs Python 3.11 or newer: $PYTHON is $("$PYTHON" --version 2>&1 || true). Name another: make PYTHON=python3.12 …"
    exit 2
fi
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || need ffmpeg
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || need python3-venv

[ -x "$VENV/bin/python" ] || { say "Making the environment in $VENV …"; "$PYTHON" -m venv "$VENV"; }
pip="$VENV/bin/python -m pip --disable-pip-version-check --quiet"
say "Installing locked packages (once; a few minutes) …"
# torch comes first and by itself: pip takes the build that this machine is set up for (CPU or CUDA), and only then is
# its hash compared with those allowed. Everything else is locked; the last line adds what only a CUDA build needs.
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
$pip download --no-deps --dest "$wheels" "$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' config/torch.lock)"
$pip install --no-deps --require-hashes --no-index --find-links "$wheels" -r config/torch.lock
$pip install --no-deps --require-hashes -r config/requirements.lock
$pip install --no-build-isolation --editable '.[laptop]'
say "Fetching model weights (once; 180 MB) …"
"$VENV/bin/nachlese" weights fetch
