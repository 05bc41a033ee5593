"""The gRPC shell of the head office: moves bytes between branches, the session core and the store. Decides nothing."""
