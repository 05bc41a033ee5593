"""What both programs do with records. The caller owns the transaction; nothing here commits."""
