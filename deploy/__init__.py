"""What it takes to run a chain: the demo on one machine, and examples for real ones."""
