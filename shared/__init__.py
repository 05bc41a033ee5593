"""What both programs share: the domain, the sync core, the wire codec, the tables and the reports."""

__version__ = "0.1.0"
