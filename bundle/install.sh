#!/bin/sh
# Installs ebcd from this folder, without a network:
#   ./install.sh [--to DIR] [--anyway]
# DIR is /opt/ebcd unless told. --anyway installs although the preflight misses something. PYTHON names another Python.
# Installing over an older version keeps that as DIR/.venv.old: to go back, rename it. Configuration in /etc/ebcd and
# data in /var/lib/ebcd are never touched.
set -eu

to=/opt/ebcd
anyway=no
while [ $# -gt 0 ]; do
    case "$1" in
    --to) to=${2:?a folder}; shift 2 ;;
    --anyway) anyway=yes; shift ;;
    *) echo "usage: $0 [--to DIR] [--anyway]" >&2; exit 2 ;;
    esac
done
case "$to" in /*) ;; *) to=$PWD/$to ;; esac
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${PYTHON:-python3}

cd "$here"
sha256sum --quiet --check SHA256SUMS || { echo "these files are not the ones that were built: copy the archive again" >&2; exit 1; }
"$python" preflight.py --to "$to" || {
    [ "$anyway" = yes ] || { echo "nothing was installed; mend what is missing, or add --anyway" >&2; exit 1; }
}

umask 022
mkdir -p "$to"
rm -rf "$to/.venv.new" "$to/.parts.new"
# Whatever stops it from here on (a full disk) leaves what is installed as it was, and takes no room
trap 'rm -rf "$to/.venv.new" "$to/.parts.new"' EXIT
"$python" -m venv "$to/.venv.new"
pip() { "$to/.venv.new/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
if grep -q '==' requirements.lock; then
    pip install --no-index --find-links wheels --require-hashes -r requirements.lock
fi
pip install --no-index --no-deps wheels/ebcd-*.whl
# Scripts of an environment name the folder that it was made in
find "$to/.venv.new/bin" -type f -exec sed -i "1s|^#!$to/.venv.new/|#!$to/.venv/|" {} +
sed -i "s|$to/\.venv\.new|$to/.venv|g" "$to/.venv.new/bin/activate" "$to/.venv.new/pyvenv.cfg"
mkdir "$to/.parts.new"
cp -R config docs README.md README.zh-CN.md "$to/.parts.new"

rm -rf "$to/.venv.old"
[ ! -d "$to/.venv" ] || mv "$to/.venv" "$to/.venv.old"
mv "$to/.venv.new" "$to/.venv"
for part in config docs README.md README.zh-CN.md; do
    rm -rf "${to:?}/$part"
    mv "$to/.parts.new/$part" "$to/$part"
done
"$to/.venv/bin/python" -c 'from importlib.metadata import version; print("ebcd", version("ebcd"), "is installed")'
echo "next: docs/operations.md, \"Install as a service\""
