"""How the record tables came to be, a module a step, called by the programs' migrations. Not edited once released."""
