"""The practice chain's letters: what reps wrote in 90 days, what became of it, what clients wrote. Plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from deploy.practice.contacts import DAYS
from shared.domain.client_matching import latin, words_of
from shared.domain.identifiers import derived_id

LETTERS_A_WEEK: Final = 2
"""What the reps of one branch write in a week, beside their answers."""

CLIENTS_WITH_ADDRESS_MAX: Final = 60
MAIL_DOMAIN: Final = "example.org"
"""Nobody's for ever (RFC 2606)."""

SENT, FAILED, UNCERTAIN, REFUSED, PUT_OFF, WAITING = "sent", "failed", "uncertain", "refused", "put_off", "waiting"
COMPLAINED_DAYS_AGO: Final = (9, 4)
CONSENT_SOURCES: Final = {"ru": "анкета", "en": "form"}
_ANSWERED_PERCENT, _FAILED_PERCENT = 30, 5
_SERVICE, _ADVERTISING = "service", "advertising"

_BY_REPS: Final = {
    "ru": (
        ("Ваш заказ собран", "Здравствуйте! Заказ собран и ждёт вас до восьми вечера.", _SERVICE),
        ("Доставка в субботу", "Здравствуйте! Привезём в субботу между десятью и часом.", _SERVICE),
        ("Чек за прошлую покупку", "Здравствуйте! Вот подробности покупки, о которых вы спрашивали.", _SERVICE),
        (
            "Чай дешевле до конца месяца",
            "Здравствуйте! До конца месяца листовой чай дешевле на десятую часть.",
            _ADVERTISING,
        ),
        (
            "Новая выпечка по утрам",
            "Здравствуйте! С понедельника печём ржаной хлеб, первый в девять.",
            _ADVERTISING,
        ),
    ),
    "en": (
        ("Your order is packed", "Good day! Your order is packed and waits until eight in the evening.", _SERVICE),
        ("Delivery on Saturday", "Good day! We come on Saturday between ten and one.", _SERVICE),
        ("The receipt you asked for", "Good day! Here is what you asked about your last purchase.", _SERVICE),
        (
            "Tea is cheaper this month",
            "Good day! Leaf tea costs a tenth less until the end of the month.",
            _ADVERTISING,
        ),
        ("Fresh bread in the mornings", "Good day! From Monday on we bake rye bread, the first at nine.", _ADVERTISING),
    ),
}
_THANKS: Final = {
    "ru": ("Спасибо, зайду вечером.", "Хорошо, буду дома.", "А можно ещё сметаны к заказу?"),
    "en": (
        "Thank you, I shall come in the evening.",
        "Good, I shall be at home.",
        "Some cream with it, please?",
    ),
}
_COMPLAINTS: Final = {
    "ru": (("В пакете разбились яйца", "Здравствуйте. Принесла домой – три яйца разбиты. Что делать?"),),
    "en": (("Broken eggs", "Good day. At home three of the eggs were broken. What now?"),),
}
_ANSWER: Final = {
    "ru": ("Простите за яйца", "Здравствуйте! Простите нас. Заменим сегодня же, с любым чеком."),
    "en": ("Sorry for the eggs", "Good day! We are sorry, and replace them today."),
}
_UNANSWERED: Final = {
    "ru": (
        ("Кислое молоко", "Добрый день. Молоко, купленное у вас вчера, оказалось кислым. Прошу вернуть деньги."),
        (
            "Кислое молоко – пишу второй раз",
            "Вы мне так и не ответили. Не ответите – покупать перестану.",
        ),
    ),
    "en": (
        ("Sour milk", "Good day. The milk of yesterday was sour. I should like my money back."),
        ("Sour milk – the second time", "Nobody has answered me. If nobody does, I shall shop elsewhere."),
    ),
}
_STRANGER: Final = {
    "ru": ("Возите ли вы на Заречную?", "Здравствуйте! Доставляете ли вы продукты на улицу Заречную, 14?"),
    "en": ("Do you deliver to River Lane?", "Good day! Do you deliver to River Lane 14?"),
}
_FAMILY: Final = {
    "ru": ("Карта потерялась", "Добрый день, мы потеряли карту. Можно ли восстановить баллы?"),
    "en": ("A lost card", "Good day, we have lost our card. Can the points be kept?"),
}
_BOUNCE: Final = ("Undelivered Mail Returned to Sender", "The mailbox is full. The letter could not be delivered.")


