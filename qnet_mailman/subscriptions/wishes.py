# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a post may be meant to leave the list, in other words than R14's.

`leave`, `remove me` or `How do I unsubscribe?`, as the subject or as the first line of
an answer, asks whoever reads it, and on a list all do.  Such a post ends nothing, as
its words do not say so for sure; it goes to no subscriber either, and its author is
told how to leave.

A line is a wish where it has a word for leaving and no word that is not around one:
words of all languages are in one table, as people mix them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qnet_mailman.mail.answers import opening
from qnet_mailman.mail.text import plain
from qnet_mailman.mlist import Mlist
from qnet_mailman.model import keys
from qnet_mailman.subscriptions import one_click
from qnet_mailman.subscriptions.one_click import Kind
from qnet_mailman.subscriptions.subject import readings

_MAX_LINE = 120
"""Characters of a line that can be a wish."""
_MAX_PHRASE = 40
"""Characters of a line with a phrase in a script that is not read word by word."""
_MAX_LINES = 3
"""Lines of an answer that says nothing else: a greeting or two, and a name."""

_FOR_LEAVING = """
unsubscribe | un-subscribe | unsuscribe | unsubcribe | unsubscibe | unsub
unsubscribed | unsubscribing | unsubscription | leave | stop | quit | remove
removed | removal | cancel | cancellation | delete | deregister | withdraw
discontinue | signoff | opt-out | optout | take off | opt out | sign off | get off
drop off | no more | not send

abmelden | abmeldung | austragen | austragung | abbestellen | abbestellung | kündigen
kündigung | entfernen | löschen | streichen | stopp | verlassen | austreten | austritt
melden ab | trag aus | tragt aus | tragen aus | nehmen liste | nehmen verteiler
keine mehr | abo beenden

désabonner | désabonnement | désabonnez | désinscrire | désinscription | désinscrivez
retirer | retirez | supprimer | supprimez | enlever | enlevez | résilier | quitter
arrêter | arrêtez | radier | radiation | plus recevoir

baja | cancelar | anular | borrar | bórrenme | bórrame | eliminar | eliminarme
elimínenme | quitar | quitarme | quítenme | desuscribir | desuscribirme
desuscripción | desinscribir | desapuntarme | salir | suprimir | no recibir

cancellare | cancellarmi | cancellatemi | cancellami | cancellazione | disiscrivere
disiscrivermi | disiscrivetemi | disiscrizione | rimuovere | rimuovetemi | rimuovermi
rimozione | togliere | toglietemi | toglimi | disdire | disdetta | uscire | annullare

cancelamento | descadastrar | descadastre | descadastramento | desinscrever
desinscrição | remover | remova | removam | remoção | retirar | retire | sair
excluir | exclua | parar

afmelden | afmelding | uitschrijven | uitschrijving | opzeggen | opzegging
verwijderen | verwijder | stoppen | beëindigen | meld af | schrijf uit
niet ontvangen

avregistrera | avprenumerera | avanmäla | avanmälan | avsluta | avbeställa | lämna
säga upp | ta bort | afmeld | afmelde | frameld | framelde | framelding | slet
slette | fjern | fjerne | meld av | melde av
meld ut | melde ut | avmeld | avmelde | avmelding | avslutt
avslutte

peruuta | peru | peruutus | poista | poistakaa | eroa | lopeta | wypisz | wypisać
wypisanie | rezygnuję | rezygnacja | usuń | usunąć | usunięcie | odhlásit | odhlášení
leiratkozás | leiratkozom | dezabonare | dezabonați | отписаться | отпишите | отписка
отписать | удалите | удалить | исключите | исключить | відписатися | відписка
απεγγραφή | διαγραφή
"""
"""Words for leaving; of several, each must be there."""

_AROUND = """
please pls plz kindly hi hello hey dear all everyone team sir madam admin me us my our
i we want wish would like need to be been get how do does can could you may should
must where is are there a an way from off of out the this that your these those any
future further more them mailing mail mails email emails e-mail e-mails address
addresses name account subscription subscriptions membership distribution discussion
group groups list lists listserv newsletter newsletters message messages post posts
update updates notification notifications sending receiving getting send receive
database immediately now asap today again thanks thank regards anymore for at once
just trying try and on in not don with request urgent t s m d l j n re ve ll

bitte mich uns mir mein meine meinen meiner sie ihr ich wir möchte möchten will wollen
wie wo kann können von vom aus der dem den des die das dieser diesem diese dieses
ihrer ihrem ihren eurer eurem liste listen mailingliste mailing-liste verteiler
verteilerliste e-mail-verteiler mailverteiler nachricht nachrichten adresse
e-mail-adresse abo abonnement sofort umgehend jetzt mehr weitere weiteren danke vielen
dank hallo guten tag mit zu ab keine nicht senden schicken zusenden wieder mfg man
nehmen melden tragen

merci de bien vouloir moi nous se il vous plait svp stp je aimerais souhaite
souhaiterais voudrais veux ne plus pas comment faire pour puis-je peut-on la le les
diffusion du cette votre vos ma mon mes courriel courriels lettre information
maintenant bonjour cordialement être recevoir envoyer envoi envois inscription à au
une un que soit

por favor quiero querría quisiera deseo solicito dar darme darse dénme denme lista
listas correo correos electrónico distribución esta este su sus mi mis dirección
suscripción cómo puedo para del el los las boletín mensajes recibir más no hola
gracias

per favore prego vorrei voglio desidero come posso faccio dalla dal della di da questa
vostra mia mio indirizzo posta elettronica iscrizione abbonamento messaggi più non
ricevere grazie salve buongiorno si essere

quero gostaria desejo faço meu minha do desta sua endereço inscrição assinatura
mensagens receber não mais obrigado obrigada olá os as o ser

graag kan aub alstublieft wil ik mij mijn van uit deze het lijst mailinglijst
mailinglist maillijst verzendlijst nieuwsbrief hoe meld schrijf af berichten adres
wilt u niet meer geen ontvangen bedankt willen worden

snälla jag vill mig min mitt från listan e-postlistan prenumeration prenumerationen
hur gör ska man tack hej venligst jeg vil gerne meg fra listen denne e-post
e-postliste mailliste mailinglisten nyhetsbrev nyhedsbrev abonnementet hvordan takk
tak mit den detta av ut upp

minut listalta tilaus tilauksen sähköpostilistalta postituslistalta osoitteeni haluan
kiitos miten voin proszę mnie z listy tej mailingowej chcę jak mogę się mój adres
subskrypcji subskrypcję dziękuję prosím mě ze seznamu kérem listáról vă rog lista
пожалуйста прошу меня из от списка рассылки рассылку рассылка как хочу мой адрес этой
вашей спасибо подписки подписку μου από τη λίστα παρακαλώ
"""

