# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of Mailman's side, of the web side, and of both together."""

import os

# Read when the demo's modules are imported, here and in its processes: a limit of 30
# seconds is one of three minutes.  A test that passes never waits that long.
os.environ.setdefault('QNET_DEMO_PATIENCE', '6')
