"""What makes the book's pages from its chapters."""
