# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on lists by request forms: in the name of others, and on others' addresses.

Who asks is looked at for every kind of form (R25); a list is at nobody else's address,
and sends nothing of an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from mailman.app.lifecycle import create_list, remove_list
from mailman.commands.cli_lists import create
from mailman.config import config
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.member import DeliveryMode
from mailman.interfaces.template import ITemplateLoader, ITemplateManager
from mailman.interfaces.usermanager import IUserManager
from mailman.model.digests import OneLastDigest
from mailman.model.template import Template
from sqlalchemy import select
from zope.component import getUtility

from qnet_mailman.commands.cli_qnet import qnet
from qnet_mailman.health.looking import examine
from qnet_mailman.model import leftovers
from qnet_mailman.model.base import store
from qnet_mailman.model.closures import closure_of
from qnet_mailman.model.lists import mask_of
from qnet_mailman.provisioning.apply import apply_form
from qnet_mailman.review import deciding, requests
from qnet_mailman.review.deciding import Doubtful
from qnet_mailman.review.doubts import about_change, about_sender
from qnet_mailman.roles.people import assignments_of
from qnet_mailman.styles import reserved
from qnet_mailman.styles.base import NameTaken
from tests.helpers import make_user
from tests.provisioning import samples
from tests.provisioning.samples import ADDRESS, DOMAIN, data, grant_roles
from tests.review.senders import ADDRESS as FORMS
from tests.review.senders import mail, take_in

PAT = 'pat@agency.example.gov'
MALLORY = 'mallory@evil.example'
STYLE = 'qnet-discussion-public'
SHOWN = 'mx.example.gov; dmarc=pass header.from=agency.example.gov'


@pytest.fixture
def hqr(configure: Any) -> Any:
    """The list that is attacked; Pat and Sam administer it."""
    configure(forms_address=FORMS)
    grant_roles()
    assert apply_form(samples.form(), actor='operator:test').outcome == 'created'
    return getUtility(IListManager).get(ADDRESS)


def requester(email: str) -> dict[str, str]:
    return {'name': 'Pat Example', 'email': email}


def changes(asker: str) -> dict[str, dict[str, Any]]:
    """A change of the list by each kind of form, asked for by somebody."""
    ask = {'ticket': 'NEW1', 'requester': requester(asker)}
    mallory = {'name': 'Mallory', 'email': MALLORY, 'harp_id': 'mallory'}
    return {
        'threshold-change': {
            'form': 'threshold-change',
            **ask,
            'list': 'hqr-updates',
            'bounces': {'threshold': 100},
        },
        'administrator-request': {
            'form': 'administrator-request',
            **ask,
            'person': mallory,
            'role': 'administrator',
            'lists': ['hqr-updates'],
            'may_post': True,
        },
        'list-closure': {
            'form': 'list-closure',
            **ask,
            'list': 'hqr-updates',
            'action': 'delete',
            'tell_members': False,
        },
        # The list's own ticket, which many people know.
        'list-request': {
            **data(list__mask='off'),
            'requester': requester(asker),
        },
    }


def state(mlist: Any) -> Any:
    config.db.commit()
    people = {(row.role, row.email) for row in assignments_of(mlist)}
    return (
        people,
        mlist.bounce_score_threshold,
        closure_of(mlist.list_id),
        mask_of(mlist),
    )


def provision(folder: Path, form: dict[str, Any], *options: str) -> Any:
    path = folder / 'form.yaml'
    path.write_text(yaml.safe_dump(form), 'utf-8')
    return CliRunner().invoke(qnet, ['provision', *options, str(path)])


# ------------------------------------------------------- in the name of nobody


@pytest.mark.parametrize('kind', list(changes('')))
def test_a_stranger_changes_nothing_by_the_command(
    hqr: Any, tmp_path: Path, kind: str
) -> None:
    before = state(hqr)
    result = provision(tmp_path, changes(MALLORY)[kind])
    assert result.exit_code == 1
    assert ('does not administer' in result.output) or (
        'another request' in result.output
    )
    assert state(hqr) == before


@pytest.mark.parametrize('kind', ['threshold-change', 'list-closure'])
def test_an_operator_answers_for_a_stranger(
    hqr: Any, tmp_path: Path, kind: str
) -> None:
    result = provision(tmp_path, changes(MALLORY)[kind], '--approve')
    assert result.exit_code == 0
    assert f'{MALLORY} does not administer' in result.output


@pytest.mark.parametrize('kind', [k for k in changes('') if k != 'list-request'])
def test_an_administrator_changes_their_list(
    hqr: Any, tmp_path: Path, kind: str
) -> None:
    assert provision(tmp_path, changes(PAT)[kind]).exit_code == 0


