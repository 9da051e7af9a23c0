"""Whether a number that is claimed is one that was said."""

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum, auto

from jobs.proof.moments import DECADE, DIMENSIONS
from jobs.proof.quantities import Hedge, Measure, Quantity
from jobs.proof.units import SHARE


class Backing(Enum):
    """How a number that is claimed stands to those that were said."""

    SAID = auto()
    #: The same number was said of another unit.
    OTHER_UNIT = auto()
    NOT_SAID = auto()


def backing(claim: Quantity, said: Sequence[Quantity]) -> tuple[Backing, Quantity | None]:
    """Whether what was said bears a claimed quantity out, and by which of its quantities.

    Rounding is allowed where the claim says so: "rund 13 Millionen" for 12.9, "mehr als 400" for 412.
    """
    other = None
    for one in said:
        if _bears_out(claim, one):
            return Backing.SAID, one
        if claim.values & one.values and claim.measures and one.measures and not _opposed(claim, one):
            other = one
    return (Backing.NOT_SAID, None) if other is None else (Backing.OTHER_UNIT, other)


def _bears_out(claim: Quantity, said: Quantity) -> bool:
    limited = said.hedge is Hedge.FEWER and claim.hedge not in {Hedge.BELOW, Hedge.FEWER}
    if _opposed(claim, said) or limited:
        return False
    if claim.measures and said.measures:
        return any(_same(one, other, claim.hedge) for one in claim.measures for other in said.measures)
    # Where one side leaves the unit out, the numbers alone are compared; moments need their own kind.
    if claim.values and said.values:
        return any(_near(one, other, claim.hedge) for one in claim.values for other in said.values)
    return any(
        dimension == DECADE and any(start <= value < start + 10 for value in said.values)
        for dimension, start in claim.measures
    )


def _same(claim: Measure, said: Measure, hedge: Hedge | None) -> bool:
    if claim[0] != said[0]:
        return False
    if claim[0] == SHARE and any(value != value.quantize(Decimal("1e-9")) for value in (claim[1], said[1])):
        # "ein Drittel" is 33, 33.3 and "gut 33" percent.
        return abs(claim[1] - said[1]) <= Decimal("0.005")
    return claim[1] == said[1] if claim[0] in DIMENSIONS else _near(claim[1], said[1], hedge)


def _near(claim: Decimal, said: Decimal, hedge: Hedge | None) -> bool:
    if claim == said or hedge is None or not claim:
        return claim == said
    if abs(claim - said) * 10 > abs(said):
        return False
    if hedge is Hedge.ABOUT:
        exponent = claim.normalize().as_tuple().exponent
        return isinstance(exponent, int) and said.quantize(Decimal(1).scaleb(exponent)) == claim
    return said > claim if hedge is Hedge.ABOVE else said < claim


def _opposed(claim: Quantity, said: Quantity) -> bool:
    return Hedge.ABOVE in {claim.hedge, said.hedge} and not {Hedge.BELOW, Hedge.FEWER}.isdisjoint(
        {claim.hedge, said.hedge}
    )
