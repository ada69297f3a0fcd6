# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that mail systems use, by reason and language (R16).

Each table is a set of phrases, separated by ``|`` or a line end.  Phrases are compared
with text that `fold` has flattened: lower case, without accents, one space between
words, no addresses and no URLs, so write them as they read best.  ``…`` stands for up
to 40 characters of the same sentence: ``mailbox … full`` finds "the mailbox of this
user is full".

To teach the classifier a new wording, add a line to the table of its reason, with who
writes so behind a ``#``; ``mailman qnet classify`` names the line that decided.
`reasons` says in which order the tables are asked; what makes a bounce *soft* is asked
first.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

GAP = '…'
#: How much of a sentence a gap may skip, in characters.
GAP_LENGTH = 40

# Letters that Unicode does not take apart into a letter and its accent.
_LETTERS = str.maketrans('łøđıæœ’‘`´“”', "lodiao''''\"\"")
_CJK = '\u3000-\u30ff\u3400-\u9fff\uff00-\uffef'
_CJK_SPACE = re.compile(f'(?<=[{_CJK}]) (?=[{_CJK}])')


class _Marks(dict[int, int | None]):
    """A table of translation that takes accents away; filled as letters come."""

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code)) == 'Mn' else code
        if len(self) < 10_000:
            self[code] = kept
        return kept


_MARKS = _Marks()


def fold(text: str) -> str:
    """Flatten a text for comparison.

    Half-width and full-width forms become one; accents and apostrophes go ("doesnt");
    spaces between Chinese or Japanese characters (left by folded lines) go.
    """
    if text.isascii():
        return ' '.join(text.lower().replace("'", '').split())
    text = unicodedata.normalize('NFKD', text.casefold().translate(_LETTERS))
    text = text.translate(_MARKS)
    # Hangul and kana were taken apart as well: put them together again.
    text = unicodedata.normalize('NFC', ' '.join(text.split()))
    return _CJK_SPACE.sub('', text).replace("'", '')


@dataclass(frozen=True)
class Phrase:
    """A row of a table.

    :ivar number: Its place in the table; rows without a gap are asked first.
    :ivar written: As it stands in the table.
    :ivar parts: Folded, one for each side of a gap.
    :ivar source: Who writes so, where the table says it.
    """

    number: int
    written: str
    parts: tuple[str, ...]
    source: str = ''


@dataclass(frozen=True)
class Hit:
    """A phrase in a text.

    :ivar row: The table's name, the phrase and its source, for people.
    """

    table: str
    phrase: Phrase
    start: int
    end: int

    @property
    def row(self) -> str:
        source = f' ({self.phrase.source})' if self.phrase.source else ''
        return f'{self.table}: {self.phrase.written}{source}'


_unread: list[Phrases] = []
"""Tables whose phrases are filed when a text is first compared: most processes of
Mailman's never see a report."""


class Phrases:
    """A table of phrases that can be looked for in a folded text.

    :param name: The table's own name.
    :param languages: The phrases of each language, as the module's docstring says.
    """

    def __init__(self, name: str, **languages: str) -> None:
        self.name = name
        self._text = '\n'.join(languages.values())
        _unread.append(self)

    def read(self) -> None:
        """File its phrases."""
        plain: list[tuple[str, tuple[str, ...], str]] = []
        gapped: list[tuple[str, tuple[str, ...], str]] = []
        for line in self._text.split('\n'):
            phrases, _hash, source = line.partition('#')
            for written in phrases.split('|'):
                parts = tuple(fold(part.strip()) for part in written.split(GAP))
                if any(parts):
                    row = (' '.join(written.split()), parts, source.strip())
                    (plain if len(parts) == 1 else gapped).append(row)
        for number, row in enumerate(plain + gapped):
            _file(self.name, Phrase(number, *row))

    def search(self, text: str) -> Hit | None:
        """Find the first phrase of the table that occurs in a folded text."""
        for phrase in _candidates(text).get(self.name, ()):
            if len(phrase.parts) > 1:
                if found := _find_gapped(phrase.parts, text):
                    return Hit(self.name, phrase, *found)
            elif (start := text.find(phrase.parts[0])) >= 0:
                end = start + len(phrase.parts[0])
                return Hit(self.name, phrase, start, end)
        return None

    def __contains__(self, text: str) -> bool:
        return self.search(text) is not None


# All phrases of all tables by a few of their letters, so that a text is compared with
# the few phrases that it may hold.  Which letters: those that fewest others have.
_GRAM = 5
_by_gram: dict[str, list[tuple[str, Phrase]]] = {}
#: Those that are too short, by a single letter.
_by_letter: dict[str, list[tuple[str, Phrase]]] = {}


def _file(table: str, phrase: Phrase) -> None:
    part = max(phrase.parts, key=len)
    grams = sorted({part[at : at + _GRAM] for at in range(len(part) - _GRAM + 1)})
    filed = _by_gram if grams else _by_letter
    rarest = min(grams or sorted(part), key=lambda one: len(filed.get(one, ())))
    filed.setdefault(rarest, []).append((table, phrase))


@lru_cache(maxsize=16)
def _candidates(text: str) -> dict[str, list[Phrase]]:
    """The phrases that a text may hold, by table and in the order of their table."""
    while _unread:
        _unread.pop(0).read()
    grams = {text[at : at + _GRAM] for at in range(len(text) - _GRAM + 1)}
    near = [phrase for gram in _by_gram.keys() & grams for phrase in _by_gram[gram]]
    for letter in _by_letter.keys() & set(text):
        near += _by_letter[letter]
    found: defaultdict[str, list[Phrase]] = defaultdict(list)
    for table, phrase in near:
        if phrase.parts[0] in text:
            found[table].append(phrase)
    for phrases in found.values():
        if len(phrases) > 1:
            phrases.sort(key=_number)
    return found


def tables_near(text: str) -> Collection[str]:
    """The names of the tables of which a folded text may hold a phrase."""
    return _candidates(text).keys()


def _number(phrase: Phrase) -> int:
    return phrase.number


def _find_gapped(parts: tuple[str, ...], text: str) -> tuple[int, int] | None:
    # A phrase may start at several places; 20 are enough for any honest report.
    start = -1
    for _attempt in range(20):
        start = text.find(parts[0], start + 1)
        if start < 0:
            return None
        end = start + len(parts[0])
        for part in parts[1:]:
            at = text.find(part, end, end + GAP_LENGTH + len(part))
            if at < 0 or _ends_sentence(text, end, at):
                break
            end = at + len(part)
        else:
            return start, end
    return None


def _ends_sentence(text: str, start: int, end: int) -> bool:
    return any(text.find(mark, start, end) >= 0 for mark in ('. ', '; ', '! ', '。'))


# ---------------------------------------------------------------- soft (R16, seed)

