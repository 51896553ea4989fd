"""glacierkeep keeps a person's files in Amazon Glacier for decades."""

__version__ = "0.1.0"
