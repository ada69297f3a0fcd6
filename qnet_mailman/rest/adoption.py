# SPDX-License-Identifier: GPL-3.0-or-later
"""/lists/<list-id>/adoption, /lists/by-style: lists of Mailman's own and ours (R40)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lazr.config import as_boolean
from mailman.config import config
from mailman.interfaces.member import MemberRole
from mailman.model.mailinglist import MailingList
from mailman.model.member import Member
from mailman.rest.helpers import bad_request, conflict, etag, okay
from mailman.rest.validator import Validator
from sqlalchemy import func, select

from qnet_mailman import values
from qnet_mailman.lists import adopting
from qnet_mailman.lists.adoption_plan import Difference, Kind
from qnet_mailman.lists.digests import Overtaken
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import audit
from qnet_mailman.model.base import store
from qnet_mailman.model.lists import QNetList, row_of
from qnet_mailman.rest.acting import acting_for, person
from qnet_mailman.rest.paging import Page
from qnet_mailman.values import ListType, Visibility


def _word(kind: Any) -> Callable[[str], Any]:
    def check(value: str) -> Any:
        try:
            return kind(values.choice(value, kind)) if value else None
        except ValueError as error:
            raise ValueError(f'expected {error}') from None

    return check


_KIND: dict[str, Any] = {'type': _word(ListType), 'visibility': _word(Visibility)}


class Adoption:
    """Whether a list is ours, and what changing that means."""

    def __init__(self, mlist: Mlist) -> None:
        self._mlist = mlist

    def on_get(self, request: Any, response: Any) -> None:
        """What adopting the list would do, or, if it is ours, handing it back.

        `ours`; `differences`, each `about` whom or what and a `text`; and the `type`
        and `visibility` that it would have, or has.  Those may be asked for.  409 if
        the list is closed.
        """
        try:
            asked = {
                key: check(request.get_param(key, default=''))
                for key, check in _KIND.items()
            }
        except ValueError as error:
            bad_request(response, str(error))
            return
        mlist = self._mlist
        about = _about(mlist)
        row = row_of(mlist)
        try:
            if row is not None:
                kind = Kind(ListType(row.list_type), Visibility(row.visibility))
                found = adopting.preview_release(mlist).differences()
            else:
                kind, found = adopting.preview(
                    mlist, asked['type'], asked['visibility']
                )
        except adopting.CannotRelease as error:
            conflict(response, str(error))
            return
        okay(response, etag(_answer(about, row is not None, kind, found)))

    def on_post(self, request: Any, response: Any) -> None:
        """Adopt the list, or hand it back, as `action` says: `adopt` or `release`.

        200 and what differs now, as above; 400 what is wrong; 409 if it is ours
        already, or not ours, or closed.  `type`, `visibility`; `actor` is the person
        for whom the caller asks.
        """
        names = ('actor', *_KIND)
        validator = Validator(action=str, actor=person, **_KIND, _optional=names)
        try:
            asked = validator(request)
            if asked['action'] not in ('adopt', 'release'):
                raise ValueError('action: expected adopt or release')
        except ValueError as error:
            bad_request(response, str(error))
            return
        about = _about(self._mlist)
        try:
            with audit.recorded_as(acting_for(asked.get('actor'))):
                if asked['action'] == 'adopt':
                    kind = asked.get('type'), asked.get('visibility')
                    _kind, found = adopting.preview(self._mlist, *kind)
                    made = adopting.adopt(self._mlist, *kind)
                else:
                    made = None
                    found = adopting.release(self._mlist).differences()
                config.db.commit()
        except (adopting.CannotAdopt, adopting.CannotRelease) as error:
            config.db.abort()
            conflict(response, str(error))
            return
        except Overtaken:
            config.db.abort()
            conflict(response, 'a digest of the list is made just now: try again')
            return
        okay(response, etag(_answer(about, made is not None, made, found)))


def _about(mlist: Mlist) -> dict[str, Any]:
    return {
        'list_id': mlist.list_id,
        'list': mlist.fqdn_listname,
        'display_name': mlist.display_name,
    }


def _answer(
    about: dict[str, Any], ours: bool, kind: Kind | None, found: list[Difference]
) -> dict[str, Any]:
    return {
        **about,
        'ours': ours,
        'type': kind and kind.type.value,
        'visibility': kind and kind.visibility.value,
        'differences': [vars(each) for each in found],
    }


class ByStyle:
    """Lists of Mailman's own, or ours."""

    def on_get(self, request: Any, response: Any) -> None:
        """Lists by address, with their number of members, `count` on a `page`.

        Ours where `ours` is true, and else those that are not.
        """
        page = Page.asked(request)
        try:
            ours = as_boolean(request.get_param('ours', default='false'))
        except ValueError as error:
            bad_request(response, str(error))
            return
        known = MailingList._list_id.in_(select(QNetList.list_id))
        where = known if ours else ~known
        total = store().scalar(select(func.count(MailingList.id)).where(where)) or 0
        okay(response, etag(page.answer(_some(where, page.start, page.count), total)))


def _some(where: Any, start: int, count: int) -> list[dict[str, Any]]:
    lists = (
        select(
            MailingList._list_id,
            MailingList.list_name,
            MailingList.mail_host,
            MailingList.display_name,
        )
        .where(where)
        .order_by(MailingList.mail_host, MailingList.list_name)
        .offset(start)
        .limit(count)
    )
    rows = store().execute(lists).all()
    members = select(Member.list_id, func.count(Member.id)).where(
        Member.role == MemberRole.member,
        Member.list_id.in_([list_id for list_id, *_rest in rows]),
    )
    counts = dict(
        row._tuple() for row in store().execute(members.group_by(Member.list_id))
    )
    return [
        {
            'list_id': list_id,
            'list': f'{name}@{host}',
            'display_name': display_name or name,
            'members': counts.get(list_id, 0),
        }
        for list_id, name, host, display_name in rows
    ]
