"""What proves a payment at the door: an insurer's audit takes no bare word like "card"."""

import re
from collections.abc import Iterable

from scriptrun_box.kernel.errors import Invalid

from .model import METHODS, Payment

CENTS_MAX = 9_999_999
TEXT_MAX = 200  # characters of a number, a name or a reason
LAST_FOUR = re.compile(r"[0-9]{4}")
ON_A_CARD = ("card", "card_on_file", "hsa_fsa")


def need_proven(payments: Iterable[Payment]) -> None:
    """Raise Invalid with each thing that is missing from payments."""
    details = [problem for each in payments for problem in _problems(each)]
    if details:
        raise Invalid("The copay is not told whole; see details.", details=details)


def _problems(payment: Payment) -> Iterable[dict[str, str]]:
    if payment.method not in METHODS:
        yield _problem("method", "not_allowed", "There is no such method.")
    if not 0 <= payment.cents <= CENTS_MAX:
        yield _problem("amount", "too_large", "The amount is 0 to 99,999.99.")
    if payment.method == "check" and not payment.check_number:
        yield _problem("check_number", "missing", "A check needs its number.")
    if payment.method in ON_A_CARD and not LAST_FOUR.fullmatch(payment.card_last_four or ""):
        yield _problem("card_last_four", "missing", "A card needs its last four digits.")
    if payment.method == "waived" and not payment.approved_by:
        yield _problem("approved_by", "missing", "Say who approved that it is waived.")
    if payment.method in ("waived", "not_collected") and not payment.reason:
        yield _problem("reason", "missing", "Say why nothing was collected.")
    texts = (payment.check_number, payment.authorization, payment.approved_by, payment.reason)
    if any(len(text or "") > TEXT_MAX for text in texts):
        yield _problem("copay", "too_long", f"Each has at most {TEXT_MAX} characters.")


def _problem(field: str, code: str, message: str) -> dict[str, str]:
    return {"field": field, "code": code, "message": message}
