# SPDX-License-Identifier: GPL-3.0-or-later
"""What a masked message keeps: the allow lists of R8 and R9, in one place.

Whatever is not named here does not leave the list.  Header and parameter names
are in lower case.
"""

from __future__ import annotations

# Top-level fields with one of a few words as their value.  The first word of the
# field is compared without regard to case and written as it stands here.
WORDS: dict[str, tuple[str, ...]] = {
    'Importance': ('low', 'normal', 'high'),
    'Priority': ('normal', 'urgent', 'non-urgent'),
    'X-Priority': ('1', '2', '3', '4', '5'),
    'X-MSMail-Priority': ('Low', 'Normal', 'High'),
    'Sensitivity': ('Personal', 'Private', 'Company-Confidential'),
    # The author wants the post in no archive.
    'X-Archive': ('no',),
    'Auto-Submitted': ('no', 'auto-generated', 'auto-replied', 'auto-notified'),
}

# The other top-level fields that are rewritten from the sender's message: From,
# Reply-To, Message-ID and MIME-Version are made new, and Date, Subject, To, Cc,
# In-Reply-To, References and Keywords each have their own rule in headers.py.

# Fields of a forwarded message (R9) by the rule that rewrites them.
FORWARDED_ADDRESSES = ('Reply-To', 'To', 'Cc')
FORWARDED_IDENTIFIERS = ('Message-ID', 'In-Reply-To', 'References')

# Fields of a body part, each with its own rule in parts.py: Content-Type,
# Content-Transfer-Encoding, Content-Disposition, Content-Description,
# Content-Language.  Content-ID and Content-Location are made new (content_ids.py).

# Parameters of Content-Type with one of a few words as their value.
PARAMETER_WORDS: dict[str, frozenset[str]] = {
    'format': frozenset({'flowed', 'fixed'}),
    'delsp': frozenset({'yes', 'no'}),
    'method': frozenset(
        {
            'publish',
            'request',
            'reply',
            'add',
            'cancel',
            'refresh',
            'counter',
            'declinecounter',
        }
    ),
    'report-type': frozenset(
        {
            'delivery-status',
            'disposition-notification',
            'feedback-report',
            'tracking-status',
        }
    ),
    'smime-type': frozenset({'certs-only'}),
    'access-type': frozenset({'url', 'ftp', 'anon-ftp', 'local-file', 'mail-server'}),
}

# Parameters of Content-Type with free text, kept where they hold no secret.  The
# last row serves message/external-body (RFC 2046 section 5.2.3, RFC 2017).
PARAMETER_TEXTS = (
    'component',
    'start-info',
    'codecs',
    'url',
    'site',
    'directory',
    'mode',
    'size',
    'expiration',
    'permission',
)


# Signatures: the sender's are taken away, wherever they stand (R9).
SIGNATURES = frozenset(
    {
        'application/pgp-signature',
        'application/pkcs7-signature',
        'application/x-pkcs7-signature',
    }
)
SIGNATURE_SUFFIXES = ('.p7s',)
# The file in which mail programs put the signature of the message itself.
OWN_SIGNATURE = 'smime.p7s'

# Keys and certificates, which stay unless they may be the sender's.
CERTIFICATES = frozenset(
    {
        'application/pgp-keys',
        'application/pkix-cert',
        'application/pkix-pkipath',
        'application/x-pem-file',
        'application/x-pkcs7-certificates',
        'application/x-x509-ca-cert',
        'application/x-x509-user-cert',
    }
)
CERTIFICATE_SUFFIXES = ('.p7c', '.p7b', '.cer', '.crt', '.pem')

# Parts that hold a whole other part inside a PKCS #7 structure (RFC 8551).
PKCS7 = frozenset({'application/pkcs7-mime', 'application/x-pkcs7-mime'})
PKCS7_SUFFIXES = ('.p7m',)

# Parts that cannot be made safe, and what the sender is told.
REFUSED: dict[str, str] = {
    'multipart/encrypted': 'it is encrypted (PGP/MIME)',
    'application/pgp-encrypted': 'it is encrypted (PGP/MIME)',
    'application/ms-tnef': (
        "it is in Outlook's own format (winmail.dat); please send it as HTML or "
        'plain text'
    ),
    'application/vnd.ms-tnef': (
        "it is in Outlook's own format (winmail.dat); please send it as HTML or "
        'plain text'
    ),
    'application/x-microsoft-rpmsg-message': (
        'it is encrypted (message.rpmsg, a protected message of Microsoft 365); please '
        'send it without protection'
    ),
    'message/partial': (
        'your mail program sent it in several pieces; please send it in one'
    ),
}
REFUSED_NAMES: dict[str, str] = {
    'winmail.dat': 'application/ms-tnef',
    **{
        f'message{version}.rpmsg': 'application/x-microsoft-rpmsg-message'
        for version in ('', '_v2', '_v3', '_v4')
    },
}

CALENDARS = frozenset(
    {
        'text/calendar',
        'application/ics',
        'text/ics',
        'text/vcalendar',
        'text/x-vcalendar',
    }
)
CALENDAR_SUFFIXES = ('.ics', '.ifb', '.vcs')

# RFC 5545 properties with text that a person wrote: their values stay.
WRITTEN_PROPERTIES = frozenset(
    {'SUMMARY', 'DESCRIPTION', 'LOCATION', 'COMMENT', 'X-ALT-DESC'}
)
# RFC 5545 properties with words of the format itself.
STRUCTURAL_PROPERTIES = frozenset(
    {
        'BEGIN',
        'END',
        'METHOD',
        'VERSION',
        'CALSCALE',
        'STATUS',
        'CLASS',
        'TRANSP',
        'ACTION',
        'SEQUENCE',
        'PRIORITY',
        'RRULE',
    }
)

CARDS = frozenset({'text/vcard', 'text/x-vcard', 'text/directory', 'application/vcard'})
CARD_SUFFIXES = ('.vcf', '.vcard')

# Parts made of blocks of header fields, which machines write.
FIELD_BLOCKS = frozenset(
    {
        'message/delivery-status',
        'message/global-delivery-status',
        'message/disposition-notification',
        'message/global-disposition-notification',
        'message/feedback-report',
        'message/tracking-status',
    }
)
