"""The pipeline's client: `python -m benchmarks.reference.client PORT FOLDER JOURNAL BATCH` sends a whole journal."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import grpc
from sqlcipher3 import dbapi2

from benchmarks.reference.messages import PUSH, join_rows, messages
from shared.certificates import SERVER_NAME

IN_FLIGHT = 4


async def _main(port: str, folder: Path, journal: str, batch: int) -> None:
    credentials = grpc.ssl_channel_credentials(
        (folder / "authority.crt").read_bytes(),
        (folder / "branch.key").read_bytes(),
        (folder / "branch.crt").read_bytes(),
    )
    options = (("grpc.ssl_target_name_override", SERVER_NAME), ("grpc.max_send_message_length", 16_000_000))
    cursor = dbapi2.connect(journal).cursor()
    places = asyncio.Semaphore(IN_FLIGHT)
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options) as channel:
        call: Any = channel.stream_stream(PUSH)()

        async def hear() -> None:
            while (data := await call.read()) is not grpc.aio.EOF:
                messages().Done.FromString(data)
                places.release()

        hearing = asyncio.create_task(hear())
        last = 0
        while True:
            statement = "SELECT position, data FROM journal WHERE position > ? ORDER BY position LIMIT ?"
            rows = cursor.execute(statement, (last, batch)).fetchall()
            if not rows:
                break
            last = rows[-1][0]
            await places.acquire()
            await call.write(join_rows([row[1] for row in rows], last))
        await call.done_writing()
        await hearing


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