MAILBOX_FULL = Phrases(
    'MAILBOX_FULL',
    en="""
    over limit | over the limit | mailbox full | mailbox is full | mailbox … is full
    mail box full | full mailbox
    full inbox | storage full | not enough room | no room | insufficient room
    mailbox … reached | inbox … reached | account … reached | user … reached … limit
    recipient … reached … limit | exceeded mailbox | size of mailbox | account size
    account over
    mail box is full | mailbox is currently full | mailbox is now full | box is full
    inbox is full | inbox full | mailfolder is full | folder is full | maildir is full
    mailbox has exceeded | mailbox … has exceeded | mailbox exceeds | mailbox exceeded
    mailbox is over | mailbox over | mailbox would exceed | mailbox … size limit
    mailbox size exceed | exceeds … mailbox | exceed … mailbox size
    maximum mailbox | mailbox overflow | mailbox limit | mailbox quota
    over quota | overquota | over-quota | over the quota | over its quota
    over their quota | over his quota | over disk quota | over storage
    above quota | quota exceed | quota is exceed | quota has been exceed
    quota was exceed | exceeded quota | exceeds quota | exceed quota | exceeding quota
    exceeded … quota | exceeds … quota | exceed … quota | exceeding … quota
    quota … exceeded | quota … reached | reached … quota | out of quota | out of storage
    quota limit | quota violation | quota full | quota is full | disk quota | mail quota
    user quota | hit … quota | used up … quota
    exceeded storage | exceeded the storage | exceeded … storage allocation
    storage allocation | storage quota | storage limit | storage space … exceeded
    storage is full | exceeded its space | exceeded the space | exceeded … space
    exceeded … allotted | allocated storage | allotted storage
    not enough storage space | not enough space | not enough disk space
    not enough free space | space not enough | no space left in … mailbox
    no disk space | no more space
    no storage space | no more room | insufficient disk space | insufficient mailbox
    insufficient space | insufficient quota | out of space | space … exhausted
    account is full | account … is full | account full | account is over
    account has exceeded | user is over | user has exceeded | user over
    recipient is over | recipient has exceeded | recipient … over … limit
    too much mail | too many messages in … mailbox | too many messages in the mailbox
    mailbox … too many messages | too many messages on
    mailbox … cannot accept any more
    mailbox … cannot accept more | mailbox contains too | mailbox … capacity
    maximum … messages … mailbox | mailbox: full | mailbox_full | mailboxfull
    message count limit | over the maximum | over the allowed | blocks limit
    inode limit | receive any more | accept any more mail | disk limit
    exceeded … disk | storage exceeded | insufficient user storage
    insufficient … space | mbox full | maximum storage | temporarily over
    maximum allowed mailbox | maximum allowed number of messages
    space … used up | used up … space | used up … storage | used all … space
    used all … storage | ran out of space | ran out of storage | run out of space
    run out of storage | running out of space | exhausted … space | exhausted … storage
    exhausted … quota | storage … used up | storage … exhausted | storage … full
    storage … exceeded | space is full | no free space | no space for | no space in
    no space left for | mailbox has no | mailbox … maximum size | at capacity
    at its limit | at their limit | over its limit | over their limit | over its size
    over its allowed | inbox is over | inbox … exceeded | inbox … full | mailbox … above
    quotaexceeded | overquotatemp | overquotaperm | mail box … full | mail box … exceed
    mailbox … overfull | mailbox … overflow | too full | quota … full | quota … used
    insufficient mail storage | mail storage … full | disk … full for user
    cannot hold any more | can hold no more | exceeded the maximum mailbox
    allocated quota | allotted quota | quota allocation | no quota left
    would exceed … storage | exceeds … storage | exceeded … allowance
    storage allowance | mailbox allowance | limit … mailbox storage
    """,
    de="""
    postfach voll | postfach ist voll | postfach … ist voll | postfach … voll
    mailbox voll | mailbox ist voll | mailbox … ist voll | posteingang … voll
    postfach … überfüllt | postfach … überschritten | postfachgröße | postfachlimit
    quota … überschritten | quota … erreicht | kontingent … überschritten
    kontingent … erschöpft | speicherplatz … erschöpft | speicherplatz … überschritten
    speicherplatz … aufgebraucht | speicherplatz … ausgeschöpft | speicherlimit
    kein speicherplatz | nicht genügend speicher | nicht genug speicher
    speicherkontingent | speicher … voll | speicherplatz reicht nicht
    kein freier speicherplatz | konto … voll | zu viele mails | zuviele mails
    zu viele nachrichten | quota … ueberschritten | postfach … ueberfuellt
    speicherplatz … ueberschritten | kontingent … ueberschritten
    speichergrenze | speicherkapazität | speicherbegrenzung | kapazitätsgrenze
    postfachspeicher | speicherplatz … voll | speicherplatz … verbraucht
    speicherplatz … belegt | kein platz mehr | kein freier platz
    mailbox … überschritten
    postfach … übergelaufen | mailbox … überfüllt | speicherlimit … erreicht
    speicherquota | mailboxgröße | postfach-größe | kontingent … aufgebraucht
    """,
    fr="""
    boîte … pleine | boîte … plein | boîte … saturée | boîte … remplie
    bal pleine | messagerie … pleine | messagerie … saturée | quota … dépassé
    quota … atteint | dépassé … quota | dépassement de quota | dépassement … quota
    espace … insuffisant | espace … saturé | espace de stockage | espace disque
    plus d'espace | plus de place | capacité … dépassée | hors quota
    """,
    es="""
    buzón lleno | buzón … lleno | buzón … llena | buzón … excedido | buzón … superado
    casilla … llena | casilla llena | bandeja … llena | cuota … excedid
    cuota … superad | cuota … sobrepasad | cuota … agotad | excedido … cuota
    excede … cuota | supera … cuota | superado … cuota | sobrepasado … cuota
    sin espacio | espacio … insuficiente | espacio … agotad | no … espacio suficiente
    no hay espacio | no tiene espacio | límite de almacenamiento
    capacidad … excedid | almacenamiento … lleno
    """,
    pt="""
    caixa … cheia | caixa … lotada | caixa cheia | caixa … excedeu | caixa … esgotada
    quota … excedida | cota … excedida | quota … ultrapassada | cota … ultrapassada
    excedeu … quota | excedeu … cota | excedeu … limite de armazenamento
    atingiu … quota | sem espaço | espaço … insuficiente | espaço … esgotado
    acima da quota | acima da cota | limite de espaço | estouro de cota
    não … espaço suficiente
    """,
    it="""
    casella … piena | casella piena | mailbox piena | casella … satura
    casella … esaurit | quota … superata | quota … raggiunta | superato … quota
    superata … quota | spazio … esaurito | spazio … insufficiente | oltre quota
    oltre la quota | spazio … terminato | superato … limite … spazio
    non … spazio sufficiente
    """,
    nl="""
    postvak vol | postvak is vol | postvak zit vol | postvak … is vol | mailbox … is vol
    mailbox is vol | mailbox vol
    mailbox zit vol | postbus is vol | postbus vol | inbox is vol | brievenbus … vol
    quotum overschreden | quotum … overschreden | quota … overschreden | opslaglimiet
    opslagruimte … vol | onvoldoende opslagruimte
    """,
    nordic="""
    brevlådan är full | postlådan är full | inkorgen är full | lagringsutrymme
    postkassen er fuld | postkassen er full | postboksen er full | indbakken er fuld
    innboksen er full | kvoten … overskredet | kvoten är överskriden
    postilaatikko on täynnä | postilaatikko … täynnä | tallennustila
    brevlåda … full | brevlådan … full | postlåda … full | inkorg … full
    mejllåda … full | utrymmet … slut | utrymme … slut | slut på utrymme
    lagringsgräns | lagringskvot | diskutrymme | överskridit … kvot | överskrider … kvot
    överskridit … utrymme | kvot … överskrid | inte plats för | inget utrymme
    postkasse … fuld | postkassen … fuld | indbakke … fuld | mailboks … fuld
    mailboksen er fuld | postboks … fuld | lagerplads | diskplads | overskredet … kvote
    kvote … overskredet | overskrider … kvote | overskredet … lager | ikke mere plads
    ikke plads | ikke nok plads | løbet tør for plads | pladsen … opbrugt
    postkasse … full | postboks … full | innboks … full | e-postkasse … full
    e-postboks … full | lagringsplass | diskplass | ikke mer plass | ikke nok plass
    ikke plass | tom for plass | plassen … brukt opp | lagringsgrense
    kiintiö … ylit | kiintiö … täyn | postilaatikko … täysi | levytila
    pósthólf … fullt
    """,
    ja="""
    メールボックスが一杯 | メールボックスがいっぱい | メールボックス … 一杯
    メールボックス … いっぱい | メールボックスが満杯 | メールボックスの容量
    メールボックス … 容量 | メールボックスに空き | 受信箱 … いっぱい | 受信箱が一杯
    受信トレイ … いっぱい | ボックスの容量 | 容量オーバー | 容量不足 | 容量を超
    容量が超 | 容量の上限 | 容量 … 超え | 容量 … 超過 | 容量が一杯 | 容量がいっぱい
    保存容量 | ディスク容量 | ディスクの空き | 空き容量 | 満杯 | クォータ | クオータ
    メールが満杯 | メールボックスフル
    """,
    zh="""
    邮箱已满 | 邮箱满 | 邮箱已经满 | 邮箱 … 已满 | 邮箱空间 | 邮箱容量 | 信箱已满
    信箱满 | 信箱空间 | 收件箱已满 | 空间已满 | 空间不足 | 容量已满 | 容量不足 | 配额
    超出 … 容量 | 超过 … 容量 | 爆满
    郵箱已滿 | 信箱已滿 | 信箱 … 已滿 | 信箱滿 | 收件匣已滿 | 空間不足 | 容量已滿
    容量不足 | 配額 | 信箱空間 | 信箱容量
    """,
    ko="""
    메일함 … 가득 | 편지함 … 가득 | 사서함 … 꽉 | 사서함 … 가득 | 용량 … 초과
    용량이 부족 | 할당량
    """,
    ru="""
    ящик переполнен | ящик … переполнен | переполнен … ящик | ящик заполнен
    ящик … заполнен | переполнение почтового ящика | квота … превышена
    превышена квота | превысил квоту | превышение квоты | превышен … квот
    превышен … квоту | квота … исчерпана | исчерпана квота | нет места
    недостаточно места | превышен лимит … ящика | превышен объем ящика
    скринька переповнена | скринька … переповнена | скринька … заповнена
    перевищено … квот
    переповнен | перевищ … квот | квот … перевищ
    кутия … пълна | кутия … препълнена | препълнена | препълнен
    квота … надвишена | надвишена … квота | надхвърл … квота | превишил … квот
    няма място | недостатъчно място | няма … свободно място | капацитет … изчерпан
    сандуче … пун | прекорачена … квот | прекорачен … квот
    """,
    pl="""
    skrzynka … pełna | skrzynka pełna | skrzynka … przepełniona
    skrzynka … zapełniona | skrzynki … przepełni | przekroczon … quot
    przekroczon … limit … skrzynki | przekroczony limit miejsca | przekroczono … limit
    przekroczon … pojemno | brak miejsca
    """,
    others="""
    schránka … plná | schránka … přeplněna | schránka … preplnená
    překročena … kvóta | kvóta … překročena | prekročená kvóta
    posta kutusu … dolu | posta kutusu dolu | kutusu dolu | kotası dolu
    kotası … aşıl | kota aşımı | kotası … doldu | kotasını aştı
    postafiók … megtelt | postafiók … tele | betelt
    căsuța … plină | cutia … plină | πλήρες | υπερβεί … όριο
    صندوق … ممتلئ | hộp thư … đầy | kotak … penuh
    γραμματοκιβώτιο … πλήρες | γραμματοκιβώτιο … γεμάτο | γραμματοκιβώτιο … γεμίσει
    θυρίδα … πλήρης | θυρίδα … γεμάτη | θυρίδα … γεμίσει | εισερχόμενα … γεμάτα
    είναι γεμάτο | είναι γεμάτη | είναι πλήρης | χώρο αποθήκευσης | χώρος αποθήκευσης
    χώρου αποθήκευσης | υπέρβαση … ορίου | υπερβεί … χώρο | ξεπεράσει … όριο
    υπέρβαση … χώρου | δεν υπάρχει … χώρος | εξαντλ … χώρ
    תיבה … מלאה | תיבת … מלאה | התיבה מלאה | תיבה מלאה | אין מקום | אין מספיק מקום
    אין די מקום | מכסת | מכסה | המכסה | נפח האחסון | שטח האחסון | חריגה מנפח
    เต็ม | โควต้า | โควตา | พื้นที่ … ไม่เพียงพอ | พื้นที่ … ไม่พอ | พื้นที่ไม่พอ
    พื้นที่จัดเก็บ
    sandučić … pun | pretinac … pun | pretinac … prepun | kvota … premašena
    kvota … prekoračena | prekoračen … kvot | premašen … kvot | prekoračio … kvot
    premašio … kvot | nema … mjesta | nema … prostora | nedovoljno prostora
    nema slobodnog | popunjen … prostor | prostor … popunjen
    poštni predal … poln | nabiralnik … poln | kvota … presežena | presežen … kvot
    căsuța … plina | spațiu insuficient | depășit … cota | cota … depășit
    kvóta … túllép | túllépte … kvót | tárhely … elfogy | nedostatek místa
    nedostatok miesta | plná schránka | kota … aşıld | yetersiz alan | alan … kalmadı
    امتلاء | تجاوز … الحصة | پر است | hết dung lượng | vượt quá … hạn mức
    vượt … dung lượng | kuota … terlampaui | melebihi kuota | melebihi … kuota
    dėžutė … pilna | dėžutė … perpildyta | pastkaste … pilna | pastkaste … pārpildīta
    postkast … täis | bústia … plena | bústia … plen | quota … superad
    """,
)

