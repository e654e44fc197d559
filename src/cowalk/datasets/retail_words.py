"""Category, colours and content words of a product, derived from its description alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cowalk.datasets.retail_lexicon import COLOURS, CONTAINERS, IRREGULAR, KEEP_S, MANNERS, QUALIFIERS, STOP

WORD = re.compile(r"[a-z][a-z'&-]*[a-z]|[a-z]")
UNITS = re.compile(r"\d+\s*(cm|mm|ml|kg|g|m|oz|pc|pcs)?\b")
SHARED = 2  # items that must carry a category
ENDS = 3  # descriptions that a word must end to be a head noun at sight
END_SHARE = 0.4  # and the share of its descriptions that it ends


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
    word = word.removesuffix("'s").removesuffix("s'")
    if len(word) <= 3 or word in KEEP_S or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "shes", "ches", "sses")):
        return word[:-2]
    return word[:-1]


def tokens(text: str) -> list[str]:
    """The description's words, singular and in lower case; numbers and units are gone."""
    text = re.sub(r"\bt[ -]?lights?\b", "t-light", text.lower()).replace("wall art", "wall-art")
    return [singular(word) for word in WORD.findall(UNITS.sub(" ", text))]


def describe(texts: Sequence[str]) -> list[Described]:
    """Category, colours and words of each description; every category is carried by two or more of them."""
    words = [tokens(text) for text in texts]
    heads = [_candidates(row) for row in words]
    ends = Counter(head[-1] for head in heads if head)
    seen = Counter(word for head in heads for word in set(head))
    picked = [_head(head, ends, seen) for head in heads]
    carried = Counter(word for word in picked if word is not None)
    shared = [_shared(word, row, carried) for word, row in zip(picked, words, strict=True)]
    # The words that others fell back from may have lost their second item by now.
    carried = Counter(word for word in shared if word is not None)
    return [
        Described(
            category if category is not None and carried[category] >= SHARED else None,
            _unique(word for word in row if word in COLOURS),
            _unique(word for word in row if _content(word)),
        )
        for category, row in zip(shared, words, strict=True)
    ]


def _content(word: str) -> bool:
    return len(word) > 2 and word not in STOP and word not in COLOURS


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _candidates(words: list[str]) -> list[str]:
    """The words that may name the thing: those before a qualifier, the things of a container of things."""
    while "of" in words:
        at = words.index("of")
        before = [word for word in words[:at] if _content(word)]
        words = words[at + 1 :] if not before or before[-1] in CONTAINERS else words[:at]
    for i, word in enumerate(words):
        if word in QUALIFIERS and any(_content(w) and w not in MANNERS for w in words[:i]):
            words = words[:i]
            break
    content = [word for word in words if _content(word)]
    things = [word for word in content if word not in MANNERS]
    if content[-1:] == ["glass"]:  # at the end it is what one drinks from, not what the thing is made of
        things.append("glass")
    return things or content


def _head(words: list[str], ends: Counter[str], seen: Counter[str]) -> str | None:
    """The last word that mostly ends descriptions, else the one that ends most of them."""
    for word in reversed(words):
        if ends[word] >= ENDS and ends[word] >= END_SHARE * seen[word]:
            return word
    return max(words, key=lambda word: ends[word], default=None)


def _ends(word: str, head: str) -> bool:
    return len(head) >= 4 and len(word) >= len(head) + 3 and word.endswith(head)


def _shared(word: str | None, row: list[str], carried: Counter[str]) -> str | None:
    """The word itself where it is shared, else the most carried word of the description, else of a compound.

    `toastrack` goes to `rack` and `teaspoon` to `spoon`.
    """
    if word is None or carried[word] >= SHARED:
        return word
    others = [other for other in row if _content(other) and other != word]
    best = max(others, key=lambda other: carried[other], default=word)
    if carried[best] >= SHARED:
        return best
    ending = [head for head in carried if _ends(word, head) and carried[head] >= SHARED]
    return max(ending, key=lambda head: (len(head), head), default=word)
