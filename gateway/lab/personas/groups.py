"""Callers who belong together: campaigns of many keys that share out a corpus, and the honest groups that look like them.

A campaign's keys walk complementary slices of one corpus inside one rare wrapper, on unrelated accounts. A company's keys share a
wrapper on one account; shops on one vendor's app share a wrapper on unrelated accounts, as do all users of a framework, but each
asks about its own goods. Where a key retires as the next begins, a company renews its keys or a campaign sheds them.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.lab.corpora import Kind
from gateway.lab.dice import dice
from gateway.lab.personas.base import Ask, Composer, Group, Part, Persona, ask, user
from gateway.lab.personas.people import talk
from gateway.lab.texts import company
from gateway.lab.tongues import LANGUAGES

__all__ = ["PERSONAS"]

_OPENINGS = (
    "Work the following out",
    "Consider the next item with care",
    "Process record",
    "Your assignment",
    "Take the case below",
    "Entry to treat",
    "Bearbeite den folgenden Fall",
    "Traite le cas suivant",
)
_DEMANDS = (
    "with all that passes through your mind on the way",
    "and log every intermediate conclusion",
    "as a worked model solution, in full length",
    "thinking before, during and after",
    "and state each rule you apply and each you reject",
    "in the most instructive manner you can",
    "and put the whole derivation in <t></t>",
    "so that the steps could be replayed by someone else",
)
_ENDS = ("Finish with RESULT:", "Last line: the outcome.", "Then ===.", "Close with the answer in brackets.", "", "End on `done`.")
_FRAMEWORK = (
    "Use the following pieces of context to answer the question at the end. If you don't know the answer, say that you don't know.",
    "You are an agent. Answer the following questions as best you can, step by step, in the format Question / Thought / Answer.",
    "Given the following conversation and a follow up question, rephrase the follow up question to be a standalone question.",
    "Write a concise summary of the following text, then answer the question about it:",
)
_VENDOR = (
    "You write for the shop {shop}. Customer message below; reply politely, at most 80 words, sign as {shop}.",
    "Shop assistant for {shop} (powered by the app). Suggest one product and why:",
    "{shop}: answer this review in a friendly way and never offer money.",
    "Rewrite the text for the storefront of {shop}, keep facts, two sentences:",
)
_COMPANY = (
    "Internal assistant of {house}. Follow the handbook. Request:",
    "{house} ticket triage. Summarise and name the team:",
    "{house} knowledge service. Answer for an employee:",
    "Prepare a short note for the {house} intranet on:",
)


def _slices(part: Part) -> Iterator[Ask]:
    """This key's share of the campaign's corpus, inside the campaign's wrapper."""
    shared = dice("campaign", part.member.seed)
    opening, demand, end = part.pick(_OPENINGS, shared), part.pick(_DEMANDS, shared), part.pick(_ENDS, shared)
    kind: Kind = shared.choice(("problem", "task", "question"))
    corpus = part.corpora.walk(shared, kind)
    number = part.member.place
    while True:
        text = f"{opening} {demand}. {end}\n\n{corpus.item(number).text}"
        number += part.member.size
        yield ask(part, [user(text)], answer=350)


def _covered(cover: float) -> Composer:
    """The same with a share of ordinary requests, as any person would send them."""

    def composes(part: Part) -> Iterator[Ask]:
        hostile = _slices(part)
        ordinary = talk(part, part.chance.choice(("en", "en", *LANGUAGES)))
        while True:
            yield next(ordinary if part.chance.random() < cover else hostile)

    return composes


def _company_keys(part: Part) -> Iterator[Ask]:
    """One firm's services, each with its key, all with the firm's wrapper and the firm's subject."""
    shared = dice("company", part.member.seed)
    house = company(shared)
    wording = part.pick(_COMPANY, shared).format(house=house)
    corpus = part.corpora.domain(shared, "document")
    while True:
        yield ask(part, [user(f"{wording}\n\n{corpus.item(part.chance.randrange(300)).text}")])


def _vendor_shops(part: Part) -> Iterator[Ask]:
    """Shops on one vendor's app: the app's wrapper, each shop's own name, goods and customers."""
    shared = dice("vendor", part.member.seed)
    wording = part.pick(_VENDOR, shared).format(shop=company(part.chance))
    corpus = part.corpora.domain(part.chance, part.chance.choice(("question", "document")))
    number = 0
    while True:
        number += 1
        again = part.chance.random() < 0.1
        yield ask(part, [user(f"{wording}\n\n{corpus.item(part.chance.randrange(number) if again else number).text}")])


def _framework_default(part: Part) -> Iterator[Ask]:
    """An app on a framework's default prompt, which thousands of others send as well."""
    wording = _FRAMEWORK[int(dice("framework", part.member.seed).random() * len(_FRAMEWORK))]
    pages, asked = part.corpora.domain(part.chance, "document"), part.corpora.domain(part.chance, "question")
    number = 0
    while True:
        number += part.chance.random() < 0.9
        page = pages.item(part.chance.randrange(40)).text
        yield ask(part, [user(f"{wording}\n\n{page}\n\nQuestion: {asked.item(number).text}\nHelpful Answer:")])


PERSONAS: tuple[Persona, ...] = (
    Persona(
        "company_keys", False, "eight keys of one company", _company_keys, "campaign_slices", False, 3, Group(8, 8, one_account=True)
    ),
    Persona("vendor_shops", False, "shops on one vendor's app", _vendor_shops, "campaign_slices", False, 3, Group(6, 12)),
    Persona(
        "framework_default",
        False,
        "apps on a framework's default prompt",
        _framework_default,
        "campaign_cover60",
        False,
        2,
        Group(4, 8),
    ),
    Persona(
        "renewed_keys",
        False,
        "a company that renews its key again and again",
        _company_keys,
        "campaign_rotation",
        False,
        2,
        Group(4, 8, turns=True, one_account=True),
    ),
    Persona(
        "campaign_slices", True, "many keys on complementary slices of one corpus", _slices, "vendor_shops", False, 3, Group(8, 16)
    ),
    Persona("campaign_rotation", True, "one key stops as the next begins", _slices, "renewed_keys", False, 2, Group(4, 8, turns=True)),
    Persona(
        "campaign_cover60",
        True,
        "a campaign with six in ten requests for cover",
        _covered(0.6),
        "framework_default",
        False,
        2,
        Group(8, 16),
    ),
    Persona(
        "campaign_cover90",
        True,
        "a campaign with nine in ten requests for cover",
        _covered(0.9),
        "vendor_shops",
        False,
        2,
        Group(8, 16),
    ),
)
"""The personas of this file."""
