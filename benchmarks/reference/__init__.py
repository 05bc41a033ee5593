"""The bare pipeline that ingest is measured against: journal rows → gRPC with mTLS → COPY to staging → merge → ack.

It does what any such pipeline must and nothing else: no hashes, no dedup by command, no facts or cards, no rollups, no
feed, no parking. One row is one small protobuf message, serialised beforehand.
"""
