"""The delivery log of a packet for people: an HTML page that shows the pictures beside it."""

from collections.abc import Sequence
from html import escape

from .model import Cover, Line

HEADS = (
    "Patient",
    "Rx number",
    "Date filled",
    "Date delivered",
    "Delivery address",
    "Received by",
    "Signature",
    "Copay",
    "Record",
)
KIND_WORDS = {
    "package": "One package",
    "patient": "One patient",
    "rx": "Payer's audit",
    "dates": "Delivery dates",
}
STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 24px; color: #14202b; }
h1 { font-size: 20px; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #c8d0d8; padding: 6px 8px; text-align: left; vertical-align: top; }
th { background: #eef2f5; }
tr { break-inside: avoid; }
img { max-width: 160px; max-height: 80px; }
@page { size: landscape; margin: 12mm; }
"""
VERIFY = (
    "Every file of this packet, and each row of audit.jsonl, can be checked with"
    " python3 -I -S verify.py in its folder."
)


def title(cover: Cover) -> str:
    """What the packet is, in a line."""
    sandbox = " (sandbox: nothing of this happened)" if cover.sandbox else ""
    return f"Delivery log of {cover.pharmacy}{sandbox}"


def told(cover: Cover, count: int) -> str:
    """When it was made, by whom, of how much."""
    packages = "1 package" if count == 1 else f"{count:,} packages"
    return (
        f"{KIND_WORDS[cover.kind]}, {packages}. Made {cover.made_at} for {cover.made_by},"
        f" packet {cover.packet}. Times are those of {cover.time_zone}."
    )


def html(cover: Cover, lines: Sequence[Line]) -> bytes:
    """The page."""
    head = "".join(f'<th scope="col">{each}</th>' for each in HEADS)
    rows = "\n".join(_row(line) for line in lines)
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title(cover))}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{escape(title(cover))}</h1>\n<p>{escape(told(cover, len(lines)))}</p>\n"
        f"<p>{VERIFY}</p>\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>\n</body></html>\n"
    )
    return text.encode()


def _row(line: Line) -> str:
    picture = f'<img src="{line.signature}" alt="Signature" loading="lazy">'
    cells = [
        escape(line.patient),
        escape(line.rx or "no Rx"),
        escape(line.filled or "not given"),
        escape(line.delivered),
        escape(line.address),
        escape(line.received),
        picture if line.signature else "none",
        escape(line.copay),
        f'<a href="{line.record}">record</a>',
    ]
    return "<tr>" + "".join(f"<td>{each}</td>" for each in cells) + "</tr>"
