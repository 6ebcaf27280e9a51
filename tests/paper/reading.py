"""Papers read back, as people and scanners do: text, codes, and what a label printer draws."""

import re
from dataclasses import dataclass

import pypdfium2
import zxingcpp

FIELD = re.compile(
    r"\^FO(\d+),(\d+)\^A0N,(\d+)(\^FB\d+,1,0,R)?(?:\^FR)?\^FH\^FD(.*?)\^FS", re.DOTALL
)
HEX = re.compile(r"((?:_[0-9A-F]{2})+)")


@dataclass(frozen=True)
class Field:
    """A text of a ZPL label: where it stands in dots, and what it says."""

    x: int
    y: int
    size: int
    right: bool
    text: str


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, in one line."""
    document = pypdfium2.PdfDocument(pdf)
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def codes_of(pdf: bytes) -> list[list[str]]:
    """The QR codes of each page, as a scanner reads them off the print."""
    document = pypdfium2.PdfDocument(pdf)
    return [codes_in(page.render(scale=4, grayscale=True).to_pil()) for page in document]


def codes_in(picture: object) -> list[str]:
    """The QR codes of a picture, sorted."""
    return sorted(found.text for found in zxingcpp.read_barcodes(picture))


def fields_of(zpl: bytes) -> list[Field]:
    """The texts of a ZPL label, unescaped."""
    found = FIELD.findall(zpl.decode("ascii"))
    return [
        Field(int(x), int(y), int(size), bool(right), unescaped(text))
        for x, y, size, right, text in found
    ]


def unescaped(text: str) -> str:
    """What stands behind ^FH."""
    return HEX.sub(lambda hit: bytes.fromhex(hit[1].replace("_", "")).decode(), text)


def words_of(text: str) -> list[str]:
    """The letters and digits of a text, wherever lines were broken."""
    return re.findall(r"\w", text)
