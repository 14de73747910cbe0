"""The demo's dictionary: plain English words by the part they play in a sentence, nouns by theme.

Nouns are countable with regular plurals, verbs take an object, so that any fill of the grammar's slots is a sentence.
"""

from __future__ import annotations

__all__ = ["ADJECTIVES", "ADVERBS", "CLOSED", "NOUNS", "PREPOSITIONS", "THEMES", "VERBS", "past", "plural", "third"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NOUNS: dict[str, tuple[str, ...]] = {
    "nature": _words(
        "river forest mountain valley meadow lake stream field garden tree flower seed root branch leaf bird fox otter bear"
        " wolf rabbit insect spider storm cloud season shore island cliff desert canyon glacier pond hill path stone"
    ),
    "home": _words(
        "house kitchen window door table chair lamp bed room wall floor roof stair blanket pillow curtain mirror drawer cupboard"
        " oven kettle plate cup bowl spoon bottle basket broom towel carpet clock vase candle balcony cellar attic"
    ),
    "work": _words(
        "office meeting report manager team project deadline budget client contract email desk printer schedule task plan goal"
        " company customer department employer invoice interview strategy proposal presentation spreadsheet colleague agenda"
        " memo salary product market partner review workshop"
    ),
    "science": _words(
        "experiment theory model sample microscope telescope atom molecule cell gene planet comet star galaxy laboratory"
        " researcher hypothesis measurement result sensor signal equation proof number pattern particle reaction crystal magnet"
        " laser orbit fossil vaccine protein survey method"
    ),
    "city": _words(
        "street bridge station train bus taxi bicycle tower museum library park plaza square office hotel airport harbor tunnel"
        " sidewalk crossing neighbor tourist driver passenger ticket map building elevator cinema theater stadium shop bakery"
        " school hospital apartment"
    ),
    "food": _words(
        "meal recipe cook apple orange lemon tomato potato carrot onion pepper loaf sandwich soup salad sauce dessert cake cookie"
        " pancake noodle dumpling berry peach pear grape mushroom bean pie pizza snack breakfast lunch dinner spice herb"
    ),
    "art": _words(
        "painting painter song singer melody poem poet novel writer story chapter scene actor dancer stage concert guitar piano"
        " violin drum sculpture portrait sketch gallery mural film camera photograph studio brush canvas color rhythm chorus"
        " festival audience"
    ),
    "machine": _words(
        "computer program server network database screen keyboard cable battery engine motor wheel gear robot machine tool drill"
        " pump valve switch circuit chip processor compiler function variable module interface test bug update backup password"
        " browser script file"
    ),
}
THEMES: tuple[str, ...] = tuple(NOUNS)

ADJECTIVES: tuple[str, ...] = _words(
    "quiet small large old new bright dark warm cold simple complex gentle rough smooth narrow wide deep shallow early late quick"
    " slow careful clever curious patient friendly strange common rare modern ancient local distant nearby famous hidden open"
    " closed empty full heavy light soft hard sharp round flat straight crooked clean dusty busy calm lively steady sudden"
    " useful reliable fragile strong weak young tall short long thick thin dry wet rich poor fresh pale golden silver wooden"
    " plain elegant humble proud honest brave silent loud green blue red white black brown gray yellow sunny rainy windy snowy"
    " northern southern eastern western central public private main minor major second third final recent regular special typical"
    " unusual ordinary different similar familiar foreign shared single double broken repaired painted printed forgotten favorite"
    " practical formal casual natural daily weekly seasonal"
)

VERBS: tuple[str, ...] = _words(
    "carry hold follow change meet bring show keep find help need join reach support cover describe explain inspire"
    " improve protect remember replace resemble reveal serve share shape surround teach test touch trust understand use visit"
    " welcome watch connect complete collect compare contain control create cross define deliver discover divide enjoy enter"
    " examine expect explore face fill fix gather guard guide handle hear hide hit include inform influence inspect introduce invite"
    " lead lift limit link lose love measure miss move name notice observe offer order own pass pick place plan prefer prepare"
    " present prevent produce promise pull push question raise receive record reflect require rescue return save see select send"
    " separate signal start steer store study suggest supply surprise take trace train value want warn"
)

ADVERBS: tuple[str, ...] = _words(
    "often usually sometimes rarely always slowly quickly quietly carefully gently simply clearly easily finally suddenly mostly"
    " really still also openly happily calmly proudly bravely kindly wisely gladly seldom frequently generally normally typically"
    " occasionally eventually gradually steadily"
)

PREPOSITIONS: tuple[str, ...] = _words(
    "near behind above below beside inside outside around across with without before after during for under over beyond along against"
)

CLOSED: dict[str, tuple[str, ...]] = {
    "start": (" The", " Every", " Each", " This", " That", " One", " Another"),
    "starts": (" Most", " Some", " Many", " Few", " These", " Those", " Several", " All"),
    "lead": (" Often", " Sometimes", " Today", " Usually", " Here", " Later", " Meanwhile", " Instead", " Still", " Finally"),
    "comma": (",",),
    "det": (" the", " every", " each", " this", " that", " one", " another", " its"),
    "dets": (" most", " some", " many", " few", " these", " those", " several", " all"),
    "conj": (" and", " but", " while", " because", " so", " when", " although", " until"),
    "stop": (".",),
}
"""The small classes, as they stand in the text."""

_PAST = {
    "hold": "held", "meet": "met", "bring": "brought", "show": "showed", "keep": "kept", "find": "found",
    "teach": "taught", "understand": "understood", "hear": "heard", "hide": "hid", "hit": "hit", "lead": "led", "lose": "lost",
    "see": "saw", "send": "sent", "take": "took",
}  # fmt: skip
_PLURAL = {
    "leaf": "leaves", "loaf": "loaves", "wolf": "wolves", "hypothesis": "hypotheses", "potato": "potatoes", "tomato": "tomatoes",
}  # fmt: skip


def third(verb: str) -> str:
    """The form after he, she or it: `carries`, `reaches`, `holds`. Nouns make their plural the same way."""
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh")) else "s")


def plural(noun: str) -> str:
    """The plural of a noun in this dictionary."""
    return _PLURAL.get(noun) or third(noun)


def past(verb: str) -> str:
    """The past form of a verb in this dictionary; only fills the vocabulary, the grammar speaks in the present."""
    if verb in _PAST:
        return _PAST[verb]
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + ("d" if verb.endswith("e") else "ed")
