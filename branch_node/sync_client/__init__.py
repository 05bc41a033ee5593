"""The gRPC shell of a branch: moves bytes between the head office, the session core and the store. Decides nothing."""