MESSAGE_TOO_LARGE = Phrases(
    'MESSAGE_TOO_LARGE',
    en="""
    exceeds size | size … greater | above the maximum size | maximum email size
    max size | maximum file size | attachment size | larger than maximum
    greater than the maximum | message too large | message is too large
    message … is too large
    message too big | message is too big | message … is too big | message too long
    message size exceed | message size … exceed | message size limit
    message size violation | message size is | message length exceed
    message exceeds | message … exceeds … size | message … larger than
    message larger than | message file too big | message body … too large
    message content … too large | maximum message size | maximum allowed message size
    max message size | max. message size | maximum message length | maximum size
    exceeds size limit | exceeds the size limit | exceeds … size limit
    exceeds … maximum … size | exceed … maximum … size | exceeds … limit … size
    exceeds administrative limit | size exceeds | size … exceeds | size exceeded
    size limit exceeded | size limit | size … larger than | size is larger
    over size limit | oversized | oversize | size restriction | message too heavy
    mail too large | mail too big | mail is too large | mail is too big
    mail size | mail message … too large | email too large | email is too large
    e-mail is too large | attachment … too large | attachment … too big
    attachments … too large | data size exceed | body too large | data too large
    larger than the current system limit | larger than the maximum | too large a message
    too large for the recipient | too large to | too big for | too big to | bigger than
    is too large | item too large | file too large | sizelimit
    attachments … exceed | attachment … exceed | attachments … total
    size of attachment
    size of the attachment | size of all attachments | attachments … larger
    attachments … over | attachments … limit | attachment limit | attachments … size
    total attachment | total size | combined size | sum of … attachments
    attachments … too big | larger than | exceeds fixed maximum | allocation size
    too heavy | exceeds … maximum length | exceeds our size | exceeds the maximum length
    size … not accepted | message … over … size | message … above … size
    too much data | databytes
    """,
    de="""
    nachricht … zu groß | nachricht ist zu groß | mail … zu groß | ist zu groß
    nachrichtengröße | maximale … größe | größe der nachricht | größe der e-mail
    nachrichtengroesse | maximale groesse | groesse … ueberschr | größenbeschränkung
    größenlimit | zu große nachricht | größe … überschreitet
    größe … überschritten
    anhang … zu groß | anhänge … zu groß | anhänge … überschr | anhang … überschr
    anhänge … größer | größe … anhänge | größer als | datenmenge … überschr
    maximal … größe | nachricht … größe … übersch | gesamtgröße
    """,
    fr="""
    trop volumineux | trop volumineuse | message … trop gros | message … trop grand
    taille … dépass | dépass … taille | taille maximale | taille maximum
    taille du message | taille … supérieure | trop lourd
    pièces jointes … dépass | pièce jointe … dépass | taille des pièces | trop gros
    taille totale | plus de … autorisés
    """,
    es="""
    demasiado grande | mensaje … muy grande | tamaño … excede | excede … tamaño
    supera … tamaño | tamaño … supera | tamaño máximo | tamaño del mensaje
    tamaño … superior | demasiado pesado
    adjuntos … excede | adjuntos … supera | archivos adjuntos … tamaño | tamaño total
    tamaño … permitido
    """,
    pt="""
    muito grande | grande demais | tamanho … excede | excede … tamanho
    tamanho máximo | tamanho da mensagem | ultrapassa … tamanho | tamanho … superior
    anexos … excede | anexos … ultrapassa | tamanho total | tamanho … permitido
    """,
    it="""
    troppo grande | dimensione … supera | dimensioni … supera | supera … dimension
    dimensione massima | dimensioni massime | dimensione del messaggio
    eccede … dimension
    allegati … supera | allegati … eccede | dimensione totale | dimensione … consentita
    """,
    nl='te groot | maximale grootte | maximale bericht | berichtgrootte',
    nordic="""
    meddelandet är för stort | för stort | meddelelsen er for stor | for stor
    liian suuri
    för stora | bilagor … stor | större än | større end | større enn
    meldingen er for stor
    vedlegg … stor | vedhæft … stor
    """,
    ja="""
    サイズが大き | サイズが制限 | サイズを超 | サイズが超 | サイズの上限 | サイズ制限
    サイズ … 超え | サイズ … 超過 | 最大サイズ | サイズオーバー | 大きすぎ | 大き過ぎ
    サイズ … 大き
    """,
    zh="""
    邮件太大 | 邮件过大 | 邮件 … 过大 | 邮件大小 | 邮件尺寸 | 信件过大 | 信件太大
    超过 … 大小 | 大小超 | 大小 … 超 | 附件过大 | 附件太大
    郵件太大 | 郵件過大 | 信件過大 | 信件太大 | 郵件大小 | 超過 … 大小
    """,
    ko='메일 크기 | 크기가 너무 | 크기 … 초과 | 크기를 초과 | 너무 큽니다',
    ru="""
    слишком большо | слишком велик | размер … превыша | превыша … размер
    превышен … размер | превышение … размер | максимальный размер | занадто вели
    """,
    pl="""
    zbyt duż | za duż | rozmiar … przekracza | przekracza … rozmiar
    przekroczon … rozmiar | maksymaln … rozmiar
    """,
    others="""
    příliš velk | překročena … velikost | prekročen … veľkosť | çok büyük
    boyutu … aşı | túl nagy | prea mare | πολύ μεγάλο
    υπερβαίνει … μέγεθος | μέγεθος … υπερβαίνει | πολύ μεγάλ | גדולה מדי | גדול מדי
    ใหญ่เกินไป | ขนาด … เกิน | твърде голям | прекалено голям | размер … надвиш
    prevelik | prevelika | veličina … prelazi | quá lớn | terlalu besar
    """,
)

