"""What only a branch does: join a chain, sell, open and close a shift."""
