# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus is told of core: `GET .../plugins/qnet/metrics`.

Core is a dozen processes, so nothing is counted in one: what is so now is looked up
when it is asked for, in the queues' folders (`host.py`) and in the database
(`site.py`), and what has happened is counted in the database
(:mod:`qnet_mailman.model.counters`).  No label names a person, and none has more than
some dozen values.

Where there are several core hosts, each tells of its own queues and runners, and all
tell the same of the database.
"""
