#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10 (PyPI): what `master --force` does while another master runs.  Its
# help says that then "an extra level of checking" is done: "If a process matching the
# host/pid described in the lock file is running, the master will still exit".  It looks
# at no process: acquire_lock_1() deletes the lock and takes it.  Seen:
#
#   master            ->  runs; the lock has its number
#   master            ->  "another master is already running", exit status 1
#   master --force    ->  runs beside the first one; the lock has the second's number
#                         (and the first one ends with "Already unlocked" when stopped)
#
# (`mailman start --force` looks first, and refuses; only the program itself does not.)
# So a unit or script that starts "master --force" after a power cut cannot be started
# twice safely.
#
# Needs Python 3.11 or 3.12 and PyPI.  Exit status 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
pids=()
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap stop EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check mailman==3.3.10 \
    'sqlalchemy<2.1' 'click<8.2'
cat >"$work/mailman.cfg" <<CFG
[mailman]
layout: here
[paths.here]
var_dir: $work/var
[mta]
incoming: mailman.mta.null.NullMTA
CFG
# A runner that has no work is enough.
for name in bounces command digest in lmtp nntp out pipeline rest retry task virgin; do
    printf '[runner.%s]\nstart: no\n' "$name" >>"$work/mailman.cfg"
done
master() {
    exec "$work/venv/bin/master" -C "$work/mailman.cfg" "$@"
}
number_in_lock() { cut -d '|' -f 3 "$work/var/locks/master.lck" 2>/dev/null || true; }
await() {
    for _ in $(seq 600); do
        [ "$(number_in_lock)" != "$1" ] || return 0
        kill -0 "$1" || return 1
        sleep 0.5
    done
    return 1
}

master 2>/dev/null &
pids+=($!)
await "${pids[0]}"
echo "master: runs as ${pids[0]}, and has the lock"

if said=$( (master) 2>&1); then exit 1; fi
echo "master, again: $(echo "$said" | tail -n 2 | tr '\n' ' ')"
[[ "$(echo "$said" | tr '\n' ' ')" == *"another master is already running"* ]]

master --force 2>/dev/null &
pids+=($!)
await "${pids[1]}"
kill -0 "${pids[0]}" && kill -0 "${pids[1]}"
echo "master --force: runs as ${pids[1]}, and has the lock; ${pids[0]} still runs"
"$work/venv/bin/master" --help | tr -s ' \n' ' ' | grep -o 'If a process matching the host/pid described in the lock file is running, the master will still exit'
