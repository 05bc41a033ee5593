"""Tests in a real browser: pages as people see and use them."""
