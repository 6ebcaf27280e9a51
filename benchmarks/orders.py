"""Invented orders in any number, no two alike, shaped like the published quick start's curl."""

import json

FIRST_NAMES = ("Maria", "Alex", "José", "Grace", "Noah", "Amara", "Li", "Olga", "Sean", "Rosa")
LAST_NAMES = ("Rodriguez", "Kim", "Ngô", "Miller", "Okafor", "Silva", "O’Neill", "Novak", "Diaz")
STREETS = ("Main St", "Collins Ave", "Ocean Dr", "Biscayne Blvd", "Flagler St", "Coral Way")
PRIORITIES = ("routine", "routine", "routine", "urgent", "stat")

Order = dict[str, object]


def order(number: int) -> Order:
    """One order; `number` alone decides every field, and its name and Rx number are its own."""
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    last = LAST_NAMES[number % len(LAST_NAMES)]
    return {
        "patient_name": f"{first} {last} {letters(number)}",
        "patient_address": f"{1 + number % 9000} {STREETS[number % len(STREETS)]}, Miami, FL 33178",
        "patient_phone": f"+1305{2_000_000 + number % 7_999_999:07d}",
        "rx_number": f"RX-{number:09d}",
        "copay_amount": (number % 4000) / 100,
        "priority": PRIORITIES[number % len(PRIORITIES)],
        "requires_signature": number % 2 == 0,
    }


def compact(value: object) -> bytes:
    """JSON as a lean client sends it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def letters(number: int) -> str:
    """The number in letters, as names have no digits: 0 is Aaaaa."""
    letters = ""
    for _ in range(5):
        number, rest = divmod(number, 26)
        letters = chr(ord("a") + rest) + letters
    return letters.capitalize()