ACCOUNT_SUSPENDED = Phrases(
    'ACCOUNT_SUSPENDED',
    en="""
    account suspended | account is suspended | account has been suspended
    account … suspended | account was suspended | mailbox suspended
    mailbox … suspended
    user suspended | user is suspended | user … suspended | domain suspended
    domain … suspended | recipient … suspended | recipient suspended
    address … suspended
    suspended account | suspended user | suspended mailbox | service … suspended
    recipient suspend | currently suspended | temporarily suspended | is suspended
    account disabled | account is disabled | account has been disabled
    account … disabled | mailbox disabled | mailbox is disabled | mailbox … disabled
    user disabled | user is disabled | user … disabled | recipient disabled
    recipient … disabled | disabled recipient | address … disabled | address disabled
    disabled mailbox | disabled user | disabled account | disabled for this user
    delivery … disabled | email disabled | mail … is disabled | domain is disabled
    domain … disabled | temporarily disabled | temporary disabled | is disabled
    currently disabled | disabled by | disabled, not accepting | or disabled
    account locked | account is locked | account … locked | mailbox locked
    mailbox is locked | mailbox … locked | user locked | user is locked
    temporarily locked | temporary locked | locked out | is locked
    mailbox frozen | account frozen | user frozen | mailbox is frozen
    account is frozen | user is frozen | mailbox … frozen | account … frozen
    account is blocked | account has been blocked | mailbox is blocked
    mailbox blocked | user is blocked | user blocked | mailbox has been blocked
    account blocked | mailbox … blocked due | account … blocked due
    temporarily inactive | not been activated | not activated | is not enabled
    not yet activated
    account suspension | temporarily limited | not allowed to receive
    not permitted to receive
    user is on hold | account is paused
    currently not permitted to receive | not currently accepting mail
    mailbox … not accepting messages | mailbox … not accepting mail
    not accepting messages | account … on hold | mailbox … on hold | placed on hold
    is paused
    on vacation hold | mailbox is archived | account … expired | mailbox … expired
    account expired | unpaid | past due | nonpayment | non-payment
    quarantined mailbox | hibernat
    """,
    de="""
    konto … gesperrt | konto ist gesperrt | konto gesperrt | postfach … gesperrt
    account … gesperrt | mailbox … gesperrt | benutzer … gesperrt | nutzer … gesperrt
    postfach … deaktiviert | konto … deaktiviert | account … deaktiviert
    mailbox … deaktiviert | benutzer … deaktiviert | adresse … deaktiviert
    empfänger … deaktiviert | postfach … stillgelegt | konto … stillgelegt
    vorübergehend gesperrt | vorübergehend deaktiviert
    """,
    fr="""
    compte … suspendu | compte … désactivé | compte … bloqué | compte … verrouillé
    compte … gelé | compte … archivé
    boîte … archivée | boîte … suspendue | boîte … désactivée | boîte … bloquée
    boîte … fermée temporairement | adresse … désactivée
    destinataire … suspendu | destinataire … désactivé | utilisateur … désactivé
    utilisateur … suspendu | service suspendu | messagerie … suspendue
    temporairement suspendu | bloqué pour inactivité
    """,
    es="""
    cuenta … suspendida | cuenta … deshabilitada | cuenta … desactivada
    cuenta … bloqueada | cuenta … inhabilitada
    cuenta … congelada | cuenta suspendida | buzón … deshabilitado
    buzón … desactivado | buzón … suspendido | buzón … bloqueado
    usuario … deshabilitado | usuario … suspendido
    usuario … bloqueado | casilla … deshabilitada | casilla … suspendida
    casilla … bloqueada | servicio … suspendido | temporalmente suspendid
    """,
    pt="""
    conta … suspensa | conta … desativada | conta … desactivada | conta … bloqueada
    conta … inativa | conta … inactiva | conta … desabilitada | conta … congelada
    caixa … bloqueada | caixa … desativada | caixa … suspensa
    destinatário … suspens | destinatário … bloquead | caixa … desabilitada
    usuário … suspenso | usuário … desabilitado
    usuário … bloqueado | utilizador … suspenso
    utilizador … inactivo | temporariamente suspens | temporariamente bloquead
    """,
    it="""
    account … sospeso | account … disabilitato | account … disattivato
    account … bloccato | casella … sospesa
    casella … disabilitata | casella … bloccata | casella … disattivata
    utente … sospeso
    utente … disabilitato | utente … disattivato | utente … bloccato
    temporaneamente sospes | temporaneamente disabilitat
    """,
    nl="""
    account … geblokkeerd | account … uitgeschakeld | account … opgeschort
    account … gedeactiveerd | mailbox … uitgeschakeld | mailbox … geblokkeerd
    postvak … uitgeschakeld | postvak … geblokkeerd | gebruiker … uitgeschakeld
    tijdelijk geblokkeerd | tijdelijk uitgeschakeld
    """,
    nordic="""
    kontot är spärrat | kontot är inaktiverat | kontot är avstängt | kontoen er spærret
    kontoen er deaktiveret | kontoen er sperret | kontoen er deaktivert
    kontoen er suspendert | tili on suljettu väliaikaisesti | tili on lukittu
    """,
    ja="""
    一時停止 | 利用停止 | 利用を停止 | 使用停止 | 配信停止 | 受信停止 | 停止され
    停止中 | 停止して | 停止しています | 凍結 | 休止 | ロックされ | アカウントが無効
    アカウントは無効 | 無効化され | 無効になっ | 一時的に利用できない
    """,
    zh="""
    已停用 | 被停用 | 暂停 | 已冻结 | 被冻结 | 冻结 | 被禁用 | 已禁用 | 被锁定 | 已锁定
    账号锁定 | 被封 | 休眠 | 用户被禁 | 已停权
    被凍結 | 已凍結 | 被鎖定 | 已鎖定 | 暫停 | 停權 | 被停用 | 未啟用
    """,
    ko='휴면 | 정지된 | 정지되 | 사용 중지 | 사용중지 | 잠긴 계정',
    ru="""
    ящик … заблокирован | заблокирован … ящик | ящик … отключен | ящик … отключён
    ящик … деактивирован | ящик … неактивен | ящик … заморожен | аккаунт … заблокирован
    аккаунт … отключен | пользователь … заблокирован | пользователь … отключен
    учетная запись … заблокирована | учетная запись … отключена | приостановлен
    почтовый ящик временно | заблокована
    скринька … заблокован
    """,
    pl="""
    konto … zablokowane | konto … zawieszone | konto … wyłączone
    skrzynka … zablokowana | skrzynka … zawieszona | skrzynka … wyłączona
    użytkownik … zablokowany | użytkownik … zawieszony
    """,
    others="""
    účet … zablokován | účet … pozastaven | schránka … zablokována
    schránka … deaktivována
    askıya alın | hesap … devre dışı | hesap … pasif | hesap … kilitli | dondurul
    felfüggeszt | suspendat | contul … dezactivat | απενεργοποιη
    """,
)

#: The address was there and is no more.  Soft where that is said to be for a while.
GONE = Phrases(
    'GONE',
    en="""
    account terminated | account … terminated | mailbox … terminated | user … terminated
    user is terminated | recipient … terminated | address … terminated
    terminated account | terminated user | subscriber … terminated
    account deactivated | account … deactivated | mailbox … deactivated
    mailbox deactivated | user deactivated | user … deactivated | recipient deactivated
    recipient … deactivated | address … deactivated | address deactivated
    alias … deactivated | email … deactivated | de-activated | has been deactivated
    was deactivated | is deactivated | been deactivated | deactivated mailbox
    deactivated account | deactivated user | deactivated address | domain … deactivated
    decommissioned | no longer accepts mail | no longer accepts e
    no longer accept mail
    no longer accepting | no longer receives | no longer receiving mail
    no longer accepts messages | no longer accepts any | not accept mail any more
    no longer monitored
    account closed | account is closed | account has been closed | account was closed
    mailbox closed | mailbox is closed | mailbox has been closed | closed account
    closed mailbox | account … deleted | mailbox … deleted | user … deleted
    address … deleted | account … removed | mailbox … removed | account … cancelled
    account … canceled | cancelled account | address retired | mailbox … retired
    account … purged | mailbox … purged
    recipient address rejected: access denied  # Exchange Online, for who is not there
    mailbox unavailable or access denied  # IceWarp
    recipient … access denied | user … access denied | mailbox … access denied
    """,
)

#: Said of an address that will be there again.
FOR_A_WHILE = Phrases(
    'FOR_A_WHILE',
    en='temporar | for the moment | momentarily | short time | try again later',
)

