"""The branch program: a store, a till and a client base that work with no network."""
