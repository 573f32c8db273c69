#!/bin/sh
# Installs OpenAI's client libraries, from PyPI and from npm, for the tests of carat serve. Does nothing if they are there.
# Needs python3 with venv, and npm.
#
# usage: fetch_openai_clients.sh FOLDER
#        cmake ... -DCARAT_OPENAI_CLIENTS=FOLDER
set -eu
if [ $# -ne 1 ]; then
  echo "usage: $0 FOLDER" >&2
  exit 2
fi
folder=$1
[ -e "$folder/complete" ] && exit 0
rm -rf "$folder"
mkdir -p "$folder"
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check openai==1.109.1
npm install --silent --no-audit --no-fund --prefix "$folder/javascript" openai@5.23.2 >/dev/null
touch "$folder/complete"
