#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: each process asks a plugin for its REST resources, whoever serves
# nobody.
#
# `IPlugin.resource` is the root of a plugin's part of the REST API.  One would make it
# a property that imports the resources, so that only the REST runner reads them.  But
# when a plugin is loaded, Mailman has zope.interface's verifyObject() look whether it
# provides IPlugin, and that gets each attribute: the property is asked in each of the
# dozen runners, in the master and in every command, `mailman info` too.  What it
# imports is read there.  An object whose __getattr__ imports them waits for a request.
#
# Seen with mailman 3.3.10, SQLAlchemy 2.0.43, zope.interface 7.2, Python 3.11:
#   `mailman info` asked for the resource 1 time, and imported its module
#   with an object that waits: asked 1 time, and imported nothing
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check mailman==3.3.10 sqlalchemy==2.0.43 \
    zope.interface==7.2 || exit 2
mkdir example
cat >example/__init__.py <<'PYTHON'
import os

from mailman.interfaces.plugin import IPlugin
from zope.interface import implementer

asked = []


class Waiting:
    def __getattr__(self, name):
        import example.resources

        return getattr(example.resources.Root(), name)


@implementer(IPlugin)
class Plugin:
    def pre_hook(self):
        pass

    def post_hook(self):
        import sys

        read = 'example.resources' in sys.modules
        with open('said', 'w') as file:
            print(f'asked {len(asked)}, read {read}', file=file)

    @property
    def resource(self):
        asked.append(1)
        if os.environ.get('WAIT'):
            return Waiting()
        import example.resources

        return example.resources.Root()
PYTHON
echo 'class Root: pass' >example/resources.py
cat >mailman.cfg <<CFG
[mailman]
layout: here
[paths.here]
var_dir: $folder/var
[plugin.example]
class: example.Plugin
enabled: yes
CFG
info() {
    PYTHONPATH=$folder venv/bin/mailman -C mailman.cfg --run-as-root info >/dev/null || exit 2
    cat said
}
plain=$(info)
waiting=$(WAIT=yes info)
echo "a property that imports: $plain"
echo "an object that waits: $waiting"
[ "$plain" = 'asked 1, read True' ] && [ "$waiting" = 'asked 1, read False' ]
