"""How much waits for somebody's decision, as numbers for the first page: bounded, and quick however long the history.

Findings that take long to reckon are not among them: Z-reports against receipts, and acts without the right.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, select

from hq_server.operations.client_merging import NEEDED as MERGING
from hq_server.operations.refund_checks import over_refunds_of
from hq_server.operations.verdicts import Shown, SubjectKind, shown_condition, standing_verdicts
from hq_server.storage.tables import parked_entry, proposal
from shared.domain.business_time import date_from_days
from shared.domain.permissions import Actor, Permission
from shared.storage.client_keys import shared_keys_after
from shared.storage.dialect_functions import over_lists
from shared.storage.tables import audit_entry, conflict, refund

COUNTED_MAX: Final = 1_000
"""Nothing is counted further; a page shows “1 000+”."""
DAYS_COUNTED: Final = 7
"""Of what was done at the tills, the days whose findings are counted."""
REFUNDS_LOOKED_AT_MAX: Final = 1_000
"""So many of the newest refunds are looked at, and the sales that they are of."""
SHARED_KEYS_MAX: Final = 100


class ReviewCounts(NamedTuple):
    """What waits; None where the actor may not see it. `parked_branches` are incomplete until it is decided.

    `duplicates` counts phones, addresses and names that several clients have, at most SHARED_KEYS_MAX: as many pairs,
    or about as many. `over_refunds` and `till_acts` are of the last DAYS_COUNTED days.
    """

    conflicts: int | None = None
    parked: int | None = None
    parked_branches: int | None = None
    proposals: int | None = None
    duplicates: int | None = None
    over_refunds: int | None = None
    till_acts: int | None = None


def _count(statement: Select[Any]) -> Select[Any]:
    """How many rows there are, as far as anybody counts. Built once: to build it takes longer than to count."""
    return select(func.count()).select_from(statement.limit(COUNTED_MAX).subquery())


_OPEN_TILL_ACT = shown_condition(SubjectKind.TILL_ACT, audit_entry, Shown.OPEN)
assert _OPEN_TILL_ACT is not None
_CONFLICTS: Final = _count(
    select(conflict.c.kind, conflict.c.card_id, conflict.c.field).where(conflict.c.closed_at.is_(None)).distinct()
)
_WAITING: Final = select(parked_entry.c.branch_id).where(parked_entry.c.resolved_at.is_(None))
_PARKED: Final = _count(_WAITING)
_PARKED_BRANCHES: Final = _count(_WAITING.distinct())
_PROPOSALS: Final = _count(select(proposal.c.kind).where(proposal.c.resolved_at.is_(None)))
_TILL_ACTS: Final = _count(
    select(audit_entry.c.id).where(audit_entry.c.business_date > bindparam("after"), _OPEN_TILL_ACT)
)
_RECENT: Final = (
    select(refund.c.sale_id)
    .where(refund.c.business_date > bindparam("after"), refund.c.sale_id.is_not(None))
    .order_by(refund.c.business_date.desc())
    .limit(REFUNDS_LOOKED_AT_MAX)
)
_SEVERAL: Final = over_lists(
    lambda among: (
        select(refund.c.sale_id)
        .where(among(refund.c.sale_id, "sales"))
        .group_by(refund.c.sale_id)
        .having(func.count() > 1)
    )
)


def review_counts(connection: Connection, actor: Actor, today: int) -> ReviewCounts:
    """`today` is the chain's day, since 1970-01-01. Asks nothing of what the actor may not see."""
    counts = ReviewCounts()
    if actor.may(Permission.RECORDS_REVIEW):
        counts = counts._replace(
            conflicts=connection.scalar(_CONFLICTS),
            parked=connection.scalar(_PARKED),
            parked_branches=connection.scalar(_PARKED_BRANCHES),
            proposals=connection.scalar(_PROPOSALS),
        )
    if all(actor.may(permission) for permission in MERGING):
        counts = counts._replace(duplicates=len(shared_keys_after(connection, "", SHARED_KEYS_MAX)))
    if actor.may(Permission.AUDIT_VIEW):
        recent = {"after": date_from_days(today) - timedelta(days=DAYS_COUNTED)}
        counts = counts._replace(
            over_refunds=_over_refunds(connection, recent),
            till_acts=connection.scalar(_TILL_ACTS, recent),
        )
    return counts


def _over_refunds(connection: Connection, recent: Mapping[str, date]) -> int:
    """Only a sale that was given back more than once can have given back too much."""
    looked_at = sorted(set(connection.execute(_RECENT, recent).scalars()))
    several = connection.execute(_SEVERAL(connection), {"sales": looked_at}).scalars() if looked_at else ()
    cases = over_refunds_of(connection, list(several))
    standing = standing_verdicts(connection, [case.subject for case in cases])
    return sum(case.subject not in standing for case in cases)
