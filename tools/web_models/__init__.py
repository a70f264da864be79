"""Trained networks for programs that know no Keras: the pages of the book, which run them in plain JavaScript."""