class PlannedLetter(NamedTuple):
    """A rep's letter. `at` is local time, `client` an external id, `fate` what becomes of it at the head office."""

    at: str
    rep: str
    client: str
    purpose: str
    subject: str
    body: str
    fate: str


class PlannedMail(NamedTuple):
    """What lies in the mailbox: `client` is empty when it is of nobody known; `answers` the number of the branch's
    letter that it answers, -1 for none."""

    at: str
    client: str
    address: str
    subject: str
    body: str
    answers: int = -1
    is_automatic: bool = False


class Correspondence(NamedTuple):
    """One branch's letters both ways, and the e-mails on the cards that it keeps (external id, address).

    `consent_source` is how their owners agreed to be written to.
    """

    consent_source: str = ""
    addresses: tuple[tuple[str, str], ...] = ()
    letters: tuple[PlannedLetter, ...] = ()
    mailbox: tuple[PlannedMail, ...] = ()


def letter_id(branch: str, number: int) -> bytes:
    """The card of the branch's letter with that number, known to whoever writes it and to whoever decides about it."""
    return derived_id("practice letter", branch.encode(), number.to_bytes(4, "big"))


def plan_letters(
    number: int,
    owners: Sequence[tuple[str, str]],
    names: Mapping[str, str],
    today: date,
    seed: int,
    language: str,
    days: int = DAYS,
) -> Correspondence:
    """Those of the branch with that number; `owners` are its clients with their reps, `names` those of all clients."""
    chance = Random(f"{seed}:letters:{number}")
    # Clients of other branches' lists have letters from there alone.
    own = [pair for pair in owners if names.get(pair[0])][:CLIENTS_WITH_ADDRESS_MAX]
    if len(own) < _CLIENTS_NEEDED:
        return Correspondence()
    addresses = {client: _address(client, names[client]) for client, _ in own}
    writer = _Writer(chance, today, language, dict(own), addresses)
    for ago in range(days, 0, -1):
        if chance.randrange(7) < LETTERS_A_WEEK:
            writer.write_and_be_answered(ago)
    writer.be_told_and_answer(days // 2)
    if number == 1:
        writer.trouble()
        writer.never_answer()
        writer.receive_from_nobody()
    return writer.all()


_CLIENTS_NEEDED = 12


class _Writer:
    """Collects the letters of one branch. The first clients of the list are kept for what is planted."""

    def __init__(
        self, chance: Random, today: date, language: str, reps: dict[str, str], addresses: dict[str, str]
    ) -> None:
        self._chance, self._today, self._language = chance, today, language
        self._reps, self._addresses = reps, addresses
        clients = list(reps)
        self._angry, self._unwilling, self._wife, self._husband = clients[:4]
        self._others = clients[4:]
        self._letters: list[PlannedLetter] = []
        self._mailbox: list[PlannedMail] = []

    def write_and_be_answered(self, ago: int) -> None:
        client = self._chance.choice(self._others)
        is_lost = self._chance.randrange(100) < _FAILED_PERCENT
        subject, body, purpose = self._chance.choice(_BY_REPS[self._language])
        self._letters.append(self._letter(ago, client, purpose, subject, body, FAILED if is_lost else SENT))
        if not is_lost and ago > 1 and self._chance.randrange(100) < _ANSWERED_PERCENT:
            words = self._chance.choice(_THANKS[self._language])
            self._arrive(ago - 1, client, f"Re: {subject}", words, len(self._letters) - 1)

    def be_told_and_answer(self, ago: int) -> None:
        """A complaint, and the answer of the next day."""
        client = self._others[0]
        for subject, body in _COMPLAINTS[self._language]:
            self._arrive(ago, client, subject, body)
            self._letters.append(self._letter(ago - 1, client, _SERVICE, *_ANSWER[self._language], SENT))

    def trouble(self) -> None:
        """One of every kind that somebody has to look at."""
        usual = _BY_REPS[self._language]
        kinds = ((6, UNCERTAIN), (3, UNCERTAIN), (2, FAILED), (1, PUT_OFF), (1, WAITING), (1, WAITING))
        for place, (ago, fate) in enumerate(kinds):
            subject, body, purpose = usual[place % 3]
            self._letters.append(self._letter(ago, self._others[place + 1], purpose, subject, body, fate))
        subject, body, purpose = usual[3]
        self._letters.append(self._letter(2, self._unwilling, purpose, subject, body, REFUSED))

    def never_answer(self) -> None:
        """The planted one: he complained twice, and nobody wrote to him since."""
        for ago, (subject, body) in zip(COMPLAINED_DAYS_AGO, _UNANSWERED[self._language], strict=True):
            self._arrive(ago, self._angry, subject, body)

    def receive_from_nobody(self) -> None:
        """A stranger, one of two who share an address, and a report of a mail server."""
        self._addresses[self._husband] = self._addresses[self._wife]
        self._mailbox.append(self._mail(5, "", f"zarechnaya14@{MAIL_DOMAIN}", *_STRANGER[self._language]))
        self._mailbox.append(self._mail(3, "", self._addresses[self._wife], *_FAMILY[self._language]))
        bounce = self._mail(2, "", f"mailer-daemon@{MAIL_DOMAIN}", *_BOUNCE)
        self._mailbox.append(bounce._replace(is_automatic=True))

    def all(self) -> Correspondence:
        source = CONSENT_SOURCES[self._language]
        return Correspondence(source, tuple(self._addresses.items()), tuple(self._letters), tuple(self._mailbox))

    def _arrive(self, ago: int, client: str, subject: str, body: str, answers: int = -1) -> None:
        self._mailbox.append(self._mail(ago, client, self._addresses[client], subject, body)._replace(answers=answers))

    def _mail(self, ago: int, client: str, address: str, subject: str, body: str) -> PlannedMail:
        return PlannedMail(self._at(ago), client, address, subject, body)

    def _letter(self, ago: int, client: str, purpose: str, subject: str, body: str, fate: str) -> PlannedLetter:
        return PlannedLetter(self._at(ago), self._reps[client], client, purpose, subject, body, fate)

    def _at(self, ago: int) -> str:
        day = self._today - timedelta(days=ago)
        return f"{day.isoformat()}T{self._chance.randrange(10, 18):02d}:{self._chance.randrange(60):02d}:00"


def _address(client: str, name: str) -> str:
    """`anna.yablochkina.700123@example.org`: two of one name have two addresses."""
    words = ["".join(letter for letter in latin(word) if letter.isascii()) for word in words_of(name)]
    return f"{'.'.join(word for word in words if word)}.{client}@{MAIL_DOMAIN}"


def unanswered_letters(made: Sequence[Correspondence]) -> dict[str, int]:
    """By client: letters from him, of no program, since the last one to him that was sent or is to be; the most first.

    What answers a letter of ours asks for nothing.
    """
    latest: dict[str, str] = {}
    for letter in (letter for each in made for letter in each.letters):
        if letter.fate not in (FAILED, REFUSED):
            latest[letter.client] = max(latest.get(letter.client, ""), letter.at)
    found: dict[str, int] = {}
    for mail in (mail for each in made for mail in each.mailbox):
        asks = mail.client and mail.answers < 0 and not mail.is_automatic
        if asks and mail.at > latest.get(mail.client, ""):
            found[mail.client] = found.get(mail.client, 0) + 1
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
