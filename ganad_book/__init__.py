"""What the book's chapters import, and what runs them: figures, tables, the grid of the reproduction, the command line."""
