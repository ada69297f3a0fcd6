# SPDX-License-Identifier: GPL-3.0-or-later
"""How gunicorn serves the web side:  gunicorn -c /etc/qnet-mailer/gunicorn.conf.py

A command line may say otherwise (--workers 4).  The tests use this file.
"""

from qnet_mailman.logs.stderr import to_stderr

wsgi_app = 'qnet_mailman.web.wsgi'

# nginx, or another proxy on this host, stands before it; only what comes from there
# may say how a browser asked, and nothing that a browser sends sets SCRIPT_NAME.
bind = '127.0.0.1:8000'
forwarded_allow_ips = '127.0.0.1,::1'
forwarder_headers = ''

# One request leads to another: core archives through the web side, and fetches texts
# from it, while a page of the web side waits for core.  With `sync`, gunicorn's own
# choice, they would wait for each other; so there have to be threads.
worker_class = 'gthread'
workers = 2
threads = 8

# Seconds in which a worker, not a page, has to give a sign of life.  A page may take
# longer: core's answer to a form with 100,000 subscribers.
timeout = 120
# How long pages may go on when the service stops; less than systemd's TimeoutStopSec.
graceful_timeout = 30

# Octets of a request's first line: providers come back with long codes.
limit_request_line = 8190

# It would be one file in the home folder of its user, who needs none.
control_socket_disable = True

# Standard error, so the journal: who (as nginx says), what, status, octets, seconds.
# What stands in addresses may be somebody's token, or their code for signing in.
accesslog = '-'
access_log_format = '%({x-real-ip}i)s "%(m)s %(U)s" %(s)s %(B)s %(L)s'
logconfig_dict = to_stderr({'gunicorn.error': 'INFO', 'gunicorn.access': 'INFO'})