#: As often "suspended" as "gone": the status code decides between the two.
ACCOUNT_INACTIVE = Phrases(
    'ACCOUNT_INACTIVE',
    en="""
    inactive account | inactive user | inactive mailbox | inactive recipient
    inactive e-mail | inactive email | inactive address | account inactive
    account is inactive | account … inactive | mailbox inactive | mailbox is inactive
    mailbox … inactive | user inactive | user is inactive | recipient … inactive
    is inactive | currently inactive | or inactive | invalid/inactive
    account is not active | account not active | mailbox is not active
    mailbox not active | mailbox is currently not active | user is not active
    user not active | account is currently not active | not currently active
    no longer active
    """,
    others="""
    postfach … inaktiv | konto … inaktiv | postfach … nicht aktiv | konto … nicht aktiv
    compte inactif | compte … inactif | boîte … inactive | cuenta … inactiva
    cuenta inactiva | buzón … inactivo | usuario … inactivo | conta … inativa
    conta … inactiva | caixa … inativa | usuário … inativo | account … inattivo
    casella … inattiva | casella … non attiva | ящик … неактивен | неактивен
    konto … nieaktywne | skrzynka … nieaktywna | schránka … neaktivní | účet … neaktivní
    비활성 | 未激活
    """,
)

# ------------------------------------------------- refusals of the sender (R23)

SENDER_REFUSED = Phrases(
    'SENDER_REFUSED',
    en="""
    sender address rejected | sender rejected | sender was rejected | sender denied
    sender refused | sender … rejected | sender … denied | sender … refused
    sender … blocked | sender … not allowed | sender … not permitted
    sender … not authorized | sender … not accepted | sender … prohibited
    sender … blacklist | sender … blocklist | sender … does not exist
    sender … doesn't exist | sender … not exist | sender verif | sender address verif
    sender domain | sender's domain | sender unknown | unknown sender | invalid sender
    bad sender | domain of sender | sender's account | sender account | outbound sender
    senders are allowed | sender address has | sender is not | sender not
    senders not allowed | spam sender | sending domain | valid sender
    unroutable sender | unrouteable sender | unresolvable sender | envelope sender
    envelope-sender | envelope from | return path | reverse-path | backscatter
    mail from … rejected | mail from … denied | mail from … refused
    mail from … not allowed | from address … rejected | rejected mail from
    sender address unknown | localpart too long | local part too long
    local-part too long | length of the sender | your daily limit | sender's daily limit
    from header | helo command rejected | invalid helo | helo name | your account
    your mailbox
    your email account | purported responsible
    """,
    others="""
    absenderadresse | absender … abgelehnt | absender … gesperrt | absender … blockiert
    absenderdomain | expéditeur … refus | expéditeur … rejet | expéditeur … bloqu
    adresse de l'expéditeur | remitente … rechaz | remitente … bloque
    dirección del remitente | remetente … rejeit | remetente … bloque
    endereço do remetente | mittente … rifiut | mittente … blocc
    indirizzo del mittente | 送信者 … 拒否 | 送信元 … 拒否 | 差出人 | 送信者アドレス
    发件人 | 寄件者 | 寄件人 | 발신자 | 보낸 사람
    отправител … отклон | отправител … заблок | адрес отправителя | nadawc
    """,
)

#: At these commands it is us who was refused, whatever the text says.
EARLY_COMMAND = Phrases(
    'EARLY_COMMAND',
    en="""
    in reply to mail from | after mail from | in reply to ehlo | in reply to helo
    after ehlo | after helo | after initial connection | while performing the helo
    """,
)

#: Words near which "suspended" or "disabled" is about us, not about the recipient.
ABOUT_THE_SENDER = Phrases(
    'ABOUT_THE_SENDER',
    en="""
    sender | sending | outgoing | outbound | your account | your mailbox | your ip
    your server | relay | smtp auth | mail from | authentication is disabled | protocol
    """,
    others="""
    absender | expéditeur | remitente | remetente | mittente | afzender | avsändar
    afsender | avsender | nadawc | отправител | 送信者 | 送信元 | 差出人 | 发件 | 寄件
    """,
)

# ------------------------------------------------------------ hard (R16, seed)

MOVED = Phrases(
    'MOVED',
    en="""
    has moved | have moved | user moved | recipient moved | mailbox moved | moved to
    has changed address | address has changed | changed e-mail address
    changed email address | changed his address | changed her address
    new address is | new email address | new e-mail address | please use the new address
    please try < | user not local, please try | user not local; please try
    user not local; will forward | no longer on server | forwarding expired
    forwarding has expired | forwarding order | this address has been replaced
    not our customer
    """,
    others="""
    umgezogen | neue adresse lautet | neue e-mail-adresse | neue mailadresse
    changé d'adresse | nouvelle adresse | a déménagé | nueva dirección
    ha cambiado de dirección | novo endereço | nuovo indirizzo | nieuw adres
    アドレスが変更 | アドレスを変更 | アドレスは変更 | 移転 | 新しいアドレス
    地址已更改 | 新地址 | 新邮箱 | 새 주소 | новый адрес | сменил адрес | nowy adres
    """,
)

