"""What the two command lines have in common: global options, output for people and programs, errors as one sentence."""
