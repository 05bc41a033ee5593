"""What people call modes, checks, acts and lives of branches. Contains no rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hq_server.operations.fleet_checks import CheckKind, CheckState
from shared.sync.messages import ProcessingMode
from shared.sync.recognition import LifeState
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

MODES: Final[Mapping[ProcessingMode, LazyText]] = {
    ProcessingMode.DISTRIBUTED: _("works alone"),
    ProcessingMode.CENTRALIZED: _("works through the head office"),
}

_VERIFY, _DEEP, _REPAIR = CheckKind
CHECKS: Final[Mapping[tuple[CheckKind, CheckState], LazyText]] = {
    (_VERIFY, CheckState.WAITING): _("Check: waits"),
    (_VERIFY, CheckState.RUNNING): _("Check: runs"),
    (_VERIFY, CheckState.SOUND): _("Check: its chain is whole"),
    (_VERIFY, CheckState.UNSOUND): _("Check: differences were found"),
    (_VERIFY, CheckState.FAILED): _("Check: it was broken off"),
    (_DEEP, CheckState.WAITING): _("Deep check: waits"),
    (_DEEP, CheckState.RUNNING): _("Deep check: runs"),
    (_DEEP, CheckState.SOUND): _("Deep check: everything is as it came"),
    (_DEEP, CheckState.UNSOUND): _("Deep check: differences were found"),
    (_DEEP, CheckState.FAILED): _("Deep check: it was broken off"),
    (_REPAIR, CheckState.WAITING): _("Repair: waits"),
    (_REPAIR, CheckState.RUNNING): _("Repair: runs"),
    (_REPAIR, CheckState.SOUND): _("Repair: done"),
    (_REPAIR, CheckState.UNSOUND): _("Repair: not all could be put right"),
    (_REPAIR, CheckState.FAILED): _("Repair: it was broken off, nothing was changed"),
}

ACTS: Final[Mapping[str, LazyText]] = {
    "token": _("made an enrolment token"),
    "revoke": _("revoked the branch"),
    "heir": _("named the copy that goes on"),
    "repair": _("asked for a repair"),
    "export": _("took a file for it"),
    "import": _("brought a file of it"),
    "accept": _("took the cards up that were handed back"),
    "reject": _("set the cards aside that were handed back"),
    "alerts": _("changed the alerts"),
}

LIFE_STATES: Final[Mapping[LifeState, LazyText]] = {
    LifeState.LIVE: _("lives"),
    LifeState.CLOSED: _("another has taken its place"),
    LifeState.HEIR: _("goes on"),
    LifeState.DISOWNED: _("goes on as a new copy when it is heard"),
}
"""What has become of a copy of a branch's store."""

REASONS: Final = (
    _("It was recorded at branch %(1)s, and HQ received it at %(2)s."),
    _("It was recorded at branch %(1)s, and HQ received it at %(2)s. Facts stay with their branch and HQ."),
    _("A price without a zone is for every branch."),
    _("The price is for zone %(1)s; the branch is in %(2)s."),
    _("Settings go to their own branch."),
    _("A password goes to the branches where its employee works, or will work."),
    _("It is for every branch."),
    _("The employee works or has worked at the branch."),
    _("The head office has not hired this employee: the card stays at HQ and at branches that made it."),
    _("The employee has never worked at the branch."),
    _("The branch has neither made or edited this client nor named it in a sale. Known at: %(1)s."),
    _("The branch knows this client since %(1)s: it named %(2)s in a sale."),
    _("The branch knows this client since %(1)s: it made or edited the card."),
)
"""What `explain` says, as translations find it: see shared.web.error_texts."""
