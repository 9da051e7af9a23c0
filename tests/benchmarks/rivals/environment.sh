#!/bin/sh
# Make the rivals' environment, or add to it: environment.sh PYTHON FOLDER REQUIREMENTS. It stands on top of PYTHON's,
# so that torch, pyannote.audio, faster-whisper and CTranslate2 are the same for everyone; packages come without
# their pins.
set -eu
python=$1 folder=$2 requirements=$3

[ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$python" -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' > "$packages/below.pth"
exec "$folder/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r "$requirements"
