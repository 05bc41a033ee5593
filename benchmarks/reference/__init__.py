"""What synchronisation is measured against.

The bare pipeline for ingest: journal rows → gRPC with mTLS → COPY to staging → merge → ack. The bare exchange for
centralized sales (`commits`): a till's intent → gRPC with mTLS → one transaction for all that wait → the till's rows.

They do what any such thing must and nothing else: no hashes, no dedup by command, no facts or cards, no rollups, no
feed, no parking. One row is one small protobuf message, serialised beforehand.
"""