@pytest.mark.parametrize('kind', list(changes('')))
@pytest.mark.parametrize('asker', [MALLORY, PAT])
def test_a_forged_mail_waits_with_warnings(hqr: Any, kind: str, asker: str) -> None:
    """Whoever the form names: nothing shows that it comes from them."""
    before = state(hqr)
    form = changes(asker)[kind]
    if kind == 'list-request':
        # In the name of who made the list; anybody else's is another request.
        form['requester'] = data()['requester']
    take_in(mail(('form.yaml', yaml.safe_dump(form).encode()), sender=asker))
    looked = deciding.look(1)
    assert looked.warnings
    shown = CliRunner().invoke(qnet, ['forms', 'show', '1'])
    assert shown.output.startswith('WARNING: ')
    assert 'nothing shows that it comes from' in shown.output
    approved = CliRunner().invoke(qnet, ['forms', 'approve', '1'])
    assert approved.exit_code == 1
    assert 'WARNING: ' in approved.stderr and 'despite-warnings' in approved.stderr
    assert state(hqr) == before
    with pytest.raises(Doubtful):
        deciding.approve(1, actor='REST')
    assert requests.how_many() == 1
    done = CliRunner().invoke(qnet, ['forms', 'approve', '--despite-warnings', '1'])
    assert done.exit_code == 0, done.output


def test_a_mail_that_is_shown_to_be_the_administrators_has_no_warning(hqr: Any) -> None:
    form = yaml.safe_dump(changes(PAT)['threshold-change']).encode()
    raw = mail(('form.yaml', form), sender=PAT).as_bytes()
    take_in(f'Authentication-Results: {SHOWN}\n'.encode() + raw)
    assert not deciding.look(1).warnings
    [row] = requests.of(['waiting'])
    told = requests.as_dict(*row)
    assert (told['shown_by'], told['doubts']) == ('dmarc=pass (agency.example.gov)', [])
    assert CliRunner().invoke(qnet, ['forms', 'approve', '1']).exit_code == 0


@pytest.mark.parametrize(
    'field',
    [
        SHOWN.replace('mx.example.gov', 'mx.evil.example'),
        SHOWN.replace('pass', 'fail'),
        SHOWN.replace('agency.example.gov', 'evil.example'),
    ],
)
def test_what_others_vouch_for_shows_nothing(hqr: Any, field: str) -> None:
    form = yaml.safe_dump(changes(PAT)['threshold-change']).encode()
    raw = mail(('form.yaml', form), sender=PAT).as_bytes()
    take_in(f'Authentication-Results: {field}\n'.encode() + raw)
    assert any('nothing shows' in each for each in deciding.look(1).warnings)


def test_one_persons_mail_with_anothers_form(hqr: Any) -> None:
    """Sam is shown to have sent it; the form says that Pat asks."""
    form = yaml.safe_dump(changes(PAT)['threshold-change']).encode()
    raw = mail(('form.yaml', form), sender='sam@agency.example.gov').as_bytes()
    take_in(f'Authentication-Results: {SHOWN}\n'.encode() + raw)
    assert deciding.look(1).warnings == (
        f'sam@agency.example.gov sent it, but {PAT} is said to ask',
    )
    line = CliRunner().invoke(qnet, ['forms', 'list']).output
    assert 'valid, another sender' in line


def test_the_doubts_about_a_request() -> None:
    assert about_sender('REST', '', '', PAT) == []
    assert about_sender('mail', PAT, 'spf=pass (x)', PAT.upper()) == []
    (nobody,) = about_sender('mail', '', '', PAT)
    assert 'not known who sent it' in nobody
    assert about_change(False, False, PAT, ['x']) == []
    assert about_change(True, True, PAT, []) == []
    assert about_change(True, False, PAT, ['x']) == [
        f'{PAT} does not administer the list now',
        'x',
    ]


# ----------------------------------------------------------------- old tickets


@pytest.mark.parametrize('approved', [False, True])
@pytest.mark.parametrize(
    'stolen',
    [
        {'requester__email': MALLORY},
        {'administrators': [{'name': 'Mallory', 'email': MALLORY}]},
    ],
)
def test_an_old_ticket_with_other_people_overwrites_nobody(
    hqr: Any, stolen: dict[str, Any], approved: bool
) -> None:
    before = state(hqr)
    result = apply_form(samples.form(**stolen), actor='x', approved=approved)
    assert result.outcome == 'invalid'
    assert any('another request' in str(error) for error in result.errors)
    assert not any('rae@' in str(error) for error in result.errors if not approved) or (
        'requester__email' not in stolen
    )
    assert state(hqr) == before


# ------------------------------------------------------------ others' addresses


def refused_names() -> list[str]:
    return [
        'requests',
        'help',
        'operators',
        'noreply',
        'postmaster',
        'abuse',
        'security',
        'news',
        'info',
        'talk-owner',
        'talk-request',
        'talk-bounces',
        'talk-unsubscribe',
        'chat',
    ]


