r"""What a run says of itself: to the terminal, as JSON, as a table of every error."""
