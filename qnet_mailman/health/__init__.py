# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the service is well, and what to do where it is not (R32).

`looking.py` looks at everything, a file for each kind of thing: `mailman.py` (how
Mailman is set up), `running.py` (its processes and queues), `timers.py` (the host's
jobs), `service.py` (settings, roles, forms), `door.py` (forged fields, R37), `zone.py`
(the DNS) and `website.py`.
"""