_PHRASES = """
退订 | 退訂 | 取消订阅 | 取消訂閱 | 取消訂閲 | 移除我 | 停止发送
配信停止 | 配信を停止 | 配信解除 | 購読解除 | 購読停止 | 購読を中止 | 登録解除 | 退会
구독 취소 | 구독취소 | 구독 해지 | 구독해지 | 수신거부 | 수신 거부 | 탈퇴
إلغاء الاشتراك | الغاء الاشتراك | הסירו אותי | הסר אותי | ביטול מנוי | הסרה מהרשימה
abonelikten çık | listeden çık | aboneliğimi iptal | κατάργηση εγγραφής
hủy đăng ký | huỷ đăng ký | berhenti berlangganan | dad-danysgrifio
"""


def _rows(table: str) -> list[str]:
    return [row.strip() for row in re.split(r'[|\n]', plain(table)) if row.strip()]


_LEAVING = frozenset(frozenset(row.split()) for row in _rows(_FOR_LEAVING))
_KNOWN = frozenset(plain(_AROUND).split()).union(*_LEAVING)
_PHRASE = tuple(_rows(_PHRASES))
_WORD = re.compile(r'[^\s,.:;!?()"\'`«»“”„‘’¿¡…]+')
_ADDRESS = re.compile(r'\S+@\S+')
_GREETING = re.compile(
    r'(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|guten|liebe[rs]?'
    r'|sehr|bonjour|madame|hola|buenos|estimad|ciao|buongiorno|gentil|ola|bom|beste'
    r'|geachte|hej|moi)\b.{0,40}'
)
_QUOTES = re.compile(
    # "> ", "| ", "-----Original Message-----", "____", "From: ...", "On ... wrote:".
    r'[>|]|-{2,}|_{3,}|[^\s:]{1,15} ?:(?:\s|$)|.*:$'
    r'|(?:on|am|le|el|il|op|den|em) .*\d{4}'
)


def wishes_to_leave(mlist: Mlist, msg: Any) -> bool:
    """Whether a post may be meant to leave the list; never raises."""
    names = frozenset(_words(f'{mlist.display_name} {mlist.list_name}'))
    subjects = readings(msg['subject'], mlist.subject_prefix)
    if any(_is_wish(one, names) for one in subjects):
        return True
    own = list(_own_lines(opening(msg)))
    if own and not _is_wish(own[0], names) and _GREETING.fullmatch(own[0]):
        del own[0]
    return (
        bool(own)
        and _is_wish(own[0], names)
        and (len(own) <= _MAX_LINES or 'subscri' in own[0])
    )


def _own_lines(lines: list[str]) -> Iterator[str]:
    """The first lines of an answer, without what it quotes."""
    for number, line in enumerate(map(plain, lines)):
        if _QUOTES.match(line) and (number or not _GREETING.fullmatch(line)):
            return
        yield line


def _is_wish(line: str, names: frozenset[str]) -> bool:
    line = plain(line).strip()
    if len(line) > _MAX_LINE:
        return False
    if len(line) <= _MAX_PHRASE and any(phrase in line for phrase in _PHRASE):
        return True
    words = set(_words(_ADDRESS.sub(' ', line)))
    return words <= (_KNOWN | names) and any(some <= words for some in _LEAVING)


def _words(text: str) -> list[str]:
    return _WORD.findall(plain(text))


def helped(mlist: Mlist, msg: Any, author: str | None, reason: str) -> str:
    """What an author is told of a post, with how to leave if that may be meant.

    Not for moderators: the author's own link is in it.
    """
    if author is None or not wishes_to_leave(mlist, msg):
        return reason
    return f'{reason}\n\n{how_to_leave(mlist, author)}'


def how_to_leave(mlist: Mlist, author: str) -> str:
    """How somebody leaves a list, with their own link where they are a member."""
    to_list = (
        f'send a message with the subject Unsubscribe to\n\n  {mlist.posting_address}'
    )
    member = one_click.memberships(mlist, [author]).get(author.lower())
    if member is not None:
        token = one_click.token_for(mlist, member, keys.signing(), Kind.footer)
        if (link := one_click.link(token)) is not None:
            return f'If you want to leave the list, open\n\n  {link}\n\nor {to_list}'
    return (
        f'If you want to leave the list, {to_list}\n\nfrom the address that gets its '
        'messages, and answer the confirmation that you get.'
    )
