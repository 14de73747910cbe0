"""Small talk and questions in German, French, Spanish and Chinese, for callers who do not write English."""

from __future__ import annotations

from random import Random

__all__ = ["LANGUAGES", "chat", "passage"]

_DE = (
    "Rechnung",
    "Heizung",
    "Fahrrad",
    "Vertrag",
    "Garten",
    "Urlaub",
    "Rezept",
    "Wohnung",
    "Versicherung",
    "Zug",
    "Kuchen",
    "Bewerbung",
    "Steuer",
    "Hund",
    "Computer",
    "Küche",
    "Termin",
    "Schule",
    "Brief",
    "Drucker",
    "Balkon",
    "Konto",
    "Wanderung",
    "Pullover",
)
_FR = (
    "facture",
    "chauffage",
    "vélo",
    "contrat",
    "jardin",
    "vacances",
    "recette",
    "appartement",
    "assurance",
    "train",
    "gâteau",
    "candidature",
    "impôt",
    "chien",
    "ordinateur",
    "cuisine",
    "rendez-vous",
    "école",
    "lettre",
    "imprimante",
    "balcon",
    "compte",
    "randonnée",
    "chemise",
)
_ES = (
    "factura",
    "calefacción",
    "bicicleta",
    "contrato",
    "jardín",
    "vacaciones",
    "receta",
    "piso",
    "seguro",
    "tren",
    "pastel",
    "solicitud",
    "impuesto",
    "perro",
    "ordenador",
    "cocina",
    "cita",
    "escuela",
    "carta",
    "impresora",
    "balcón",
    "cuenta",
    "excursión",
    "camisa",
)
_ZH = (
    "发票",
    "暖气",
    "自行车",
    "合同",
    "花园",
    "假期",
    "菜谱",
    "公寓",
    "保险",
    "火车",
    "蛋糕",
    "简历",
    "税",
    "狗",
    "电脑",
    "厨房",
    "预约",
    "学校",
    "信",
    "打印机",
    "阳台",
    "账户",
    "徒步",
    "衬衫",
)

_NOUNS = {"de": _DE, "fr": _FR, "es": _ES, "zh": _ZH}

_CHATS = {
    "de": (
        "Wie schreibe ich am besten über das Thema {a}?",
        "Ich habe eine Frage zu {a} und {b}, kannst du mir helfen?",
        "Was muss ich bei {a} beachten, wenn ich schon {b} habe?",
        "Kannst du mir {a} kurz und einfach erklären?",
        "Gib mir bitte {n} Tipps für {a}.",
        "Warum ist {a} oft teurer als {b}?",
        "Formuliere eine freundliche Nachricht wegen {a}.",
    ),
    "fr": (
        "Comment écrire un message à propos de {a} ?",
        "J'ai une question sur {a} et {b}, peux-tu m'aider ?",
        "À quoi faut-il penser pour {a} quand on a déjà {b} ?",
        "Peux-tu m'expliquer simplement {a} ?",
        "Donne-moi {n} conseils pour {a}.",
        "Pourquoi {a} coûte souvent plus cher que {b} ?",
        "Rédige un message poli au sujet de {a}.",
    ),
    "es": (
        "¿Cómo escribo un mensaje sobre {a}?",
        "Tengo una pregunta sobre {a} y {b}, ¿me puedes ayudar?",
        "¿Qué debo tener en cuenta con {a} si ya tengo {b}?",
        "¿Me explicas de forma sencilla qué es {a}?",
        "Dame {n} consejos para {a}.",
        "¿Por qué {a} suele costar más que {b}?",
        "Redacta un mensaje amable sobre {a}.",
    ),
    "zh": (
        "请问关于{a}的邮件应该怎么写？",
        "我想问一下{a}和{b}的问题，你能帮我吗？",
        "如果已经有{b}了，办{a}要注意什么？",
        "能简单介绍一下{a}吗？",
        "请给我{n}条关于{a}的建议。",
        "为什么{a}常常比{b}贵？",
        "帮我写一条关于{a}的客气的消息。",
    ),
}
_SAID = {
    "de": "Bei {a} ist {b} wichtig, und nach {n} Tagen sollte man noch einmal nachsehen. ",
    "fr": "Pour {a}, {b} est important, et après {n} jours il faut vérifier encore une fois. ",
    "es": "En {a} importa {b}, y después de {n} días conviene revisarlo otra vez. ",
    "zh": "办理{a}的时候{b}很重要，{n}天以后最好再检查一次。",
}

LANGUAGES: tuple[str, ...] = tuple(_CHATS)
"""ISO 639-1 codes of the languages that are spoken here, besides English."""


def _filled(chance: Random, template: str, language: str) -> str:
    first, second = chance.sample(_NOUNS[language], 2)
    return template.format(a=first, b=second, n=chance.randint(2, 12))


def chat(chance: Random, language: str) -> str:
    """What a person would ask."""
    return _filled(chance, chance.choice(_CHATS[language]), language)


def passage(chance: Random, language: str) -> str:
    """Two to six sentences."""
    return "".join(_filled(chance, _SAID[language], language) for _ in range(chance.randint(2, 6))).strip()
