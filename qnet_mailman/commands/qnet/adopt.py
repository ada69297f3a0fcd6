# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet adopt` and `release`: lists of Mailman's own, taken over and back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

import click
from mailman.config import config
from mailman.interfaces.listmanager import IListManager
from mailman.model.mailinglist import MailingList
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from zope.component import getUtility

from qnet_mailman import site
from qnet_mailman.commands.qnet.common import (
    COULD_NOT_RUN,
    INVALID,
    needs_service,
    printable,
    stop,
    the_list,
)
from qnet_mailman.lists import adopting
from qnet_mailman.lists.adoption_plan import Difference, Kind
from qnet_mailman.lists.digests import Overtaken
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList
from qnet_mailman.values import ListType, Visibility

log = logging.getLogger('mailman.plugins')


@click.command()
@click.argument('name', metavar='[LIST]', required=False)
@click.option('--all', 'everything', is_flag=True, help='All lists that are not ours.')
@click.option(
    '--type',
    'list_type',
    type=click.Choice([one.value for one in ListType]),
    help='What it becomes; as its settings say, if not given.',
)
@click.option(
    '--visibility',
    type=click.Choice([one.value for one in Visibility]),
    help='Whether joining needs approval; as its settings say, if not given.',
)
@click.option('--dry-run', is_flag=True, help='Say what would differ, change nothing.')
@click.option('--json', 'as_json', is_flag=True, help='A line of JSON for each list.')
@needs_service
def adopt(
    name: str | None,
    everything: bool,
    list_type: str | None,
    visibility: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a list of Mailman's own one of QualityNet Mailer's, or all of them.

    Each list is taken over whole or not at all: members, held messages, requests,
    bans, archive, texts and scores of bounces stay. Owners and moderators are
    assigned to it, and may look after it when they have the HARP role. What will
    differ for whom is said before. "mailman qnet release" hands a list back.

    LIST is its address or List-ID.
    """
    if (name is None) != everything:
        stop(INVALID, 'say which LIST, or --all')
    wanted = (
        ListType(list_type) if list_type else None,
        Visibility(visibility) if visibility else None,
    )
    if name is not None:
        _adopt_one(the_list(name), wanted, dry_run, as_json)
        return
    stock = select(MailingList._list_id).where(
        MailingList._list_id.not_in(select(QNetList.list_id))
    )
    list_ids = sorted(store().scalars(stock))
    failed = [
        list_id
        for number, list_id in enumerate(list_ids, 1)
        if not _adopt_of_many(
            list_id, f'[{number}/{len(list_ids)}] ', wanted, dry_run, as_json
        )
    ]
    if not as_json:
        done = len(list_ids) - len(failed)
        click.echo(f'{done} list{"" if done == 1 else "s"}, {len(failed)} failed')
    if failed:
        stop(INVALID, 'not adopted: ' + ', '.join(failed))


def _adopt_of_many(
    list_id: str, before: str, wanted: Any, dry_run: bool, as_json: bool
) -> bool:
    try:
        mlist = getUtility(IListManager).get_by_list_id(list_id)
        if mlist is None:
            # Somebody deleted it meanwhile.
            return True
        _adopt_one(mlist, wanted, dry_run, as_json, before=before)
    except SQLAlchemyError as error:
        config.db.abort()
        click.echo(printable(f'{before}{list_id}: {site.describe(error)}'), err=True)
        return False
    except Exception as error:
        config.db.abort()
        log.exception('%s could not be adopted', list_id)
        click.echo(printable(f'{before}{list_id}: {error}'), err=True)
        return False
    return True


def _adopt_one(
    mlist: Any, wanted: Any, dry_run: bool, as_json: bool, *, before: str = ''
) -> None:
    address = mlist.fqdn_listname
    try:
        kind, found = adopting.preview(mlist, *wanted)
        if not dry_run:
            kind = adopting.adopt(mlist, *wanted)
            config.db.store.commit()
    except adopting.CannotAdopt as error:
        config.db.abort()
        _say(address, 'unchanged', str(error), (), as_json, before)
        return
    config.db.abort()
    become = f'a {kind.visibility} {kind.type} list'
    what = f'would become {become}' if dry_run else f'is {become} now'
    # Of many lists, the lines of each would hide how far it has come.
    shown = found if dry_run or not before else ()
    _say(
        address, 'planned' if dry_run else 'adopted', what, shown, as_json, before, kind
    )


def _say(
    address: str,
    outcome: str,
    words: str,
    found: Iterable[Difference],
    as_json: bool,
    before: str = '',
    kind: Kind | None = None,
) -> None:
    if as_json:
        line = {
            'list': address,
            'result': outcome,
            'type': kind and kind.type.value,
            'visibility': kind and kind.visibility.value,
            'differences': [vars(each) for each in found],
        }
        click.echo(json.dumps(line))
        return
    click.echo(printable(f'{before}{address}: {words}'))
    about = ''
    for each in found:
        if each.about != about:
            about = each.about
            click.echo(f'  {about}')
        click.echo(printable(f'    {each.text}'))


@click.command()
@click.argument('name', metavar='LIST')
@click.option('--dry-run', is_flag=True, help='Say what would differ, change nothing.')
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@needs_service
def release(name: str, dry_run: bool, as_json: bool) -> None:
    """Hand a list back to Mailman's own rules.

    Members stay as they are. Settings that were replaced when it was adopted, and
    that nobody has changed since, are what they were; whoever is assigned to it is
    its owner or moderator again, without the HARP role.

    LIST is its address or List-ID.
    """
    mlist = the_list(name)
    try:
        if dry_run:
            found = adopting.preview_release(mlist)
            words, outcome = "would go by Mailman's own rules", 'planned'
        else:
            found = adopting.release(mlist)
            config.db.store.commit()
            words, outcome = "goes by Mailman's own rules now", 'released'
    except adopting.CannotRelease as error:
        config.db.abort()
        stop(INVALID, str(error))
    except Overtaken:
        config.db.abort()
        stop(COULD_NOT_RUN, 'a digest of the list is made just now: try again')
    address = mlist.fqdn_listname
    _say(address, outcome, words, found.differences(), as_json)
