#!/bin/bash
# Build the image's cpu target and run it without a Docker engine: as root on Debian, with debootstrap, buildah and podman.
# The base is a fresh minimal Debian 12; the run has a read-only root, no network, no capability and no new privilege.
#
#   config/deploy/try_image.sh [FOLDER]       FOLDER (default: a temporary one) is kept if it is named
#
# PIP_CONF: a pip.conf with the index of torch's CPU builds. MOUNTS: folders of this machine that it needs, "/a /b".
set -eu
cd "$(dirname "$0")/../.."

work=${1:-}
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
export BUILDAH_ISOLATION=chroot
store="--root $work/store --storage-driver overlay"
limit="--ulimit nofile=$(ulimit -Hn):$(ulimit -Hn)"

if [ ! -d "$work/base" ]; then
    debootstrap --variant=minbase bookworm "$work/base"
    # shellcheck disable=SC2086
    tar -C "$work/base" -c . | podman $store import - localhost/debian:bookworm-slim
fi
volumes=''
for folder in ${MOUNTS:-}; do volumes="$volumes --volume $folder:$folder:ro"; done
# Without --layers: older buildah loses stages it takes from its cache when another stage mounts them.
# shellcheck disable=SC2086
buildah $store bud --format docker --layers=false --target cpu --build-arg BASE=localhost/debian:bookworm-slim \
    $limit $volumes --secret "id=pip,src=${PIP_CONF:-/dev/null}" --tag localhost/nachlese:cpu .

run() {
    # shellcheck disable=SC2086
    podman $store --cgroup-manager cgroupfs run --rm $limit --ulimit nproc=1024:1024 --cgroups=disabled --network none \
        --read-only --read-only-tmpfs=false --tmpfs /tmp --cap-drop all --security-opt no-new-privileges \
        --volume "$PWD/tests/fixtures:/in:ro" localhost/nachlese:cpu "$@"
}
run --help
run doctor
run run /in/gespraech.opus
