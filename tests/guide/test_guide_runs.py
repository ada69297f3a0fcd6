# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of the operators' guide runs, and prints what the guide shows.

Each section has a site of its own, with what its reader has by then.
"""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import pytest

from qnet_mailman.demo.configuration import ROOT
from qnet_mailman.demo.roles import Visitor
from qnet_mailman.demo.site import Site
from tests.guide.elsewhere import reason
from tests.guide.reading import Step, all_steps
from tests.guide.site import GuideSite

pytestmark = pytest.mark.long

FORMS_ADDRESS = 'requests@lists.example.gov'
SHOWN = (
    'Authentication-Results: mx.example.gov; dmarc=pass '
    'header.from=agency.example.gov\n'
)
ASKED = 'provisioning/examples/administrator-request.yaml'


def both_lists(guide: GuideSite) -> None:
    guide.with_list('list-request.yaml', 'discussion-private.json')


def discussions(guide: GuideSite) -> None:
    guide.with_list('discussion-private.json')
    guide.stand_ins['LIST'] = 'hqr-workgroup@lists.example.gov'


def requests_of_strangers(guide: GuideSite) -> None:
    """A change that an administrator asks for, and the same from somebody else."""
    both_lists(guide)
    guide.prepare(
        f"sed 's/pat@/rae@/; s/Pat/Rae/; /^ticket/d' {ASKED} > from-rae.yaml",
        f"sed 's/hqr-updates, hqr-workgroup/hqr-workgroup/' {ASKED} > changed.yaml",
    )


def requests_that_came(guide: GuideSite) -> None:
    """Three mails with forms, one that may be forged, and one without a ticket."""
    guide.start(
        {'forms_address': FORMS_ADDRESS, 'trusted_authserv_ids': 'mx.example.gov'}
    )
    other = {'REQ0002345': 'REQ0002346'}
    without_ticket = {'ticket: REQ0001234\n': '', 'hqr-updates': 'hqr-news'}
    for number, (form, sender, fields, changes) in enumerate(
        (
            ('list-request.yaml', 'pat', SHOWN, {}),
            ('threshold-change.yaml', 'pat', SHOWN, {}),
            ('with-mistakes.yaml', 'rae', SHOWN, {}),
            ('threshold-change.yaml', 'pat', '', other),
            ('list-request.yaml', 'pat', SHOWN, without_ticket),
        ),
        1,
    ):
        text = (ROOT / 'provisioning' / 'examples' / form).read_text('utf-8')
        for old, new in changes.items():
            text = text.replace(old, new)
        mail = EmailMessage()
        address = f'{sender}@agency.example.gov'
        mail['From'], mail['To'] = address, FORMS_ADDRESS
        mail['Message-ID'] = f'<{number}@agency.example.gov>'
        mail.set_content('Here is our request.')
        mail.add_attachment(text.encode(), 'application', 'yaml', filename=form)
        guide.site.lmtp_send(address, FORMS_ADDRESS, fields.encode() + bytes(mail))
        guide.site.wait_idle()


def signed_in(guide: GuideSite) -> None:
    """Pat has been here; Kim has not."""
    guide.start({})
    story = SimpleNamespace(site=guide.site, list_id='')
    Visitor(story, guide.site.accounts.administrator)  # type: ignore[arg-type]


def signed_mail(guide: GuideSite) -> None:
    guide.prepare('mailman qnet keys rotate')


def running(guide: GuideSite) -> None:
    guide.start({})


def stock_list(guide: GuideSite) -> None:
    guide.prepare(
        'mailman create --style-name legacy-default -d talk@lists.example.gov'
    )


def closing(guide: GuideSite) -> None:
    guide.with_list()
    guide.prepare("printf 'new@example.org\\n' > new.txt")


def folder_of_forms(guide: GuideSite) -> None:
    guide.prepare(f'mailman qnet roles import --no-mail {guide.grants}')
    guide.prepare(
        'mkdir requests',
        'cp provisioning/examples/list-request.yaml requests/',
        'cp provisioning/examples/discussion-private.json requests/',
        'cp provisioning/examples/workgroup.csv requests/',
        'cp provisioning/examples/with-mistakes.yaml requests/',
    )


def compared_list(guide: GuideSite) -> None:
    """A list that administrators have changed since its form."""
    both_lists(guide)
    guide.prepare(
        'mkdir lists requests',
        'cp provisioning/examples/list-request.yaml requests/',
        'cp provisioning/examples/discussion-private.json requests/',
        'cp provisioning/examples/workgroup.csv requests/',
        'mailman qnet set hqr-updates@lists.example.gov mask=off threshold=8',
    )


def members_file(guide: GuideSite) -> None:
    guide.with_list()
    guide.prepare("printf 'email\\nnew@example.org\\n' > new.csv")


def kim_has_no_role(guide: GuideSite) -> None:
    guide.with_list()
    guide.prepare(
        "printf 'user_id,role,name,email,expires_at\\nkexample,List Moderator,"
        "Kim Example,kim@agency.example.gov,2027-06-30\\n' > changes.csv",
        "printf 'user_id,role,name,email\\nkexample,List Moderator,"
        "Kim Example,kim@agency.example.gov\\n' > short.csv",
    )


#: What has been done before a section's first command, by its heading.
BEFORE: dict[str, Callable[[GuideSite], None]] = {
    'Adding and removing members': members_file,
    'Administrators and moderators': requests_of_strangers,
    'A list as a member of another': both_lists,
    'Adopting a list, and handing it back': stock_list,
    'Closing a list': closing,
    'Connecting HARP, or any OpenID provider': running,
    'Forms that come in': requests_that_came,
    'Grants': GuideSite.with_list,
    'Importing grants': kim_has_no_role,
    'Lists in version control': compared_list,
    'Looking': GuideSite.with_list,
    'Threshold and window': GuideSite.with_list,
    'Lists without administrators': GuideSite.with_list,
    'Looking and changing': GuideSite.with_list,
    'Many forms at once': folder_of_forms,
    'Members of discussion lists': discussions,
    'One-click unsubscription': signed_mail,
    'Operators': signed_in,
    'People who do not sign in': running,
}


#: What the reader does after a command, by how that begins.
AFTERWARDS = {
    'mailman qnet form list-request > request.yaml': (
        "sed 's/hqr-updates/hqr-news/; s/REQ0001234/REQ0000001/' "
        'provisioning/examples/list-request.yaml > request.yaml'
    ),
}
#: Sections whose commands need the web side, and a provider.
WITH_WEB = {
    'Connecting HARP, or any OpenID provider',
    'Operators',
    'People who do not sign in',
}


def sections() -> list[tuple[str, list[Step]]]:
    """The commands that run here, by section."""
    ours = [step for step in all_steps() if not reason(step.command)]
    return [
        (heading, list(found)) for heading, found in groupby(ours, lambda s: s.heading)
    ]


@pytest.mark.parametrize(
    ('heading', 'commands'), [pytest.param(*one, id=one[0]) for one in sections()]
)
def test_section(heading: str, commands: list[Step], tmp_path: Path) -> None:
    web = heading in WITH_WEB
    with GuideSite(tmp_path, Site(tmp_path / 'site', web=web, provider=web)) as guide:
        BEFORE.get(heading, lambda _guide: None)(guide)
        for step in commands:
            guide.follow(step)
            for begin, then in AFTERWARDS.items():
                if step.command.startswith(begin):
                    guide.prepare(then)
