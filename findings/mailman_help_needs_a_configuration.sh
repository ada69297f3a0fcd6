#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: `mailman --help` ends with a traceback (AttributeError) and exit
# status 1 wherever no --config stands before it; `mailman` alone, and
# `mailman lists --help`, print their help.
#
# click answers --help as soon as it is read, before the group's callback has loaded
# mailman.cfg, but the list of subcommands comes from the plugins that mailman.cfg names.
# With `mailman -C mailman.cfg --help` the file is loaded first.  So the first thing that
# a newcomer types fails, and so do shell completions and manuals made from --help.
#
# Seen with mailman 3.3.10 and click 8.1.8, 8.2.1 and 8.5.1, Python 3.11:
#   mailman --help: exit status 1, AttributeError
#   mailman: exit status 0
#   mailman lists --help: exit status 0
#   mailman -C mailman.cfg --help: exit status 0
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check mailman==3.3.10 sqlalchemy==2.0.43 \
    click==8.2.1 || exit 2
printf '[mailman]\nlayout: here\n[paths.here]\nvar_dir: %s/var\n' "$folder" >mailman.cfg
export MAILMAN_CONFIG_FILE="$folder/mailman.cfg"
root=
[ "$(id -u)" != 0 ] || root=--run-as-root
state() {
    code=0
    venv/bin/mailman $root "$@" >out 2>&1 || code=$?
    echo "mailman${*:+ $*}: exit status $code$(grep -o '^AttributeError' out |
        sed 's/^/, /')"
}
seen=$(
    state --help
    state
    state lists --help
    state -C mailman.cfg --help
)
echo "$seen"
[ "$seen" = 'mailman --help: exit status 1, AttributeError
mailman: exit status 0
mailman lists --help: exit status 0
mailman -C mailman.cfg --help: exit status 0' ] || {
    echo 'This has changed.' >&2
    exit 1
}
