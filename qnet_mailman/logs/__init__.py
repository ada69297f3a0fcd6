# SPDX-License-Identifier: GPL-3.0-or-later
"""What a line of a log says, on both sides: no token of anybody, and as JSON if wanted.

- `hiding.py` takes out what is secret, and for a support bundle whom it is about;
- `line.py` writes a line, plain or as a JSON object;
- `context.py` knows what the line is about: list, Message-ID, queue entry and actor.
"""
