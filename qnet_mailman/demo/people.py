# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up people who can sign in to the demo, as HARP would know them.

Two of them are in the example forms; their roles are those of
``provisioning/examples/grants.csv``.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

#: The provider's key in the web side's settings, and in core's identities.
PROVIDER = 'harp'


@dataclass(frozen=True)
class Account:
    """Somebody's account at the provider.

    :ivar user_id: The person's ID, which forms give as ``harp_id``.
    :ivar role: As HARP writes it (R24); empty for none.
    :ivar password: Made up at each start.
    """

    user_id: str
    name: str
    email: str
    role: str = ''
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)

    def claims(self) -> dict[str, Any]:
        """What the provider tells about the person."""
        roles = [
            {
                'program': 'QualityNet Workspace',
                'organization': 'QualityNet Mailer',
                'role': self.role,
            }
        ]
        return {
            'name': self.name,
            'email': self.email,
            'email_verified': True,
            'roles': roles if self.role else [],
        }


@dataclass(frozen=True)
class Accounts:
    """The three."""

    administrator: Account
    moderator: Account
    nobody: Account

    @classmethod
    def make(cls) -> Accounts:
        """With new passwords."""
        return cls(
            Account(
                'pexample',
                'Pat Example',
                'pat@agency.example.gov',
                'List Administrator',
            ),
            Account(
                'mexample',
                'Mo Example',
                'mo@contractor.example.org',
                'List Moderator',
            ),
            Account('nexample', 'Noor Example', 'noor@agency.example.gov'),
        )

    @classmethod
    def from_dict(cls, fields: dict[str, dict[str, str]]) -> Accounts:
        """The same in another process.

        :param fields: What :meth:`as_dict` gave there.
        """
        return cls(**{name: Account(**each) for name, each in fields.items()})

    def as_dict(self) -> dict[str, dict[str, str]]:
        """As plain data, with the passwords."""
        return asdict(self)

    def all(self) -> tuple[Account, ...]:
        """One after the other."""
        return self.administrator, self.moderator, self.nobody
