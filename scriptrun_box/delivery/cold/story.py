"""What is known of a package's temperature, judged: which readings count, and what they show."""

from collections.abc import Iterable, Sequence

from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as stored
from scriptrun_box.packages.model import Move, Package

from . import store
from .model import Finding, Pack, Reading, Rule, Story
from .temperature import excursions, mean_kinetic, points_of

BACK = ("redeliver", "return", "cancel")  # from then on it is in the pharmacy's refrigerator again
Span = tuple[int, int | None]  # from, until; None goes on


def read(r: Reader, scope: Scope, package_id: str, now: int) -> Story:
    """The story of a package; raises NotFound."""
    package = stored.get(r, scope, package_id)
    if package is None:
        raise NotFound("There is no such package.")
    return of_package(r, package, now)


def of_package(r: Reader, package: Package, now: int) -> Story:
    """The same of a package that was read."""
    packs, readings = store.packs(r, package.id), store.readings(r, package.id)
    rule, moves = store.rule(r, package.tenant_id), stored.moves(r, package)
    spans = spans_of(package, packs, moves)
    counted = [each for each in readings if any(_within(each.at, span) for span in spans)]
    return Story(
        package=package,
        rule=rule,
        packs=tuple(packs),
        readings=tuple(readings),
        counted=tuple(counted),
        findings=tuple(_findings(package, packs, spans, readings, rule, now)),
        mean_kinetic=mean_kinetic(points_of(counted)),
        files=tuple(store.files(r, package.id)),
        quarantines=tuple(store.quarantines(r, package.id)),
    )


def spans_of(package: Package, packs: Sequence[Pack], moves: Iterable[Move]) -> list[Span]:
    """When each pack-out held: until it was unpacked, handed over, or back for good.

    Of a package that nobody packed here every reading counts until it was handed over.
    """
    back = [move.at for move in moves if move.act in BACK]
    if not packs:
        return [(0, package.delivered_at)]
    spans = []
    for pack in packs:
        ends = [*(at for at in back if at >= pack.packed_at), pack.ended_at, package.delivered_at]
        spans.append((pack.packed_at, min((at for at in ends if at is not None), default=None)))
    return spans


def findings(r: Reader, package: Package, now: int) -> list[Finding]:
    """All that should not have been with a package, by its tenant's rule."""
    packs, rule = store.packs(r, package.id), store.rule(r, package.tenant_id)
    spans = spans_of(package, packs, stored.moves(r, package))
    return _findings(package, packs, spans, store.readings(r, package.id), rule, now)


def _findings(
    package: Package,
    packs: Sequence[Pack],
    spans: Sequence[Span],
    readings: Sequence[Reading],
    rule: Rule,
    now: int,
) -> list[Finding]:
    """The same of what was read; nothing of what need not be cold."""
    if not package.content.cold_chain:
        return []
    found = []
    for span in spans:
        found += excursions((each for each in readings if _within(each.at, span)), rule)
    for pack, (_, until) in zip(packs, spans, strict=False):
        if (now if until is None else until) > pack.hold_until:
            found.append(Finding("hold", pack.hold_until, None, None))
    return sorted(found, key=lambda each: (each.began_at, each.kind))


def _within(at: int, span: Span) -> bool:
    began, ended = span
    return began <= at and (ended is None or at <= ended)
