"""The head office program: merges what the branches did and reports on the whole chain."""
