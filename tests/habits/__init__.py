"""What a Keras user would write, tried on every model: one table of habits, and the page that shows it."""
