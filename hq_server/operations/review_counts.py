"""How much waits for somebody's decision, as numbers for the first page: bounded, and quick however long the history.

Findings that take long to reckon are not among them: Z-reports against receipts, and acts without the right.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, func, select

from hq_server.operations.client_merging import NEEDED as MERGING
from hq_server.operations.refund_checks import over_refunds_of
from hq_server.operations.verdicts import Shown, SubjectKind, shown_condition, standing_verdicts
from hq_server.storage.tables import parked_entry, proposal
from shared.domain.business_time import date_from_days
from shared.domain.permissions import Actor, Permission
from shared.storage.client_keys import shared_keys_after
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


def review_counts(connection: Connection, actor: Actor, today: int) -> ReviewCounts:
    """`today` is the chain's day, since 1970-01-01. Asks nothing of what the actor may not see."""
    counts = ReviewCounts()
    if actor.may(Permission.RECORDS_REVIEW):
        fields = select(conflict.c.kind, conflict.c.card_id, conflict.c.field).where(conflict.c.closed_at.is_(None))
        waiting = select(parked_entry.c.branch_id).where(parked_entry.c.resolved_at.is_(None))
        counts = counts._replace(
            conflicts=_count(connection, fields.distinct()),
            parked=_count(connection, waiting),
            parked_branches=_count(connection, waiting.distinct()),
            proposals=_count(connection, select(proposal.c.kind).where(proposal.c.resolved_at.is_(None))),
        )
    if all(actor.may(permission) for permission in MERGING):
        counts = counts._replace(duplicates=len(shared_keys_after(connection, "", SHARED_KEYS_MAX)))
    if actor.may(Permission.AUDIT_VIEW):
        counts = counts._replace(
            over_refunds=_over_refunds(connection, today),
            till_acts=_till_acts(connection, today),
        )
    return counts


def _over_refunds(connection: Connection, today: int) -> int:
    """Only a sale that was given back more than once can have given back too much."""
    recent = (
        select(refund.c.sale_id)
        .where(refund.c.business_date > _first_day(today), refund.c.sale_id.is_not(None))
        .order_by(refund.c.business_date.desc())
        .limit(REFUNDS_LOOKED_AT_MAX)
    )
    looked_at = sorted(set(connection.execute(recent).scalars()))
    several = select(refund.c.sale_id).where(refund.c.sale_id.in_(looked_at))
    several = several.group_by(refund.c.sale_id).having(func.count() > 1)
    sale_ids = list(connection.execute(several).scalars()) if looked_at else []
    cases = over_refunds_of(connection, sale_ids) if sale_ids else []
    standing = standing_verdicts(connection, [case.subject for case in cases])
    return sum(case.subject not in standing for case in cases)


def _till_acts(connection: Connection, today: int) -> int:
    is_open = shown_condition(SubjectKind.TILL_ACT, audit_entry, Shown.OPEN)
    assert is_open is not None
    return _count(connection, select(audit_entry.c.id).where(audit_entry.c.business_date > _first_day(today), is_open))


def _first_day(today: int) -> Any:
    return date_from_days(today) - timedelta(days=DAYS_COUNTED)


def _count(connection: Connection, statement: Select[Any]) -> int:
    bounded = statement.limit(COUNTED_MAX).subquery()
    return int(connection.execute(select(func.count()).select_from(bounded)).scalar_one())
