"""The small words of some languages: they tell which language a text is in, and are nobody's topic."""

from __future__ import annotations

__all__ = ["LANGUAGES", "STOP_WORDS", "VOTES"]

_SMALL = {
    "en": "the a i it on at as do no me an by or if he we my so am be us and of to in is that for with you this are was have from "
    "your not what how can which their would should about",
    "de": "der die das und ist nicht ein eine einen dem den mit für auf von zu wie ich sie wird werden auch bitte oder im sich",
    "fr": "le la les et des est une un du pour dans que qui avec sur pas vous je ce cette par comment plus au aux",
    "es": "el la los las y de es una un por para que con en como no se del lo su más cómo qué al este",
    "it": "il lo la gli e di è una un per che con non come del della in si dei nel alla sono questo più",
    "pt": "o a os as e de é uma um para que com não como do da em se dos na no por você mais seu",
    "nl": "de het een en van is niet dat voor met op zijn hoe wat ik je aan te ook bij naar deze wordt",
    "pl": "i w na z do nie jest się to że jak dla o od po przez oraz czy lub są który proszę jako",
    "sv": "och att det som en ett är för inte på med av jag du hur vad till kan från den om eller",
    "da": "og at det som en et er for ikke på med af jeg du hvordan hvad til kan fra den om eller",
    "tr": "ve bir bu için ile da de mi ne nasıl olarak daha çok gibi olan var ama bana lütfen veya en her",
    "id": "yang dan di ke dari untuk dengan ini itu adalah tidak pada dalam bagaimana apa saya anda akan atau juga",
    "vi": "và là của cho không có được trong một các với này như để tôi bạn những khi hãy về",
    "cs": "a v na je se že to s z do jak pro nebo jako který není jsou být od při podle prosím",
    "ro": "și în de la cu pe este nu care pentru un o din să ce mai sau cum sunt prin",
    "fi": "ja on ei että se mitä miten kuin tai ovat voi olla mutta joka tämä kun niin myös",
    "hu": "a az és hogy nem egy is van ez mi hogyan vagy mint meg csak kell lehet azt",
}
"""By language, most frequent first."""


LANGUAGES: tuple[str, ...] = tuple(_SMALL)


def _votes() -> dict[str, int]:
    votes: dict[str, int] = {}
    for place, words in enumerate(_SMALL.values()):
        for word in dict.fromkeys(words.split()):
            votes[word] = votes.get(word, 0) | 1 << (8 * place)
    return votes


VOTES: dict[str, int] = _votes()
"""What a word says for each of `LANGUAGES`: one in the byte of each that has it among its small ones. Up to 255 of them add up."""

_COMMON = (
    "about above after again against because before being below between could doing during each every first following further "
    "having itself might other please should since some such than their theirs them then there these they thing things those "
    "through under until using very where whether which while whose without would write given answer question explain describe"
)
STOP_WORDS: frozenset[str] = frozenset(VOTES) | frozenset(_COMMON.split())
"""Words that say nothing of a text's topic."""
