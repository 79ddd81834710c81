"""Language models: they generate text and score sentences."""
