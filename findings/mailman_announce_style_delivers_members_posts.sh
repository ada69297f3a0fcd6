#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: a list with the style "legacy-announce" ("Announce only mailing
# list style") delivers the posts of any subscriber.
#
# The style sets `allow_list_posts` to False, and what is decided by that is one header
# field, "List-Post: NO" (RFC 2369).  No rule of the posting chain looks at it, and the
# style leaves `default_member_action` at "defer", as for a discussion: who wants a
# one-way list has to change the action too, in Postorius or over REST.
#
# Seen with mailman 3.3.10, SQLAlchemy 2.0.43, Python 3.11, SQLite:
#   allow_list_posts: False, members: defer
#   the post of a subscriber: accepted
#   with default_member_action = reject: rejected
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install --quiet --disable-pip-version-check \
    'mailman==3.3.10' 'sqlalchemy==2.0.43' || exit 2
cat > mailman.cfg <<CONFIG
[mailman]
site_owner: owner@example.org
layout: here
[paths.here]
var_dir: $folder/var
[mta]
incoming: mailman.mta.null.NullMTA
CONFIG
cat > see.py <<'PYTHON'
import email
import sys

import dns.resolver
from mailman.core import initialize

initialize.initialize('mailman.cfg')

from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.core.chains import process
from mailman.email.message import Message
from mailman.interfaces.action import Action
from mailman.interfaces.chain import AcceptEvent, RejectEvent
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility
from zope.event import subscribers


def no_name(*args, **kws):
    raise dns.resolver.NXDOMAIN


dns.resolver.Resolver.resolve = no_name
seen = []
subscribers.append(lambda event: seen.append(type(event)))
getUtility(IDomainManager).add('lists.example.org')
mlist = create_list('news@lists.example.org', style_name='legacy-announce')
mlist.subscribe(getUtility(IUserManager).create_address('reader@example.net'))
config.db.commit()


def fate():
    seen.clear()
    text = (
        'From: reader@example.net\nTo: news@lists.example.org\n'
        'Subject: Hello\nMessage-ID: <1@example.net>\n\nHello.\n'
    )
    msg = email.message_from_string(text, Message)
    msg.original_size = len(text)
    process(mlist, msg, {}, mlist.posting_chain)
    config.db.commit()
    if AcceptEvent in seen:
        return 'accepted'
    return 'rejected' if RejectEvent in seen else 'something else'


action = mlist.default_member_action.name
print(f'allow_list_posts: {mlist.allow_list_posts}, members: {action}')
first = fate()
print('the post of a subscriber:', first)
mlist.default_member_action = Action.reject
second = fate()
print('with default_member_action = reject:', second)
as_seen = (mlist.allow_list_posts, action, first, second)
sys.exit(as_seen != (False, 'defer', 'accepted', 'rejected'))
PYTHON
status=0
venv/bin/python see.py || status=$?
[ "$status" -le 1 ] || exit 2
exit "$status"
