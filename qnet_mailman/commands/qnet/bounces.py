# SPDX-License-Identifier: GPL-3.0-or-later
"""`mailman qnet bounces`: scores, days, reasons (R17), second thoughts (R23)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import click
from mailman.config import config
from mailman.utilities.datetime import now

from qnet_mailman.bounces import overview, refusals
from qnet_mailman.commands.qnet.common import (
    INVALID,
    needs_service,
    printable,
    stop,
    the_list,
)
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit


@click.command()
@click.argument('name', metavar='[LIST]', required=False)
@click.option('--member', 'address', metavar='ADDRESS', help='Only of this address.')
@click.option('--json', 'as_json', is_flag=True, help='Print JSON.')
@click.option(
    '--count-refusals',
    'to_count',
    nargs=2,
    metavar='DOMAIN DATE',
    help="Count a provider's refusals of LIST on a day, as bounces of its members.",
)
@click.option(
    '--withhold',
    'to_withhold',
    nargs=2,
    metavar='DOMAIN DATE',
    help="Take the points from a provider's refusals of LIST on a day.",
)
@needs_service
def bounces(
    name: str | None,
    address: str | None,
    as_json: bool,
    to_count: tuple[str, str] | None,
    to_withhold: tuple[str, str] | None,
) -> None:
    """Show the members whose mail bounces, with their scores.

    LIST is an address or List-ID; without it, all lists are shown. Members are
    shown who have bounces in their list's window of days or whose delivery is
    disabled for bounces; with --member, all that is remembered of the address.

    Many refusals of a list by one provider in a day are recorded without points.
    Where that was wrong, --count-refusals gives them their points, and disables
    who then reaches the threshold; --withhold is the other way round, and gives
    mail back to those who were disabled only for that. DATE is a day of the
    site's time zone: 2026-01-31.
    """
    mlist = None if name is None else the_list(name)
    if to_count or to_withhold:
        if mlist is None or address is not None or (to_count and to_withhold):
            stop(
                INVALID,
                '--count-refusals and --withhold need a LIST, and go with nothing else',
            )
        if to_count:
            _reconsider(mlist, to_count, refusals.count, 'counted')
        elif to_withhold:
            _reconsider(mlist, to_withhold, refusals.withhold, 'withheld')
        return
    moment = now()
    if mlist is not None:
        lists = [mlist]
    elif address is not None:
        lists = overview.lists_of(address)
    else:
        lists = overview.lists_with_bounces()
    found = [
        entry
        for each in lists
        for entry in overview.overview(each, moment, address=address)
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for entry in found:
        click.echo(printable(_line(entry)))
        for day in entry['days']:
            counts = '' if day['state'] == 'counted' else f', {day["state"]}'
            click.echo(
                printable(
                    f'    {day["date"]}  {day["points"]:g}  {day["kind"]}: '
                    f'{day["reason"]}{counts}'
                )
            )
    if not found:
        click.echo('no bounces')


def _line(entry: dict[str, Any]) -> str:
    sent = entry['warnings']
    warned = f', {sent} warning{"s" if sent > 1 else ""}' if sent else ''
    delivery = '' if entry['delivery'] == 'enabled' else f', {entry["delivery"]}'
    return (
        f'{entry["list"]}  {entry["address"]}  {entry["score"]:g} of '
        f'{entry["threshold"]} in {entry["window_days"]} days{delivery}{warned}'
    )


def _reconsider(
    mlist: Mlist,
    which: tuple[str, str],
    act: Callable[..., int],
    word: str,
) -> None:
    domain, written = which
    try:
        day = date.fromisoformat(written)
    except ValueError:
        stop(INVALID, f'found "{written}"; expected a date such as 2026-01-31')
    domain = domain.strip().lower().lstrip('@')
    changed = act(mlist.list_id, domain, day, now=now())
    action = (
        audit.Action.refusals_counted
        if word == 'counted'
        else audit.Action.refusals_withheld
    )
    audit.record(action, mlist.list_id, domain, day=day.isoformat(), bounces=changed)
    config.db.commit()
    click.echo(
        printable(f'{mlist.fqdn_listname}: {changed} refusals by {domain} now {word}')
    )
