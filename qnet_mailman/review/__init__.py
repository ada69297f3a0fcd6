# SPDX-License-Identifier: GPL-3.0-or-later
"""Request forms that wait for an operator (R28-R31).

Asking holds what somebody typed on the web until they are shown to be who they say,
receiving keeps what was sent and acknowledges it, deciding applies or returns it, and
notices tell both sides.  It knows provisioning, which applies a form, and is known by
commands, REST and the forms runner.
"""
