"""How one street is written in many ways: the words of addresses and their one short spelling."""

import re
from functools import lru_cache

DIRECTIONS = {
    "north": "n", "south": "s", "east": "e", "west": "w",
    "northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw",
}  # fmt: skip

# Publication 28 of the postal service, Appendix C, as far as orders show it.
SUFFIXES = {
    "alley": "aly", "avenue": "ave", "av": "ave", "aven": "ave", "bend": "bnd",
    "boulevard": "blvd", "boul": "blvd", "branch": "br", "bridge": "brg", "bypass": "byp",
    "canyon": "cyn", "causeway": "cswy", "center": "ctr", "centre": "ctr", "circle": "cir",
    "circl": "cir", "commons": "cmns", "corner": "cor", "corners": "cors", "court": "ct",
    "crt": "ct", "cove": "cv", "creek": "crk", "crescent": "cres", "crossing": "xing",
    "crossroad": "xrd", "drive": "dr", "drv": "dr", "estate": "est", "estates": "ests",
    "expressway": "expy", "extension": "ext", "field": "fld", "fields": "flds", "forest": "frst",
    "fork": "frk", "freeway": "fwy", "garden": "gdn", "gardens": "gdns", "gateway": "gtwy",
    "glen": "gln", "green": "grn", "grove": "grv", "harbor": "hbr", "haven": "hvn",
    "heights": "hts", "highway": "hwy", "hiway": "hwy", "hill": "hl", "hills": "hls",
    "hollow": "holw", "island": "is", "junction": "jct", "knoll": "knl", "lake": "lk",
    "landing": "lndg", "lane": "ln", "manor": "mnr", "meadow": "mdw", "meadows": "mdws",
    "motorway": "mtwy", "mount": "mt", "mountain": "mtn", "orchard": "orch", "parkway": "pkwy",
    "parkwy": "pkwy", "pky": "pkwy", "pike": "pike", "pine": "pne", "pines": "pnes",
    "place": "pl", "plaza": "plz", "point": "pt", "ranch": "rnch", "ridge": "rdg", "river": "riv",
    "road": "rd", "route": "rte", "rt": "rte", "saint": "st", "shore": "shr", "shores": "shrs",
    "spring": "spg", "springs": "spgs", "square": "sq", "station": "sta", "street": "st",
    "str": "st", "summit": "smt", "terrace": "ter", "terr": "ter", "trace": "trce",
    "trail": "trl", "trailer": "trlr", "tunnel": "tunl", "turnpike": "tpke", "valley": "vly",
    "view": "vw", "village": "vlg", "vista": "vis", "walk": "walk", "way": "way", "wells": "wls",
}  # fmt: skip
ORDINALS = dict(
    zip(
        ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
         "tenth"),
        ("1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th"),
        strict=True,
    )
)  # fmt: skip
OTHERS = {"county": "co", "state": "st", "junior": "jr", "senior": "sr", "fort": "ft"}
SHORT = DIRECTIONS | SUFFIXES | ORDINALS | OTHERS
STREET_TYPES = frozenset(SUFFIXES) | frozenset(SUFFIXES.values())

STATES = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA",
    "colorado": "CO", "connecticut": "CT", "delaware": "DE", "district of columbia": "DC",
    "florida": "FL", "georgia": "GA", "guam": "GU", "hawaii": "HI", "idaho": "ID",
    "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY",
    "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI",
    "minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE",
    "nevada": "NV", "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM",
    "new york": "NY", "north carolina": "NC", "north dakota": "ND", "ohio": "OH",
    "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "puerto rico": "PR",
    "rhode island": "RI", "south carolina": "SC", "south dakota": "SD", "tennessee": "TN",
    "texas": "TX", "utah": "UT", "vermont": "VT", "virgin islands": "VI", "virginia": "VA",
    "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
}  # fmt: skip
STATE_CODES = frozenset(STATES.values())

# Countries an order may name at its end; the United States is none of them.
ABROAD = frozenset((
    "australia", "austria", "bahamas", "belgium", "brazil", "canada", "china", "colombia", "cuba",
    "dominican republic", "england", "france", "germany", "haiti", "india", "ireland", "israel",
    "italy", "jamaica", "japan", "mexico", "méxico", "netherlands", "new zealand", "norway",
    "philippines", "poland", "portugal", "scotland", "spain", "sweden", "switzerland", "uk",
    "united kingdom", "wales",
))  # fmt: skip

_NOT_A_WORD = re.compile(r"[^\w#/-]+")


@lru_cache(maxsize=4_096)
def short(text: str) -> str:
    """A street, town or unit in its one spelling: lower case, no points, the postal short forms."""
    words = _NOT_A_WORD.sub(" ", text.casefold().replace("'", "").replace(".", "")).split()
    return " ".join(SHORT.get(word, word) for word in words)


def state_code(text: str) -> str:
    """The two letters of a state given by its name or code; empty where it is none."""
    plain = " ".join(text.casefold().replace(".", "").split())
    code = plain.upper()
    return code if code in STATE_CODES else STATES.get(plain, "")
