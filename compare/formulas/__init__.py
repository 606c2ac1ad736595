r"""The formulas as stated: a third, independent statement of each, in arithmetic that knows its own error."""
