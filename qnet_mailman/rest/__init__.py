# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources under /<api>/plugins/qnet/.

Doors like the commands: read the request, ask a room below, answer; 400 says what is
wrong, 404 and 409 mean what they mean elsewhere in Mailman's REST API.  Postorius's
side and scripts on other hosts come in here.
"""
