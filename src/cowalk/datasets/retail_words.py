"""Category, colours and content words of a product, derived from its description alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

COLOURS = frozenset(
    [
        "black",
        "blue",
        "brown",
        "cream",
        "gold",
        "green",
        "grey",
        "gray",
        "ivory",
        "lilac",
        "mauve",
        "orange",
        "pink",
        "purple",
        "red",
        "silver",
        "turquoise",
        "white",
        "yellow",
        "beige",
        "amber",
        "aqua",
        "amethyst",
        "bronze",
        "crystal",
        "fuschia",
        "fuchsia",
        "jade",
        "khaki",
        "lavender",
        "multicolour",
        "multicolor",
        "olive",
        "ruby",
        "teal",
        "topaz",
        "copper",
        "burgundy",
        "clear",
    ]
)
STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "by",
        "for",
        "from",
        "in",
        "is",
        "it",
        "la",
        "le",
        "les",
        "my",
        "no",
        "of",
        "off",
        "on",
        "or",
        "the",
        "this",
        "to",
        "up",
        "with",
        "w",
        "your",
        "you",
        "me",
        "s",
        "set",
        "pack",
        "pk",
        "box'd",
        "asstd",
        "assorted",
        "asst",
        "ass",
        "asstd",
        "design",
        "designs",
        "des",
        "large",
        "small",
        "medium",
        "mini",
        "midi",
        "jumbo",
        "big",
        "giant",
        "tall",
        "short",
        "long",
        "little",
        "extra",
        "lge",
        "sml",
        "med",
        "cm",
        "mm",
        "oz",
        "ml",
        "kg",
        "new",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "twelve",
        "dozen",
        "each",
        "piece",
        "pc",
        "pcs",
        "tier",
        "drawer+",
        "size",
        "style",
        "type",
    ]
)
# What comes after one of these only qualifies the thing: JAM SET WITH JARS, CARD FOR MUM.
QUALIFIERS = frozenset(["with", "w", "in", "for", "on", "from", "by", "to", "at", "and", "or"])
# CONTAINER OF THINGS is named by the things: SET OF 3 CAKE TINS, PACK OF 20 NAPKINS.
CONTAINERS = frozenset(
    [
        "set",
        "pack",
        "box",
        "bag",
        "pair",
        "bundle",
        "bunch",
        "jar",
        "tin",
        "string",
        "strand",
        "roll",
        "sheet",
        "piece",
        "case",
    ]
)
PATTERNS = frozenset(
    [
        "retrospot",
        "retro",
        "spot",
        "polkadot",
        "polka",
        "dot",
        "vintage",
        "paisley",
        "floral",
        "flower",
        "striped",
        "stripe",
        "check",
        "gingham",
        "tartan",
        "christmas",
        "xmas",
        "easter",
        "valentine",
        "paris",
        "london",
        "england",
        "english",
        "french",
        "england",
        "french",
        "skull",
        "woodland",
        "suki",
        "dolly",
        "girl",
        "boy",
        "strawberry",
        "doily",
        "union",
        "jack",
        "apple",
        "pear",
        "rose",
        "ditsy",
        "circus",
        "parade",
        "spaceboy",
        "cottage",
        "leaf",
        "antique",
        "cherry",
        "bird",
        "butterfly",
        "heart",
        "star",
        "design",
        "kashmir",
        "home",
        "love",
        "sweetheart",
        "regency",
        "traditional",
        "classic",
        "metal",
        "wood",
        "wooden",
        "glass",
        "ceramic",
        "enamel",
        "zinc",
        "tin+",
        "paper",
        "felt",
        "plastic",
        "porcelain",
        "colour",
        "color",
        "pattern",
        "folk",
        "art",
        "shape",
        "shaped",
        "natural",
    ]
)
KEEP_S = frozenset(
    [
        "christmas",
        "xmas",
        "glass",
        "dress",
        "grass",
        "cross",
        "moss",
        "canvas",
        "princess",
        "wireless",
        "brass",
        "chess",
        "bus",
        "gas",
        "compass",
        "fabulous",
        "circus",
        "address",
        "mattress",
        "lens",
        "paris",
        "iris",
        "less",
        "loss",
        "bliss",
        "kiss",
        "class",
        "press",
        "swiss",
        "house's",
        "alphabetics",
        "genius",
        "cactus",
        "hibiscus",
        "business",
        "success",
    ]
)
IRREGULAR = {
    "leaves": "leaf",
    "knives": "knife",
    "shelves": "shelf",
    "scarves": "scarf",
    "children": "child",
    "childrens": "child",
    "dominoes": "domino",
    "boxes": "box",
    "mice": "mouse",
    "feet": "foot",
    "babies": "baby",
    "tlight": "t-light",
    "tlights": "t-light",
    "t-lights": "t-light",
    "doilies": "doily",
    "cookies": "cookie",
    "polkadots": "polkadot",
    "xmas": "christmas",
    "scissors": "scissors",
    "glasses": "glass",
    "necklac": "necklace",
    "neckl": "necklace",
    "braclet": "bracelet",
    "brac": "bracelet",
    "earings": "earring",
    "retrospots": "retrospot",
    "parasols": "parasol",
    "gloves": "glove",
    "shoes": "shoe",
    "horseshoes": "horseshoe",
    "pinnies": "pinny",
    "brushes": "brush",
    "matches": "match",
    "dishes": "dish",
    "benches": "bench",
    "patches": "patch",
    "watches": "watch",
    "pouches": "pouch",
    "peaches": "peach",
    "torches": "torch",
}
WORD = re.compile(r"[a-z][a-z'&-]*[a-z]|[a-z]")


@dataclass(frozen=True)
class Described:
    """category: one singular noun or None; colours and words: unique, in the order of the description."""

    category: str | None
    colours: list[str]
    words: list[str]


def singular(word: str) -> str:
    """The singular of an English noun by rule; words that only look like a plural stay."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) <= 3 or word in KEEP_S or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")):
        return word.removesuffix("'s")
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "shes", "ches", "sses")):
        return word[:-2]
    return word[:-1]


