# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does once for the web side, and an account for the demo.

``python -m qnet_mailman.demo.prepare_web`` is run by
:class:`~qnet_mailman.demo.site.Site` before the web server starts.  The
account's name, address and password come in QNET_DEMO_USER, QNET_DEMO_EMAIL
and QNET_DEMO_PASSWORD, the mail domain of the lists in QNET_DEMO_DOMAIN.
"""

from __future__ import annotations

import os

import django
from django.core.management import call_command


def make_superuser(name: str, email: str, password: str) -> None:
    """Make the account, or give it a new password.

    :param name: The user name.
    :param email: The address, which counts as verified.
    :param password: The password.
    """
    from allauth.account.models import EmailAddress
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    user, _created = users.get_or_create(username=name, defaults={'email': email})
    user.is_staff = user.is_superuser = True
    user.set_password(password)
    user.save()
    EmailAddress.objects.update_or_create(
        user=user, email=email, defaults={'verified': True, 'primary': True}
    )


def forget_earlier_providers() -> None:
    """Delete the accounts of people who signed in to an earlier demo here.

    Its provider had another address, so that to the web side they are other
    people than those of today with the same e-mail addresses.
    """
    from django.conf import settings
    from django.contrib.auth import get_user_model

    issuers = [config.issuer for config in settings.OPENID_PROVIDERS.values()]
    get_user_model().objects.filter(socialaccount__qnet_person__isnull=False).exclude(
        socialaccount__qnet_person__issuer__in=issuers
    ).delete()


def serve_domain(mail_host: str) -> None:
    """Let links to the archives of a mail domain lead to this site.

    :param mail_host: The mail domain.
    """
    from django.conf import settings
    from django_mailman3.models import MailDomain

    MailDomain.objects.update_or_create(
        mail_domain=mail_host, defaults={'site_id': settings.SITE_ID}
    )


def main() -> None:
    """Prepare database, cache and static files, then the account."""
    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'qnet_mailman.web.settings')
    django.setup()
    # It says how far it is; whoever waits for it looks at that.
    call_command('migrate', interactive=False)
    call_command('createcachetable', verbosity=0)
    call_command('collectstatic', interactive=False, verbosity=0)
    make_superuser(
        os.environ['QNET_DEMO_USER'],
        os.environ['QNET_DEMO_EMAIL'],
        os.environ['QNET_DEMO_PASSWORD'],
    )
    forget_earlier_providers()
    serve_domain(os.environ['QNET_DEMO_DOMAIN'])


if __name__ == '__main__':
    main()
