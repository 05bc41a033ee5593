"""A whole chain on one machine, on real receipts: the head office and several branches as real processes."""