def tokens(text: str) -> list[str]:
    """The description's words, singular and in lower case; numbers and units are gone."""
    text = re.sub(r"\bt[ -]?lights?\b", "t-light", text.lower())
    text = re.sub(r"\d+\s*(cm|mm|ml|kg|g|m|oz|pc|pcs)?\b", " ", text)
    return [singular(word) for word in WORD.findall(text)]


def describe(texts: Sequence[str]) -> list[Described]:
    """Category, colours and words of each description; a category is carried by two or more of them."""
    heads = [_candidates(tokens(text)) for text in texts]
    ends = Counter(head[-1] for head in heads if head)
    seen = Counter(word for head in heads for word in set(head))
    picked = [_head(head, ends, seen) for head in heads]
    carried = Counter(picked)
    final = [_common(word, head, carried) for word, head in zip(picked, heads, strict=True)]
    return [
        Described(
            category, _unique(w for w in words if w in COLOURS), _unique(w for w in words if _content(w))
        )
        for category, words in zip(final, (tokens(text) for text in texts), strict=True)
    ]


def _content(word: str) -> bool:
    return len(word) > 2 and word not in STOP and word not in COLOURS


def _unique(words: object) -> list[str]:
    return list(dict.fromkeys(words))  # type: ignore[call-overload, no-any-return]


def _candidates(words: list[str]) -> list[str]:
    """The words among which the head noun is: the part before a qualifier, the things of a container of things."""
    while "of" in words:
        at = words.index("of")
        before = [word for word in words[:at] if _content(word)]
        words = words[at + 1 :] if not before or before[-1] in CONTAINERS else words[:at]
    for i, word in enumerate(words):
        if word in QUALIFIERS and any(_content(w) for w in words[:i]):
            words = words[:i]
            break
    content = [word for word in words if _content(word)]
    return [word for word in content if word not in PATTERNS] or content


def _head(words: list[str], ends: Counter[str], seen: Counter[str]) -> str | None:
    """The last word that mostly ends descriptions, else the one that ends most of them."""
    for word in reversed(words):
        if ends[word] >= 3 and ends[word] >= 0.4 * seen[word]:
            return word
    return max(words, key=lambda word: ends[word], default=None)


def _common(word: str | None, words: list[str], carried: Counter[str | None]) -> str | None:
    """The word itself where two or more items carry it, else the most carried other word."""
    if word is None or carried[word] >= 2:
        return word
    best = max(words, key=lambda other: carried[other] if other != word else 0)
    return best if carried[best] >= 2 else None
