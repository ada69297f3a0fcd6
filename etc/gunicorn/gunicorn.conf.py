# SPDX-License-Identifier: GPL-3.0-or-later
"""How gunicorn serves the pages (a stand-in until the branches meet)."""

bind = '127.0.0.1:8000'
worker_class = 'gthread'
workers = 2
threads = 8
timeout = 120
graceful_timeout = 30
control_socket_disable = True
