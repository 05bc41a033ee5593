"""Protobuf ↔ domain, and the only place that touches generated code.

`payloads` and `cards` turn records into bytes, `entries` puts them into journal entries, `exchange` and `enrolment`
carry the messages of the two services, `methods` names their remote procedures.
"""
