"""The simulator: the production cores and stores of a small chain under every fault that the protocol must survive."""