ADDRESS_UNKNOWN = Phrases(
    'ADDRESS_UNKNOWN',
    en="""
    user unknown | unknown user | unknown recipient | recipient unknown
    user is unknown | recipient is unknown | address is unknown | mailbox unknown
    unknown mailbox | unknown account | unknown address | address unknown
    account unknown | unknown local | unknown or illegal | addressee unknown
    unknown virtual | unknown alias | unknown to address | unknown in | unknown at
    unknown email | unknown e-mail | unknown destination | unknown mail | uknown user
    no such user | no such recipient | no such mailbox | no such address
    no such person | no such account | no such local | no such email | no such e-mail
    no such name | no such alias | no such addressee | no such domain user
    no user | no recipient found | no mailbox | no account by | no account here
    there is no one | nobody here | no valid recipient | no valid address
    nonexistent | non-existent | non existent | non-existing | not existing
    does not exist | doesn't exist | do not exist | don't exist | did not exist
    user not exist | not exist | user not found | recipient not found
    mailbox not found | address not found | account not found | not found in
    user … not found | recipient … not found | mailbox … not found
    address … not found | account … not found | couldn't be found
    could not be found | wasn't found | was not found | can not be found
    cannot be found | recipnotfound | addressnotfound | mailboxnotfound
    recipient … not recognized | name is not recognized | not recognized
    user not known | not known | not a known user | unrecognized address
    unrecognized recipient | not listed in | not in … directory | not in directory
    not in our database | not on file | not on this server | not on this system
    invalid recipient | invalid user | invalid mailbox | invalid address
    invalid email | invalid e-mail | invalid account | invalid local | invalid alias
    invalid destination | invalid rcpt | invalid to address | bad address
    bad recipient | bad destination | illegal user | illegal alias | illegal recipient
    incorrect address | misspelled | wrong address
    not a valid | isn't a valid | is not valid | isn't valid | not valid user
    not a registered | not registered | unregistered | not our user | not our client
    doesn't have an account | doesn't have a … account | doesn't have a mailbox
    does not have an account | does not have a … account | does not have a mailbox
    doesn't have any | user doesn't have | have … account here
    no longer valid | no longer … valid | no longer exist | no longer available
    no longer in use | no longer in service | no longer used | no longer employed
    no longer with | no longer works | no longer a member | no longer a user
    no longer a customer | no longer at this | no longer has | not in use
    discontinued
    has been deleted | was deleted | been removed
    user … left | left the company | has left
    cannot find user | can't find user | couldn't find user | unable to find user
    could not find user | couldn't find the user | no matching recipient
    mail account … not | not a local | is not local | not local user
    not a user | no one here
    user account is unavailable | account is unavailable | address is incorrect
    address may be
    """,
    de="""
    benutzer unbekannt | unbekannter benutzer | unbekannter empfänger
    empfänger unbekannt | empfänger … unbekannt | empfänger … nicht gefunden
    nicht aufgeführt | nicht im … verzeichnis | benutzer … nicht gefunden
    existiert nicht | existieren nicht | existiert kein
    nicht existent | unbekannte adresse | unbekannte e-mail | adresse … unbekannt
    adresse … nicht gefunden | postfach … nicht vorhanden | postfach … nicht gefunden
    kein postfach | kein solcher | kein benutzer | kein gültiger | nicht bekannt
    nicht vorhanden | ungültige adresse | ungültige e-mail | ungültiger empfänger
    ungültige empfänger | adresse … ungültig | ist ungültig | nicht gültig
    nicht gefunden werden | konnte nicht gefunden | wurde nicht gefunden | gibt es nicht
    unbekannt | nicht mehr gültig | nicht mehr vorhanden | nicht mehr erreichbar
    nicht mehr verfügbar | gelöscht | unzustellbare adresse | falsche adresse
    """,
    fr="""
    utilisateur inconnu | destinataire inconnu | adresse inconnue | inconnu
    inexistant | n'existe pas | n existe pas | n'existe plus | n existe plus
    adresse … invalide | destinataire … invalide | adresse … incorrecte
    adresse non valide | adresse … erronée | destinataire … incorrect | introuvable
    pas répertorié | non répertorié | n'a pas été trouvé | pas trouvé
    aucun utilisateur | plus valide | plus utilisée
    compte … supprimé | compte … fermé | boîte … supprimée | mauvaise adresse
    """,
    es="""
    usuario desconocido | usuario … no existe | no existe | destinatario desconocido
    destinatario … no encontrad | usuario … no encontrad | dirección … no válida
    dirección … inválida | dirección inexistente | inexistente | no se encontró
    no se ha encontrado | no se pudo encontrar | no se ha podido encontrar | desconocid
    no aparece en el directorio | no encontrad | destinatario … no válid
    destinatario inválido | usuario no válido
    dirección … incorrecta | cuenta … eliminada | cuenta … cancelada
    ya no está disponible | ningún usuario | usuario inválido | dirección incorrecta
    """,
    pt="""
    usuário desconhecido | utilizador desconhecido | desconhecid | não existe
    não encontrad | não foi encontrad | não foi possível encontrar | endereço … inválido
    destinatário … inválido | usuário inválido | conta … cancelada | conta … encerrada
    conta … excluída | endereço … incorreto | inválid
    """,
    it="""
    utente sconosciuto | sconosciut | inesistente | non esiste | non è stato trovato
    non trovat | indirizzo … non valido | destinatario … non valido | non è valido
    indirizzo errato | nessun utente | casella … cancellata | account … cancellato
    non più attiv | non più valid
    """,
    nl="""
    onbekende gebruiker | gebruiker onbekend | onbekende ontvanger | ontvanger onbekend
    bestaat niet | niet gevonden | adres … onbekend | onbekend adres | ongeldig adres
    ongeldige ontvanger | niet bekend | geen gebruiker | onbekend
    """,
    nordic="""
    okänd användare | okänd mottagare | finns inte | hittades inte | kunde inte hittas
    ogiltig adress | ogiltig mottagare | ukendt bruger | ukjent bruker
    ukendt modtager | ukjent mottaker | findes ikke | finnes ikke | eksisterer ikke
    blev ikke fundet | ble ikke funnet | kunne ikke findes | ugyldig adresse
    ugyldig modtager | ugyldig mottaker
    tuntematon | ei löydy | ei löytynyt | ei ole olemassa | virheellinen osoite
    """,
    ja="""
    存在しない | 存在しません | 存在いたしません | 存在せず | 存在していません
    見つかりません | 見つからない | 見つけられません | 見付かりません | 宛先不明
    あて先不明 | 宛先が不明 | 宛先が見つ | 不明なユーザ | ユーザー不明 | ユーザ不明
    ユーザー名が不明 | 該当するユーザ | 該当ユーザ | 該当する受信者 | 登録されていません
    登録がありません | 登録されていない | アドレスが無効 | 無効なアドレス
    無効なメールアドレス | 無効な宛先 | アドレスが正しく | アドレスが間違
    アドレスに誤り | アドレスが誤 | アドレスの誤り | アドレス誤り | アドレスエラー
    使われていません | 使われておりません | 使用されていません | 使用されておりません
    ユーザがいません | ユーザーがいません | ユーザはいません | ユーザーはいません
    宛先ユーザ | 解約 | 廃止 | 削除されました | 退会 | お取り扱いできません
    """,
    zh="""
    不存在 | 用户未找到 | 无效用户 | 无效的用户 | 无效的收件人 | 收件人无效 | 无此用户
    没有此用户 | 没有该用户 | 没有这个用户 | 找不到 | 未找到 | 查无此人 | 查无
    地址无效
    无效地址 | 无效的地址 | 地址错误 | 地址有误 | 收件人未知 | 未知用户 | 未知的用户
    用户名错误 | 已注销 | 账号错误 | 邮箱地址错误 | 未注册
    無此使用者 | 使用者不存在 | 無效的 | 無此帳號 | 查無此人 | 查無 | 沒有此 | 位址錯誤
    地址錯誤 | 未知的使用者 | 不明的使用者
    """,
    ko="""
    존재하지 | 알 수 없는 사용자 | 없는 사용자 | 찾을 수 없 | 없는 메일 | 잘못된 주소
    잘못된 메일 | 수신자가 없 | 유효하지 않은 | 없는 아이디 | 없는 계정 | 탈퇴
    """,
    ru="""
    пользователь не найден | не найден | не существует | не существуют
    неизвестный пользователь | неизвестен | неизвестный адрес | неизвестный получатель
    нет такого | нет такой | такого пользователя нет | такого пользователя не
    адрес … недействител | недействительный адрес | неверный адрес | несуществующ
    не зарегистрирован | ящик … удален | удалён | отсутствует | неправильный адрес
    не обслуживается | нет пользователя | не знайден | не існує | невідомий
    немає такого
    відсутн
    не съществува | няма такъв | няма такава | непознат | несъществуващ | не е намерен
    не постоји | невалиден адрес
    """,
    pl="""
    nieznany użytkownik | użytkownik nieznany | nie istnieje | nieznany adresat
    nieznany odbiorca | nie znaleziono | nieprawidłowy adres | niepoprawny adres
    brak takiego | brak użytkownika | nie ma takiego | nie ma użytkownika | nieznany
    nieistniejąc | adres … nieprawidłowy | adres … błędny | błędny adres
    konto … usunięte
    """,
    others="""
    neexistuje | neznámý uživatel | neznámý příjemce | neznámy používateľ | nenalezen
    nebyl nalezen | nebyla nalezena | neexistuj | neplatná adresa | neplatný příjemce
    bulunamadı | kullanıcı bilinmiyor | böyle bir kullanıcı | mevcut değil
    bilinmeyen kullanıcı | geçersiz adres | geçersiz alıcı | kayıtlı değil
    ismeretlen felhasználó | ismeretlen címzett | nem létezik | nem található
    érvénytelen cím | utilizator necunoscut | nu există | nu a fost găsit
    adresă invalidă | άγνωστος | δεν υπάρχει | δεν βρέθηκε | غير موجود | غير معروف
    לא נמצא | לא קיים | không tồn tại | tidak ditemukan | ไม่พบ
    ne postoji | nepoznat | nije pronađen | nevažeća adresa | ne obstaja | neznan
    άγνωστη | άγνωστο | δεν βρίσκεται | μη έγκυρη διεύθυνση | לא ידוע | אינה קיימת
    אינו קיים | לא חוקית | ไม่รู้จัก | ไม่มีผู้ใช้ | ไม่มีอยู่ | ไม่ถูกต้อง
    """,
)

#: How systems call their asking another server whether an address is right.
VERIFYING = Phrases(
    'VERIFYING',
    en="""
    unverified address  # Postfix, reject_unverified_recipient
    address verif | recipient verif | recipient address verif | callout | call-out
    callback | unable to verify | could not verify | cannot verify | verify recipient
    """,
)

#: Said of addresses that are wrong, and as often of servers that are busy: counts as
#: "address unknown" only where the failure is permanent.
ADDRESS_REFUSED = Phrases(
    'ADDRESS_REFUSED',
    en="""
    mailbox unavailable | mailbox is unavailable | mailbox not available
    mailbox name not allowed | mailbox name is invalid | mailbox syntax
    recipient address rejected | recipient rejected | address rejected
    rejected address | rejected recipient | recipient was rejected
    recipient refused | address refused | rcpt rejected | can't deliver to
    user not available | undeliverable to | could not deliver … local
    unable to route | could not route | user unavailable
    unverified address | recipient verify | recipient verification
    undeliverable address
    """,
    others="""
    postfach nicht verfügbar | empfänger abgelehnt | empfängeradresse abgelehnt
    destinataire refusé | destinataire rejeté | destinatario rechazado
    destinatário rejeitado | destinatario rifiutato | 宛先を拒否 | 收件人被拒
    """,
)

