"""Speaking with mail servers: sending what waits by SMTP, reading a mailbox by IMAP. The rules are in operations."""
