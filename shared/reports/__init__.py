"""Measures and reports, defined once and run by both programs over the same tables."""
