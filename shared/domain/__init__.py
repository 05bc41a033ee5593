"""The business as pure data and rules: no database, no network, no clock."""
