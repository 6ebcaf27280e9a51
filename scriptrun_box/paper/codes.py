"""The QR codes on paper: what stands in them, and how they are drawn.

A code holds an id and nothing else: it opens nothing without a sign-in, and tells nobody what is in
the bag. In capitals with a short head it fits the smallest code that survives a creased bag: 25
modules, with 15 % of it to spare.
"""

import re

import segno

PACKAGE, ROUTE = "SRB:P:", "SRB:R:"
QUIET = 4  # modules of white around a code
SPARE = "m"  # 15 % may be unreadable
MASK = 3  # to look for the best of eight takes 2 ms a code; ids look like noise under any of them

_READ = re.compile(r"SRB:([PR]):([0-9A-F]{32})")


def of_package(package_id: str) -> str:
    """What a package's code says."""
    return f"{PACKAGE}{package_id.upper()}"


def of_route(route_id: str) -> str:
    """What a route's code says."""
    return f"{ROUTE}{route_id.removeprefix('rte_').upper()}"


def read(text: str) -> tuple[str, str] | None:
    """("package" or "route", id) of a code of ours; None for any other."""
    found = _READ.fullmatch(text)
    if found is None:
        return None
    plain = found[2].lower()
    return ("package", plain) if found[1] == "P" else ("route", f"rte_{plain}")


def matrix(text: str) -> list[bytearray]:
    """The code without its white border: a row of 0 and 1 for each line."""
    return list(_made(text).matrix)


def svg(text: str) -> str:
    """The code as an inline drawing that takes the size its class has."""
    drawn: str = _made(text).svg_inline(border=QUIET, omitsize=True, svgclass="qr", lineclass=None)
    return drawn


def _made(text: str) -> segno.QRCode:
    return segno.make_qr(text, error=SPARE, boost_error=False, mask=MASK)
