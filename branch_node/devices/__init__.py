"""What stands on the counter: printers, the drawer, payment terminals, fiscal devices; each with a simulator."""
