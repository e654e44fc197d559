"""What is derived from product descriptions."""

import pytest

from cowalk.datasets.retail_words import describe, singular, tokens


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("holders", "holder"),
        ("boxes", "box"),
        ("strawberries", "strawberry"),
        ("doilies", "doily"),
        ("glasses", "glass"),
        ("glass", "glass"),
        ("christmas", "christmas"),
        ("cactus", "cactus"),
        ("leaves", "leaf"),
        ("brushes", "brush"),
        ("mother's", "mother"),
        ("bag", "bag"),
        ("tins", "tin"),
    ],
)
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_numbers_units_and_spellings_go() -> None:
    assert tokens("SET/6 T LIGHTS 40x30cm, 250g") == ["set", "t-light", "x"]
    assert tokens("ZINC TLIGHT HOLDER") == ["zinc", "t-light", "holder"]


PLAIN = [
    "WHITE HANGING HEART T-LIGHT HOLDER",
    "ZINC T-LIGHT HOLDER",
    "GLASS STAR T-LIGHT HOLDER",
    "WHITE METAL LANTERN",
    "HANGING JAM JAR LANTERN",
    "BLUE LANTERN",
    "LUNCH BAG RED RETROSPOT",
    "LUNCH BAG SUKI DESIGN",
    "JUMBO BAG",
    "SHOPPER BAG",
    "SET OF 3 CAKE TINS PANTRY DESIGN",
    "BISCUIT TIN VINTAGE GREEN",
    "ROUND TIN",
    "TOAST RACK",
    "WINE RACK",
    "COAT RACK",
    "DAIRY MAID TOASTRACK",
    "BIRTHDAY CARD FOR MUM",
    "EASTER CARD",
    "UNICORN",
    "PARTY BAG OF MARBLES",
    "MARBLES",
    "CROSS WORD",
    "LAST WORD",
    "COCKTAIL SWORD",
    "GOLD APERITIF GLASS",
    "WINE GLASS",
]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("WHITE HANGING HEART T-LIGHT HOLDER", "holder"),
        ("WHITE METAL LANTERN", "lantern"),
        ("LUNCH BAG RED RETROSPOT", "bag"),
        ("LUNCH BAG SUKI DESIGN", "bag"),
        ("SET OF 3 CAKE TINS PANTRY DESIGN", "tin"),
        ("DAIRY MAID TOASTRACK", "rack"),
        ("BIRTHDAY CARD FOR MUM", "card"),
        ("PARTY BAG OF MARBLES", "marble"),
        ("UNICORN", None),
        ("COCKTAIL SWORD", None),
        ("GOLD APERITIF GLASS", "glass"),
    ],
)
def test_category(text: str, category: str | None) -> None:
    assert dict(zip(PLAIN, describe(PLAIN), strict=True))[text].category == category


def test_every_category_is_shared() -> None:
    found = [row.category for row in describe(PLAIN)]
    assert all(found.count(category) >= 2 for category in set(found) - {None})


def test_colours_and_words_are_parted() -> None:
    row = describe(["RED AND WHITE LUNCH BAG, LARGE RED BAG"])[0]
    assert row.colours == ["red", "white"]
    assert row.words == ["lunch", "bag"]


def test_nothing_to_read_gives_nothing() -> None:
    row = describe(["12 x 3"])[0]
    assert (row.category, row.colours, row.words) == (None, [], [])
