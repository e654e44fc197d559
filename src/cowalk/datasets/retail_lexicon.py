"""Word lists for reading the product descriptions of Online Retail."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOURS = _words(
    """
    black blue brown cream gold green grey gray ivory lilac mauve orange pink purple red silver turquoise
    white yellow beige amber aqua amethyst bronze crystal fuschia fuchsia jade khaki lavender olive ruby
    teal topaz copper burgundy clear
    """
)
STOP = _words(
    """
    a an and are as at by for from in is it its la le les my no of off on or the this to up with w your you
    me s set pack pk box'd asstd assorted asst ass design designs des large small medium mini midi jumbo big
    giant tall short long little extra lge sml med new one two three four five six seven eight nine ten
    twelve dozen each piece pc tier size style type colour color col multicolour multicolor wish
    """
)
# What comes after one of these only qualifies the thing: JAM SET WITH JARS, CARD FOR MUM.
QUALIFIERS = _words("with w in for on from by to at and or")
# A CONTAINER OF THINGS is named by the things: SET OF 3 CAKE TINS, PACK OF 20 NAPKINS.
CONTAINERS = _words("set pack box bag pair bundle bunch jar tin string strand roll sheet piece case")
# Words of look, matter, motif or occasion tell which, not what: the thing is one only where nothing else is.
MANNERS = _words(
    """
    retrospot retro spot polkadot polka dot rectangle square round oval cube vintage paisley floral flower
    striped stripe check gingham tartan christmas xmas easter valentine paris london england english french
    france skull woodland suki dolly girl boy strawberry union jack apple pear rose ditsy circus parade
    spaceboy cottage leaf antique cherry bird butterfly heart star kashmir home love sweetheart regency
    traditional classic metal wood wooden glass ceramic enamel zinc paper felt plastic porcelain folk art
    shape shaped natural painted wall font beaded wicker artificial calm park slate day filigree hanging
    lace edwardian setting garden bakelike jet scented scent pearlised inflatable knitted open hydrangea
    chrysanthemum rasta geisha monster diamante nouveau deco baroque rustic romantic botanical pantry
    afternoon childhood memory feltcraft recycling oriental queen king royal crown jubilee sky world empire
    decorative acrylic keep mirrored pattern perfect engraved swinging decorated classical gypsy damask
    toile zoo dinosaur elephant owl dog cat babushka ladybird rabbit bunny hen chick reindeer tropical
    seaside beach marine sailor holiday party kitchen bathroom tea coffee chocolate sweet vanilla lemon
    orange sage jasmine stone jewel crochet velvet silk cotton satin fabric suede leather nylon charlotte
    funky fun country lovely scandinavian nordic swedish danish moroccan indian persian chinese japanese
    skulls daisy lily tulip poppy pansy sunflower primrose hyacinth cyclamen peony orchid magnolia blossom
    """
)
KEEP_S = _words(
    """
    christmas xmas glass dress grass cross moss canvas princess wireless brass chess bus gas compass
    fabulous circus address mattress lens paris iris less loss bliss kiss class press swiss genius cactus
    hibiscus business success
    """
)
IRREGULAR = {
    "artiifcial": "artificial",
    "babies": "baby",
    "benches": "bench",
    "boxes": "box",
    "brac": "bracelet",
    "braclet": "bracelet",
    "children": "child",
    "childrens": "child",
    "cookies": "cookie",
    "earings": "earring",
    "feet": "foot",
    "glasses": "glass",
    "horseshoes": "horseshoe",
    "knives": "knife",
    "leaves": "leaf",
    "lollies": "lolly",
    "mice": "mouse",
    "neckl": "necklace",
    "necklac": "necklace",
    "pinnies": "pinny",
    "polkadots": "polkadot",
    "scarves": "scarf",
    "scissors": "scissors",
    "shelves": "shelf",
    "shoes": "shoe",
    "t-lights": "t-light",
    "sunglasses": "sunglasses",
    "xmas": "christmas",
}
