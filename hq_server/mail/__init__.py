"""Speaking with mail servers and webhooks: letters, a mailbox, alerts. The rules are in operations."""
