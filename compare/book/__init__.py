r"""The learning reference: a static site in which every formula, number and figure is made by running the code."""