@pytest.fixture
def others(configure: Any) -> Iterator[None]:
    """Lists `talk` and (as stock makes it) `chat-owner`, and addresses of ours."""
    configure(forms_address=FORMS, support_address=f'help@{DOMAIN}')
    config.push('owner', f'[mailman]\nsite_owner: operators@{DOMAIN}\n')
    getUtility(IDomainManager).add(DOMAIN)
    create_list(f'talk@{DOMAIN}', style_name=STYLE)
    create_list(f'chat-owner@{DOMAIN}', style_name='legacy-default')
    config.db.commit()
    yield
    config.pop('owner')


def names() -> set[str]:
    config.db.commit()
    return set(getUtility(IListManager).names)


@pytest.mark.parametrize('name', refused_names())
def test_no_list_of_ours_is_made_there(others: None, tmp_path: Path, name: str) -> None:
    before = names()
    form = provision(tmp_path, data(list__name=name))
    assert form.exit_code == 1
    by_command = CliRunner().invoke(create, ['--style-name', STYLE, f'{name}@{DOMAIN}'])
    assert by_command.exit_code != 0
    assert 'expected another name' in by_command.stderr
    config.db.abort()
    with pytest.raises(reserved_error()):
        create_list(f'{name}@{DOMAIN}', style_name=STYLE)
    # What core's REST does after an error that it has told: it commits.
    assert names() == before
    assert not (Path(config.LIST_DATA_DIR) / f'{name}.{DOMAIN}').exists()


def reserved_error() -> type[Exception]:
    return NameTaken


def test_lists_of_other_styles_are_stocks_business_and_are_warned_of(
    others: None,
) -> None:
    create_list(f'talk-owner@{DOMAIN}', style_name='legacy-default')
    create_list(f'webmaster@{DOMAIN}', style_name='legacy-default')
    config.db.commit()
    said = {one.text for one in examine(web=False) if one.subject == 'lists'}
    assert len(said) == 3
    assert any(text.startswith(f'there is a list talk-owner@{DOMAIN}') for text in said)
    assert any(text.startswith(f'there is a list webmaster@{DOMAIN}') for text in said)


LOCAL = st.from_regex(r'[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}', fullmatch=True)


@given(LOCAL, LOCAL)
def test_of_two_lists_no_address_is_the_others(one: str, other: str) -> None:
    """What `clash_with` lets through has nine addresses of its own."""
    first, second = f'{one}@x.example.gov', f'{other}@x.example.gov'
    if reserved.clash_with(second, {}, {first}) or first == second:
        return

    def addresses(local: str) -> set[str]:
        return {local, *(f'{local}-{each}' for each in reserved.SUBADDRESSES)}

    assert one not in addresses(other)
    assert other not in addresses(one)


# ------------------------------------------------------------- what a list left


def test_a_list_that_is_made_again_sends_nothing_of_the_old(core: Any) -> None:
    getUtility(IDomainManager).add(DOMAIN)
    name = 'list:user:notice:welcome'
    manager = getUtility(ITemplateManager)
    for style in (STYLE, 'legacy-default'):
        mlist = create_list(f'again@{DOMAIN}', style_name=style)
        list_id = mlist.list_id
        manager.set(name, list_id, 'mailman:///old.txt')
        folder = Path(config.TEMPLATE_DIR, 'lists', list_id, 'en')
        folder.mkdir(parents=True)
        (folder / f'{name}.txt').write_text('Old words', 'utf-8')
        make_user('reader@example.org')
        reader = getUtility(IUserManager).get_address('reader@example.org')
        if style == STYLE:
            # PostgreSQL does not remove a stock list of which this is left.
            mlist.send_one_last_digest_to(reader, DeliveryMode.mime_digests)
        config.db.commit()
        remove_list(mlist)
        config.db.commit()
        again = create_list(f'again@{DOMAIN}', style_name=STYLE)
        config.db.commit()
        assert store().scalars(select(Template)).all() == []
        assert store().scalars(select(OneLastDigest)).all() == []
        assert 'Old words' not in getUtility(ITemplateLoader).get(name, again)
        # Nothing that an operator wrote is lost.
        aside = Path(config.TEMPLATE_DIR, leftovers.ASIDE)
        assert list(aside.rglob('*.txt'))
        remove_list(again)
        config.db.commit()
        getUtility(IUserManager).delete_user(
            getUtility(IUserManager).get_user('reader@example.org')
        )
        config.db.commit()


def test_the_texts_of_other_lists_stay(core: Any) -> None:
    getUtility(IDomainManager).add(DOMAIN)
    manager = getUtility(ITemplateManager)
    mlist = create_list(f'one@{DOMAIN}', style_name=STYLE)
    for context in (f'two.{DOMAIN}', DOMAIN, None):
        manager.set('list:user:notice:welcome', context, 'mailman:///kept.txt')
    remove_list(mlist)
    config.db.commit()
    assert len(store().scalars(select(Template)).all()) == 3
