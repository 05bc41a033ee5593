"""What only the head office does: found a chain, enrol and revoke branches, edit the catalogue."""
