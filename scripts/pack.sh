#!/bin/sh
# Makes the package that would be published, from a build of its own: dist/ here stays as it is.
#   sh scripts/pack.sh FOLDER   syncwatch-VERSION.tgz goes there
#   sh scripts/pack.sh --lint   … and is looked at by publint and are-the-types-wrong, then removed
#   sh scripts/pack.sh --size   … and its files and sizes are told, then removed
set -eu
cd "$(dirname "$0")/.."
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $1 in
  --*) out=$work ;;
  *) out=$(cd "$1" && pwd) ;;
esac
mkdir "$work/package"
cp -R package.json tsconfig.json tsconfig.types.json ./*.md LICENSE docs completions src scripts "$work/package"
ln -s "$here/node_modules" "$work/package/node_modules"
cd "$work/package"
npm pack --silent --pack-destination "$out" >/dev/null
tarball=$(echo "$out"/syncwatch-*.tgz)
case $1 in
  --lint)
    "$here/node_modules/.bin/publint" --strict "$tarball"
    "$here/node_modules/.bin/attw" --quiet --profile esm-only "$tarball" ;;
  --size) node "$here/scripts/size.mjs" "$tarball" ;;
esac
