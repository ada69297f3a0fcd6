# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answer to a question of ours says (R39).

An answer acts only where it is plainly meant: the word that the question asks for
stands alone in its first line.  A "no", a signature, the receipt of a ticket system or
the question sent back has something else there.
"""

from __future__ import annotations

import email.message
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import MessageError
from email.header import Header
from enum import Enum
from itertools import islice

from qnet_mailman.mail.guessing import header_text
from qnet_mailman.mail.parts import take_apart
from qnet_mailman.mlist import Mlist

OPENING = 5
"""Lines of an answer that are its beginning."""

MAX_SUBJECT = 2_000
"""Characters; a line has 998 at most (RFC 5322 section 2.1.1), a subject few lines."""

_AROUND = ' \t"\'`´<«»‹›„“”‟‚‘’‛「」『』*_()[]{}.,:;!。-–—…'
"""What people and their programs put around a word; no `>`, which marks a quotation."""


class Question(Enum):
    """What a word says yes to."""

    join = 'join'
    post = 'post'
    """Release a held post (R6)."""
    approve = 'approve'
    """Let somebody join (R12)."""
    refuse = 'refuse'
    """Do not, or do not release a post; whoever asked is told."""
    discard = 'discard'
    """Do not release a post; nobody is told."""


@dataclass(frozen=True)
class Wording:
    """How a question is asked in a language.

    :ivar join: The word that joins.
    :ivar post: The word that releases a post.
    :ivar sentence: What to do with either; its place is ``{}``.
    :ivar approve: The words with which moderators decide; as `Question` has them.
    """

    join: str
    post: str
    sentence: str
    approve: str
    refuse: str
    discard: str


ENGLISH = Wording(
    'JOIN',
    'DELIVER',
    'To confirm, answer this message. The first line of your answer must be this one '
    'word: {}',
    'APPROVE',
    'REFUSE',
    'DISCARD',
)

WORDINGS = {
    'en': ENGLISH,
    'de': Wording(
        'ABONNIEREN',
        'ZUSTELLEN',
        'Deutsch: Zum Bestätigen antworten Sie auf diese Nachricht. Die erste Zeile '
        'Ihrer Antwort muss dieses eine Wort sein: {}',
        'GENEHMIGEN',
        'ABLEHNEN',
        'VERWERFEN',
    ),
    'es': Wording(
        'SUSCRIBIR',
        'ENTREGAR',
        'Español: Para confirmar, responda a este mensaje. La primera línea de su '
        'respuesta debe ser esta única palabra: {}',
        'APROBAR',
        'RECHAZAR',
        'DESCARTAR',
    ),
    'fr': Wording(
        'ABONNER',
        'DISTRIBUER',
        'Français : Pour confirmer, répondez à ce message. La première ligne de votre '
        'réponse doit être ce seul mot : {}',
        'APPROUVER',
        'REFUSER',
        'SUPPRIMER',
    ),
    'it': Wording(
        'ISCRIVERE',
        'CONSEGNARE',
        'Italiano: Per confermare, risponda a questo messaggio. La prima riga della '
        'risposta deve essere questa sola parola: {}',
        'APPROVARE',
        'RIFIUTARE',
        'SCARTARE',
    ),
    'nl': Wording(
        'AANMELDEN',
        'BEZORGEN',
        'Nederlands: Om te bevestigen beantwoordt u dit bericht. De eerste regel van '
        'uw antwoord moet dit ene woord zijn: {}',
        'GOEDKEUREN',
        'WEIGEREN',
        'VERWIJDEREN',
    ),
    'pt': Wording(
        'INSCREVER',
        'ENTREGAR',
        'Português: Para confirmar, responda a esta mensagem. A primeira linha da sua '
        'resposta deve ser esta única palavra: {}',
        'APROVAR',
        'RECUSAR',
        'DESCARTAR',
    ),
}
"""By the code of the language; a list in another language asks in English."""


def wording_of(mlist: Mlist) -> Wording:
    """How a list asks: in its language."""
    code = mlist.preferred_language.code.replace('-', '_').partition('_')[0].lower()
    return WORDINGS.get(code, ENGLISH)


def word_for(mlist: Mlist, question: Question) -> str:
    """The word with which a list's question is answered."""
    return str(getattr(wording_of(mlist), question.value))


def how_to_answer(mlist: Mlist, question: Question) -> str:
    """What to write into an answer, in English and in the list's language."""
    wording = wording_of(mlist)
    word = word_for(mlist, question)
    more = '' if wording is ENGLISH else f'\n\n{wording.sentence.format(word)}'
    return f'The first line of your answer must be this one word:\n\n  {word}{more}'


def what_to_answer(mlist: Mlist, meanings: Mapping[Question, str]) -> str:
    """The words of which one has to be in an answer, each with what it does."""
    words = {word_for(mlist, question): text for question, text in meanings.items()}
    width = max(map(len, words))
    rows = '\n'.join(f'  {word:{width}}  {text}' for word, text in words.items())
    return f'The first line of your answer must be one of these words:\n\n{rows}'


def says(msg: email.message.Message, mlist: Mlist, question: Question) -> bool:
    """Whether an answer says yes.

    The English word counts on every list, so that an answer to a question that was
    asked before the list changed its language does, too.

    :return: Whether the word is all of the first line.  Never raises.
    """
    words = {word_for(mlist, question), str(getattr(ENGLISH, question.value))}
    lines = opening(msg)
    return bool(lines) and _bare(lines[0]) in {_bare(word) for word in words}


def opening(msg: email.message.Message) -> list[str]:
    """The first lines of a message's first text that are not empty; never raises."""
    try:
        texts = take_apart(msg).texts
    except Exception:
        # Python's parser keeps what is damaged as it is, and fails later.
        return []
    lines = (line.strip() for text in texts[:1] for line in text)
    return list(islice((line for line in lines if line), OPENING))


def decoded_subject(value: str | Header | None) -> str:
    """A Subject field in words; empty where it is none or an endless one.

    Never raises.
    """
    if value is None:
        return ''
    if isinstance(value, Header):
        # A field with 8-bit bytes.  As a string it would have lost them.
        try:
            # In lines: one of any length would be written anew for each character.
            value = value.encode()
        except (MessageError, ValueError):
            value = str(value)
    return header_text(value) if len(value) <= MAX_SUBJECT else ''


def plain(text: str) -> str:
    """Text as it looks, more or less: one kind of space, colon and case."""
    # NFKC makes full-width letters, colons and brackets plain ones, and no-break
    # spaces spaces.  Cf are zero-width spaces, joiners, marks of direction.
    wide = unicodedata.normalize('NFKC', text)
    seen = ''.join(char for char in wide if unicodedata.category(char) != 'Cf')
    return ' '.join(seen.casefold().split())


def _bare(line: str) -> str:
    return plain(line[:200]).strip(_AROUND)
