"""The protocol's definition files and the command that turns them into shared/wire/generated."""
