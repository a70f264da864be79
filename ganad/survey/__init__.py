"""The reproduction: what is run, what came out, and what was published."""