DOMAIN_UNKNOWN = Phrases(
    'DOMAIN_UNKNOWN',
    en="""
    domain not found | domain … not found | domain does not exist
    domain … does not exist | domain doesn't exist | domain … doesn't exist
    domain … couldn't be found | domain … could not be found | domain not exist
    domain name not found | domain name … not found | domain is not found
    unknown domain | domain unknown | no such domain | invalid domain | bad domain
    domain is invalid | domain is unknown | domain … expired
    domain is not reachable | domain isn't reachable | domain … no longer exists
    domain … is not valid | domain has no | non-existent domain | nonexistent domain
    domain non-existent | non-existing domain | not a valid domain | domain not valid
    host not found | host unknown | unknown host | host … not found
    host … does not exist | host does not exist | host doesn't exist | no such host
    host or domain name not found | illegal host | host/domain name found
    nxdomain | no mx | no mail exchanger | no mail exchange | mail exchanger or ip
    couldn't find … mail exchanger | couldn't find any host | couldn't find a mail
    could not find a gateway | cannot find … mail server | no mail server found
    no mail server for | no address associated | no a record | no dns
    no valid mx | no usable mx | mx record … not | mx … does not exist
    nullmx | null mx | nullmx record | does not accept mail | doesn't accept mail
    do not accept mail | not accept mail | does not accept email
    doesn't accept email | not accept email | does not receive email
    doesn't receive email | does not receive mail | accepts no mail
    indicated no smtp service | no smtp service for | does not support mail
    unrouteable | unroutable mail domain | unroutable address | unroutable domain
    unresolvable | could not be resolved | cannot resolve | can't resolve
    could not resolve | couldn't resolve | unable to resolve | failed to resolve
    malformed or unexpected name server reply | dns domain … does not exist
    address lookup failed | routing: could not
    no route found to domain | unable to look up host | name or service not known
    mx records point to
    """,
    others="""
    domäne … nicht gefunden | domain … nicht gefunden | domain … existiert nicht
    domäne … existiert nicht | unbekannte domäne | unbekannte domain | host unbekannt
    domain unbekannt | rechner … unbekannt | nicht auflösbar
    domaine inconnu | domaine … n'existe pas | domaine … introuvable
    domaine … inexistant | hôte inconnu | hôte introuvable | domaine … invalide
    dominio … no existe | dominio desconocido | dominio … no encontrad
    no se encontró el dominio | dominio … no se encontr | dominio inexistente
    dominio … no válido | servidor … no encontrado | dominio … no se pudo encontrar
    domínio … não existe | domínio desconhecido | domínio … não … encontrad
    domínio inválido | domínio inexistente
    dominio sconosciuto | dominio … non esiste | dominio … non trovato
    domein … bestaat niet | onbekend domein | domein … niet gevonden
    okänd domän | domänen finns inte | ukendt domæne | ukjent domene
    ドメインが存在 | ドメイン … 存在 | ドメインが見つ | ドメイン … 見つか
    ドメインが不明 | 不明なドメイン | ホストが見つ | ホスト … 見つか | ドメイン名が
    域名不存在 | 域名 … 不存在 | 域名错误 | 域名无效 | 无效域名 | 无法解析 | 无mx记录
    網域不存在 | 網域 … 不存在 | 找不到網域 | 主机不存在 | 도메인을 찾을 수
    없는 도메인
    домен не найден | домен … не существует | неизвестный домен | домен … не найден
    хост не найден | несуществующий домен
    domena … nie istnieje | nieznana domena | nie znaleziono domeny | nieznany host
    doména … neexistuje | neznámá doména | alan adı … bulunamadı
    """,
)

#: The name server did not say no, it said nothing: not a wrong domain.
NAME_SERVER_SILENT = Phrases(
    'NAME_SERVER_SILENT',
    en="""
    try again | lookup failure | lookup failed temporarily | temporar | servfail
    timed out | timeout | no response from | lookup deferred | retry
    """,
)

# ------------------------------------------ refusals by policy, not of an address (R23)

AUTHENTICATION = Phrases(
    'AUTHENTICATION',
    en="""
    dmarc | dkim | spf | sender policy framework | sender id | senderid
    unauthenticated | not authenticated | authentication required | authrequired
    authentication failed | authentication check | email authentication
    authentication information | does not pass authentication | did not pass
    authenticated senders | must be authenticated | requires authentication
    authentication is required | arc fail | auth failure
    """,
    others="""
    authentifizierung | authentification | autenticación | autenticação
    autenticazione | 認証 | 身份验证 | 驗證 | 인증 | аутентификац | uwierzytelni
    """,
)

POLICY = Phrases(
    'POLICY',
    en="""
    blocked | block list | blocklist | blacklist | black list | black-list | denylist
    deny list | blackhole | dnsbl | rbl | spamhaus | spamcop | sorbs | banned | denied
    access denied | not allowed | not permitted | prohibited | restricted | restriction
    policy | policies | refused | reputation | reverse dns | reverse lookup | ptr
    rdns | relay | not accepted | unacceptable | administrative | administratively
    client host rejected
    poor reputation | complaints | permission | not authorized | not authorised
    unauthorized | recipient preferences | security | forbidden | listed in | listed at
    permanently deferred | delisting | delist | not welcome | insecure mail
    don't accept mail from | not accept mail from | dynamic ip | residential | dial-up
    suspected | rejected by
    rtr:bl  # AOL
    rejected due to | redundant | tls required | encryption needed
    must issue a starttls
    """,
    de="""
    richtlinie | blockiert | gesperrt | verweigert | abgelehnt | nicht erlaubt
    nicht zugelassen | nicht berechtigt | sperrliste | unerwünscht | zurückgewiesen
    """,
    fr="""
    refusé | service refuse | bloqué | interdit | rejeté | mail rejete | liste noire
    politique | non autorisé | pas autorisé | liste de blocage
    """,
    es="""
    bloquead | denegad | política | rechazad | lista negra | no permitid
    no está permitid | no autorizad | prohibid | restringid
    """,
    pt="""
    negado | recusad | rejeitad | não permitid | não autorizad | proibid
    """,
    it="""
    bloccat | negato | rifiutat | respint | non consentit | lista nera
    non autorizzat | non permess | politiche
    """,
    nl='geblokkeerd | geweigerd | beleid | zwarte lijst | niet toegestaan | afgewezen',
    ja="""
    拒否 | ブロック | 制限され | 許可されて | ポリシー | 受信拒否 | ブラックリスト
    権限がありません | 規制
    """,
    zh="""
    拒绝 | 拒收 | 黑名单 | 策略 | 禁止 | 屏蔽 | 被拒 | 拒絕 | 黑名單 | 封锁 | 限制
    拦截
    """,
    ko='차단 | 거부 | 정책 | 거절',
    ru="""
    заблокирован | отклонен | отклонён | запрещен | запрещён | политик | черный список
    черном списке | чёрном списке | отказано | отвергнут
    """,
    pl='zablokowan | odrzucon | zabronion | polityk | odmow | czarn … list',
    others="""
    zamítnut | odmietnut | reddedildi | engellen | elutasít | respins | avvisad
    """,
)

CONTENT = Phrases(
    'CONTENT',
    en="""
    spam | unsolicited | virus | malware | phish | content | bulk mail | bulk email
    bulk e-mail | attachment | infected | trojan | suspicious | junk | mime
    malformed | rfc 5322 | rfc 2822 | rfc5322 | rfc822 | compliant | profanity
    bad header | invalid header | missing header | header missing | duplicate header
    headers too | from: header | header is | header field
    bare lf | bare line | line too long | message rejected | message refused
    message not accepted | rejected this message | smuggling | url in message
    duplicate
    """,
    others="""
    pourriel | indésirable | inhalt | contenu | contenido | conteúdo | contenuto
    correo no deseado | posta indesiderata | ongewenst | 迷惑メール | スパム | ウイルス
    ウィルス | 添付ファイル | 垃圾 | 病毒 | 邮件内容
    内容被 | 内容违 | 郵件內容 | 內容被 | 스팸 | 바이러스 | спам | вирус
    wirus | treść
    """,
)

# --------------------------------------------- transient failures, given up (R16)

#: Limits on what *we* send, or on how fast one mailbox receives: not a full mailbox.
RATE_LIMITED = Phrases(
    'RATE_LIMITED',
    en="""
    submission quota | sending quota | sending limit | sending rate | message quota
    rate quota
    daily quota | hourly quota | quota of messages | receiving mail at a rate
    receiving mail too quickly | receiving too many | mail too quickly | too quickly
    rate limit | rate-limit | ratelimit | rate exceed | throttl | speeding
    exceeded … rate | too many emails | too many mails per | messages per hour
    too many connections | too many concurrent | too many sessions
    connection rate | connection limit | too many errors | message receive limit
    number of messages they can receive | frequency limited | per hour
    delivery temporarily suspended
    hourly limit | daily limit | hourly rate | daily rate | per-hour | per minute
    per-minute | per second | per day | per-day | in one hour | in an hour
    within an hour | within one hour | last hour | past hour | in the last minute
    limit … hour | limit … minute | limit … messages per | messages per
    message rate | mail rate | incoming rate | rate control
    flow control | flood | slow down | too fast | too frequent
    too often | unusual rate | volume limit
    too many messages from | too many messages in … minute
    too many messages in … session
    too many messages received | too many messages sent | too many messages,
    too many mails
    too many emails | too many e-mails | too much mail from | too many recipients
    too many deliveries | too many simultaneous | too many parallel | too many requests
    too many invalid recipients | too many bad | concurren | connections from your
    maximum number of connections | maximum connections | sending messages too
    limit on the number of | number of messages … limit | maximum messages
    maximum number of messages … hour | maximum number of recipients
    recipients per | burst limit | quota … per hour | quota … per day | rate-limited
    ratelimited | rate limited
    """,
)

