"""A session of this first protocol as a branch once sent it: every later release must take it.

The recording of a released protocol never changes.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from sqlalchemy import func, select, update

from hq_server.storage.feed import number_feed
from hq_server.storage.tables import branch, branch_cursor, parked_entry
from shared.storage.tables import client, sale
from shared.sync import hq_session as core
from shared.sync.hq_session import HqSession
from shared.sync.messages import Ack, ResumeMode, Welcome
from shared.wire.exchange import decode_branch_message
from tests.support.office import Office
from tests.support.pair import Pair

RECORDING = Path(__file__).with_name("session-1.json")


def test_the_recorded_session_is_taken(office: Office, tmp_path: Path) -> None:
    recorded = json.loads(RECORDING.read_text())
    branch_id = bytes.fromhex(recorded["branch_id"])
    pair = Pair(office, tmp_path)
    made = office.add_branch("north")
    with office.store.write() as connection:
        for table, column in ((branch, branch.c.id), (branch_cursor, branch_cursor.c.branch_id)):
            connection.execute(update(table).where(column == made.id).values({column.name: branch_id}))
    number_feed(office.store, office.clock.now_us())
    session = HqSession(branch_id, 0)
    said = []
    for encoded in recorded["messages"]:
        session.receive_message(decode_branch_message(base64.b64decode(encoded)), 0)
        while commands := session.commands():
            for command in commands:
                if isinstance(command, core.OpenSession):
                    opened = pair.gateway.open(command.hello, office.clock.now_us())
                    session.record_opened(command.hello, opened.known, opened.decision, office.clock.now_us())
                elif isinstance(command, core.Send):
                    said.append(command.message)
                elif isinstance(command, core.MergeBatch):
                    merged = office.merge_raw(branch_id, command.batch, command.fence)
                    session.record_merged(merged.ack)
                else:
                    assert isinstance(command, core.StoreGoodbye | core.Finish | core.ReadFeed), command
    (welcome,) = [message for message in said if isinstance(message, Welcome)]
    assert welcome.resume is ResumeMode.INCREMENTAL
    assert [message.acknowledged.seq for message in said if isinstance(message, Ack)][-1] == recorded["head_seq"]
    assert office.rows(select(func.count(), func.sum(sale.c.net_minor))) == [(3, 150)]
    assert office.rows(select(client.c.name)) == [("Мария",)]
    assert [row.reason for row in office.rows(select(parked_entry))] == ["unknown_kind"]