#: Whoever is unknown is to come again (RFC 6647): it was tried again, in vain.
GREYLISTED = Phrases(
    'GREYLISTED',
    en='greylist | graylist | grey-list | gray-list | grey list | gray list',
    others='liste grise | lista gris | lista grigia | 灰名单 | 灰名單 | сер … списо',
)

#: The sender is told that nobody tries any more, whatever the report calls itself.
EXPIRED = Phrases(
    'EXPIRED',
    en="""
    envelope expired  # OpenSMTPD, smtpd/queue.c, in a report of a delay
    message expired | delivery expired | expired in queue | expired from … queue
    queue lifetime … exceeded | delivery time … exceeded | retry timeout exceeded
    given up | gave up | giving up | no further attempt | no more attempt
    no longer be retried | not be retried | will not be tried again
    """,
)

#: Systems that never warn: what they call delayed is given up.
NEVER_WARNS = Phrases(
    'NEVER_WARNS',
    en="""
    nullmailer delivery system  # nullmailer 2.2, bounce_msg() in src/send.cc
    """,
)

#: Somebody tried for a long time and stopped.
GIVEN_UP = Phrases(
    'GIVEN_UP',
    en="""
    retry timeout exceeded | retry time not reached | retry timeout | message expired
    envelope expired | delivery expired | delivery time expired | time expired
    queue lifetime | delivery time exceeded | message too old | message is too old
    undelivered after | unable to deliver for | has expired | expired before
    expired in queue | mail expired
    message timeout | message timed out | delivery timed out | queue timeout
    queue too long | queued too long | in the queue too long | been in the queue
    too long in queue | in queue too long | too long in the queue
    could not be delivered for | couldn't be delivered for | not be delivered for
    not been able to deliver … for | undeliverable for | been undeliverable
    cannot send message for | could not send message for | not be delivered for too long
    deliver … after | not deliver message after | unable to deliver … after
    unable to deliver this message after | could not deliver for
    for the last … seconds | giving up after | gave up after | given up after
    was aborted after | delivery failed … attempts | failed … attempts
    after … attempts | after … retries | maximum … attempts | maximum … retries
    maximum delivery time | too many delivery attempts | repeated attempts
    despite repeated | all … attempts | retries exhausted | has been failing
    have been failing | all hosts for | exceeded … retry | retry limit
    retries exceeded
    retry period | queue period | queue time | will be deleted from queue
    not be delivered within | not delivered within | tried for
    after trying for | deliver … days | deliver … hours | will no longer be retried
    no further attempts were possible
    tried all mx  # Haraka, outbound/hmail.js, after every connection failed
    tried all … exchanger | tried all … servers | tried all hosts | all mx … failed
    all mail servers … failed | all mail exchangers | all mxs | all mx hosts
    no more mx | no mx … reachable | no mail server … reach | too many failures
    too many retries | too many attempts | envelope … expired
    will not be retried | will not retry | not be tried again
    unsuccessful attempts | failed attempts | delivery attempts … failed
    """,
    others="""
    zu lange in der warteschlange | warteschlange | zeitlimit überschritten
    frist … abgelaufen | nachricht … abgelaufen | mehreren versuchen
    tage lang versucht
    délai … dépassé | délai … expiré | message … expiré | plusieurs tentatives
    tiempo … expirado | tiempo … agotado | mensaje … caducado | mensaje … expirado
    varios intentos | demasiado tiempo en … cola | tempo … esgotado | tempo … expirado
    várias tentativas | mensagem … expirou | tempo scaduto | vari tentativi
    numerosi tentativi | messaggio … scaduto | te lang in de wachtrij
    配信期限 | 期限切れ | 有効期限 | 再送 … 超 | 時間切れ | 再送信を繰り返し | 再試行
    投递超时 | 过期 | 多次尝试 | 多次投递 | 逾時 | 超过最大重试 | 重试
    истек | истекло время | после нескольких попыток | неоднократных попыток
    przekroczono czas | upłynął | wielokrotnych prób
    """,
)

#: The receiving server could not be reached, or the network failed.
UNREACHABLE = Phrases(
    'UNREACHABLE',
    en="""
    timed out | timeout | time out | time-out | connection refused | connection reset
    connection … closed | connection dropped | connection failed | connection failure
    connection to … failed | connection error | connection lost
    lost connection | could not connect | couldn't connect | cannot connect
    can't connect | unable to connect | failed to connect | failed connect
    not connect | accept our requests to connect | cannot open connection
    couldn't establish | could not establish | unable to establish
    no connection | socket error | network is unreachable | network unreachable
    network error | network problem | no route to host | host unreachable
    host is unreachable | host is down | host down | server is down | server down
    host not responding | not responding | not respond | did not respond
    didn't respond | no response | no answer | unresponsive | not answer
    unable to contact | unable to reach | could not contact | couldn't contact
    could not reach | host … unreachable | server unreachable | broken pipe
    tls handshake | handshake fail | ssl … fail | starttls … fail
    lookup failure | lookup timed out | name server timeout | name server error
    name service error | dns server failure | dns failure | dns query failed
    dns lookup | dns error | cname lookup | server failure | not reachable
    cannot be reached | couldn't be reached | could not be reached
    network is down  # Courier, the system's own words (errno) under 5.0.0
    network down | network dropped | connection abort | connection timed
    operation timed out | protocol error | destination unreachable | no buffer space
    connection was refused | connection was reset | connection was closed
    connection unexpectedly closed | closed connection | server closed
    peer closed | unexpected eof | unexpected end of | end of file | no greeting
    did not answer | does not answer | does not respond | doesn't respond | dead host
    host is dead | remote host is down | no servers | servers … unavailable
    servers … down | service not available | service unavailable temporarily
    tls … failed | tls negotiation | tls required but | certificate verif
    failed to establish | unable to open connection | could not open connection
    connect failed | connect to … failed | failed connecting | cannot reach
    can't reach | couldn't reach | name server … not | dns timeout | dns timed out
    dns temporary | dns problem | temporary dns | temporary lookup | lookup … timeout
    resolver … failure | name server did not
    """,
    others="""
    nicht erreichbar | zeitüberschreitung | verbindung … abgelehnt
    verbindung … fehlgeschlagen | keine verbindung | antwortet nicht
    ne répond pas | injoignable | connexion … refusée | connexion … impossible
    connexion … échoué | délai d'attente | no responde | no se pudo conectar
    conexión … rechazada | tiempo de espera | conexión … fallid | não responde
    não foi possível conectar | conexão … recusada | non risponde
    connessione … rifiutata | impossibile connettersi | reageert niet
    verbinding … mislukt | kan niet verbinden | onbereikbaar | svarar inte | svarer ikke
    タイムアウト | 接続できません | 接続できない | 接続できな | 接続に失敗 | 接続が拒否
    応答がありません | 応答しない | 応答しません | 応答が無 | ネットワークエラー
    接続エラー | 超时 | 连接失败 | 无法连接 | 连接超时 | 无响应 | 连接被拒 | 連線失敗
    無法連線 | 無法連接 | 시간 초과 | 연결할 수 없 | 연결 실패 | 응답하지
    не отвечает | не удалось соединиться | не удалось подключиться | таймаут | тайм-аут
    соединение … разорвано | соединение … отклонено | нет связи
    nie odpowiada | brak połączenia | nie można połączyć | neodpovídá
    """,
)

#: Words of temporary trouble.  They decide only where no better word does.
TEMPORARY = Phrases(
    'TEMPORARY',
    en="""
    temporary failure | temporary error | temporary problem | temporarily | temporary
    transient | try again | try later | retry later | try … later | later | deferred
    resources | insufficient system | system storage | insufficient storage
    system is full | system full | out of memory | no space left | disk full
    disk is full
    disk space | file system full | server busy | busy | overload | load too high
    load average | congest | please retry | queue file write error | i/o error
    system resource | internal queue | lock failed | insufficient resource
    """,
    others="""
    vorübergehend | temporär | zu einem späteren zeitpunkt | später | temporaire
    momentané | plus tard | ultérieurement | temporal | más tarde | intente de nuevo
    temporári | temporariamente | mais tarde | temporane | più tardi | tijdelijk
    tillfällig | midlertidig | väliaikai | 一時的 | 混雑 | しばらく | 時間をおいて
    暂时 | 稍后 | 暫時 | 稍後 | 繁忙 | 일시적 | 나중에 | 잠시 | временн | позже
    позднее
    повторите | tymczasow | później | dočasn | geçici
    midlertidigt | επανάληψη | προσωρινά | προσωρινό | временно | זמנית | ชั่วคราว
    privremen | začasn | dočasn
    """,
)
